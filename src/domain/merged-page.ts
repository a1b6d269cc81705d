import type { DeliveryPage, DeliveryPosition, DeliverySummary } from './delivery.ts';

/** How far the pages of several logs have come. */
export interface Stand {
  /** The last place up to which all of them have been shown; null: no page has been yet. */
  shown: DeliveryPosition | null;
  /** By webhook: what was accepted at this time or later has been looked through, and nothing more was found; 0: all of it. */
  lookedBackTo: ReadonlyMap<string, number>;
}

export interface Answer {
  webhookId: string;
  page: Pick<DeliveryPage, 'deliveries' | 'next'>;
}

/** A delivery, and whose it is. */
export interface Owned {
  webhookId: string;
  delivery: DeliverySummary;
}

/** Where a log's next page starts; undefined where all of it has been shown. */
export function startOf(webhookId: string, { shown, lookedBackTo }: Stand): DeliveryPosition | null | undefined {
  const at = lookedBackTo.get(webhookId);
  if (at === undefined) return shown;
  return at === 0 ? undefined : { createdAt: at, id: '' };
}

/**
 * Makes one page of several logs' pages, newest first: none is left out and none comes twice. What stands behind the place where one of the logs
 * has stopped is left for the next page, since that log can have something newer; how far the others have looked is kept, where they found nothing.
 * @returns with where to go on; null: all of them have been shown
 */
export function mergePages(answers: readonly Answer[], limit: number, before: Stand): { deliveries: Owned[]; stand: Stand | null } {
  const found = answers.flatMap(({ webhookId, page }) => page.deliveries.map((delivery) => ({ webhookId, delivery })));
  found.sort((a, b) => compare(a.delivery, b.delivery));
  const stops = answers.flatMap(({ page }) => page.next ?? []).sort(compare);
  const [stop] = stops;
  const certain = stop ? found.filter(({ delivery }) => compare(delivery, stop) <= 0) : found;
  const deliveries = certain.slice(0, limit);
  const isCut = deliveries.length < certain.length;
  const shown = (isCut ? positionOf(deliveries.at(-1)) : stop) ?? null;
  if (shown === null) return { deliveries, stand: null };
  const lookedBackTo = new Map(before.lookedBackTo);
  for (const { webhookId, page } of answers) {
    const left = page.deliveries.find((delivery) => compare(delivery, shown) > 0);
    const at = left ? left.createdAt + 1 : page.next ? page.next.createdAt + 1 : 0;
    if (at <= shown.createdAt) lookedBackTo.set(webhookId, at);
    else lookedBackTo.delete(webhookId);
  }
  return { deliveries, stand: { shown, lookedBackTo } };
}

function positionOf(owned: Owned | undefined): DeliveryPosition | undefined {
  return owned && { createdAt: owned.delivery.createdAt, id: owned.delivery.id };
}

/** Newest first. */
function compare(a: DeliveryPosition, b: DeliveryPosition): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}
