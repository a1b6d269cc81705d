import type { DeliveryPosition } from './delivery.ts';

/** Failed and discarded deliveries of a span of time that start over. Times are milliseconds since the epoch. */
export interface Recovery {
  /** Of events accepted at or after this … */
  since: number;
  /** … and before this. */
  until: number;
  requestedAt: number;
  /** Deliveries that have started over so far. */
  recovered: number;
  /** How far in the log it has come. */
  position: DeliveryPosition;
  finishedAt: number | null;
}
