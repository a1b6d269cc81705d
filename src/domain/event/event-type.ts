import { subscribes } from '../webhook/webhook.ts';
import { VISITOR_ERASED, WEBHOOK_DISABLE_WARNING, WEBHOOK_DISABLED, WEBHOOK_FAILING, WEBHOOK_RECOVERED } from './operational-event.ts';
import { VISITOR_IDENTIFIED_EXAMPLE, VISITOR_IDENTIFIED_SCHEMA } from './visitor-identified.ts';

/** An entry of the catalogue: what producers may post, and webhooks may subscribe to. */
export interface EventType {
  name: string;
  description: string;
  /** A sample event, as receivers get it; what a test of a webhook sends. Null: there is none. */
  example: unknown;
  /** JSON Schema (draft 2020-12) that events of this type must match. Null: any event with the required fields. */
  schema: EventSchema | null;
  /** Whether the type ships with the service: it can be described anew, but not removed. */
  builtIn: boolean;
}

export type EventSchema = Record<string, unknown>;

/** `visitor.identified`: lower-case words, joined by dots. */
export const EVENT_TYPE_NAME = /^[a-z0-9_]+(\.[a-z0-9_]+)*$/;
export const MAX_EVENT_TYPE_NAME_LENGTH = 128;

/** What each event must have, whatever its type, and what `visitor.identified` needs beyond that; domain/event/event.ts checks it. */
const visitorIdentified: EventType = {
  name: 'visitor.identified',
  // For customers: what producers have to send is said where they send it (api/events/events.ts).
  description:
    'A visitor of your website was identified. You get who it is, their company, and what they looked at. It comes once for each visit: ' +
    '`session_id` names the visit.',
  example: VISITOR_IDENTIFIED_EXAMPLE,
  schema: VISITOR_IDENTIFIED_SCHEMA,
  builtIn: true,
};

/** A webhook as the service's own events name it. */
const webhookTold = {
  id: 'whk_01JDCQ7Z8W5M3KXN4R2T6V9YBA',
  name: 'Leads to the CRM',
  host: 'hooks.example.com',
  description: null,
};

/** Beside its name: how it stands, and where there is more of it. */
const standing = {
  failing_since: '2026-11-23T13:29:31.000Z',
  deliveries_waiting: 12,
  last_answer: 'The endpoint answered 500; only a 2xx acknowledges a delivery',
};
const page = `https://webhooks.example.com/settings/integrations/webhooks/${webhookTold.id}`;

const WHO_GETS_IT = 'Goes to the other webhooks.';

/** The service's own events (domain/event/operational-event.ts): producers cannot post them. */
const webhookDisabled: EventType = {
  name: WEBHOOK_DISABLED,
  description: `The service has disabled one of the organization's webhooks: its endpoint answered 410, or nothing but failures for days. ${WHO_GETS_IT}`,
  example: {
    event: WEBHOOK_DISABLED,
    timestamp: '2026-11-28T13:31:09.000Z',
    organization_id: 'org_acme',
    message: '“Leads to the CRM” was disabled: its endpoint has done nothing but fail for days.',
    webhook: { ...webhookTold, disabled_reason: 'endpoint_failing' },
    ...standing,
    url: page,
  },
  schema: null,
  builtIn: true,
};

const webhookFailing: EventType = {
  name: WEBHOOK_FAILING,
  description: `A delivery to one of the organization's webhooks has failed for good, though its endpoint had worked before; or more deliveries wait for it than are kept (\`reason\` is \`outbox_full\` then). Said once for each outage. \`deliveries_waiting\` counts up to 10,000. ${WHO_GETS_IT}`,
  example: {
    event: WEBHOOK_FAILING,
    timestamp: '2026-11-23T14:05:09.000Z',
    organization_id: 'org_acme',
    message: 'A delivery to “Leads to the CRM” has failed for good, though its endpoint had worked before.',
    webhook: webhookTold,
    delivery: { id: 'dlv_01JDCQ7Z8W5M3KXN4R2T6V9YBA6V9YBA', event_id: 'evt_01JDCQ7Z8W5M3KXN4R2T6V9YBA' },
    ...standing,
    url: page,
  },
  schema: null,
  builtIn: true,
};

const webhookRecovered: EventType = {
  name: WEBHOOK_RECOVERED,
  description: `One of the organization's webhooks works again: a delivery has arrived since \`${WEBHOOK_FAILING}\` was said of it. A test is no such delivery. ${WHO_GETS_IT}`,
  example: {
    event: WEBHOOK_RECOVERED,
    timestamp: '2026-11-23T16:40:12.000Z',
    organization_id: 'org_acme',
    message: 'The endpoint of “Leads to the CRM” takes deliveries again.',
    webhook: webhookTold,
    ...standing,
    last_answer: 'The endpoint answered 200',
    url: page,
  },
  schema: null,
  builtIn: true,
};

const webhookDisableWarning: EventType = {
  name: WEBHOOK_DISABLE_WARNING,
  description: `One of the organization's webhooks will be disabled if its endpoint goes on failing: half of the time has gone by with nothing but failures. Said once for each outage. ${WHO_GETS_IT}`,
  example: {
    event: WEBHOOK_DISABLE_WARNING,
    timestamp: '2026-11-26T01:30:02.000Z',
    organization_id: 'org_acme',
    message:
      '“Leads to the CRM” will be disabled on 2026-11-28 at 13:29 UTC if its endpoint goes on failing: nothing has been delivered since it began to.',
    webhook: webhookTold,
    ...standing,
    will_be_disabled_at: '2026-11-28T13:29:31.000Z',
    url: page,
  },
  schema: null,
  builtIn: true,
};

const visitorErased: EventType = {
  name: VISITOR_ERASED,
  description:
    'A person was erased who had been sent to this webhook: erase what you have of them, too. `field` and `value` say who it is. Goes to the webhooks that had received the person and subscribe to it.',
  example: {
    event: VISITOR_ERASED,
    timestamp: '2026-11-23T14:05:09.000Z',
    organization_id: 'org_acme',
    erasure_id: 'ers_01JDCQ7Z8W5M3KXN4R2T6V9YBA',
    field: 'visitor.email',
    value: 'jane.doe@example.com',
  },
  schema: null,
  builtIn: true,
};

/** The event types that ship with the service: known without the database. */
export const BUILT_IN_EVENT_TYPES: readonly EventType[] = [
  visitorIdentified,
  visitorErased,
  webhookFailing,
  webhookDisableWarning,
  webhookDisabled,
  webhookRecovered,
];

/**
 * The catalogue: what ships, overlaid by what was put; by name. An overlay without an example or a schema keeps the one that ships: tests send the
 * one, and the other says what is required anyway.
 */
export function mergeCatalogue(stored: readonly Omit<EventType, 'builtIn'>[]): EventType[] {
  const merged = new Map(BUILT_IN_EVENT_TYPES.map((type) => [type.name, type]));
  for (const type of stored) {
    const shipped = BUILT_IN_EVENT_TYPES.find(({ name }) => name === type.name);
    const { example, schema } = shipped ?? { example: null, schema: null };
    merged.set(type.name, { ...type, example: type.example ?? example, schema: type.schema ?? schema, builtIn: shipped !== undefined });
  }
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a webhook may subscribe to this: a name of the catalogue, `*`, or a prefix such as `visitor.*` that some name has. */
export function isSubscribable(pattern: string, names: readonly string[]): boolean {
  if (pattern === '*' || names.includes(pattern)) return true;
  return pattern.endsWith('.*') && pattern.length > 2 && names.some((name) => name.startsWith(pattern.slice(0, -1)));
}

/**
 * The type that a test sends where none is named: one that the webhook subscribes to, of the first entry that has any. Of several the
 * product's own one, else one with an example.
 * @param events a webhook's subscriptions
 */
export function sampledType(events: readonly string[], types: readonly EventType[]): EventType | undefined {
  for (const pattern of events) {
    const covered = types.filter(({ name }) => subscribes([pattern], name));
    const type =
      covered.find(({ name }) => name === visitorIdentified.name) ?? covered.find(({ example }) => example !== null) ?? covered[0];
    if (type) return type;
  }
  return undefined;
}

/**
 * An event of a type as its example shows it, but of this organization and this moment: what a test sends.
 * @returns the event's text
 */
export function sampleEvent(type: EventType, organizationId: string, nowMs: number): string {
  const example = typeof type.example === 'object' && type.example !== null ? type.example : {};
  return JSON.stringify({ ...example, event: type.name, timestamp: new Date(nowMs).toISOString(), organization_id: organizationId });
}
