import { alertOf } from '../rules/operational-message.ts';
import type { DisabledReason } from '../webhook/webhook.ts';

/*
 * Events of the service itself: what an organization is told of one of its webhooks, through its other webhooks, or what a receiver is told
 * of an erasure. They are signed, logged and retried like any event; producers cannot post them, and those about a webhook never go to it.
 */

export const WEBHOOK_FAILING = 'webhook.failing';
export const WEBHOOK_RECOVERED = 'webhook.recovered';
export const WEBHOOK_DISABLE_WARNING = 'webhook.disable_warning';
export const WEBHOOK_DISABLED = 'webhook.disabled';
export const VISITOR_ERASED = 'visitor.erased';

/** What can be told of a webhook, in the order in which an outage has them. */
export const NOTICES = [WEBHOOK_FAILING, WEBHOOK_DISABLE_WARNING, WEBHOOK_DISABLED, WEBHOOK_RECOVERED] as const;

export type NoticeName = (typeof NOTICES)[number];

const OPERATIONAL: ReadonlySet<string> = new Set([...NOTICES, VISITOR_ERASED]);

/** How many waiting deliveries are counted: a notice that says so many means so many or more. */
export const MAX_COUNTED_WAITING = 10_000;

/** Whether an event type is the service's own. */
export function isOperational(eventType: string): boolean {
  return OPERATIONAL.has(eventType);
}

/** Something that has happened to a webhook, as its outbox keeps it until it is told. */
export interface Notice {
  event: NoticeName;
  /** When; milliseconds since the epoch. */
  at: number;
  organizationId: string;
  /** Of the webhook's URL as it was then. */
  host: string;
  /** Since when there was nothing but failures, where there were any. */
  since: number | null;
  /** What the endpoint answered last, in words. */
  lastAnswer: string | null;
  /** The delivery that has failed for good. */
  delivery?: { id: string; eventId: string };
  /** More deliveries would wait than are kept: that is what was told as a failing. */
  isFull?: boolean;
  disabledReason?: DisabledReason;
  /** Of a warning: when the webhook will be disabled. */
  disableAt?: number;
}

/** What is known of a webhook when it is told about. */
export interface Told {
  id: string;
  /** Null: none was given, or the webhook has been deleted. */
  name: string | null;
  /** As the name. */
  description: string | null;
  /** Deliveries that wait, up to MAX_COUNTED_WAITING. */
  waiting: number;
  /** Its page in the dashboard; null where nobody knows where that is. */
  link: string | null;
}

/** The event that tells of something that has happened to a webhook. */
export function noticeEvent(notice: Notice, { id, name, description, waiting, link }: Told): Record<string, unknown> {
  const { event, at, organizationId, host, since, lastAnswer, delivery, disabledReason, disableAt } = notice;
  const webhook = { id, name: name ?? host, host, description };
  const told = {
    webhook: disabledReason === undefined ? webhook : { ...webhook, disabled_reason: disabledReason },
    ...(notice.isFull && { reason: 'outbox_full' }),
    ...(delivery && { delivery: { id: delivery.id, event_id: delivery.eventId } }),
    failing_since: since === null ? null : isoTime(since),
    deliveries_waiting: waiting,
    last_answer: lastAnswer,
    ...(disableAt !== undefined && { will_be_disabled_at: isoTime(disableAt) }),
    ...(link !== null && { url: link }),
  };
  const head = { event, timestamp: isoTime(at), organization_id: organizationId };
  return { ...head, message: alertOf({ ...head, ...told })?.sentence ?? '', ...told };
}

/**
 * What an endpoint answered, for others to read: in the words of an attempt's record, which are its owner's. Were the URL in them, nothing of
 * its path or query is told.
 */
export function answerInWords(error: string | null, url: string): string | null {
  const { pathname = '/', search = '' } = URL.parse(url) ?? {};
  const isTelling = [pathname, search].some((part) => part.length > 1 && error?.includes(part));
  return isTelling ? 'The request failed' : error;
}

function isNotice(eventType: string): boolean {
  return (NOTICES as readonly string[]).includes(eventType);
}

/** The webhook that an event of the service is about; null for any other event. */
export function aboutWebhook(event: { event: string; webhook?: unknown }): string | null {
  if (!isNotice(event.event) || typeof event.webhook !== 'object' || event.webhook === null) return null;
  const { id } = event.webhook as { id?: unknown };
  return typeof id === 'string' ? id : null;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
