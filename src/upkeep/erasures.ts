import { databaseOf } from '../db/client.ts';
import { type ErasureRow, listUnfinishedErasures, listUnfinishedWebhooks, saveParkedProgress } from '../db/erasures.ts';
import { deleteParkedMessage, findParkedMessage, listParkedAfter, replaceParkedMessage } from '../db/parked-messages.ts';
import { openSecret } from '../db/secret-box.ts';
import type { ErasureRequest } from '../domain/erasure.ts';
import { decodeEventMessage, type EventMessage, encodeEventMessage } from '../domain/event-message.ts';
import { PersonMatcher } from '../domain/person.ts';
import { settingsOf } from '../settings.ts';
import { callOutboxes } from './outbox-calls.ts';

/** Erasures that one sweep sees to, the oldest first. */
const MAX_ERASURES = 10;
/** Parked messages that it looks at for one of them. Each takes one of the 1,000 queries that D1 takes an invocation. */
const MAX_PARKED = 20;

const decoder = new TextDecoder();

/** Sees to erasures that are not done: the outboxes that have not come to their end are asked (again), and parked messages looked through. */
export async function advanceErasures(env: Env, now: number): Promise<void> {
  const unfinished = await listUnfinishedErasures(databaseOf(env.DB), MAX_ERASURES);
  for (const erasure of unfinished) await advanceErasure(env, erasure, now);
}

/** The same of one. Its outboxes know what they have been asked already. */
export async function advanceErasure(
  env: Env,
  { id, organizationId, field, value: sealed, requestedAt, parkedAfter }: ErasureRow,
  now: number,
): Promise<void> {
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
  for (const id of ids) {
    const parked = await findParkedMessage(db, id);
    const message = parked && readable(parked.body);
    if (!message || message.acceptedAt > request.requestedAt) continue;
    const events = message.events.filter(({ payload }) => !isOf(matcher, organizationId, payload));
    if (events.length === message.events.length) continue;
    if (events.length === 0) await deleteParkedMessage(db, id);
    else await replaceParkedMessage(db, id, encodeEventMessage({ ...message, events }));
  }
  return ids.length < MAX_PARKED ? null : (ids.at(-1) ?? null);
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
