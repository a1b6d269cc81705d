import { WorkerEntrypoint } from 'cloudflare:workers';
import { ApiError, invalid, toApiError } from './api/errors.ts';
import { type AcceptedEvents, acceptEvents, checkIdempotencyKey } from './api/events/events.ts';
import { MAX_EVENTS_BYTES } from './domain/event/event.ts';
import { mintId } from './domain/ids.ts';
import { inJurisdiction } from './jurisdiction.ts';
import { gatheredOf } from './meter/gathered.ts';

/** An event, or an array of them: as values, or as JSON text or its bytes, which are then passed on exactly. */
export type PostedEvents = object | readonly object[] | string | Uint8Array;

export interface PostOptions {
  /** 1 to 255 printable ASCII characters: as the header `Idempotency-Key`. */
  idempotencyKey?: string;
}

/** A refusal as another Worker gets it: what the body of the HTTP answer says, its status, and when to come back. */
export interface PostRefusal {
  code: string;
  message: string;
  details: Record<string, unknown>;
  status: number;
  /** Seconds; null: not before something else is changed. */
  retryAfterSeconds: number | null;
}

const encoder = new TextEncoder();

/**
 * For Workers of the same account, over a service binding with `entrypoint = "Producer"`: posts events without HTTP and without a key, since only
 * who deploys to the account can bind it. Rules, answers and errors are those of `POST /api/v1/events`.
 */
export class Producer extends WorkerEntrypoint<Env> {
  /**
   * Accepts an event (`{ id }`) or up to 100 (`{ ids }`), all or nothing: durably queued when it returns. It throws an Error with `code`, `message`,
   * `details`, `status` and `retryAfterSeconds` (PostRefusal) for what HTTP refuses.
   */
  async post(events: PostedEvents, { idempotencyKey }: PostOptions = {}): Promise<AcceptedEvents> {
    const nowMs = Date.now();
    const env = inJurisdiction(this.env);
    const waitUntil = (work: Promise<unknown>) => this.ctx.waitUntil(work);
    try {
      return await acceptEvents(bytesOf(events), checkIdempotencyKey(idempotencyKey), { env, nowMs, waitUntil });
    } catch (error) {
      throw refusalOf(toApiError(error, mintId('request', nowMs), { method: 'POST', path: 'Producer.post' }));
    } finally {
      gatheredOf(env).tellSoon(env, waitUntil, nowMs);
    }
  }
}

function bytesOf(events: PostedEvents): Uint8Array {
  const bytes = events instanceof Uint8Array ? events : encoder.encode(typeof events === 'string' ? events : jsonOf(events));
  if (bytes.length <= MAX_EVENTS_BYTES) return bytes;
  throw new ApiError('payload_too_large', `The events have ${bytes.length} bytes as JSON; at most ${MAX_EVENTS_BYTES} are taken.`);
}

function jsonOf(events: object): string {
  try {
    return JSON.stringify(events);
  } catch {
    throw invalid([{ field: '', message: 'What was posted has no JSON.' }]);
  }
}

/**
 * An Error with fields of its own: they travel with it to the other Worker, where its compatibility date is 2026-04-21 or later. With an earlier one it gets
 * the name and the message alone, as one text: `unknown_event_type: There is no …`.
 */
function refusalOf({ code, message, details, status, retryAfterSeconds }: ApiError): Error & PostRefusal {
  return Object.assign(new Error(message), { name: code, code, details, status, retryAfterSeconds });
}
