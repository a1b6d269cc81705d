import type { DeliveryPage, DeliveryPosition, DeliverySummary } from './delivery.ts';

/** Of a log that has been shown to its end. */
export const ENDED = 'ended';
/** Before everything that a log can have. */
const NEWEST: DeliveryPosition = { createdAt: Number.MAX_SAFE_INTEGER, id: '' };

type Place = DeliveryPosition | typeof ENDED;

/** How far the pages of several logs have come. */
export interface Stand {
  /** The place up to which the logs have been shown, but for those that have one of their own; null: no page has been yet. */
  shown: DeliveryPosition | null;
  /**
   * By webhook, the places of logs that have come further, since nothing more was found there, and of those that could not be asked and are
   * behind.
   */
  places: ReadonlyMap<string, Place>;
}

export interface Answer {
  webhookId: string;
  /** Null: the log could not be asked. */
  page: Pick<DeliveryPage, 'deliveries' | 'next'> | null;
}

/** A delivery, and whose it is. */
export interface Owned {
  webhookId: string;
  delivery: DeliverySummary;
}

/** Where a log's next page starts; undefined where all of it has been shown. */
export function startOf(webhookId: string, { shown, places }: Stand): DeliveryPosition | null | undefined {
  const place = places.get(webhookId);
  return place === ENDED ? undefined : (place ?? shown);
}

/**
 * Makes one page of several logs' pages, newest first: none is left out and none comes twice. What stands behind the place where one of the logs
 * has stopped is left for the next page, since that log can have something newer; how far the others have looked is kept, where they found
 * nothing. A log that could not be asked stays where it was: what it has comes with a later page, before what is older.
 * @returns with where to go on; null: all of them have been shown
 */
export function mergePages(answers: readonly Answer[], limit: number, before: Stand): { deliveries: Owned[]; stand: Stand | null } {
  const found = answers.flatMap(({ webhookId, page }) => (page?.deliveries ?? []).map((delivery) => ({ webhookId, delivery })));
  found.sort((a, b) => compare(a.delivery, b.delivery));
  const [stop] = answers.flatMap(({ page }) => page?.next ?? []).sort(compare);
  const certain = stop ? found.filter(({ delivery }) => compare(delivery, stop) <= 0) : found;
  const deliveries = certain.slice(0, limit);
  const isCut = deliveries.length < certain.length;
  const end = (isCut ? positionOf(deliveries.at(-1)) : stop) ?? null;
  // A log that has caught up has shown what is newer than the others have come to.
  const shown = end && before.shown ? older(end, before.shown) : (end ?? before.shown);
  const places = new Map(before.places);
  for (const { webhookId, page } of answers) {
    const start = startOf(webhookId, before) ?? NEWEST;
    const place = page ? placeAfter(page, start, end) : start;
    if (shown && place !== ENDED && compare(place, shown) === 0) places.delete(webhookId);
    else places.set(webhookId, place);
  }
  const isOver = answers.every(({ webhookId }) => places.get(webhookId) === ENDED);
  return { deliveries, stand: isOver ? null : { shown, places } };
}

/** Where a log stands whose page was shown up to a place. @param end null: to its end */
function placeAfter(page: Pick<DeliveryPage, 'deliveries' | 'next'>, start: DeliveryPosition, end: DeliveryPosition | null): Place {
  if (end === null) return ENDED;
  const next = page.deliveries.find((delivery) => compare(delivery, end) > 0) ?? page.next;
  if (!next) return ENDED;
  // By its time alone, which is shorter; within the millisecond of what was shown, exactly there. It never goes back.
  const place = next.createdAt < end.createdAt ? { createdAt: next.createdAt + 1, id: '' } : end;
  return older(place, start);
}

function positionOf(owned: Owned | undefined): DeliveryPosition | undefined {
  return owned && { createdAt: owned.delivery.createdAt, id: owned.delivery.id };
}

function older(a: DeliveryPosition, b: DeliveryPosition): DeliveryPosition {
  return compare(a, b) > 0 ? a : b;
}

/** Newest first. */
function compare(a: DeliveryPosition, b: DeliveryPosition): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}
