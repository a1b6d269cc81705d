import { countOfEndpoints } from '../../domain/endpoint/listen-url.ts';
import { maxWebhooks } from '../../domain/quota.ts';
import { AccountLinks } from '../account/account-links.tsx';
import { page } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { Icon } from '../parts/icons.tsx';
import { PlanNotice, planAllows } from '../parts/plan-notice.tsx';
import { SearchForm } from '../search/search-form.tsx';
import { eventsToday, QuotaNotice, quotaOf } from '../usage/quota-notice.tsx';
import { t } from '../words/words.tsx';
import { AttentionSummary } from './attention-summary.tsx';
import { FILTERED_FROM, type Listed, listedWebhooks, matching } from './listed.ts';
import { WebhookTable } from './webhook-table.tsx';

/**
 * `GET /`: the webhooks, what needs attention first. One read of D1, and one call to each outbox; one more where it tells of an outage, and one where the
 * plan has a quota of events.
 */
export async function showList(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const [listed, events] = await Promise.all([listedWebhooks(c), eventsToday(visit)]);
  return await page(
    c,
    { title: t('list.title'), crumbs: [] },
    <>
      <ListHeader visit={visit} />
      {listed.length > 0 && <SearchForm />}
      {!planAllows(visit) && <PlanNotice visit={visit} hasWebhooks={listed.length > 0} />}
      {planAllows(visit) && <QuotaNotice visit={visit} events={events} />}
      {listed.length > 0 && planAllows(visit) && <AttentionSummary listed={listed} visit={visit} />}
      {listed.length > 0 && <Found listed={listed} visit={visit} sought={c.req.query('q')?.trim() ?? ''} />}
      {listed.length === 0 && planAllows(visit) && <EmptyList visit={visit} />}
      <AccountLinks visit={visit} />
    </>,
  );
}

interface FoundProps {
  listed: readonly Listed[];
  visit: Visit;
  /** What was typed into the filter; empty: nothing. */
  sought: string;
}

/** The table, with a filter where there are many. */
function Found({ listed, visit, sought }: FoundProps) {
  const found = sought === '' ? listed : matching(listed, sought, visit);
  return (
    <>
      {listed.length >= FILTERED_FROM && <Filter sought={sought} />}
      <div class="card table-card" id="webhooks" data-live="">
        {found.length > 0 ? (
          <WebhookTable listed={found} visit={visit} />
        ) : (
          <p class="notice">
            {t('list.noMatch', { text: sought.slice(0, MAX_SOUGHT) })} <a href={paths.list}>{t('list.showAll')}</a>
          </p>
        )}
      </div>
    </>
  );
}

/** Longest text that is looked for, in characters. */
const MAX_SOUGHT = 100;

function Filter({ sought }: { sought: string }) {
  return (
    <form method="get" action={paths.list} class="list-filter">
      <label for="list-q">{t('list.filter')}</label>
      <input
        type="search"
        id="list-q"
        name="q"
        value={sought.slice(0, MAX_SOUGHT)}
        maxlength={MAX_SOUGHT}
        autocomplete="off"
        spellcheck={false}
      />
      <button type="submit">{t('list.show')}</button>
      {sought !== '' && <a href={paths.list}>{t('list.showAll')}</a>}
    </form>
  );
}

function ListHeader({ visit }: { visit: Visit }) {
  const { webhooks } = visit;
  const most = maxWebhooks(quotaOf(visit));
  const full = countOfEndpoints(webhooks) >= most;
  return (
    <div class="page-head">
      <div>
        <h1>{t('list.title')}</h1>
        <p class="lead">{t('list.lead')}</p>
      </div>
      {webhooks.length > 0 && planAllows(visit) && visit.can('write') && (
        <div class="actions">{full ? <span class="hint">{t('list.full', { count: most })}</span> : <AddWebhook />}</div>
      )}
    </div>
  );
}

function AddWebhook() {
  return (
    <a class="button primary" href={paths.create}>
      <Icon name="plus" />
      {t('list.add')}
    </a>
  );
}

function EmptyList({ visit }: { visit: Visit }) {
  return (
    <section class="card notice">
      <h2>{t('list.empty')}</h2>
      <p>{t('list.emptyHint')}</p>
      <ol class="steps">
        <li>{t('list.step1')}</li>
        <li>{t('list.step2')}</li>
        <li>{t('list.step3')}</li>
      </ol>
      {visit.can('write') ? <AddWebhook /> : <p>{t('list.readOnly')}</p>}
    </section>
  );
}
