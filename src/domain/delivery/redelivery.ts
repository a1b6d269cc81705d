/** First wait before the queue redelivers a message that met a fault of ours; doubles with every redelivery. */
const FIRST_DELAY_SECONDS = 5;
/** Longest such wait: with the consumer's 100 retries a message rides out 23 hours of outage before it is parked. */
const LONGEST_DELAY_SECONDS = 900;

/**
 * Seconds until a message is redelivered. Only our own faults (D1 or an outbox unreachable) redeliver messages; a failing
 * endpoint's deliveries are scheduled in its outbox.
 * @param attempts deliveries of the message so far, from 1
 */
export function redeliveryDelaySeconds(attempts: number): number {
  return Math.min(FIRST_DELAY_SECONDS * 2 ** Math.min(attempts - 1, 20), LONGEST_DELAY_SECONDS);
}
