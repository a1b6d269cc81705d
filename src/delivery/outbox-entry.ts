import type { NewDelivery } from '../domain/delivery.ts';
import type { AttemptResult } from './attempt.ts';

/**
 * What the consumer tells an outbox of a delivery.
 * - `attempted`: attempt 1 ended, whether or not it was leased before.
 * - `leased`: attempt 1 runs since `startedAt`; with no outcome by the end of the lease it counts as interrupted. Also how a
 *   delivery that may have been seen before is claimed: only one that is new to the outbox is the consumer's to attempt.
 * - `released`: claimed, but not attempted: the outbox is to attempt it.
 * - `waiting`: handed over: the outbox is to attempt it.
 * - `discarded`: not to be attempted, because the webhook is disabled; kept, so that it can be recovered.
 */
export type OutboxEntry =
  | { kind: 'attempted'; delivery: NewDelivery; result: AttemptResult }
  | { kind: 'leased'; delivery: NewDelivery; startedAt: number }
  | { kind: 'released'; delivery: NewDelivery }
  | { kind: 'waiting'; delivery: NewDelivery }
  | { kind: 'discarded'; delivery: NewDelivery };
