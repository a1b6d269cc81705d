import type { ResponseFilter } from './response-filter.ts';

/**
 * Where a delivery stands.
 * - `pending`: no attempt has ended yet; it waits in its outbox or its first attempt runs.
 * - `retrying`: an attempt failed and another is scheduled or runs.
 * - `delivered`: an attempt got a 2xx. Final.
 * - `failed`: the attempts of its schedule are used up, or the endpoint said 410, or it grew too old, or it could not be rendered. Final
 *   until recovered.
 * - `discarded`: it fell due while its webhook was disabled or its plan without webhooks, or its outbox was full, or it was canceled. Final
 *   until recovered.
 */
export const DELIVERY_STATUSES = ['pending', 'retrying', 'delivered', 'failed', 'discarded'] as const;

export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/**
 * Why a delivery ended other than delivered.
 * - `attempts_exhausted`: the last attempt of its schedule failed.
 * - `endpoint_gone`: the endpoint answered 410.
 * - `expired`: it was still undelivered 3 days after it was accepted, or a day after its schedule would have ended, where that is later.
 * - `test_failed`: it was a test, whatever its endpoint answered; a test is not retried.
 * - `webhook_disabled`, `plan_not_eligible`: it fell due while its webhook was disabled, or its plan did not include webhooks.
 * - `outbox_full`: so much waited already that it was not taken. Its payload is not kept, so that it cannot be recovered.
 * - `not_rendered`: what its webhook's owner has chosen to be sent could not be made of it; no attempt was made.
 * - `canceled`: somebody canceled it while it waited.
 * - `person_erased`: it waited while the person that it is about was erased. Its payload is gone, so that it cannot be recovered.
 */
export const DELIVERY_REASONS = [
  'attempts_exhausted',
  'endpoint_gone',
  'expired',
  'test_failed',
  'webhook_disabled',
  'plan_not_eligible',
  'outbox_full',
  'not_rendered',
  'canceled',
  'person_erased',
] as const;

export type DeliveryReason = (typeof DELIVERY_REASONS)[number];

/**
 * What made an attempt happen: the event itself (the first attempt), the retry schedule, a person's retry, a recovery, a test
 * event, or the probing of an open circuit.
 */
export const ATTEMPT_TRIGGERS = ['event', 'schedule', 'manual', 'recovery', 'test', 'probe'] as const;

export type AttemptTrigger = (typeof ATTEMPT_TRIGGERS)[number];

/** How an attempt ended. `interrupted`: whoever made it died, so that nobody knows what the endpoint answered, if anything. */
export const ATTEMPT_OUTCOMES = ['succeeded', 'failed', 'interrupted'] as const;

export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** One HTTP POST of a delivery, as the log keeps it. Times are milliseconds since the epoch. */
export interface AttemptRecord {
  /** 1 for a delivery's first; numbering goes on through manual attempts and recoveries. */
  number: number;
  trigger: AttemptTrigger;
  startedAt: number;
  /**
   * Where it went: the webhook's URL when it began. It can hold tokens of the endpoint's: it is for the organization itself. Null where it is
   * not known; missing in what earlier versions have stored.
   */
  url?: string | null;
  /** From sending to the response's headers, or to the failure. Null where the attempt was interrupted. */
  durationMs: number | null;
  outcome: AttemptOutcome;
  /** As sent, the signatures included, and the values of the owner's own headers left out. Cloudflare adds headers of its own. */
  requestHeaders: Record<string, string>;
  responseStatus: number | null;
  responseHeaders: Record<string, string> | null;
  /** As text, or base64 where it is not UTF-8; at most MAX_RESPONSE_BODY_BYTES of it. */
  responseBody: string | null;
  responseBodyEncoding: 'utf-8' | 'base64' | null;
  responseBodyTruncated: boolean;
  /** What went wrong, in words for the endpoint's owner. Null where the attempt succeeded. */
  error: string | null;
}

/** Headers that are made from the payload: who has the secret can check a guess at the payload by them. */
const MADE_FROM_PAYLOAD: ReadonlySet<string> = new Set(['X-Bullseye-Signature', 'webhook-signature']);

/** An attempt without what shows the payload: the signatures, and what the endpoint answered, since that may repeat it. */
export function withoutContents(attempt: AttemptRecord): AttemptRecord {
  const requestHeaders = Object.fromEntries(Object.entries(attempt.requestHeaders).filter(([name]) => !MADE_FROM_PAYLOAD.has(name)));
  return {
    ...attempt,
    requestHeaders,
    responseHeaders: null,
    responseBody: null,
    responseBodyEncoding: null,
    responseBodyTruncated: false,
  };
}

/** What a delivery carries. */
export interface Contents {
  /** The body, the same on every attempt: what was accepted, or what that was rendered to. Empty where it has not been rendered. */
  payload: Uint8Array;
  /** The event's bytes exactly as accepted, where they are not what is sent. */
  accepted?: Uint8Array;
  /** Why it could not be rendered, in words for the webhook's owner. Null, or absent: it was, or nobody has tried yet. */
  error?: string | null;
}

/** The event's bytes exactly as accepted. */
export function acceptedOf({ payload, accepted }: Contents): Uint8Array {
  return accepted ?? payload;
}

/** Whether what is to be sent is there. */
export function isRendered({ payload, accepted }: Contents): boolean {
  return payload.length > 0 || accepted === undefined;
}

/** How many bytes it takes to hold. */
export function sizeOf({ payload, accepted }: Contents): number {
  return payload.length + (accepted?.length ?? 0);
}

/** A delivery before anything was recorded of it. */
export interface NewDelivery extends Contents {
  id: string;
  eventId: string;
  event: string;
  sessionId: string | null;
  /** When its event was accepted. */
  acceptedAt: number;
  /** Set where another webhook's delivery of the event counts it as used (domain/usage.ts). Earlier versions set it nowhere. */
  isCountedElsewhere?: boolean;
}

/** A delivery as the log lists it. Times are milliseconds since the epoch. */
export interface DeliverySummary {
  id: string;
  eventId: string;
  event: string;
  /** Whom its event is about (domain/event/subject.ts); null where nobody is named, or what it carried is not kept any more. */
  subject: string | null;
  sessionId: string | null;
  status: DeliveryStatus;
  reason: DeliveryReason | null;
  /** Attempts begun so far. */
  attemptCount: number;
  nextAttemptAt: number | null;
  /** When its event was accepted. */
  createdAt: number;
  finishedAt: number | null;
  lastResponseStatus: number | null;
  /** How long the last attempt that ended took; milliseconds. */
  lastDurationMs: number | null;
}

/** A delivery with everything the log has of it. */
export interface DeliveryDetail extends DeliverySummary {
  /** The exact text of the body; null where it was erased, never kept, or not rendered. */
  payload: string | null;
  /** The exact text of the event as it was accepted; null where that is the payload, and where it was erased or never kept. */
  acceptedPayload: string | null;
  /** Why it could not be rendered when that was tried last, in words for the webhook's owner. */
  error: string | null;
  payloadErasedAt: number | null;
  attempts: AttemptRecord[];
}

/** A place in a webhook's log, newest first. */
export interface DeliveryPosition {
  createdAt: number;
  id: string;
}

export interface DeliveryFilter {
  status?: DeliveryStatus;
  /** A type, `*`, or a prefix such as `visitor.*`. */
  event?: string;
  /** Accepted at or after, milliseconds since the epoch. */
  from?: number;
  /** Accepted before, milliseconds since the epoch. */
  to?: number;
  /** Part of the visitor's e-mail or name, the company's name or domain, or the delivery's, the event's or the session's id, in any case. */
  q?: string;
  /** How the last attempt that ended was answered. */
  response?: ResponseFilter;
  /** Attempts begun, at least. */
  minAttempts?: number;
}

export interface DeliveryPage {
  deliveries: DeliverySummary[];
  /** Where the next page starts; null where there is none. A page can be short and have a next: a filter reads a bounded number of rows. */
  next: DeliveryPosition | null;
  /** Of events accepted before this (milliseconds since the epoch), deliveries are missing from the log; null where none is. */
  keptSince: number | null;
}
