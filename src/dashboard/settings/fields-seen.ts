import { getDelivery, listDeliveries } from '../../api/deliveries/deliveries.ts';
import { isOperational } from '../../domain/event/operational-event.ts';
import { type FieldKinds, seenFields } from '../choices/offered-fields.ts';
import type { Visit } from '../frame/visit.ts';
import { unlessUnreachable } from '../webhook/overview-page.tsx';

/** What came lately, at most so many events: for the fields that they have. */
const EVENTS_SEEN = 5;

/** The fields of the events that came lately. Without them those of the catalogue are offered. */
export async function fieldsSeen(visit: Visit, webhookId: string): Promise<FieldKinds> {
  const query = { limit: String(2 * EVENTS_SEEN) };
  const page = await unlessUnreachable(visit.call(listDeliveries, { params: { webhookId }, query }));
  const real = (page?.data ?? []).filter(({ test, event }) => !test && !isOperational(event)).slice(0, EVENTS_SEEN);
  const details = real.map(({ id }) => unlessUnreachable(visit.call(getDelivery, { params: { webhookId, deliveryId: id } })));
  const texts = (await Promise.all(details)).flatMap((detail) => detail?.acceptedPayload ?? detail?.payload ?? []);
  return seenFields(texts.map((text) => JSON.parse(text)));
}
