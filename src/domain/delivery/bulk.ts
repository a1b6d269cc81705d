import { isTestEvent } from '../ids.ts';
import { subscribes } from '../webhook/webhook.ts';
import type { DeliveryPosition, DeliveryStatus } from './delivery.ts';
import { type DeliveryState, isRecoverable } from './lifecycle.ts';

/*
 * What is asked of many deliveries at once. Times are milliseconds since the epoch. Each such job is kept with how far it has come, and has its
 * finishedAt when it has come to its end.
 */

/** The deliveries of events that were accepted in a span of time. */
export interface Selection {
  /** At or after this … */
  since: number;
  /** … and before this. */
  until: number;
  /** A type, `*`, or a prefix such as `visitor.*`. Absent: every event. */
  event?: string;
}

/** What can start over; what does where nothing else is said. */
export const RECOVERABLE = ['failed', 'discarded', 'delivered'] as const;
export const RECOVERED_BY_DEFAULT = ['failed', 'discarded'] as const;

export type RecoverableStatus = (typeof RECOVERABLE)[number];

/** What can be canceled: what waits. */
export const CANCELABLE = ['pending', 'retrying'] as const;

export type CancelableStatus = (typeof CANCELABLE)[number];

/** What a cancellation is of: all that waits, where nothing is said. */
export interface CancellationSelection extends Selection {
  statuses?: readonly CancelableStatus[];
}

/** What a recovery is of. Versions before know of no `statuses`: they mean what is recovered by default. */
export interface RecoverySelection extends Selection {
  statuses?: readonly RecoverableStatus[];
}

/** Deliveries that have ended start over. */
export interface Recovery extends RecoverySelection {
  requestedAt: number;
  /** How many deliveries it was of when it was asked for. Missing in what earlier versions have stored. */
  count?: number;
  /** Deliveries that have started over so far. */
  recovered: number;
  /** How far in the rows of the log it has come. */
  position: DeliveryPosition;
  /** How far in the archive, which comes after the rows; absent before that. */
  place?: number;
  finishedAt: number | null;
}

/** A place among what waits, as it falls due. */
export interface DuePosition extends DeliveryPosition {
  dueAt: number;
}

/** Deliveries that wait are not to be attempted any more. */
export interface Cancellation extends CancellationSelection {
  requestedAt: number;
  /** Deliveries that have ended by it so far. */
  canceled: number;
  position: DuePosition;
  finishedAt: number | null;
}

/** As much of a delivery as a selection asks for. */
interface Selectable {
  createdAt: number;
  eventId: string;
  event: string;
  state: DeliveryState;
}

/** Whether a recovery is of what can be delivered once more, too. */
export function isOfDelivered({ statuses = RECOVERED_BY_DEFAULT }: RecoverySelection): boolean {
  return statuses.includes('delivered');
}

/** Whether a delivery is one of a selection's. */
export function isSelected({ since, until, event }: Selection, delivery: Selectable): boolean {
  const { createdAt } = delivery;
  return createdAt >= since && createdAt < until && (event === undefined || subscribes([event], delivery.event));
}

/** Whether a cancellation ends a delivery, as it stands when its turn comes: one that waits, for its first attempt or for a retry. */
export function isCanceled(cancellation: CancellationSelection, delivery: Selectable): boolean {
  const { statuses = CANCELABLE } = cancellation;
  return (statuses as readonly DeliveryStatus[]).includes(delivery.state.status) && isSelected(cancellation, delivery);
}

/**
 * Whether a recovery starts a delivery over. A test is never recovered, nor is what has ended only since it was asked for: what it has started
 * over itself, and what somebody has canceled meanwhile.
 * @param requestedAt when it was asked for
 */
export function isRecovered(recovery: RecoverySelection, delivery: Selectable, requestedAt: number): boolean {
  const { statuses = RECOVERED_BY_DEFAULT } = recovery;
  const { status, finishedAt } = delivery.state;
  if (!(statuses as readonly DeliveryStatus[]).includes(status) || !isSelected(recovery, delivery)) return false;
  if ((finishedAt ?? requestedAt) > requestedAt) return false;
  return !isTestEvent(delivery.eventId) && isRecoverable(delivery.state);
}
