import type { DeliverySummary } from '../domain/delivery.ts';
import { StatusBadge, TestBadge } from './condition.tsx';
import { paths } from './paths.ts';
import { type Hold, NextAttempt, Time } from './time.tsx';
import { took } from './wording.ts';

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
}

/** Deliveries, as they come: newest first. */
export function DeliveryTable({ deliveries, hold, nowMs }: DeliveryTableProps) {
  return (
    <table class="stacking deliveries">
      <thead>
        <tr>
          <th scope="col" class="w13">
            Status
          </th>
          <th scope="col">About</th>
          <th scope="col" class="w21">
            Accepted
          </th>
          <th scope="col" class="number w10">
            Attempts
          </th>
          <th scope="col" class="w13">
            Next attempt
          </th>
          <th scope="col" class="number w10">
            Response
          </th>
          <th scope="col" class="number w10">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <DeliveryRow delivery={delivery} hold={hold} nowMs={nowMs} />
        ))}
      </tbody>
    </table>
  );
}

/** Whom a delivery is about, and of which event; it leads to the delivery. */
export function About({ delivery: { id, webhookId, subject, event, test } }: { delivery: ListedDelivery }) {
  return (
    <th scope="row" data-label="About" class="about">
      <a href={paths.delivery(webhookId, id)}>
        {subject ?? event}
        <span class="visually-hidden"> delivery {id}</span>
      </a>
      {test && ' '}
      {test && <TestBadge />}
      {subject !== null && <span class="hint">{event}</span>}
    </th>
  );
}

function DeliveryRow({ delivery, hold, nowMs }: { delivery: ListedDelivery; hold: Hold; nowMs: number }) {
  const { id, status, createdAt, attemptCount, nextAttemptAt, lastResponseStatus, lastDurationMs } = delivery;
  return (
    <tr id={id}>
      <td data-label="Status">
        <StatusBadge status={status} />
      </td>
      <About delivery={delivery} />
      <td data-label="Accepted">
        <Time at={createdAt} />
      </td>
      <td data-label="Attempts" class="number">
        {attemptCount}
      </td>
      <td data-label="Next attempt" class={nextAttemptAt ? '' : 'blank'}>
        {nextAttemptAt ? <NextAttempt at={nextAttemptAt} hold={hold} nowMs={nowMs} /> : '–'}
      </td>
      <td data-label="Response" class={lastResponseStatus === null ? 'number blank' : 'number'}>
        {lastResponseStatus ?? '–'}
      </td>
      <td data-label="Took" class={lastDurationMs === null ? 'number blank' : 'number'}>
        {took(lastDurationMs)}
      </td>
    </tr>
  );
}
