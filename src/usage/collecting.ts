import { listEventCounts, type ToldUse, tellUse } from '../db/usage.ts';
import { nearnessOf, quotaOfPlan } from '../domain/quota.ts';
import { dayOf } from '../domain/text/day.ts';
import { dayText } from '../domain/usage.ts';
import { logWarning } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { callOutboxes } from '../upkeep/outbox-calls.ts';
import { within } from '../within.ts';

/** An outbox to be asked, and whose it is. */
interface Asked {
  webhookId: string;
  organizationId: string;
}

/** How often an outbox is asked in its turn: each call goes on where the one before ended, and what it has counted is forgotten once it is idle. */
const MAX_CALLS = 6;
/** How long each may take: an outbox counts for 8 s (outbox/log/usage.ts). */
const CALL_TIMEOUT_MS = 10_000;
/** Of all outboxes of a turn so many further calls are made. Workers: 10,000 subrequests. */
const MAX_FURTHER_CALLS = 500;

/** Takes what outboxes have counted as used to D1. One that does not answer, or does not come to its end, is asked again when its turn comes. */
export async function collectUse(env: Env, outboxes: readonly Asked[], now: number): Promise<void> {
  let further = MAX_FURTHER_CALLS;
  const count = async ({ webhookId }: Asked) => {
    for (let calls = 1; calls === 1 || (calls <= MAX_CALLS && further-- > 0); calls++) {
      const use = await within(CALL_TIMEOUT_MS, env.OUTBOX.getByName(webhookId).usage());
      if (use) return use;
    }
    throw new Error('its log is long and still being counted');
  };
  const { answered } = await callOutboxes('usage.not_collected', outboxes, count, { timeoutMs: MAX_CALLS * CALL_TIMEOUT_MS });
  const told = answered
    .map(({ outbox: { organizationId }, answer }) => ({ organizationId, ...answer }))
    .filter(({ days }) => days.size > 0);
  await notingQuotas(env, told, now, async () => {
    // Once more: else all of this turn is known a day later.
    await tellUse(env.DB, told).catch(async () => await tellUse(env.DB, told));
  });
}

/**
 * Tells the log of organizations whose events have come near their quota, or reached it, with what is taken in now: once a day each. As an outbox is
 * asked once a day, it can be a day late.
 */
async function notingQuotas(env: Env, told: readonly ToldUse[], now: number, take: () => Promise<void>): Promise<void> {
  const { quotas } = settingsOf(env);
  const ids = [...new Set(told.map(({ organizationId }) => organizationId))];
  const days = { from: dayOf(now) - 1, to: dayOf(now) };
  if (ids.length === 0 || !Object.values(quotas).some(({ eventsPerDay }) => eventsPerDay !== null)) return await take();
  const place = ({ organizationId, day }: { organizationId: string; day: number }) => `${day} ${organizationId}`;
  const before = new Map((await listEventCounts(env.DB, ids, days)).map((count) => [place(count), count.events]));
  await take();
  for (const count of await listEventCounts(env.DB, ids, days)) {
    const { eventsPerDay } = quotaOfPlan(quotas, count.plan);
    const nearness = nearnessOf(count.events, eventsPerDay);
    if (nearness === null || nearness === nearnessOf(before.get(place(count)) ?? 0, eventsPerDay)) continue;
    const { organizationId: organization, events, plan } = count;
    const fields = { organization, plan, day: dayText(count.day), events, quota: eventsPerDay };
    if (nearness === 'near') logWarning('usage.quota_near', fields);
    else logWarning('usage.quota_reached', fields);
  }
}
