import type { OrganizationConfig, OutboxConfig } from '../db/configuration.ts';
import type { DeliveryReason, NewDelivery } from '../domain/delivery.ts';
import type { EventMessage } from '../domain/event-message.ts';
import { deliveryId, isKeyed, mintedAt } from '../domain/ids.ts';
import { includesWebhooks } from '../domain/plan.ts';
import { subscribes } from '../domain/webhook.ts';

/** A queue message while its deliveries are on their way: acknowledged when all of them are recorded. */
export interface Inbound {
  /** The queue's id of the message. */
  id: string;
  /** Whether the queue, or a person, has sent it before: its deliveries may have been attempted. */
  repeated: boolean;
  message: EventMessage;
  /** Set where something of it could not be done: the queue is to redeliver it. */
  failed: boolean;
}

/** An event with what deliveries need of it. */
export interface InboundEvent {
  inbound: Inbound;
  id: string;
  payload: Uint8Array;
  acceptedAt: number;
  organizationId: string;
  event: string;
  sessionId: string | null;
}

/** One delivery that a batch is to bring about. */
export interface Task {
  delivery: NewDelivery;
  /** The messages that carried it: more than one where a batch repeats an event. */
  inbound: Inbound[];
  /** Whether it may have been recorded or attempted before: then it is claimed in the outbox before it is attempted. */
  repeated: boolean;
  /** Whether this invocation has claimed it. */
  claimed: boolean;
  /** Why it is not to be attempted. */
  discard: DeliveryReason | null;
}

/** A webhook's share of a batch, in the order of acceptance. */
export interface WebhookWork {
  config: OutboxConfig;
  tasks: Task[];
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The events of a message. Throws where one is not what ingest lets in: such a message is parked. */
export function eventsOf(inbound: Inbound): InboundEvent[] {
  return inbound.message.events.map(({ id, payload }) => {
    const value: unknown = JSON.parse(decoder.decode(payload));
    if (!isEnvelope(value)) throw new Error(`event ${id} has no event type or organization`);
    return {
      inbound,
      id,
      payload,
      // A minted id's own time: the delivery's place in the log is found again from its id alone.
      acceptedAt: mintedAt(id) ?? inbound.message.acceptedAt,
      organizationId: value.organization_id,
      event: value.event,
      sessionId: typeof value.session_id === 'string' ? value.session_id : null,
    };
  });
}

function isEnvelope(value: unknown): value is { event: string; organization_id: string; session_id?: unknown } {
  if (typeof value !== 'object' || value === null) return false;
  const { event, organization_id } = value as Record<string, unknown>;
  return typeof event === 'string' && typeof organization_id === 'string';
}

/**
 * Which webhooks each event goes to. An event whose organization is not known, has no matching webhook or a plan without
 * webhooks is dropped; one whose organization could not be read fails its message, which the queue then redelivers.
 */
export function fanOut(events: readonly InboundEvent[], configs: ReadonlyMap<string, OrganizationConfig | null>): WebhookWork[] {
  const works = new Map<string, WebhookWork & { byId: Map<string, Task> }>();
  for (const event of events) {
    const config = configs.get(event.organizationId);
    if (config === undefined) event.inbound.failed = true;
    if (!config || !includesWebhooks(config.plan)) continue;
    for (const webhook of config.webhooks) {
      if (!subscribes(webhook.events, event.event)) continue;
      const work = works.get(webhook.id) ?? { config: { plan: config.plan, webhook }, tasks: [], byId: new Map() };
      works.set(webhook.id, work);
      addTask(work, event);
    }
  }
  return [...works.values()].map(({ config, tasks }) => ({ config, tasks }));
}

function addTask(work: WebhookWork & { byId: Map<string, Task> }, event: InboundEvent): void {
  const id = deliveryId(event.id, work.config.webhook.id);
  const known = work.byId.get(id);
  if (known) {
    known.inbound.push(event.inbound);
    return;
  }
  const { id: eventId, payload, acceptedAt, sessionId, inbound } = event;
  const task: Task = {
    delivery: { id, eventId, event: event.event, sessionId, acceptedAt, payload },
    inbound: [inbound],
    repeated: inbound.repeated || isKeyed(eventId),
    claimed: false,
    discard: work.config.webhook.enabled ? null : 'webhook_disabled',
  };
  work.byId.set(id, task);
  work.tasks.push(task);
}
