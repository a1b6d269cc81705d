import type { Child } from 'hono/jsx';
import { listDeliveries } from '../../api/deliveries/deliveries.ts';
import { getStatistics, type ShownStatistics } from '../../api/deliveries/statistics.ts';
import { ApiError } from '../../api/errors.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { PERIOD_NAMES, type Period } from '../../domain/delivery/statistics.ts';
import { Banners } from '../attention/banners.tsx';
import { outlookOf } from '../attention/outlook.ts';
import { DeliveriesChart } from '../charts/deliveries-chart.tsx';
import { LatencyChart } from '../charts/latency-chart.tsx';
import { ResponseCodesChart } from '../charts/response-codes-chart.tsx';
import { DeliveryTable, type ListedDelivery } from '../deliveries/delivery-table.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { planAllows } from '../parts/plan-notice.tsx';
import { count, percent, took } from '../parts/wording.ts';
import { t } from '../words/words.tsx';
import { holdOf, webhookOf, webhookPage } from './webhook-page.tsx';

const RECENT_DELIVERIES = 10;

/** `GET <webhook>`: how it is doing. */
export async function showOverview(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const period = PERIOD_NAMES.find((name) => name === c.req.query('period')) ?? '24h';
  const params = { webhookId: webhook.id };
  const [statistics, deliveries, outlook] = await Promise.all([
    statisticsOf(visit, webhook.id, period),
    unlessUnreachable(visit.call(listDeliveries, { params, query: { limit: String(RECENT_DELIVERIES) } })),
    outlookOf(c, webhook),
  ]);
  return await webhookPage(
    c,
    { webhook, tab: '', title: t('overview.title'), outlook },
    <>
      <Banners webhook={webhook} visit={visit} outlook={{ ...outlook, waiting: statistics?.waiting ?? null }} />
      <section aria-labelledby="figures-title">
        <div class="section-head">
          <h2 id="figures-title">{t(`overview.last.${period}`)}</h2>
          <Periods webhook={webhook} chosen={period} />
        </div>
        <div id="figures" data-live="">
          {statistics ? <Measured statistics={statistics} webhook={webhook} /> : <p class="card notice">{t('overview.noStatistics')}</p>}
        </div>
      </section>
      <section aria-labelledby="recent-title">
        <div class="section-head">
          <h2 id="recent-title">{t('overview.recent')}</h2>
          <span class="links">
            {visit.can('write') && planAllows(visit) && <a href={paths.webhook(webhook.id, 'test-event')}>{t('overview.testOwn')}</a>}
            <a href={paths.webhook(webhook.id, 'deliveries')}>{t('overview.all')}</a>
          </span>
        </div>
        <div id="recent" data-live="" class="card table-card">
          <Recent deliveries={deliveries?.data ?? null} webhook={webhook} visit={visit} />
        </div>
      </section>
    </>,
  );
}

/** What a call answers; null where the outbox cannot be reached: the rest of a page is shown all the same. */
export async function unlessUnreachable<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'outbox_unavailable') return null;
    throw error;
  }
}

async function statisticsOf(visit: Visit, webhookId: string, period: Period) {
  return await unlessUnreachable(visit.call(getStatistics, { params: { webhookId }, query: { period } }));
}

function Periods({ webhook, chosen }: { webhook: WebhookRow; chosen: Period }) {
  return (
    <nav class="switch" aria-label={t('overview.period')}>
      {PERIOD_NAMES.map((period) => (
        <a href={`${paths.webhook(webhook.id)}?period=${period}`} aria-current={period === chosen ? 'true' : undefined}>
          {t(`overview.short.${period}`)}
          <span class="visually-hidden"> ({t(`overview.last.${period}`)})</span>
        </a>
      ))}
    </nav>
  );
}

function Measured({ statistics, webhook }: { statistics: ShownStatistics; webhook: WebhookRow }) {
  return (
    <>
      <Figures statistics={statistics} webhook={webhook} />
      <div class="charts">
        <div class="card">
          <DeliveriesChart statistics={statistics} />
        </div>
        <div class="card">
          <LatencyChart statistics={statistics} />
        </div>
        <div class="card">
          <ResponseCodesChart statistics={statistics} />
        </div>
      </div>
    </>
  );
}

function Figures({ statistics, webhook }: { statistics: ShownStatistics; webhook: WebhookRow }) {
  const { delivered, failed, discarded, filtered, repeated, successRate, latencyP50Ms, latencyP95Ms } = statistics.totals;
  const skipped = paths.webhook(webhook.id, 'skipped');
  return (
    <dl class="figures">
      <Figure name={t('overview.delivered')} value={count(delivered)} />
      <Figure
        name={t('overview.failed')}
        value={count(failed)}
        note={discarded > 0 ? t('overview.discarded', { count: count(discarded) }) : undefined}
      />
      <Figure
        name={t('overview.successRate')}
        value={percent(successRate)}
        note={successRate === null && statistics.waiting > 0 ? t('overview.waiting', { count: count(statistics.waiting) }) : undefined}
      />
      <Figure
        name={t('overview.responseTime')}
        value={took(latencyP50Ms)}
        note={latencyP95Ms === null ? undefined : t('overview.within', { duration: took(latencyP95Ms) })}
      />
      <Figure name={t('overview.waitingNow')} value={count(statistics.waiting)} />
      {(filtered > 0 || webhook.filter !== null) && (
        <Figure name={t('overview.skipped.filtered')} value={count(filtered)} note={<a href={skipped}>{t('overview.which')}</a>} />
      )}
      {(repeated > 0 || webhook.once !== null) && (
        <Figure name={t('overview.skipped.repeated')} value={count(repeated)} note={<a href={skipped}>{t('overview.which')}</a>} />
      )}
    </dl>
  );
}

/** One of the numbers of a `<dl class="figures">`. */
export function Figure({ name, value, note }: { name: string; value: string; note?: Child }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        {value}
        {note && <span class="hint">{note}</span>}
      </dd>
    </div>
  );
}

function Recent({ deliveries, webhook, visit }: { deliveries: readonly ListedDelivery[] | null; webhook: WebhookRow; visit: Visit }) {
  if (!deliveries) return <p class="notice">{t('deliveries.unavailable')}</p>;
  const { nowMs, settings } = visit;
  const shown = { hold: holdOf(webhook, visit), nowMs, timeoutMs: settings.deliveryTimeoutMs };
  if (deliveries.length > 0) return <DeliveryTable deliveries={deliveries} {...shown} />;
  return (
    <div class="notice">
      <p>{t('deliveries.noneYet')}</p>
    </div>
  );
}
