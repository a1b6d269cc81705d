import { setTimeout as wait } from 'node:timers/promises';
import type { Posted } from '../load.ts';
import { nowMs } from '../statistics.ts';
import type { LoggedDelivery, Target } from '../target.ts';

/** What the log says of the events of bad endpoints. */
export interface Account {
  accepted: number;
  delivered: number;
  waiting: number;
  failed: number;
  lost: number;
}

/** How long the log may take to account for everything. */
const LOGGED_WITHIN_MS = 30_000;

/** What the log says of every accepted event; waits until it has all of them. */
export async function accounted(
  log: NonNullable<Target['log']>,
  posted: readonly Posted[],
  badIds: ReadonlySet<string>,
): Promise<{ bad: Account; notDelivered: number }> {
  const deadline = nowMs() + LOGGED_WITHIN_MS;
  for (;;) {
    const byEvent = new Map<string, LoggedDelivery>();
    for (const id of new Set(posted.map(({ organizationId }) => organizationId))) {
      for (const delivery of await log(id)) byEvent.set(delivery.eventId, delivery);
    }
    const bad: Account = { accepted: 0, delivered: 0, waiting: 0, failed: 0, lost: 0 };
    let notDelivered = 0;
    for (const { eventId, organizationId } of posted) {
      if (eventId === null) continue;
      const delivery = byEvent.get(eventId);
      if (!badIds.has(organizationId)) notDelivered += delivery?.status === 'delivered' ? 0 : 1;
      else count(bad, delivery);
    }
    if ((bad.lost === 0 && notDelivered === 0) || nowMs() > deadline) return { bad, notDelivered };
    await wait(1_000);
  }
}

function count(account: Account, delivery: LoggedDelivery | undefined): void {
  account.accepted++;
  if (delivery?.status === 'delivered') account.delivered++;
  else if (delivery?.status === 'pending' || delivery?.status === 'retrying') account.waiting++;
  // Failed is an account of an event only where its attempts are used up, or where nothing could be made of it to be sent.
  else if (delivery?.status === 'failed' && (delivery.attemptCount >= 4 || delivery.reason === 'not_rendered')) account.failed++;
  else account.lost++;
}
