import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import { documentationOf } from '../../docs/about-page.ts';
import { settingsOf } from '../../settings.ts';
import { ClockContext, clockOf } from '../parts/clock.ts';
import { LanguageChoice } from '../words/chosen-language.tsx';
import { t } from '../words/words.tsx';
import { type Flash, takeFlash } from './flash.ts';
import { type Crumb, Layout } from './layout.tsx';
import { paths } from './paths.ts';
import type { PageContext } from './visit.ts';

/** What the script sends with its requests for what is new on a page. */
export const LIVE_HEADER = 'X-Live';

interface PageOptions {
  title: string;
  crumbs?: readonly Crumb[];
  /** Said instead of what may have been left for the page. */
  flash?: Flash;
  status?: 200 | 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 503;
}

export const rootCrumb: Crumb = {
  get name() {
    return t('layout.webhooks');
  },
  path: paths.list,
};

/** Answers with a page; the script that looks for what is new gets its content alone, and leaves the message for whoever comes to read it. */
export async function page(c: PageContext, { title, crumbs, flash: said, status = 200 }: PageOptions, content: Child): Promise<Response> {
  const clock = clockOf(c);
  if (c.req.header(LIVE_HEADER) !== undefined) {
    const fresh = (
      <ClockContext.Provider value={clock}>
        <main>{content}</main>
      </ClockContext.Provider>
    );
    return await c.html(fresh, status);
  }
  const visit = c.get('visit') ?? null;
  const flash = said ?? (visit && (await takeFlash(c)));
  const layout = (
    <ClockContext.Provider value={clock}>
      <Layout
        title={title}
        dashboard={settingsOf(c.env).dashboard}
        visit={visit}
        crumbs={crumbs}
        flash={flash}
        foot={
          <>
            <a href={documentationOf(c.req.path)}>{t('layout.documentation')}</a>
            <LanguageChoice c={c} />
          </>
        }
      >
        {content}
      </Layout>
    </ClockContext.Provider>
  );
  return await c.html(html`<!doctype html>${layout}`, status);
}
