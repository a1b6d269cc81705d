import { databaseOf } from '../db/client.ts';
import { listErasureHashes } from '../db/erasures.ts';
import { hashOfPerson } from '../domain/erasure.ts';
import type { EventMessage, QueuedEvent } from '../domain/event/event-message.ts';
import { textsAt } from '../domain/rules/path.ts';
import { settingsOf } from '../settings.ts';

/** Erasures that a message is held against at most: the latest of its organizations. */
const MAX_ERASURES = 5_000;

const decoder = new TextDecoder();

/**
 * A queue message without the events of people who have been erased since it was accepted; null where none is left. For what is parked, and for
 * what is taken out of there again: outboxes know for themselves what comes late.
 */
export async function withoutErased(env: Env, message: EventMessage): Promise<EventMessage | null> {
  const owners = [...new Set(message.events.flatMap(({ payload }) => ownerOf(parsed(payload)) ?? []))];
  const erasures = await listErasureHashes(databaseOf(env.DB), owners, message.acceptedAt, MAX_ERASURES);
  if (erasures.length === 0) return message;
  const { masterKeys } = settingsOf(env);
  const hashes = new Set(erasures.map(({ organizationId, field, hash }) => `${organizationId}\n${field}\n${hash}`));
  const fields = [...new Set(erasures.map(({ field }) => field))];
  const isErased = ({ payload }: QueuedEvent): boolean => {
    const event = parsed(payload);
    const owner = ownerOf(event);
    const source = decoder.decode(payload);
    const forms = (field: string) =>
      textsAt(event, field, source).flatMap((text) => masterKeys.map((key) => hashOfPerson(key, field, text)));
    return fields.some((field) => forms(field).some((hash) => hashes.has(`${owner}\n${field}\n${hash}`)));
  };
  const events = message.events.filter((event) => !isErased(event));
  return events.length === 0 ? null : { ...message, events };
}

function ownerOf(event: unknown): string | null {
  const owner = (event as { organization_id?: unknown } | null)?.organization_id;
  return typeof owner === 'string' ? owner : null;
}

/** What cannot be read is nobody's. */
function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch {
    return null;
  }
}
