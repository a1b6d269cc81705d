import { eventQueues } from '../consumer/event-queues.ts';
import { withoutParameters } from '../db/client.ts';
import { countParked, countSizes } from '../db/platform-state.ts';
import type { QueueState, Sample, Waiting } from '../domain/service/figures.ts';
import { logError } from '../log.ts';
import { gatheredOf } from '../meter/gathered.ts';
import { meterOf } from '../meter/meter-object.ts';
import { secretsInForce } from '../meter/secrets.ts';
import { settingsOf } from '../settings.ts';
import { within } from '../within.ts';
import { sweepNumber } from './sweep-number.ts';

/** How long the database, the queues and the outboxes may take to be part of a sample. */
const DATABASE_TIMEOUT_MS = 10_000;
const QUEUE_TIMEOUT_MS = 3_000;
const OUTBOXES_TIMEOUT_MS = 30_000;
const METER_TIMEOUT_MS = 5_000;
/** The sweeps between two that count organizations and webhooks, each a row that is read, and look which secrets are in force. */
const SWEEPS_AN_HOUR = 60;

/** Has the Meter keep what there is to be seen of the service in this minute. What cannot be had is missing: it is not made up. */
export async function takeSample(env: Env, now: number, busy: Promise<Waiting>): Promise<void> {
  const [database, queues, waiting] = await Promise.all([
    askDatabase(env, now),
    stateOfQueues(env),
    seen('outboxes', OUTBOXES_TIMEOUT_MS, busy),
  ]);
  const sample: Sample = { at: now, ...database, queues, waiting };
  await within(METER_TIMEOUT_MS, meterOf(env).sample(sample, gatheredOf(env).take()));
  if (isHour(now)) await within(METER_TIMEOUT_MS, seeSecrets(env, now));
}

const isHour = (now: number): boolean => sweepNumber(now) % SWEEPS_AN_HOUR === 0;

/** Has the Meter remember since when the deployment's secrets are in force. */
async function seeSecrets(env: Env, now: number): Promise<void> {
  const secrets = await secretsInForce(settingsOf(env));
  const keys = secrets.map(({ key }) => key);
  await meterOf(env).see(keys, now);
}

async function askDatabase(env: Env, now: number): Promise<Pick<Sample, 'databaseMs' | 'parked' | 'sizes'>> {
  const startedAt = Date.now();
  const parked = await seen('database', DATABASE_TIMEOUT_MS, countParked(env.DB));
  if (parked === null) return { databaseMs: null, parked: null, sizes: null };
  const databaseMs = Date.now() - startedAt;
  return { databaseMs, parked, sizes: isHour(now) ? await seen('sizes', DATABASE_TIMEOUT_MS, countSizes(env.DB)) : null };
}

/** What waits in each queue, by the name of its binding. */
export async function stateOfQueues(env: Env): Promise<Record<string, QueueState | null>> {
  const queues: [name: string, queue: Queue][] = [...eventQueues(env), ['DEAD_LETTERS', env.DEAD_LETTERS]];
  const states = await Promise.all(
    queues.map(async ([name, queue]) => [name, await seen(name, QUEUE_TIMEOUT_MS, stateOf(queue))] as const),
  );
  return Object.fromEntries(states);
}

async function stateOf(queue: Queue): Promise<QueueState> {
  const { backlogCount, backlogBytes, oldestMessageTimestamp } = await queue.metrics();
  // The local runtime has an oldest message of 1970 where there is none.
  const oldestAt = oldestMessageTimestamp?.getTime() || null;
  return { messages: backlogCount, bytes: backlogBytes, oldestAt };
}

/** Null: it could not be had in time, which is said. */
async function seen<T>(what: string, timeoutMs: number, look: Promise<T>): Promise<T | null> {
  try {
    return await within(timeoutMs, look);
  } catch (error) {
    logError('sample.incomplete', withoutParameters(error), { what });
    return null;
  }
}
