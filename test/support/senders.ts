import { vi } from 'vitest';
import { Sender } from '../../src/attempt/sender.ts';

/** What was seen of attempts: how many ran at a time, in all and in the busiest object. */
export interface SeenAttempts {
  begun: number;
  running: number;
  most: number;
  mostOfOne: number;
  /** Objects that made any. */
  objects: number;
}

/**
 * Watches the attempts of all objects in the tests' isolate: an outbox and each of its couriers have a sender of their own, as each has
 * connections of its own on the platform. vi.restoreAllMocks() ends it.
 * @param webhookId of whose attempts alone are watched: outboxes of earlier tests can still be at work
 */
export function watchSenders(webhookId?: string): SeenAttempts {
  const seen: SeenAttempts = { begun: 0, running: 0, most: 0, mostOfOne: 0, objects: 0 };
  const runningOf = new Map<Sender, number>();
  const send = Sender.prototype.send;
  vi.spyOn(Sender.prototype, 'send').mockImplementation(async function (this: Sender, ...args) {
    if (webhookId !== undefined && args[0].id !== webhookId) return await send.apply(this, args);
    const ofThis = (runningOf.get(this) ?? 0) + 1;
    runningOf.set(this, ofThis);
    seen.begun++;
    seen.running++;
    seen.most = Math.max(seen.most, seen.running);
    seen.mostOfOne = Math.max(seen.mostOfOne, ofThis);
    seen.objects = runningOf.size;
    try {
      return await send.apply(this, args);
    } finally {
      seen.running--;
      runningOf.set(this, (runningOf.get(this) ?? 1) - 1);
    }
  });
  return seen;
}
