import { dropEntriesBefore, dropSurplusEntries } from '../db/audit-log.ts';
import { databaseOf, withoutParameters } from '../db/client.ts';
import { dropExpired } from '../db/dashboard-sessions.ts';
import {
  clearBusy,
  clearErasures,
  listBusy,
  listErasures,
  listInTurn,
  markAllBusy,
  moveBusyToEnd,
  moveErasuresToEnd,
} from '../db/outboxes.ts';
import { dropOldUse } from '../db/usage.ts';
import { AUDIT_RETENTION_MS } from '../domain/access/audit-log.ts';
import { type Waiting, type WaitingOutbox, waitingOf } from '../domain/service/figures.ts';
import { dayOf } from '../domain/text/day.ts';
import { firstOpenDay } from '../domain/usage.ts';
import { logError } from '../log.ts';
import { gatheredOf } from '../meter/gathered.ts';
import type { PokedOutbox } from '../outbox/outbox.ts';
import { settingsOf } from '../settings.ts';
import { dropAbandoned } from '../transfer/staging.ts';
import { collectUse } from '../usage/collecting.ts';
import { eraseFormerSecrets } from './ended-overlaps.ts';
import { advanceErasures } from './erasures.ts';
import { callOutboxes } from './outbox-calls.ts';
import { resealSecrets } from './resealing.ts';
import { takeSample } from './sampling.ts';
import { sweepNumber } from './sweep-number.ts';

/** Outboxes that one sweep pokes because they are busy, and as many that it erases. The others have their turn in the next minutes. */
const MAX_OUTBOXES = 1_500;

/** The sweeps in which each webhook's outbox has a turn, marked or not: a day's. */
export const TURNS = 1_440;

/**
 * Outboxes that one sweep asks because it is their turn, whether anything waits, and what was used: 4.3 million webhooks a day, which are more than
 * 1 GB of D1's 10. All that a sweep calls must stay below 10,000 subrequests (Workers).
 */
const MAX_IN_TURN = 3_000;

/** The sweeps between two that look for what reads a table whole: sessions and links that have expired, audit logs that are too long. */
const EXPIRED_EVERY = 60;
/** Most sessions, and links, that one of these drops; most entries that are too many in one audit log. */
const MAX_EXPIRED = 10_000;
const MAX_SURPLUS = 40_000;

/** Most entries of audit logs that one sweep drops because their time is over. */
const MAX_OLD_ENTRIES = 1_000;

/**
 * A deleted webhook's outbox is erased once more this long after the deletion: until then a consumer may bring
 * deliveries by a configuration of seconds ago, or an attempt that was running may end.
 */
const ERASE_AGAIN_AFTER_MS = 120_000;

/**
 * The cron's work, every minute. It pokes the outboxes in which deliveries wait, in case the platform has lost their alarms, and
 * erases those of deleted webhooks, and former secrets whose overlap has ended. While the master key is rotated it seals secrets anew. Once
 * an hour it drops sessions and links that have expired, since whoever does not come back does not do it, imports that broke off, and what is too much of an audit log;
 * what is too old in one, every minute. And it tells the Meter what it has seen of the service.
 *
 * D1 takes 1,000 queries an invocation. So each part lists, calls, and then notes what came of all its calls in one or two
 * statements: 20 together, whatever the number of outboxes; of the use that these tell of three for each 5,000 days, 63 at most where deliveries are kept for 30; those of the resealing
 * and of ended overlaps: one a webhook; one for each audit log that is too long; and of erasures 45 each, of ten.
 */
export async function sweep(env: Env, now: number, maxOutboxes = MAX_OUTBOXES): Promise<void> {
  const busy = pokeBusy(env, now, maxOutboxes);
  await Promise.all([
    part('busy', busy),
    part('sample', takeSample(env, now, busy)),
    part('in_turn', pokeInTurn(env, now)),
    part('usage', collectUsage(env, now)),
    part('erasures', eraseDeleted(env, now, maxOutboxes)),
    part('secrets', resealSecrets(env, now)),
    part('overlaps', eraseFormerSecrets(env, now)),
    part('people', advanceErasures(env, now)),
    part('expired', dropExpiredInTurn(env, now)),
    part('audit_log', dropAuditEntries(env, now)),
  ]);
}

/** A part that fails does not end the invocation, which would cut the others off. The next minute's sweep does it again. */
async function part(name: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    logError('sweep.failed', withoutParameters(error), { part: name });
  }
}

async function pokeBusy(env: Env, now: number, limit: number): Promise<Waiting> {
  const busy = await listBusy(env.DB, limit);
  const { answered, failed } = await callOutboxes('outbox.not_poked', busy, ({ webhookId }) => poke(env, webhookId));
  const [waiting, idle] = [answered.filter(({ answer }) => answer.waits), answered.filter(({ answer }) => !answer.waits)];
  await clearBusy(env.DB, outboxesOf(idle));
  // There may be more than one sweep takes: those that stay busy, and those that do not answer, let the others pass.
  if (busy.length === limit) await moveBusyToEnd(env.DB, [...outboxesOf(waiting), ...failed], now);
  return waitingOf(waiting.flatMap(({ answer }) => answer.waiting ?? []));
}

/**
 * Nobody would find an outbox that could not tell D1 that it is busy, and whose alarm was lost as well. So the cron asks each one
 * once a day, and marks it if something waits there.
 */
async function pokeInTurn(env: Env, now: number): Promise<void> {
  const inTurn = await listInTurn(env.DB, sweepNumber(now), TURNS, MAX_IN_TURN);
  const { answered } = await callOutboxes('outbox.not_poked', inTurn, ({ webhookId }) => poke(env, webhookId));
  await markAllBusy(env.DB, idsOf(outboxesOf(answered.filter(({ answer }) => answer.waits))), now);
}

/** Takes what outboxes have counted as used, each once a day in its turn: what is asked for meanwhile they are asked for themselves. */
async function collectUsage(env: Env, now: number): Promise<void> {
  await collectUse(env, await listInTurn(env.DB, sweepNumber(now), TURNS, MAX_IN_TURN), now);
  if (sweepNumber(now) % EXPIRED_EVERY === 0) await dropOldUse(env.DB, dayOf(now), firstOpenDay(now, settingsOf(env).retentionMs));
}

async function eraseDeleted(env: Env, now: number, limit: number): Promise<void> {
  const before = now - ERASE_AGAIN_AFTER_MS;
  const erasures = await listErasures(env.DB, before, limit);
  const { answered, failed } = await callOutboxes('outbox.not_erased', erasures, async ({ webhookId }) => {
    await env.OUTBOX.getByName(webhookId).erase();
  });
  await clearErasures(env.DB, idsOf(outboxesOf(answered)));
  // As if they had only just fallen due: the next sweep tries them again, after those that it has not reached yet.
  await moveErasuresToEnd(env.DB, idsOf(failed), before);
}

async function dropExpiredInTurn(env: Env, now: number): Promise<void> {
  if (sweepNumber(now) % EXPIRED_EVERY !== 0) return;
  await dropExpired(databaseOf(env.DB), now, MAX_EXPIRED);
  await dropAbandoned(env.DB, now);
}

async function dropAuditEntries(env: Env, now: number): Promise<void> {
  const db = databaseOf(env.DB);
  await dropEntriesBefore(db, now - AUDIT_RETENTION_MS, MAX_OLD_ENTRIES);
  if (sweepNumber(now) % EXPIRED_EVERY === 0) await dropSurplusEntries(db, MAX_SURPLUS);
}

/** Whether anything waits there, and what, as far as the outbox says so. What has ended there is told with what this isolate counts. */
async function poke(env: Env, webhookId: string): Promise<{ waits: boolean; waiting: WaitingOutbox | null }> {
  // An outbox of the version before, which can still answer during a deploy, says no more than whether anything waits.
  const answer: PokedOutbox | boolean = await env.OUTBOX.getByName(webhookId).poke();
  if (typeof answer === 'boolean') return { waits: answer, waiting: null };
  gatheredOf(env).add(answer);
  return { waits: answer.waiting !== null, waiting: answer.waiting };
}

const outboxesOf = <T>(answered: readonly { outbox: T }[]): T[] => answered.map(({ outbox }) => outbox);
const idsOf = (outboxes: readonly { webhookId: string }[]): string[] => outboxes.map(({ webhookId }) => webhookId);
