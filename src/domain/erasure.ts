/**
 * What became of the `visitor.erased` that tells a webhook's endpoint of an erased person whom it had received.
 * - `not_subscribed`: its webhook does not subscribe to it.
 * - `pending`: it waits, or is retried.
 * - `delivered`, `failed`: it has ended so.
 */
export const NOTIFIED = ['not_subscribed', 'pending', 'delivered', 'failed'] as const;

export type Notified = (typeof NOTIFIED)[number];
