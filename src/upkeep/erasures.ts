import { type Database, databaseOf, withoutParameters } from '../db/client.ts';
import { dropErasuresBefore, type ErasureRow, listUnfinishedErasures, listUnfinishedWebhooks, saveParkedProgress } from '../db/erasures.ts';
import { deleteParkedMessage, findParkedMessage, listParkedAfter, replaceParkedMessage } from '../db/parked-messages.ts';
import { openSecret } from '../db/secret-box.ts';
import type { ErasureRequest } from '../domain/erasure.ts';
import { decodeEventMessage, type EventMessage, encodeEventMessage } from '../domain/event/event-message.ts';
import { PersonMatcher } from '../domain/event/person.ts';
import { DAY_MS } from '../domain/text/day.ts';
import { logError } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { callOutboxes } from './outbox-calls.ts';
import { sweepNumber } from './sweep-number.ts';

/** Erasures that one sweep sees to, the oldest first. */
const MAX_ERASURES = 10;
/** Of so many that are not done. */
const MAX_UNFINISHED = 1_000;
/** Parked messages that it looks at for one of them. Each takes one of the 1,000 queries that D1 takes an invocation. */
const MAX_PARKED = 20;

/** For so long those that are done are listed; and the sweeps between two that drop what is older, and how many they drop. */
const KEPT_MS = 400 * DAY_MS;
const DROP_EVERY = 60;
const MAX_DROPPED = 1_000;

const decoder = new TextDecoder();

/** As much of an erasure as it takes to go on with it. */
type Erasure = Pick<ErasureRow, 'id' | 'organizationId' | 'field' | 'value' | 'requestedAt' | 'parkedAfter'>;

/** Sees to erasures that are not done: the outboxes that have not come to their end are asked (again), and parked messages looked through. */
export async function advanceErasures(env: Env, now: number): Promise<void> {
  const unfinished = await listUnfinishedErasures(databaseOf(env.DB), MAX_UNFINISHED);
  // Each sweep begins with others: those that cannot go on do not keep the rest from their turn.
  const first = (sweepNumber(now) * MAX_ERASURES) % Math.max(1, unfinished.length);
  const inTurn = [...unfinished.slice(first), ...unfinished.slice(0, first)].slice(0, MAX_ERASURES);
  for (const erasure of inTurn) {
    try {
      await advanceErasure(env, erasure, now);
    } catch (error) {
      logError('erasure.not_advanced', withoutParameters(error), { erasure: erasure.id });
    }
  }
  if (sweepNumber(now) % DROP_EVERY === 0) await dropErasuresBefore(databaseOf(env.DB), now - KEPT_MS, MAX_DROPPED);
}

/** The same of one. Its outboxes know what they have been asked already. */
export async function advanceErasure(env: Env, erasure: Erasure, now: number): Promise<void> {
  const { id, organizationId, field, value: sealed, requestedAt, parkedAfter } = erasure;
  if (sealed === null) return;
  const value = await openSecret(settingsOf(env).masterKeys, id, sealed);
  const request: ErasureRequest = { id, field, value, requestedAt };
  const outboxes = await listUnfinishedWebhooks(databaseOf(env.DB), id);
  await callOutboxes(
    'outbox.person_not_erased',
    outboxes,
    async ({ webhookId }) => await env.OUTBOX.getByName(webhookId).erasePerson(request),
  );
  const reached = parkedAfter === null ? null : await eraseParked(env, organizationId, request, parkedAfter);
  await saveParkedProgress(databaseOf(env.DB), id, reached, now);
}

/** Takes a person's events out of some parked messages, from after one of them. @returns how far it has come; null: to their end */
async function eraseParked(env: Env, organizationId: string, request: ErasureRequest, after: string): Promise<string | null> {
  const db = databaseOf(env.DB);
  const ids = await listParkedAfter(db, after, MAX_PARKED);
  const matcher = new PersonMatcher([request]);
  for (const id of ids) while (!(await eraseFrom(db, id, organizationId, request, matcher)));
  return ids.length < MAX_PARKED ? null : (ids.at(-1) ?? null);
}

/** The same of one. False where another erasure has changed it meanwhile: it is looked at once more. */
async function eraseFrom(
  db: Database,
  id: string,
  organizationId: string,
  { requestedAt }: ErasureRequest,
  matcher: PersonMatcher<ErasureRequest>,
): Promise<boolean> {
  const parked = await findParkedMessage(db, id);
  const message = parked && readable(parked.body);
  if (!message || message.acceptedAt > requestedAt) return true;
  const events = message.events.filter(({ payload }) => !isOf(matcher, organizationId, payload));
  if (events.length === message.events.length) return true;
  if (events.length > 0) return await replaceParkedMessage(db, id, parked.body, encodeEventMessage({ ...message, events }));
  await deleteParkedMessage(db, id);
  return true;
}

/** A message of events; null: it is none, and nobody's. */
function readable(body: Uint8Array): EventMessage | null {
  try {
    return decodeEventMessage(body);
  } catch {
    return null;
  }
}

function isOf(matcher: PersonMatcher<ErasureRequest>, organizationId: string, payload: Uint8Array): boolean {
  try {
    const { event, organization_id: owner } = JSON.parse(decoder.decode(payload)) as { event: string; organization_id: string };
    return owner === organizationId && matcher.matching(event, payload).length > 0;
  } catch {
    return false;
  }
}
