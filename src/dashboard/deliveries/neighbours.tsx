import { outboxOf } from '../../api/deliveries/outboxes.ts';
import { logError } from '../../log.ts';
import { within } from '../../within.ts';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { clockOf } from '../parts/clock.ts';
import { t } from '../words/words.tsx';
import { type Filters, filtersFrom, outboxFilter } from './delivery-filters.ts';

/** How long a delivery's page waits to be told what stands beside it: it is shown without that then. */
const WITHIN_MS = 1_500;

/** A delivery among those of the list that it was opened from. */
export interface Neighbours {
  /** The list's. */
  filters: Filters;
  newer: string | null;
  older: string | null;
}

/** What stands above and below a delivery in the list whose filters the page's address has. */
export async function neighboursOf(c: PageContext, webhookId: string, deliveryId: string): Promise<Neighbours> {
  const filters = filtersFrom((name) => c.req.query(name), clockOf(c).zone);
  const filter = outboxFilter(filters, c.get('visit').nowMs);
  if (!filter) return { filters: {}, newer: null, older: null };
  try {
    return { filters, ...(await within(WITHIN_MS, outboxOf(c.env, webhookId).neighbours(deliveryId, filter))) };
  } catch (error) {
    logError('dashboard.neighbours_unknown', error, { webhookId });
    return { filters, newer: null, older: null };
  }
}

/** The way to what stands above and below. `rel` is what the keys j and k go by (keys.js). */
export function NeighbourLinks({ webhookId, neighbours: { filters, newer, older } }: { webhookId: string; neighbours: Neighbours }) {
  return (
    <nav class="neighbours" aria-label={t('deliveries.beside')} id="neighbours" data-live="">
      {newer && (
        <a rel="prev" href={deliveryPath(webhookId, newer, filters)}>
          {t('deliveries.newerOne')}
        </a>
      )}
      {older && (
        <a rel="next" href={deliveryPath(webhookId, older, filters)}>
          {t('deliveries.olderOne')}
        </a>
      )}
    </nav>
  );
}

/** A delivery's page, which knows the list that it was opened from. */
export function deliveryPath(webhookId: string, id: string, filters: Filters): string {
  const query = String(new URLSearchParams(filters));
  return query === '' ? paths.delivery(webhookId, id) : `${paths.delivery(webhookId, id)}?${query}`;
}

/** The list that a delivery was opened from. */
export function listPath(webhookId: string, filters: Filters): string {
  const query = String(new URLSearchParams(filters));
  return query === '' ? paths.webhook(webhookId, 'deliveries') : `${paths.webhook(webhookId, 'deliveries')}?${query}`;
}
