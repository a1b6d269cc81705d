import { getDelivery, listDeliveries } from '../../api/deliveries/deliveries.ts';
import { ApiError } from '../../api/errors.ts';
import { type EventType, sampledType, sampleEvent } from '../../domain/event/event-type.ts';
import { VISITOR_ERASED } from '../../domain/event/operational-event.ts';
import { subscribes } from '../../domain/webhook/webhook.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { type Clock, clockOf, momentText } from '../parts/clock.ts';
import { layOutJson } from '../parts/json-layout.ts';
import { Room } from '../parts/room.ts';
import { unlessUnreachable } from '../webhook/overview-page.tsx';
import { webhookOf } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';

/** How many of the latest deliveries are offered. */
const RECENT = 10;
/** Room for an event to be edited, in bytes of the page. A longer one can be sent again as it is, from its delivery's page. */
const EVENT_BYTES = 120_000;
/** Longest name of a delivery in the list, in characters. */
const MAX_NAME = 80;

/** What a test can begin with. */
export interface Source {
  /** `type:visitor.identified`, or `delivery:dlv_…`. */
  value: string;
  name: string;
}

export interface Sources {
  examples: Source[];
  recent: Source[];
  /** The one that is chosen where nobody has chosen. */
  usual: string;
}

/** The examples of the catalogue, those that the webhook gets first, and its latest deliveries. */
export async function sourcesOf(visit: Visit, c: PageContext, eventTypes: readonly EventType[]): Promise<Sources> {
  const { id, events } = webhookOf(c);
  const types = eventTypes.toSorted((a, b) => Number(subscribes(events, b.name)) - Number(subscribes(events, a.name)));
  const list = await unlessUnreachable(visit.call(listDeliveries, { params: { webhookId: id }, query: { limit: String(RECENT) } }));
  const past = (list?.data ?? []).filter(({ event }) => event !== VISITOR_ERASED);
  const usual = sampledType(events, eventTypes) ?? types[0];
  return {
    examples: types.map(({ name }) => ({ value: `type:${name}`, name: t('test.exampleOf', { type: name }) })),
    recent: past.map((delivery) => ({ value: `delivery:${delivery.id}`, name: nameOfDelivery(delivery, clockOf(c)) })),
    usual: usual ? `type:${usual.name}` : '',
  };
}

/** Whom a delivery is about where the list says so, else which session or event it is of; and when it was. */
function nameOfDelivery(
  delivery: {
    event: string;
    sessionId: string | null;
    createdAt: string;
    test: boolean;
    subject?: string | null;
  },
  clock: Clock,
): string {
  const { event, sessionId, createdAt, test, subject } = delivery;
  const about = (subject ?? sessionId ?? event).slice(0, MAX_NAME).toWellFormed();
  const time = momentText(clock, Date.parse(createdAt));
  return test ? t('test.recentTestAt', { about, time }) : t('test.recentAt', { about, time });
}

/** What a source holds, laid out to be edited; or why it cannot be. */
export type Loaded = { event: string } | { problem: string };

/** @param source as the list of sources has it; one that is not there is a problem, and no error */
export async function loadSource(c: PageContext, source: string, eventTypes: readonly EventType[]): Promise<Loaded> {
  const visit = c.get('visit');
  const [, kind, name = ''] = /^(type|delivery):(.+)$/s.exec(source) ?? [];
  if (kind === 'type') {
    const type = eventTypes.find((candidate) => candidate.name === name);
    return type ? shown(sampleEvent(type, visit.organization.id, visit.nowMs)) : { problem: t('test.noSuchEvent') };
  }
  if (kind === undefined) return { problem: t('test.choose') };
  try {
    const params = { webhookId: webhookOf(c).id, deliveryId: name };
    const delivery = await unlessUnreachable(visit.call(getDelivery, { params }));
    if (!delivery) return { problem: t('test.unavailable') };
    const text = delivery.acceptedPayload ?? delivery.payload;
    return text === null ? { problem: t('test.payloadGone') } : shown(text);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    return { problem: t('test.deliveryGone') };
  }
}

function shown(text: string): Loaded {
  const event = new Room(EVENT_BYTES).takeWhole(layOutJson(text, EVENT_BYTES));
  return event === null ? { problem: t('test.tooLong') } : { event };
}
