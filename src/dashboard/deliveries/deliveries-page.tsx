import { listDeliveries } from '../../api/deliveries/deliveries.ts';
import { ApiError } from '../../api/errors.ts';
import { listEventTypes } from '../../api/events/event-types.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { Banners } from '../attention/banners.tsx';
import { outlookOf } from '../attention/outlook.ts';
import { MatchingActions, matchingOf } from '../bulk/matching.tsx';
import { LIVE_HEADER } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { clockOf } from '../parts/clock.ts';
import { type Hold, Time } from '../parts/time.tsx';
import { unlessUnreachable } from '../webhook/overview-page.tsx';
import { holdOf, webhookOf, webhookPage } from '../webhook/webhook-page.tsx';
import { rich, t } from '../words/words.tsx';
import { apiQuery, dayProblems, type Filters, filtersFrom, isStatus } from './delivery-filters.ts';
import { DeliveryTable, type ListedDelivery } from './delivery-table.tsx';
import { ExportLinks } from './export.tsx';
import { FilterForm, QuickRanges } from './filter-form.tsx';
import { listPath } from './neighbours.tsx';

const PAGE_SIZE = 25;

interface Found {
  data: ListedDelivery[];
  nextCursor: string | null;
  searchedSince?: string;
  keptSince?: string;
}

/** `GET <webhook>/deliveries`: the log, filtered and page by page. */
export async function showDeliveries(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const filters = filtersFrom((name) => c.req.query(name), clockOf(c).zone);
  const problems = dayProblems(filters);
  const cursor = c.req.query('cursor');
  // Who brings the list up to date has the buttons, with their numbers, already.
  const isLive = c.req.header(LIVE_HEADER) !== undefined;
  const canBeDone = problems.size === 0 && isStatus(filters.status) && cursor === undefined && !isLive;
  const [search, types, outlook, matching] = await Promise.all([
    problems.size > 0 ? { found: null, problem: null } : findDeliveries(visit, webhook.id, filters, cursor),
    visit.callGeneral(listEventTypes),
    outlookOf(c, webhook),
    canBeDone ? matchingOf(visit, webhook.id, filters).catch(() => null) : null,
  ]);
  const isNothing = search.found?.data.length === 0 && search.found.nextCursor === null;
  const events = types.eventTypes.map(({ name }) => name);
  return await webhookPage(
    c,
    { webhook, tab: 'deliveries', title: t('deliveries.title'), outlook },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
      <FilterForm webhook={webhook} filters={filters} events={events} problems={problems} problem={search.problem} nowMs={visit.nowMs} />
      <div class="section-head">
        <QuickRanges webhook={webhook} filters={filters} />
        {search.found && !isNothing && <ExportLinks webhook={webhook} filters={filters} />}
      </div>
      {matching && !search.problem && !isNothing && (
        <MatchingActions webhook={webhook} visit={visit} filters={filters} matching={matching} />
      )}
      <section aria-label={t('deliveries.title')} class="card table-card" id="deliveries" data-live={cursor === undefined ? '' : undefined}>
        {search.found ? (
          <Results
            found={search.found}
            webhook={webhook}
            hold={holdOf(webhook, visit)}
            filters={filters}
            cursor={cursor}
            nowMs={visit.nowMs}
            timeoutMs={visit.settings.deliveryTimeoutMs}
          />
        ) : (
          <p class="notice">{search.problem || problems.size > 0 ? t('deliveries.correctFilter') : t('deliveries.unavailable')}</p>
        )}
      </section>
    </>,
  );
}

/** A page of the list. A wrong filter is said beside the filters. */
async function findDeliveries(
  visit: Visit,
  webhookId: string,
  filters: Filters,
  cursor: string | undefined,
): Promise<{ found: Found | null; problem: string | null }> {
  try {
    const query = { ...apiQuery(filters, visit.nowMs), limit: String(PAGE_SIZE), cursor };
    const found = await unlessUnreachable(visit.call(listDeliveries, { params: { webhookId }, query }));
    return { found, problem: null };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'validation_failed') throw error;
    return { found: null, problem: error.message };
  }
}

interface ResultsProps {
  found: Found;
  webhook: WebhookRow;
  filters: Filters;
  hold: Hold;
  cursor: string | undefined;
  nowMs: number;
  timeoutMs: number;
}

function Results({ found, webhook, filters, cursor, ...shown }: ResultsProps) {
  const { data, nextCursor, searchedSince, keptSince } = found;
  const at = (more: Record<string, string>) => listPath(webhook.id, { ...filters, ...more });
  return (
    <>
      {data.length > 0 && <DeliveryTable deliveries={data} filters={filters} {...shown} />}
      {data.length === 0 && <p class="notice">{emptyText(filters, nextCursor)}</p>}
      {keptSince && <p class="notice hint">{rich('deliveries.notKept', { time: <Time at={keptSince} /> })}</p>}
      {(cursor !== undefined || nextCursor || filters.q !== undefined) && (
        <nav class="pager" aria-label={t('deliveries.pages')}>
          {nextCursor && searchedSince && filters.q !== undefined && (
            <span>{rich('search.lookedBack', { time: <Time at={searchedSince} /> })}</span>
          )}
          {filters.q !== undefined && <a href={`${paths.search}?${new URLSearchParams({ q: filters.q })}`}>{t('search.heading')}</a>}
          {cursor !== undefined && <a href={at({})}>{t('deliveries.newest')}</a>}
          {nextCursor && <a href={at({ cursor: nextCursor })}>{t('deliveries.older')}</a>}
        </nav>
      )}
    </>
  );
}

/** A filtered page reads a bounded part of the log: it can be empty and go on. */
function emptyText(filters: Filters, nextCursor: string | null): string {
  if (nextCursor) return t('deliveries.nothingSoFar');
  return Object.keys(filters).length > 0 ? t('deliveries.noMatch') : t('deliveries.noneYet');
}
