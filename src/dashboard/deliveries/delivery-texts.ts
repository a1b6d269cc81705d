import type { AttemptRecord } from '../../domain/delivery/delivery.ts';
import { urlWithoutSecrets } from '../../domain/endpoint/shown-url.ts';
import { answerInWords } from '../../domain/event/operational-event.ts';
import { curlCommand } from '../parts/curl.ts';
import { layOutJson } from '../parts/json-layout.ts';
import { type Excerpt, Room } from '../parts/room.ts';
import { failureText } from '../words/attempt-words.ts';

/** What the texts of a delivery's page may take, of 500 kB that the page may have. The rest is for 50 attempts' markup. */
const ROOM_BYTES = 330_000;
/** Of which the payload takes at most so much to be read, and so much again to be copied. */
const PAYLOAD_BYTES = 120_000;
/** What was accepted, where it is not what is sent. */
const ACCEPTED_BYTES = 60_000;
/** What an attempt takes at most of each of its parts, so that one leaves something to the others. */
const BODY_BYTES = 60_000;
const ERROR_BYTES = 3_000;
/** The markup around a header. */
const HEADER_BYTES = 40;

/** Headers to be shown: `left` of them have no room. */
export interface ShownHeaders {
  entries: [name: string, value: string][];
  left: number;
}

export interface AttemptTexts {
  /** Where it went. Null: it is not known, or there is no room. */
  url: string | null;
  error: string | null;
  body: Excerpt | null;
  responseHeaders: ShownHeaders | null;
  requestHeaders: ShownHeaders;
  /** Null: there is no payload any more, nobody knows where it went, or there is no room. */
  curl: string | null;
  /** Whether something of it is not shown. */
  isCut: boolean;
}

export interface DeliveryTexts {
  /** Null: it was erased, or could not be rendered. */
  payload: Excerpt | null;
  /** The payload as it is, to copy. */
  payloadCopy: string | null;
  /** The event as it was accepted; null: that is the payload, or it was erased. */
  accepted: Excerpt | null;
  /** In the order of the attempts. */
  attempts: AttemptTexts[];
}

type Attempt = Pick<AttemptRecord, 'url' | 'error' | 'requestHeaders' | 'responseHeaders' | 'responseBody' | 'responseBodyEncoding'>;

/**
 * What a page shows of a delivery's texts, whatever their size: the payload first, then the attempts, the newest first.
 * @param mayWrite whether it is for somebody who may change webhooks. Others do not see what it takes to post to the endpoint.
 */
export function textsOf(
  delivery: { payload: string | null; acceptedPayload: string | null; attempts: readonly Attempt[] },
  mayWrite = true,
): DeliveryTexts {
  const room = new Room(ROOM_BYTES);
  const { payload, acceptedPayload } = delivery;
  const shown = payload === null ? null : room.take(layOutJson(payload, PAYLOAD_BYTES), PAYLOAD_BYTES);
  const payloadCopy = payload === null ? null : room.takeWhole(payload, PAYLOAD_BYTES);
  const accepted = acceptedPayload === null ? null : room.take(layOutJson(acceptedPayload, ACCEPTED_BYTES), ACCEPTED_BYTES);
  const attempts = [...delivery.attempts].reverse().map((attempt) => {
    return mayWrite ? textsOfAttempt(attempt, payload, room) : textsOfAttempt(forReaders(attempt), null, room);
  });
  return { payload: shown, payloadCopy, accepted, attempts: attempts.reverse() };
}

/** Without the secret parts of its URL. */
function forReaders<T extends Attempt>(attempt: T): T {
  if (!attempt.url) return attempt;
  return { ...attempt, url: urlWithoutSecrets(attempt.url), error: answerInWords(attempt.error, attempt.url) };
}

function textsOfAttempt(attempt: Attempt, payload: string | null, room: Room): AttemptTexts {
  const url = attempt.url ? room.takeWhole(attempt.url) : null;
  const error = attempt.error === null ? null : room.take(failureText(attempt.error), ERROR_BYTES);
  const body = attempt.responseBody === null ? null : room.take(readable(attempt, room), BODY_BYTES);
  const responseHeaders = attempt.responseHeaders && headersIn(attempt.responseHeaders, room);
  const requestHeaders = headersIn(attempt.requestHeaders, room);
  const curl = curlIn(attempt, payload, room);
  const isCut = Boolean((attempt.url && url === null) || error?.isCut || body?.isCut || responseHeaders?.left || requestHeaders.left);
  return { url, error: error?.text ?? null, body, responseHeaders, requestHeaders, curl, isCut };
}

function readable({ responseBody, responseBodyEncoding }: Attempt, room: Room): string {
  const text = responseBody ?? '';
  return responseBodyEncoding === 'base64' || room.left === 0 ? text : layOutJson(text, Math.min(room.left, BODY_BYTES));
}

function headersIn(headers: Readonly<Record<string, string>>, room: Room): ShownHeaders {
  const all = Object.entries(headers);
  const entries: [string, string][] = [];
  for (const [name, value] of all) {
    if (!room.takeBytes(HEADER_BYTES) || room.takeWhole(name) === null || room.takeWhole(value) === null) break;
    entries.push([name, value]);
  }
  return { entries, left: all.length - entries.length };
}

function curlIn({ url, requestHeaders }: Attempt, payload: string | null, room: Room): string | null {
  // Before it is put together: that there is no room for the payload alone is known.
  if (!url || payload === null || payload.length > room.left) return null;
  return room.takeWhole(curlCommand(url, requestHeaders, payload));
}
