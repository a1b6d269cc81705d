import type { WebhookActivity } from '../../api/webhooks/webhook-list.ts';
import { causeBadge } from '../attention/failure-words.ts';
import { Sparkline } from '../charts/sparkline.tsx';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { ConditionBadge } from '../parts/condition.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { count, percent, STATUS_WORDS } from '../parts/wording.ts';
import { WebhookUrl } from '../webhook/webhook-url.tsx';
import { t } from '../words/words.tsx';
import type { Listed } from './listed.ts';

/** How much of a URL a row has room for, in characters. */
const MOST_OF_URL = 40;

/** The webhooks in their order; on a phone two lines each. */
export function WebhookTable({ listed, visit }: { listed: readonly Listed[]; visit: Visit }) {
  return (
    <table class="stacking webhooks">
      <thead>
        <tr>
          <th scope="col">{t('list.webhook')}</th>
          <th scope="col" class="w17">
            {t('list.state')}
          </th>
          <th scope="col" class="w17">
            {t('list.day')}
          </th>
          <th scope="col" class="number w13">
            {t('list.success')}
          </th>
          <th scope="col" class="number w10">
            {t('list.waiting')}
          </th>
          <th scope="col" class="w13">
            {t('list.last')}
          </th>
        </tr>
      </thead>
      <tbody>
        {listed.map((one) => (
          <WebhookRow one={one} visit={visit} />
        ))}
      </tbody>
    </table>
  );
}

function WebhookRow({ one, visit }: { one: Listed; visit: Visit }) {
  const { webhook, name, activity, condition, lastFailure, waiting, twins } = one;
  const statistics = activity?.statistics;
  const isFailing = condition === 'failing' || condition === 'open';
  return (
    <tr id={webhook.id}>
      <th scope="row" class="endpoint">
        <a href={paths.webhook(webhook.id)}>{name}</a>
        <span class="hint">
          <WebhookUrl url={webhook.url} visit={visit} most={MOST_OF_URL} />
        </span>
        <EventNames names={webhook.events} />
        {twins.length > 0 && <span class="hint">{t('list.sameUrl', { names: twins.join(', ') })}</span>}
      </th>
      <td data-label={t('list.state')} class="standing">
        <ConditionBadge condition={condition} word={isFailing && lastFailure ? causeBadge(lastFailure.cause) : undefined} />
      </td>
      <td data-label={t('list.day')} class="past-day">
        {statistics ? (
          <DayOfDeliveries webhookId={webhook.id} statistics={statistics} />
        ) : (
          <span class="hint">{t('list.unavailable')}</span>
        )}
      </td>
      <td data-label={t('list.success')} class="number">
        {statistics ? successWords(statistics.totals.successRate, statistics.waiting) : '–'}
      </td>
      <td data-label={t('list.waiting')} class={waiting ? 'number' : 'number blank'}>
        {waiting === null ? '–' : count(waiting)}
      </td>
      <td data-label={t('list.last')}>
        <LastDelivery activity={activity ?? null} nowMs={visit.nowMs} />
      </td>
    </tr>
  );
}

/** A share of nothing is not known: what waits is why. */
export function successWords(successRate: number | null, waiting: number): string {
  return successRate === null && waiting > 0 ? t('list.successWaiting', { count: count(waiting) }) : percent(successRate);
}

/** When it came, and what became of it where it did not arrive: of a webhook that is paused nothing was sent. */
function LastDelivery({ activity, nowMs }: { activity: WebhookActivity | null; nowMs: number }) {
  if (!activity) return <>–</>;
  if (!activity.lastDelivery) return <>{t('list.noneYet')}</>;
  const { status, createdAt } = activity.lastDelivery;
  return (
    <span class="last-delivery">
      <RelativeTime at={createdAt} nowMs={nowMs} />
      {status !== 'delivered' && <span class="hint">{STATUS_WORDS[status]}</span>}
    </span>
  );
}

interface DayProps {
  webhookId: string;
  statistics: NonNullable<WebhookActivity['statistics']>;
}

/** What failed is told of though the endpoint does well: single records that it rejects are no outage. */
function DayOfDeliveries({ webhookId, statistics }: DayProps) {
  const { delivered, failed } = statistics.totals;
  return (
    <span class="day">
      <Sparkline statistics={statistics} />
      <span>{count(delivered + failed)}</span>
      {failed > 0 && (
        <a href={`${paths.webhook(webhookId, 'deliveries')}?status=failed`}>{t('list.dayFailed', { count: count(failed) })}</a>
      )}
    </span>
  );
}

/** The first few of a webhook's events; the rest as a number. */
export function EventNames({ names, most = 2 }: { names: readonly string[]; most?: number }) {
  const shown = names.slice(0, most);
  return (
    <span class="tags">
      {shown.map((name) => (
        <span class="tag">{name === '*' ? t('list.allEvents') : name}</span>
      ))}
      {names.length > shown.length && <span class="hint">{t('list.moreEvents', { count: names.length - shown.length })}</span>}
    </span>
  );
}
