import type { OrganizationConfig, OutboxConfig } from '../db/configuration.ts';
import type { NewDelivery } from '../domain/delivery/delivery.ts';
import type { EventMessage } from '../domain/event/event-message.ts';
import { aboutWebhook, isOperational } from '../domain/event/operational-event.ts';
import { deliveryId, isKeyed, mintedAt } from '../domain/ids.ts';
import { includesWebhooks } from '../domain/plan.ts';
import { matcherOf } from '../domain/rules/condition.ts';
import { countingWebhook } from '../domain/usage.ts';
import { type FilteredWebhook, subscribes, type WebhookConfig } from '../domain/webhook/webhook.ts';
import type { LoadedConfig } from './configuration-cache.ts';

/** A queue message while its deliveries are on their way: acknowledged when all of them are recorded. */
export interface Inbound {
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
  /** Its JSON value, which filters look at. */
  value: unknown;
  /** The webhook that an event of the service itself is about: it does not go there. */
  about: string | null;
}

/** One delivery that a batch is to bring about. */
export interface Task {
  delivery: NewDelivery;
  /** The messages that carried it: more than one where a batch repeats an event. */
  inbound: Inbound[];
}

/** A webhook's part of a batch, in the order of acceptance. */
export interface WebhookWork {
  config: OutboxConfig;
  /** When D1 was asked for the configuration. */
  readAt: number;
  tasks: Task[];
}

/** An event that a webhook subscribes to, and that its filter keeps back. */
export interface KeptBack {
  webhook: FilteredWebhook;
  event: InboundEvent;
  /** Whether this webhook counts the event as used: no other one gets it. */
  isCounting: boolean;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** An event that seems to have come before a webhook may have come after it: two machines have two clocks. */
const CLOCKS_APART_MS = 60_000;

/** The events of a message. Throws where one is not what ingest lets in: such a message is parked. */
export function eventsOf(inbound: Inbound): InboundEvent[] {
  return inbound.message.events.map(({ id, payload }) => {
    if (!isKeyed(id) && mintedAt(id) === null) throw new Error('an event has an id that is not one of ours');
    const value = parse(payload);
    if (!isEnvelope(value)) throw new Error(`event ${id} is not JSON with an event type and an organization`);
    return {
      inbound,
      id,
      // A copy: an RPC carries the whole buffer that a view is of, other organizations' events with it.
      payload: payload.slice(),
      // A minted id's own time: the delivery's place in the log is found again from its id alone.
      acceptedAt: mintedAt(id) ?? inbound.message.acceptedAt,
      organizationId: value.organization_id,
      event: value.event,
      sessionId: typeof value.session_id === 'string' ? value.session_id : null,
      value,
      about: aboutWebhook(value),
    };
  });
}

/** The JSON value of some bytes; undefined where they are none. A parser's own error would quote the payload. */
function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch {
    return undefined;
  }
}

function isEnvelope(value: unknown): value is { event: string; organization_id: string; session_id?: unknown; webhook?: unknown } {
  if (typeof value !== 'object' || value === null) return false;
  const { event, organization_id } = value as Record<string, unknown>;
  return typeof event === 'string' && typeof organization_id === 'string';
}

/**
 * The webhooks of an organization that subscribe to an event, whatever their filters say of it. A disabled one does, too: what it would have
 * received is recorded as discarded.
 * @param config null where the organization is not known
 */
export function subscribersOf(
  config: OrganizationConfig | null,
  { event, about }: Pick<InboundEvent, 'event' | 'about'>,
): readonly FilteredWebhook[] {
  if (!config || !includesWebhooks(config.plan)) return [];
  return config.webhooks.filter(({ id, events }) => id !== about && subscribes(events, event));
}

/** Whether a webhook's filter keeps an event back that the webhook subscribes to. The service's own events pass. */
export function keepsBack({ filter }: FilteredWebhook, { event, value }: Pick<InboundEvent, 'event' | 'value'>): boolean {
  return filter !== undefined && !isOperational(event) && !matcherOf(filter).matches(value);
}

/**
 * Which webhooks each event goes to, and which keep it back. An event whose organization is not known, has no matching webhook or a plan
 * without webhooks is dropped; where that is not certain, because the configuration is an old one or none could be read, its message
 * fails, and the queue redelivers it. So it does where a filter keeps an event back that may have been changed since. One of an event's webhooks
 * counts it as used (domain/usage.ts): one that gets it, if any does.
 */
export function fanOut(
  events: readonly InboundEvent[],
  configs: ReadonlyMap<string, LoadedConfig>,
): { works: WebhookWork[]; filtered: KeptBack[] } {
  const works = new Map<string, WebhookWork & { byId: Map<string, Task> }>();
  const filtered: KeptBack[] = [];
  for (const event of events) {
    const loaded = configs.get(event.organizationId);
    const config = loaded?.config;
    const subscribers = subscribersOf(config ?? null, event);
    if (subscribers.length === 0 && !loaded?.fresh) event.inbound.failed = true;
    if (!config) continue;
    const meant = subscribers.filter((webhook) => !isMadeLater(webhook, event));
    const kept = meant.filter((webhook) => keepsBack(webhook, event));
    const getting = meant.filter((webhook) => !kept.includes(webhook));
    const counting = countingWebhook(getting.length > 0 ? getting : kept);
    for (const webhook of kept) filtered.push({ webhook, event, isCounting: webhook === counting });
    if (kept.length > 0 && !loaded.fresh) event.inbound.failed = true;
    for (const webhook of getting) {
      const { readAt } = loaded;
      const work = works.get(webhook.id) ?? {
        config: { plan: config.plan, webhook: withoutFilter(webhook) },
        readAt,
        tasks: [],
        byId: new Map(),
      };
      works.set(webhook.id, work);
      addTask(work, event, webhook === counting);
    }
  }
  return { works: [...works.values()].map(({ config, readAt, tasks }) => ({ config, readAt, tasks })), filtered };
}

/**
 * Whether a webhook was made well after an event was accepted: what waited in the queue for so long, or was taken out of the parked messages, was
 * never meant for it, and can be of somebody who was erased before there was an outbox to know of it.
 */
function isMadeLater({ createdAt = 0 }: FilteredWebhook, { acceptedAt }: InboundEvent): boolean {
  return createdAt - CLOCKS_APART_MS > acceptedAt;
}

/** A webhook as its outbox knows it, wherever it has it from: it keeps the configuration, and writes what has changed in it. */
function withoutFilter(webhook: FilteredWebhook): WebhookConfig {
  if (webhook.filter === undefined) return webhook;
  const { filter: _, ...config } = webhook;
  return config;
}

function addTask(work: WebhookWork & { byId: Map<string, Task> }, event: InboundEvent, isCounting: boolean): void {
  const id = deliveryId(event.id, work.config.webhook.id);
  const known = work.byId.get(id);
  if (known) {
    known.inbound.push(event.inbound);
    return;
  }
  const { id: eventId, payload, acceptedAt, sessionId, inbound } = event;
  const delivery = { id, eventId, event: event.event, sessionId, acceptedAt, payload };
  const task: Task = { delivery: isCounting ? delivery : { ...delivery, isCountedElsewhere: true }, inbound: [inbound] };
  work.byId.set(id, task);
  work.tasks.push(task);
}
