import {
  type Contents,
  type DeliveryDetail,
  type DeliveryPosition,
  type DeliverySummary,
  isRendered,
} from '../../domain/delivery/delivery.ts';
import type { DeliveryState } from '../../domain/delivery/lifecycle.ts';
import { subjectFrom, type Who } from '../../domain/event/subject.ts';
import { asTestEventId } from '../../domain/ids.ts';

/** The columns of a delivery's state, as an outbox's table has them. */
export const STATE =
  'status, reason, attempt_count, failures, expires_at, due_at, leased_at, trigger, finished_at, last_response_status, last_duration_ms';
/** All of a delivery's columns but what it carries and its first attempt. */
export const COLUMNS = `created_at, id, event_id, event, session_id, ${STATE}`;
/** The columns of what a delivery carries. */
export const CONTENTS = 'payload, accepted, error';

/** The event as it was accepted, as text: where it was erased or never kept, none (toContents). */
export const EVENT_TEXT =
  'CASE WHEN length(accepted) > 0 AND length(payload) > 0 THEN CAST(accepted AS TEXT) ELSE CAST(payload AS TEXT) END AS event_text';

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
  /** Whom its event is about; null: nobody is named. Undefined: what it carries says it (Store.whoOf). */
  who?: Who | null;
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

/** A row of CONTENTS. */
export type ContentsRow = { payload: ArrayBuffer; accepted: ArrayBuffer | null; error: string | null };

const NOTHING = new Uint8Array();

/**
 * What a delivery carries, in the order of CONTENTS. Of one that is not rendered what was accepted stands in the place of the payload, and
 * nothing, rather than null, in its own: a version that is rolled back to, and knows of no rendering, sends it as it was accepted.
 */
export function valuesOfContents({ payload, accepted, error = null }: Contents): (Uint8Array | string | null)[] {
  if (accepted === undefined) return [payload, null, null];
  return isRendered({ payload, accepted }) ? [payload, accepted, null] : [accepted, NOTHING, error];
}

export function toContents(row: ContentsRow): Contents {
  const payload = new Uint8Array(row.payload);
  // What is sent is never empty. A version that is rolled back to erases that alone, and knows nothing of what was accepted: it is erased with it.
  if (row.accepted === null || payload.length === 0) return { payload };
  if (row.accepted.byteLength > 0) return { payload, accepted: new Uint8Array(row.accepted) };
  return { payload: NOTHING, accepted: payload, error: row.error };
}

/** What a delivery carries as people read it: it is JSON, and is shown as it came. Null: it is not kept. */
export function textsOf(contents: Contents | null): Pick<DeliveryDetail, 'payload' | 'acceptedPayload' | 'error'> {
  if (!contents) return { payload: null, acceptedPayload: null, error: null };
  const { payload, accepted, error = null } = contents;
  return { payload: isRendered(contents) ? textOf(payload) : null, acceptedPayload: accepted ? textOf(accepted) : null, error };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes);
}

/** What a list shows of a delivery. @param who whom its event is about */
export function toSummary({ createdAt, id, eventId, event, sessionId, state }: StoredDelivery, who: Who | null): DeliverySummary {
  const { status, reason, attemptCount, finishedAt, lastResponseStatus, lastDurationMs } = state;
  // While an attempt runs there is no next one yet.
  const nextAttemptAt = state.leasedAt === null ? state.dueAt : null;
  const progress = { status, reason, attemptCount, nextAttemptAt, finishedAt, lastResponseStatus, lastDurationMs };
  return { id, eventId, event, subject: subjectFrom(event, who), sessionId, createdAt, ...progress };
}
