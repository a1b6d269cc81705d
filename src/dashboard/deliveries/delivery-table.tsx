import type { DeliverySummary } from '../../domain/delivery/delivery.ts';
import { StatusBadge, TestBadge } from '../parts/condition.tsx';
import { type Hold, NextAttempt, Time } from '../parts/time.tsx';
import { responseWords, took } from '../parts/wording.ts';
import { t } from '../words/words.tsx';
import type { Filters } from './delivery-filters.ts';
import { deliveryPath } from './neighbours.tsx';

/** A delivery as the API lists it. */
export type ListedDelivery = Pick<
  DeliverySummary,
  'id' | 'event' | 'subject' | 'status' | 'reason' | 'attemptCount' | 'lastResponseStatus' | 'lastDurationMs'
> & {
  webhookId: string;
  test: boolean;
  createdAt: string;
  nextAttemptAt: string | null;
};

interface DeliveryTableProps {
  deliveries: readonly ListedDelivery[];
  hold: Hold;
  nowMs: number;
  /** How long an endpoint has to answer. */
  timeoutMs: number;
  /** Of the list: a delivery's page leads on to the next of it. */
  filters?: Filters;
}

/** Deliveries, as they come: newest first. */
export function DeliveryTable({ deliveries, filters = {}, ...row }: DeliveryTableProps) {
  return (
    <table class="stacking deliveries">
      <thead>
        <tr>
          <th scope="col" class="w13">
            {t('deliveries.status')}
          </th>
          <th scope="col">{t('deliveries.about')}</th>
          <th scope="col" class="w21">
            {t('deliveries.received')}
          </th>
          <th scope="col" class="number w10">
            {t('deliveries.attempts')}
          </th>
          <th scope="col" class="w13">
            {t('deliveries.next')}
          </th>
          <th scope="col" class="number w13">
            {t('deliveries.response')}
          </th>
          <th scope="col" class="number w10">
            {t('deliveries.took')}
          </th>
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <DeliveryRow delivery={delivery} filters={filters} {...row} />
        ))}
      </tbody>
    </table>
  );
}

/** Whom a delivery is about, and of which event; it leads to the delivery. */
export function About({
  delivery: { id, webhookId, subject, event, test },
  filters = {},
}: {
  delivery: ListedDelivery;
  filters?: Filters;
}) {
  return (
    <th scope="row" data-label={t('deliveries.about')} class="about">
      <a href={deliveryPath(webhookId, id, filters)}>
        {subject ?? event}
        <span class="visually-hidden"> {t('deliveries.named', { id })}</span>
      </a>
      {test && ' '}
      {test && <TestBadge />}
      {subject !== null && <span class="hint">{event}</span>}
    </th>
  );
}

function DeliveryRow({
  delivery,
  hold,
  nowMs,
  timeoutMs,
  filters,
}: Omit<DeliveryTableProps, 'deliveries'> & {
  delivery: ListedDelivery;
}) {
  const { id, status, createdAt, attemptCount, nextAttemptAt, lastDurationMs } = delivery;
  return (
    <tr id={id}>
      <td data-label={t('deliveries.status')}>
        <StatusBadge status={status} />
      </td>
      <About delivery={delivery} filters={filters} />
      <td data-label={t('deliveries.received')}>
        <Time at={createdAt} />
      </td>
      <td data-label={t('deliveries.attempts')} class="number">
        {attemptCount}
      </td>
      <td data-label={t('deliveries.next')} class={nextAttemptAt ? '' : 'blank'}>
        {nextAttemptAt ? <NextAttempt at={nextAttemptAt} hold={hold} nowMs={nowMs} /> : '–'}
      </td>
      <td data-label={t('deliveries.response')} class={lastDurationMs === null ? 'number blank' : 'number'}>
        {responseWords(delivery, timeoutMs)}
      </td>
      <td data-label={t('deliveries.took')} class={lastDurationMs === null ? 'number blank' : 'number'}>
        {took(lastDurationMs)}
      </td>
    </tr>
  );
}
