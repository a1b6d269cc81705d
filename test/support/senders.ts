import { vi } from 'vitest';
import { Sender } from '../../src/attempt/sender.ts';
import { Places } from '../../src/outbox/places.ts';

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

/**
 * Has answers take so long by their record, where the date stands still: more than five attempts at a time are for an endpoint whose answers
 * let others wait. vi.restoreAllMocks() ends it, and what is returned.
 */
export function haveAnswersTake(durationMs: number): () => void {
  const { attempt } = Places.prototype;
  const spy = vi.spyOn(Places.prototype, 'attempt').mockImplementation(async function (this: Places, ...args) {
    const made = await attempt.apply(this, args);
    return made && { ...made, record: { ...made.record, durationMs } };
  });
  return () => spy.mockRestore();
}
