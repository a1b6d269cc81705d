import type { DeliveryDetail } from '../client.ts';
import { type Session, show, UsageError } from './session.ts';
import { plain, table } from './table.ts';
import { localTime, timeOf } from './times.ts';
import { webhookOf } from './webhook-choice.ts';

/** `webhooks`: which there are. */
export async function listWebhooks(session: Session): Promise<void> {
  const answer = await session.client.listWebhooks({ organizationId: session.organizationId });
  show(session, answer, () => {
    if (answer.webhooks.length === 0) return 'There is no webhook yet.';
    const rows = answer.webhooks.map(({ id, name, url, events, enabled, health }) => [
      id,
      name,
      enabled ? health : 'disabled',
      events.join(' '),
      url,
    ]);
    return table(['WEBHOOK', 'NAME', 'STATE', 'EVENTS', 'URL'], rows);
  });
}

export interface DeliveriesOptions {
  webhook?: string;
  status?: string;
  event?: string;
  search?: string;
  from?: string;
  to?: string;
  limit?: string;
  cursor?: string;
}

/** `deliveries`: the newest of the organization, or of a webhook; or one, with its attempts. */
export async function showDeliveries(session: Session, deliveryId: string | undefined, options: DeliveriesOptions): Promise<void> {
  if (deliveryId !== undefined) return await showDelivery(session, deliveryId, options.webhook);
  const { client, organizationId } = session;
  const { webhook: webhookId, status, event, search: q, cursor } = options;
  const limit = options.limit === undefined ? undefined : wholeNumber(options.limit);
  const [from, to] = [options.from, options.to].map((text) => text && timeOf(text));
  const asked = { organizationId, status: status as never, event, q, from, to, limit, cursor };
  const answer =
    webhookId === undefined ? await client.listOrganizationDeliveries(asked) : await client.listDeliveries({ ...asked, webhookId });
  show(session, answer, () => {
    if (answer.data.length === 0) return 'There is no such delivery.';
    const rows = answer.data.map(({ id, createdAt, event: name, status: state, attemptCount, lastResponseStatus }) => [
      localTime(createdAt),
      state,
      attemptCount,
      lastResponseStatus,
      name,
      id,
    ]);
    const more = answer.nextCursor === null ? [] : [`More: --cursor ${answer.nextCursor}`];
    return [...table(['ACCEPTED', 'STATUS', 'ATTEMPTS', 'ANSWER', 'EVENT', 'DELIVERY'], rows), ...more];
  });
}

async function showDelivery(session: Session, deliveryId: string, named: string | undefined): Promise<void> {
  const webhookId = await webhookOf(session, deliveryId, named);
  const delivery = await session.client.getDelivery({ organizationId: session.organizationId, webhookId, deliveryId });
  show(session, delivery, () => describe(delivery));
}

function describe({ id, event, eventId, status, reason, createdAt, payload, attempts }: DeliveryDetail): string[] {
  const rows = attempts.map(({ number, trigger, startedAt, durationMs, responseStatus, error }) => [
    number,
    localTime(startedAt),
    trigger,
    responseStatus,
    durationMs === null ? null : `${durationMs} ms`,
    error,
  ]);
  return [
    `${id}  ${event}  ${status}${reason ? ` (${reason})` : ''}`,
    `of the event ${eventId}, accepted ${localTime(createdAt)}`,
    '',
    ...(rows.length > 0 ? table(['ATTEMPT', 'BEGAN', 'WHY', 'ANSWER', 'TOOK', 'ERROR'], rows) : ['No attempt was made yet.']),
    '',
    payload === null ? 'Its payload is not kept any more.' : plain(payload),
  ];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new UsageError(`"${text}" is not a whole number.`);
  return Number(text);
}
