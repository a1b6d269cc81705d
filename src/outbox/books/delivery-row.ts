import type { DeliveryPosition, DeliverySummary } from '../../domain/delivery.ts';
import { asTestEventId } from '../../domain/ids.ts';
import type { DeliveryState } from '../../domain/lifecycle.ts';

/** The columns of a delivery's state, as an outbox's table has them. */
export const STATE =
  'status, reason, attempt_count, failures, expires_at, due_at, leased_at, trigger, finished_at, last_response_status, last_duration_ms';
/** All of a delivery's columns but its payload and first attempt. */
export const COLUMNS = `created_at, id, event_id, event, session_id, ${STATE}`;

/** A row of COLUMNS. */
export type Row = {
  created_at: number;
  id: string;
  event_id: string;
  event: string;
  session_id: string | null;
  status: DeliveryState['status'];
  reason: DeliveryState['reason'];
  attempt_count: number;
  failures: number;
  expires_at: number;
  due_at: number | null;
  leased_at: number | null;
  trigger: DeliveryState['trigger'];
  finished_at: number | null;
  last_response_status: number | null;
  last_duration_ms: number | null;
};

/** A delivery as the outbox holds it, without its payload. */
export interface StoredDelivery extends DeliveryPosition {
  eventId: string;
  event: string;
  sessionId: string | null;
  state: DeliveryState;
}

/** A state's values, in the order of STATE. */
export function valuesOf(state: DeliveryState): (string | number | null)[] {
  const { status, reason, attemptCount, failures, expiresAt, dueAt, leasedAt, trigger, finishedAt, lastResponseStatus, lastDurationMs } =
    state;
  return [status, reason, attemptCount, failures, expiresAt, dueAt, leasedAt, trigger, finishedAt, lastResponseStatus, lastDurationMs];
}

export function toPosition(row: Pick<Row, 'created_at' | 'id'>): DeliveryPosition {
  return { createdAt: row.created_at, id: row.id };
}

export function toStored(row: Row): StoredDelivery {
  return {
    createdAt: row.created_at,
    id: row.id,
    // What an earlier version has stored is not marked until the next alarm (outbox/log/past-tests.ts).
    eventId: row.trigger === 'test' ? asTestEventId(row.event_id) : row.event_id,
    event: row.event,
    sessionId: row.session_id,
    state: {
      status: row.status,
      reason: row.reason,
      attemptCount: row.attempt_count,
      failures: row.failures,
      expiresAt: row.expires_at,
      dueAt: row.due_at,
      leasedAt: row.leased_at,
      trigger: row.trigger,
      finishedAt: row.finished_at,
      lastResponseStatus: row.last_response_status,
      lastDurationMs: row.last_duration_ms,
    },
  };
}

/** A payload as people read it: it is JSON, and is shown as it came. */
export function payloadText(payload: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(payload);
}

/** What a list shows of a delivery. */
export function toSummary({ createdAt, id, eventId, event, sessionId, state }: StoredDelivery): DeliverySummary {
  const { status, reason, attemptCount, finishedAt, lastResponseStatus, lastDurationMs } = state;
  // While an attempt runs there is no next one yet.
  const nextAttemptAt = state.leasedAt === null ? state.dueAt : null;
  const progress = { status, reason, attemptCount, nextAttemptAt, finishedAt, lastResponseStatus, lastDurationMs };
  return { id, eventId, event, sessionId, createdAt, ...progress };
}
