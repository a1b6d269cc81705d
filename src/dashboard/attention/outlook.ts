import { listRecoveries } from '../../api/deliveries/bulk-actions.ts';
import { outboxOf, statusOf } from '../../api/deliveries/outboxes.ts';
import { isoTimeOrNull } from '../../api/parameters.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import type { LastFailure } from '../../domain/delivery/failure.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import type { OutboxStatus } from '../../outbox/outbox.ts';
import { within } from '../../within.ts';
import type { PageContext } from '../frame/visit.ts';
import { unlessUnreachable } from '../webhook/overview-page.tsx';

/** How long a page waits to be told how many deliveries an outage has cost: it is shown without the number then. */
const COUNT_WITHIN_MS = 1_500;
/** For how long an outage that is over is told of. */
const TOLD_FOR_MS = 7 * DAY_MS;

/** An outage, and what it has cost. Times are milliseconds since the epoch. */
export interface ToldOutage {
  since: number;
  /** Null: it goes on. */
  until: number | null;
  /** What it has cost was accepted from then on. */
  acceptedFrom: number;
  /** Deliveries of it that have failed for good and can be retried; null where they could not be counted in time. */
  failed: number | null;
}

/** What a banner needs to say what is wrong, and what happens next. */
export interface Outlook {
  nextProbeAt: string | null;
  /** When a delivery last arrived, milliseconds since the epoch; null: none has; undefined where that is not known. */
  lastDeliveredAt: number | null | undefined;
  /** Deliveries that have not ended; null where they could not be counted. */
  waiting: number | null;
  /** The recovery that goes on, if one does. */
  recovering: { count: number | null; recovered: number; requestedAt: string } | null;
  /** The attempt that failed last, while attempts fail. */
  lastFailure: LastFailure | null;
  /** The outage that goes on, or one that was over lately; null: there is none. */
  outage: ToldOutage | null;
}

/** What happens next with a webhook, as far as its outbox says. */
export async function outlookOf(c: PageContext, webhook: WebhookRow): Promise<Outlook> {
  const visit = c.get('visit');
  const [status, list] = await Promise.all([
    statusOf(c.env, webhook.id),
    unlessUnreachable(visit.call(listRecoveries, { params: { webhookId: webhook.id } })),
  ]);
  return {
    nextProbeAt: webhook.health === 'open' ? isoTimeOrNull(status?.nextProbeAt ?? null) : null,
    lastDeliveredAt: status?.lastDeliveredAt,
    waiting: null,
    recovering: list?.recoveries.find(({ finishedAt }) => finishedAt === null) ?? null,
    lastFailure: status?.lastFailure ?? null,
    outage: await toldOutage(c.env, webhook.id, status, visit.nowMs),
  };
}

/** The outage that a page tells of, with what it has cost: one that is over is told of while there is something to retry. */
export async function toldOutage(env: Env, webhookId: string, status: OutboxStatus | null, nowMs: number): Promise<ToldOutage | null> {
  const outage = status?.outage;
  if (!outage || (outage.until !== null && outage.until < nowMs - TOLD_FOR_MS)) return null;
  const failed = await failedIn(env, webhookId, outage, nowMs);
  return outage.until !== null && failed === 0 ? null : { ...outage, failed };
}

async function failedIn(
  env: Env,
  webhookId: string,
  { acceptedFrom, until }: Pick<ToldOutage, 'acceptedFrom' | 'until'>,
  nowMs: number,
): Promise<number | null> {
  // The end of the span is not part of it.
  const selection = { since: acceptedFrom, until: (until ?? nowMs) + 1, statuses: ['failed'] as const };
  try {
    const counting: Promise<number | null> = outboxOf(env, webhookId).countRecovery(selection);
    return await within(COUNT_WITHIN_MS, counting);
  } catch {
    // That it cannot be reached is said elsewhere on the page.
    return null;
  }
}
