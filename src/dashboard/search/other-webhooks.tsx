import { getEvent } from '../../api/deliveries/deliveries.ts';
import { ApiError } from '../../api/errors.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import type { DeliveryStatus } from '../../domain/delivery/delivery.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { StatusBadge } from '../parts/condition.tsx';
import { webhookCrumb } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';

/** A delivery of the same event at another webhook. */
export interface OtherDelivery {
  id: string;
  status: DeliveryStatus;
  webhook: WebhookRow;
}

/** A delivery's event at the organization's other webhooks; none where that cannot be told right now. */
export async function othersOf(visit: Visit, { eventId, webhookId }: { eventId: string; webhookId: string }): Promise<OtherDelivery[]> {
  if (visit.webhooks.length < 2) return [];
  try {
    const { deliveries } = await visit.call(getEvent, { params: { eventId } });
    return deliveries.flatMap(({ id, status, webhookId: other }) => {
      const webhook = other === webhookId ? undefined : visit.webhooks.find((each) => each.id === other);
      return webhook ? [{ id, status, webhook }] : [];
    });
  } catch (error) {
    if (error instanceof ApiError && (error.code === 'outbox_unavailable' || error.code === 'not_found')) return [];
    throw error;
  }
}

export function OtherWebhooks({ others }: { others: readonly OtherDelivery[] }) {
  return (
    <section class="card" aria-labelledby="others-title">
      <h2 id="others-title">{t('search.others')}</h2>
      <ul class="plain-list others">
        {others.map(({ id, status, webhook }) => (
          <li>
            <StatusBadge status={status} /> <a href={paths.delivery(webhook.id, id)}>{webhookCrumb(webhook).name}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
