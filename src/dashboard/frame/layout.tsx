import type { Child } from 'hono/jsx';
import type { DashboardSettings } from '../../settings.ts';
import { useClock } from '../parts/clock.ts';
import { Copyable } from '../parts/copyable.tsx';
import { Icon } from '../parts/icons.tsx';
import { currentLanguage } from '../words/language.ts';
import { t } from '../words/words.tsx';
import type { Flash } from './flash.ts';
import { PageAssets, PageStatus } from './page-assets.tsx';
import { KeyHelp, LiveStatus, ZoneNote } from './page-state.tsx';
import { paths } from './paths.ts';
import type { Visit } from './visit.ts';

/** A step on the way to a page; the page itself has no address of its own here. */
export interface Crumb {
  name: string;
  path: string;
}

export interface LayoutProps {
  title: string;
  dashboard: DashboardSettings;
  /** Null: nobody is signed in. */
  visit: Visit | null;
  crumbs?: readonly Crumb[];
  flash?: Flash | null;
  /** Below the content. */
  foot: Child;
  children?: Child;
}

/** The frame of every page. */
export function Layout({ title, dashboard, visit, crumbs, flash, foot, children }: LayoutProps) {
  return (
    <html lang={currentLanguage()} data-zone={useClock().zone}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · ${dashboard.name}`}</title>
        <PageAssets />
      </head>
      <body>
        <a class="skip" href="#main">
          {t('layout.skip')}
        </a>
        <Top dashboard={dashboard} visit={visit} />
        <PageStatus />
        <main id="main">
          <div class="above">
            {crumbs && <Crumbs crumbs={crumbs} />}
            <LiveStatus />
          </div>
          {flash && <FlashMessage flash={flash} />}
          {children}
        </main>
        <footer class="foot">
          <ZoneNote />
          {foot}
        </footer>
        <KeyHelp />
      </body>
    </html>
  );
}

function Top({ dashboard: { name, logoUrl }, visit }: { dashboard: DashboardSettings; visit: Visit | null }) {
  return (
    <header class="top">
      <a class="brand" href={paths.list}>
        {logoUrl ? <img src={logoUrl.href} alt={name} height="24" /> : <span class="brand-mark" aria-hidden="true" />}
        {!logoUrl && name}
      </a>
      {visit && (
        <div class="account">
          <span class="organization">{visit.organization.name}</span>
          {!visit.can('write') && <span class="tag">{t('layout.readOnly')}</span>}
          <form method="post" action={paths.signOut}>
            <button type="submit" class="plain">
              {t('layout.signOut')}
            </button>
          </form>
        </div>
      )}
    </header>
  );
}

function Crumbs({ crumbs }: { crumbs: readonly Crumb[] }) {
  return (
    <nav class="crumbs" aria-label={t('layout.crumbs')}>
      <ol>
        <li>{t('layout.settings')}</li>
        <li>{t('layout.integrations')}</li>
        {crumbs.map(({ name, path }) => (
          <li>
            <a href={path}>{name}</a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

function FlashMessage({ flash: { kind, message, secret } }: { flash: Flash }) {
  return (
    <div class={`flash ${kind}`} role={kind === 'failed' ? 'alert' : 'status'}>
      <Icon name={kind === 'failed' ? 'warning' : 'check'} />
      <div>
        <p>{message}</p>
        {secret !== undefined && (
          <>
            <Copyable text={secret} label={t('layout.secret')} />
            <p class="hint">{t('layout.secretHint')}</p>
          </>
        )}
      </div>
    </div>
  );
}
