import type { Database } from '../db/client.ts';
import { listErasures } from '../db/outboxes.ts';
import { ALL_ORGANIZATIONS, readUse } from '../db/usage.ts';
import { listWebhookIds } from '../db/webhooks.ts';
import { dayOf } from '../domain/text/day.ts';
import { type DayRange, firstOpenDay, mergedUse, type OutboxUse, type Use } from '../domain/usage.ts';
import { settingsOf } from '../settings.ts';
import { callOutboxes } from '../upkeep/outbox-calls.ts';
import { within } from '../within.ts';

/** How long an outbox may count. */
const TIMEOUT_MS = 20_000;
/** So many outboxes are asked for all organizations together; of more only what the cron has collected is told. Workers: 10,000 subrequests. */
const MAX_ASKED = 500;
/** The cron has asked each outbox once within a day after a day has ended. */
const COLLECTED_AFTER_DAYS = 2;

/**
 * The use of an organization by day, as it is now: its outboxes are asked for the days that can still change.
 * @param webhookIds all of its webhooks
 * @returns null where an outbox has more to count than one call has time for: ask again
 */
export async function readOrganizationUse(
  env: Env,
  db: Database,
  { organizationId, webhookIds, range, now }: { organizationId: string; webhookIds: readonly string[]; range: DayRange; now: number },
): Promise<Map<number, Use> | null> {
  const firstOpen = firstOpenDay(now, settingsOf(env).retentionMs);
  const asked = range.to < firstOpen ? [] : webhookIds;
  const live = await Promise.all(asked.map((id) => within(TIMEOUT_MS, env.OUTBOX.getByName(id).usage(range.from))));
  const counted = live.filter((use) => use !== null);
  return counted.length < live.length ? null : await merged(db, organizationId, range, counted, firstOpen);
}

/**
 * The use of all organizations together, and up to which day nothing of it is missing, as far as is known: an outbox that the cron could not ask
 * (usage.not_collected), or that could not tell before its erasure (outbox.use_not_told), can lack an earlier one.
 */
export interface PlatformUse {
  uses: Map<number, Use>;
  completeThrough: number;
}

/** The same of all organizations together, deleted ones included. Few outboxes are asked; of more, the cron's collection is told. */
export async function readPlatformUse(env: Env, db: Database, range: DayRange, now: number): Promise<PlatformUse> {
  const firstOpen = firstOpenDay(now, settingsOf(env).retentionMs);
  const ids = await listWebhookIds(db, MAX_ASKED + 1);
  // After the webhooks: the outbox of one that is deleted between the two is asked, or waits here.
  const isErasureDue = (await listErasures(env.DB, Number.MAX_SAFE_INTEGER, 1)).length > 0;
  const outboxes = ids.length > MAX_ASKED || range.to < firstOpen ? [] : ids.map((webhookId) => ({ webhookId }));
  const { answered } = await callOutboxes(
    'usage.not_read',
    outboxes,
    async ({ webhookId }) => await env.OUTBOX.getByName(webhookId).usage(range.from),
  );
  const live = answered.map(({ answer }) => answer).filter((use) => use !== null);
  const isWhole = live.length === ids.length && !isErasureDue;
  const completeThrough = isWhole ? dayOf(now) : dayOf(now) - COLLECTED_AFTER_DAYS;
  return { uses: await merged(db, ALL_ORGANIZATIONS, range, live, firstOpen), completeThrough };
}

/** After the outboxes were asked: what D1 is told meanwhile is in its totals, and in what it was told. */
async function merged(
  db: Database,
  organizationId: string,
  range: DayRange,
  live: readonly OutboxUse[],
  firstOpen: number,
): Promise<Map<number, Use>> {
  const sources = live.map(({ source }) => source).filter((source) => source !== null);
  const { totals, told } = await readUse(db, organizationId, range, { sources, firstOpen });
  const isWithin = ([day]: [number, Use]) => day >= range.from && day <= range.to;
  return mergedUse(
    totals,
    told,
    live.map(({ source, days }) => ({ source, days: new Map([...days].filter(isWithin)) })),
  );
}
