import { exportDeliveries, MAX_EXPORTED } from '../../api/deliveries/delivery-export.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { clockOf } from '../parts/clock.ts';
import { webhookOf } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';
import { apiQuery, type Filters, filtersFrom } from './delivery-filters.ts';

const FORMATS = [
  ['csv', 'CSV'],
  ['ndjson', 'NDJSON'],
] as const;

/** `GET <webhook>/deliveries/export`: what the list with the same filters has, as a file. */
export async function downloadDeliveries(c: PageContext): Promise<Response> {
  const { nowMs, call } = c.get('visit');
  const filters = filtersFrom((name) => c.req.query(name), clockOf(c).zone);
  const format = FORMATS.find(([name]) => name === c.req.query('format'))?.[0] ?? 'csv';
  const query = { ...apiQuery(filters, nowMs), format };
  // A whole answer rather than a body, which the types of a route do not tell.
  return (await call(exportDeliveries, { params: { webhookId: webhookOf(c).id }, query })) as unknown as Response;
}

/** The links to it. */
export function ExportLinks({ webhook, filters }: { webhook: WebhookRow; filters: Filters }) {
  const path = paths.webhook(webhook.id, 'deliveries/export');
  return (
    <p class="links" id="exports">
      <span class="hint">{t('deliveries.download', { count: MAX_EXPORTED })}</span>
      {FORMATS.map(([format, name]) => (
        <a href={`${path}?${new URLSearchParams({ ...filters, format })}`} download={`deliveries.${format}`}>
          {name}
        </a>
      ))}
    </p>
  );
}
