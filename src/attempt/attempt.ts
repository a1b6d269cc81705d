import type { Mask } from '../domain/access/mask.ts';
import type { AttemptRecord, AttemptTrigger } from '../domain/delivery/delivery.ts';
import { describeEdgeAnswer } from '../domain/delivery/edge-answer.ts';
import { describeFailure, describeStatus, isSuccess, keptBody, keptHeaders } from '../domain/delivery/outcome.ts';
import { parseRetryAfter } from '../domain/delivery/retry-schedule.ts';
import { isTestEvent } from '../domain/ids.ts';
import { bullseyeSignature, type SigningKeys, standardSignature } from '../domain/webhook/signature.ts';
import { VERSION } from '../version.ts';
import type { OwnHeaders } from './own-headers.ts';

/** How much of a response body is read, and kept. */
export const MAX_RESPONSE_BODY_BYTES = 16_000;

/** One attempt to make: everything that the POST is made of. */
export interface AttemptRequest {
  url: string;
  /** Keys of the secrets that sign, in the order of `webhook-signature`; empty where the webhook has no secret. */
  keys: readonly SigningKeys[];
  /** The one among them that `X-Bullseye-Signature` is made with: of the oldest secret, which a receiver that knows only one has. */
  oldestKey: SigningKeys | undefined;
  deliveryId: string;
  eventId: string;
  event: string;
  payload: Uint8Array;
  number: number;
  trigger: AttemptTrigger;
  /** Headers of the webhook's owner; absent where there are none. */
  own?: OwnHeaders;
}

/** An attempt that ended, and what the endpoint asked for. */
export interface AttemptResult {
  record: AttemptRecord;
  /** From `Retry-After` on a 429 or 503; milliseconds. */
  retryAfterMs: number | null;
}

/** What an attempt needs of the world. */
export interface AttemptDeps {
  fetch(url: string, init: RequestInit): Promise<Response>;
  now(): number;
  /** How long the response's headers may take. */
  timeoutMs: number;
}

/** How long a response's body may take once its headers are here: it is read for the log alone, and holds a slot. */
const BODY_TIMEOUT_MS = 5_000;
/** That of an acknowledgement: should its object vanish until it is on record, the delivery is made again. */
const ACKNOWLEDGED_BODY_TIMEOUT_MS = 500;
/** What else there is to do before an attempt is on record. */
const MARGIN_MS = 10_000;

/** Within this an attempt has ended and is on record. @param timeoutMs how long its response's headers may take */
export function longestAttemptMs(timeoutMs: number): number {
  return timeoutMs + BODY_TIMEOUT_MS + MARGIN_MS;
}

/**
 * The platform did not let the request out. Workers: so many subrequests are allowed an invocation, and an object's are topped up by
 * incoming calls only. A fault of ours, and none of the endpoint's.
 */
const REFUSED_BY_PLATFORM = /too many subrequests|exceeded the number of active timeouts/i;

/** Whether an error says that the platform let nothing out. */
export function isRefusedByPlatform(error: unknown): boolean {
  return error instanceof Error && REFUSED_BY_PLATFORM.test(error.message);
}

/**
 * Makes one signed POST and tells how it went: a failed attempt is data. It throws only where the platform let nothing out. The
 * caller holds a connection slot already (Workers: six connections waiting for headers an invocation, the seventh waits), so that the
 * timeout counts from when the request is really sent.
 */
export async function makeAttempt(request: AttemptRequest, deps: AttemptDeps): Promise<AttemptResult> {
  const startedAt = deps.now();
  const requestHeaders = { ...(await headersOf(request, startedAt)), ...request.own?.masked };
  const record: AttemptRecord = { ...unanswered(request, startedAt), requestHeaders };
  const timeout = new Timeout(deps.timeoutMs);
  try {
    const response = await fetched(request, record, timeout.signal, deps);
    if (!response) return { record, retryAfterMs: null };
    timeout.restart(isSuccess(response.status) ? ACKNOWLEDGED_BODY_TIMEOUT_MS : BODY_TIMEOUT_MS);
    return await answered(record, response, deps.now(), request.own?.mask);
  } finally {
    timeout.stop();
  }
}

/** The response, as soon as its headers are here; null where none came, and the record says why. */
async function fetched(
  request: AttemptRequest,
  record: AttemptRecord,
  signal: AbortSignal,
  { fetch, now, timeoutMs }: AttemptDeps,
): Promise<Response | null> {
  try {
    const headers = { ...record.requestHeaders, ...request.own?.values };
    return await fetch(request.url, { method: 'POST', headers, body: request.payload, redirect: 'manual', signal });
  } catch (error) {
    if (isRefusedByPlatform(error)) throw error;
    record.durationMs = now() - record.startedAt;
    const words = describeFailure(error, timeoutMs);
    // The runtime may quote a header that it does not take.
    record.error = request.own?.mask.text(words, true) ?? words;
    return null;
  }
}

/** The record of an attempt whose response's headers are here. @param mask what hides the values of own headers that the endpoint repeats */
async function answered(record: AttemptRecord, response: Response, now: number, mask?: Mask): Promise<AttemptResult> {
  const { status, headers } = response;
  // The headers decide; the body is read for the log only.
  record.durationMs = now - record.startedAt;
  record.outcome = isSuccess(status) ? 'succeeded' : 'failed';
  record.responseStatus = status;
  record.responseHeaders = keptHeaders(headers, mask);
  await keepBody(record, response, mask);
  record.error = describeEdgeAnswer(status, record.responseHeaders, record.responseBody ?? '') ?? describeStatus(status, headers);
  const asksToWait = status === 429 || status === 503;
  return { record, retryAfterMs: asksToWait ? parseRetryAfter(headers.get('retry-after'), now) : null };
}

/**
 * Aborts a request after a time. `AbortSignal.timeout` cannot be stopped: its timer counts among the 10,000 that an object may have
 * at a time, and keeps the object awake, and billed, for as long as it runs.
 */
class Timeout {
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout>;

  constructor(timeoutMs: number) {
    this.#timer = this.#start(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  restart(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(timeoutMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#abort.abort(new DOMException('No answer in time', 'TimeoutError')), timeoutMs);
  }
}

/** An attempt that failed before anything was sent: the URL is not one that deliveries go to. */
export function refusedAttempt(request: AttemptRequest, reason: string, now: number): AttemptResult {
  return { record: { ...unanswered(request, now), durationMs: 0, error: reason }, retryAfterMs: null };
}

/** An attempt whose outcome nobody learned: whoever made it died. @param url null where not even that is known any more */
export function interruptedAttempt(number: number, trigger: AttemptTrigger, startedAt: number, url: string | null = null): AttemptRecord {
  const error = 'The attempt was interrupted by a fault of the service; whether the endpoint received it is not known';
  return { ...unanswered({ number, trigger, url }, startedAt), outcome: 'interrupted', error };
}

function unanswered({ number, trigger, url }: Pick<AttemptRecord, 'number' | 'trigger' | 'url'>, startedAt: number): AttemptRecord {
  return {
    number,
    trigger,
    startedAt,
    url,
    durationMs: null,
    outcome: 'failed',
    requestHeaders: {},
    responseStatus: null,
    responseHeaders: null,
    responseBody: null,
    responseBodyEncoding: null,
    responseBodyTruncated: false,
    error: null,
  };
}

async function headersOf(request: AttemptRequest, startedAt: number): Promise<Record<string, string>> {
  const timestamp = Math.floor(startedAt / 1_000);
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'User-Agent': `Bullseye-Webhooks/${VERSION}`,
    'X-Bullseye-Event': request.event,
    'X-Bullseye-Delivery': request.deliveryId,
    'X-Bullseye-Attempt': String(request.number),
    'webhook-id': request.eventId,
    'webhook-timestamp': String(timestamp),
  };
  if (isTestEvent(request.eventId)) headers['X-Bullseye-Test'] = 'true';
  if (request.oldestKey) {
    headers['X-Bullseye-Signature'] = await bullseyeSignature(request.oldestKey, request.payload);
    headers['webhook-signature'] = await standardSignature(request.keys, request.eventId, timestamp, request.payload);
  }
  return headers;
}

/** Reads the response's body into the record, within a bound of size and of time; what fails here changes no outcome. */
async function keepBody(record: AttemptRecord, response: Response, mask?: Mask): Promise<void> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const declaredBytes = declaredLength(response.headers);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    // What was declared is all that comes: most responses are read to their end in one step.
    while (length !== declaredBytes && !record.responseBodyTruncated) {
      const { done, value } = await reader.read();
      if (done) break;
      const room = MAX_RESPONSE_BODY_BYTES - length;
      record.responseBodyTruncated = value.length > room;
      chunks.push(value.subarray(0, room));
      length += Math.min(value.length, room);
    }
  } catch {
    // The connection broke, or the time was over, in the middle of the body.
    record.responseBodyTruncated = true;
  }
  // Not awaited: a hostile endpoint could make closing slow. An error in it concerns nobody.
  if (length !== declaredBytes) reader.cancel().catch(() => {});
  const bytes = joined(chunks, length);
  const kept = keptBody(mask?.bytes(bytes, record.responseBodyTruncated) ?? bytes, record.responseBodyTruncated);
  record.responseBody = kept.text;
  record.responseBodyEncoding = kept.encoding;
}

/** How many bytes the body's wire form has, where the endpoint says so and the runtime passes them on as they are; else null. */
function declaredLength(headers: Headers): number | null {
  const declared = headers.get('content-length');
  if (declared === null || headers.has('content-encoding')) return null;
  return /^\d{1,15}$/.test(declared) ? Number(declared) : null;
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
