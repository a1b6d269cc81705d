import { cancelDeliveries, recoverDeliveries } from '../../api/deliveries/bulk-actions.ts';
import { ApiError } from '../../api/errors.ts';
import { isoTime } from '../../api/parameters.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { type CancelableStatus, RECOVERABLE, type RecoverableStatus } from '../../domain/delivery/bulk.ts';
import { within } from '../../within.ts';
import { type Filters, spanOf } from '../deliveries/delivery-filters.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { planAllows } from '../parts/plan-notice.tsx';
import { exactly } from '../parts/wording.ts';
import { t } from '../words/words.tsx';

/** How long a page waits to be told how many match: it is shown without the number then. */
const COUNT_WITHIN_MS = 1_500;

/** What can be done with all deliveries that fit some filters. */
export type Matching = { what: 'retry' | 'cancel'; count: number | null };

/** As the API selects them. */
export interface MatchingBody {
  since: string;
  until?: string;
  event?: string;
}

export function matchingBody(filters: Filters, nowMs: number): MatchingBody {
  const { from = 0, to } = spanOf(filters, nowMs);
  const { event } = filters;
  return { since: isoTime(from), ...(to !== undefined && { until: isoTime(to) }), ...(event && { event }) };
}

/** What can be done with all that fit: one status is to be chosen, and nothing that the API does not select by. */
export function whatOf({ status, q, response, minAttempts }: Filters): 'retry' | 'cancel' | null {
  if (status === undefined || [q, response, minAttempts].some((chosen) => chosen !== undefined)) return null;
  return isRecoverable(status) ? 'retry' : 'cancel';
}

export function isRecoverable(status: string | undefined): status is RecoverableStatus {
  return (RECOVERABLE as readonly (string | undefined)[]).includes(status);
}

/** The same with how many deliveries it would be; not of what was delivered: that is most of a log, and the page that asks about it counts. */
export async function matchingOf(visit: Visit, webhookId: string, filters: Filters): Promise<Matching | null> {
  const what = whatOf(filters);
  if (what === null || !visit.can('write')) return null;
  return { what, count: filters.status === 'delivered' ? null : await countOf(visit, webhookId, filters) };
}

/** How many deliveries it would be; null where that takes too long, or cannot be told. */
export async function countOf(visit: Visit, webhookId: string, filters: Filters): Promise<number | null> {
  const body = { ...matchingBody(filters, visit.nowMs), dryRun: true };
  const params = { webhookId };
  const { status } = filters;
  const counting = isRecoverable(status)
    ? visit.call(recoverDeliveries, { params, body: { ...body, status: [status] } })
    : visit.call(cancelDeliveries, { params, body: { ...body, status: [status as CancelableStatus] } });
  try {
    return (await within(COUNT_WITHIN_MS, counting)).count;
  } catch (error) {
    if (error instanceof ApiError && error.code !== 'outbox_unavailable') throw error;
    return null;
  }
}

interface Props {
  webhook: WebhookRow;
  visit: Visit;
  filters: Filters;
  matching: Matching;
}

/** The button below the filters. What arrived already, and what is not to be sent any more, is asked about once more. */
export function MatchingActions({ webhook, visit, filters, matching }: Props) {
  if (matching.count === 0) return null;
  const count = matching.count === null ? '' : ` (${exactly(matching.count)})`;
  const query = new URLSearchParams(filters);
  if (matching.what === 'cancel')
    return <Ask path={paths.webhook(webhook.id, `deliveries/cancel-all?${query}`)} text={`${t('bulk.cancelAll')}${count}`} />;
  if (!planAllows(visit)) return null;
  if (!webhook.enabled) return <p class="matching hint">{t('bulk.resumeFirst')}</p>;
  if (filters.status === 'delivered')
    return <Ask path={paths.webhook(webhook.id, `deliveries/retry-all?${query}`)} text={`${t('bulk.sendAllAgain')}${count}`} />;
  return (
    <form class="matching" method="post" action={paths.webhook(webhook.id, 'deliveries/retry-all')}>
      <Kept filters={filters} />
      <button type="submit" class="primary" data-busy={t('attention.retrying')}>
        {t('bulk.retryAll')}
        {count}
      </button>
      <span class="hint">{t('bulk.oldestFirst')}</span>
    </form>
  );
}

function Ask({ path, text }: { path: string; text: string }) {
  return (
    <p class="matching">
      <a class="button" href={path}>
        {text}
      </a>
    </p>
  );
}

/** The filters, in a form. */
export function Kept({ filters }: { filters: Filters }) {
  return (
    <>
      {Object.entries(filters).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
    </>
  );
}
