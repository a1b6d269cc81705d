import type { DisabledReason } from './webhook.ts';

/*
 * Events of the service itself: what an organization is told of one of its webhooks, through its other webhooks. They are
 * signed, logged and retried like any event; producers cannot post them, and they are never about the webhook that they go to.
 */

export const WEBHOOK_DISABLED = 'webhook.disabled';
export const WEBHOOK_FAILING = 'webhook.failing';
export const VISITOR_ERASED = 'visitor.erased';

/** Whether an event type is the service's own. */
export function isOperational(eventType: string): boolean {
  return eventType === WEBHOOK_DISABLED || eventType === WEBHOOK_FAILING || eventType === VISITOR_ERASED;
}

interface Subject {
  id: string;
  organizationId: string;
  url: string;
}

/** The service has disabled a webhook. */
export function webhookDisabled(webhook: Subject, reason: DisabledReason, now: number): Record<string, unknown> {
  return { ...head(WEBHOOK_DISABLED, webhook.organizationId, now), webhook: { ...namesOf(webhook), disabled_reason: reason } };
}

/** A delivery has failed for good at an endpoint that had worked before; said once for each outage. */
export function webhookFailing(webhook: Subject, delivery: { id: string; eventId: string }, now: number): Record<string, unknown> {
  const told = { webhook: namesOf(webhook), delivery: { id: delivery.id, event_id: delivery.eventId } };
  return { ...head(WEBHOOK_FAILING, webhook.organizationId, now), ...told };
}

/** The webhook that an event of the service is about; null for any other event. */
export function aboutWebhook(event: { event: string; webhook?: unknown }): string | null {
  if (!isOperational(event.event) || typeof event.webhook !== 'object' || event.webhook === null) return null;
  const { id } = event.webhook as { id?: unknown };
  return typeof id === 'string' ? id : null;
}

/**
 * What a webhook is known by. Not its URL: these events go to other endpoints, often other companies', and customers put tokens
 * into paths and queries. Whoever read one could post to the webhook's endpoint.
 */
function namesOf({ id, url }: Subject): { id: string; name: string; host: string } {
  const host = URL.parse(url)?.host ?? '';
  return { id, name: host, host };
}

function head(event: string, organizationId: string, now: number): Record<string, unknown> {
  return { event, timestamp: new Date(now).toISOString(), organization_id: organizationId };
}
