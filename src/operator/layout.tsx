import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import { LIVE_HEADER } from '../dashboard/frame/page.tsx';
import { PageAssets, PageStatus } from '../dashboard/frame/page-assets.tsx';
import { KeyHelp, LiveStatus, ZoneNote } from '../dashboard/frame/page-state.tsx';
import type { PageContext } from '../dashboard/frame/visit.ts';
import { ClockContext, clockOf, useClock } from '../dashboard/parts/clock.ts';
import { t } from '../dashboard/words/words.tsx';
import { VERSION } from '../version.ts';
import { paths } from './paths.ts';
import type { OperatorContext } from './session.ts';

const PARTS = [
  ['Us or them?', paths.overview],
  ['Organizations', paths.organizations],
  ['Parked messages', paths.parked],
  ['Settings and secrets', paths.settings],
  ['Runbook', paths.runbook()],
] as const;

interface PageOptions {
  title: string;
  status?: 200 | 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 503;
  /** What was just done. */
  done?: string;
}

/** Answers with a page for operators. It has the dashboard's look and script, and English texts of its own. */
export async function page(c: OperatorContext, { title, status = 200, done }: PageOptions, content: Child): Promise<Response> {
  const clock = clockOf(c as unknown as PageContext);
  const isLive = c.req.header(LIVE_HEADER) !== undefined;
  const shown = (
    <ClockContext.Provider value={clock}>{isLive ? <main>{content}</main> : frame(c, title, done, content)}</ClockContext.Provider>
  );
  return await c.html(isLive ? shown : html`<!doctype html>${shown}`, status);
}

function frame(c: OperatorContext, title: string, done: string | undefined, content: Child) {
  const isSignedIn = c.get('operator') !== undefined;
  return (
    <Frame title={title} isSignedIn={isSignedIn} path={c.req.path}>
      {done !== undefined && (
        <p class="banner done" role="status">
          {done}
        </p>
      )}
      {content}
    </Frame>
  );
}

function Frame({ title, isSignedIn, path, children }: { title: string; isSignedIn: boolean; path: string; children?: Child }) {
  return (
    <html lang="en" data-zone={useClock().zone}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · Operating webhooks`}</title>
        <PageAssets />
      </head>
      <body class="operator">
        <a class="skip" href="#main">
          {t('layout.skip')}
        </a>
        <header class="top">
          <a class="brand" href={paths.overview}>
            <span class="brand-mark" aria-hidden="true" />
            Operating webhooks
          </a>
          {isSignedIn && (
            <form method="post" action={paths.signOut}>
              <button type="submit" class="plain">
                Sign out
              </button>
            </form>
          )}
        </header>
        <PageStatus />
        <main id="main">
          <div class="above">
            <LiveStatus />
          </div>
          {isSignedIn && <Parts path={path} />}
          {children}
        </main>
        <footer class="foot">
          <ZoneNote />
          <p>Version {VERSION}</p>
        </footer>
        <KeyHelp />
      </body>
    </html>
  );
}

function Parts({ path }: { path: string }) {
  return (
    <nav class="tabs" aria-label="Parts">
      {PARTS.map(([name, href]) => {
        const isHere = href === paths.overview ? path === href : path.startsWith(href);
        return (
          <a href={href} aria-current={isHere ? 'page' : undefined}>
            {name}
          </a>
        );
      })}
    </nav>
  );
}
