import type { WebhookEvents } from './generated/api.ts';

/*
 * Verifies deliveries of Bullseye Webhooks, with WebCrypto alone: Node, Deno, Bun, Workers, browsers. Two families of headers sign a delivery. Those of
 * Standard Webhooks count where they are there, since they say when the attempt was made; `X-Bullseye-Signature` signs the body alone.
 */

/** What a webhook receives, told apart by `event`. What an event has beyond this passes through. */
export type WebhookEvent = { [Name in keyof WebhookEvents]: WebhookEvents[Name] & { event: Name } }[keyof WebhookEvents];

export type { WebhookEvents };

/** Headers as whoever serves the request has them: `request.headers` of Fetch or of Node. Names count without regard to case. */
export type DeliveryHeaders =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Delivery {
  /** The body exactly as it came. A body that was parsed and written again has other bytes, and does not verify. */
  body: string | ArrayBuffer | Uint8Array;
  headers: DeliveryHeaders;
  /** The webhook's secret; several where it is being rotated, or where endpoints share a receiver. */
  secrets: string | readonly string[];
  /** How far `webhook-timestamp` may be from this machine's clock. 300 where nothing is said. */
  toleranceSeconds?: number;
  /**
   * Refuses deliveries that have `X-Bullseye-Signature` alone. It does not sign when the attempt was made, so that whoever has seen such a request can send
   * it again at any time.
   */
  requireTimestamp?: boolean;
}

/**
 * Why a delivery was not taken.
 * - `no_secret`: `secrets` has none, or an empty one: nothing was checked.
 * - `body_not_raw`: `body` is not text or bytes, but what something made of it.
 * - `missing_signature`: it has no signature, or what the signature is of is missing.
 * - `malformed_header`: `webhook-timestamp` is no time.
 * - `timestamp_too_old`, `timestamp_too_new`: the attempt is further from now than the tolerance.
 * - `no_matching_signature`: no secret made any of its signatures.
 * - `body_not_json`: its signature is right, and its body is not JSON.
 */
export type VerificationErrorCode =
  | 'no_secret'
  | 'body_not_raw'
  | 'missing_signature'
  | 'malformed_header'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'no_matching_signature'
  | 'body_not_json';

/** A delivery that was not taken. Answer it with a 400 or 401, and do nothing else with it. */
export class WebhookVerificationError extends Error {
  override name = 'WebhookVerificationError';
  readonly code: VerificationErrorCode;

  constructor(code: VerificationErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const TOLERANCE_SECONDS = 300;
/** Our deliveries have four at most, while secrets are being rotated. */
const MAX_SIGNATURES = 16;
const STANDARD_SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const encoder = new TextEncoder();

/** Bytes as WebCrypto takes them: in memory of their own. */
type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The event of a delivery whose signature is right and whose time is near; else it throws a WebhookVerificationError with a `code`.
 * @typeParam T what the body is, where the webhook sends another form than the event
 */
export async function verify<T = WebhookEvent>(delivery: Delivery): Promise<T> {
  const { headers, toleranceSeconds = TOLERANCE_SECONDS, requireTimestamp = false } = delivery;
  if (!(toleranceSeconds >= 0)) throw new TypeError('toleranceSeconds is a number of seconds, 0 or more');
  const body = bytesOf(delivery.body);
  const secrets = secretsOf(delivery.secrets);
  const standard = headerOf(headers, 'webhook-signature');
  const bullseye = headerOf(headers, 'x-bullseye-signature');
  if (standard !== null) {
    const [id, timestamp] = [headerOf(headers, 'webhook-id'), headerOf(headers, 'webhook-timestamp')];
    if (id === null || timestamp === null) throw refused('missing_signature', 'webhook-id or webhook-timestamp is missing');
    requireNear(timestamp, toleranceSeconds);
    await requireOne(secrets.map(standardKey), signaturesIn(standard), joined(utf8(`${id}.${timestamp}.`), body));
  } else if (bullseye !== null && !requireTimestamp) {
    const signature = /^[0-9a-f]{64}$/.test(bullseye) ? [fromHex(bullseye)] : [];
    await requireOne(
      secrets.map((secret) => utf8(secret)),
      signature,
      body,
    );
  } else {
    throw refused(
      'missing_signature',
      `${requireTimestamp ? 'webhook-signature is' : 'webhook-signature and X-Bullseye-Signature are'} missing`,
    );
  }
  return parse(body) as T;
}

function refused(code: VerificationErrorCode, message: string): WebhookVerificationError {
  return new WebhookVerificationError(code, message);
}

function bytesOf(body: unknown): Bytes {
  if (typeof body === 'string') return utf8(body);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.byteLength);
  throw refused('body_not_raw', 'The body is needed as it came, as text or bytes: nothing that was parsed of it');
}

function secretsOf(given: unknown): string[] {
  const secrets: unknown[] = [given].flat();
  // An empty key is one that everybody knows; that of an environment variable which is not set is undefined.
  if (secrets.length === 0 || secrets.some((secret) => typeof secret !== 'string' || secret === '')) {
    throw refused('no_secret', 'There is no secret to verify with, or one of them is empty');
  }
  return secrets as string[];
}

/** The value of a header; null where it is not there, or empty. */
function headerOf(headers: DeliveryHeaders, name: string): string | null {
  const { get } = headers;
  if (typeof get === 'function') return get.call(headers, name)?.trim() || null;
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name && value !== undefined) return [value].flat().join(' ').trim() || null;
  }
  return null;
}

function requireNear(timestamp: string, toleranceSeconds: number): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw refused('malformed_header', 'webhook-timestamp is not a number of seconds');
  const ageSeconds = Math.floor(Date.now() / 1_000) - Number(timestamp);
  if (ageSeconds > toleranceSeconds) throw refused('timestamp_too_old', `The attempt was made ${ageSeconds} s ago`);
  if (ageSeconds < -toleranceSeconds) throw refused('timestamp_too_new', `The attempt is ${-ageSeconds} s ahead of this machine's clock`);
}

/** The `v1` signatures of a header that may have others. */
function signaturesIn(header: string): Bytes[] {
  const values = header.split(/\s+/).slice(0, MAX_SIGNATURES);
  return values.flatMap((value) => {
    const [, base64] = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(value) ?? [];
    return base64 === undefined ? [] : [fromBase64(base64)];
  });
}

/** Refuses what no secret has signed. WebCrypto compares in constant time. */
async function requireOne(keys: readonly Bytes[], signatures: readonly Bytes[], content: Bytes): Promise<void> {
  for (const bytes of keys) {
    const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
    for (const signature of signatures) if (await crypto.subtle.verify('HMAC', key, signature, content)) return;
  }
  throw refused(
    'no_matching_signature',
    'No signature of the delivery was made with this secret, or its body is not the one that was sent',
  );
}

/** What follows `whsec_`, decoded; of any other secret its UTF-8 bytes. */
function standardKey(secret: string): Bytes {
  const base64 = STANDARD_SECRET.exec(secret)?.[1];
  try {
    if (base64 !== undefined) return fromBase64(base64);
  } catch {
    // Of a length that no base64 has.
  }
  return utf8(secret);
}

function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body));
  } catch {
    throw refused('body_not_json', 'The signature is right, but the body is not JSON');
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Bytes {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

function fromHex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
