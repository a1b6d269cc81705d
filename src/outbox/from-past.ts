import type { AttemptResult } from '../attempt/attempt.ts';
import type { NewDelivery } from '../domain/delivery.ts';
import { mintedAt } from '../domain/ids.ts';
import { begin, discard, settle, waiting } from '../domain/lifecycle.ts';
import type { Ledger } from './books/ledger.ts';
import type { Store } from './books/store.ts';
import { isArchivable } from './log/archive.ts';

/*
 * What a consumer of the version before tells an outbox during a deploy: an old isolate can call a new object. It made first attempts
 * itself, and told the outbox of them.
 */

/**
 * - `attempted`: attempt 1 ended, whether or not it was leased before.
 * - `leased`: attempt 1 runs there since `startedAt`.
 * - `released`: leased, but not attempted after all: the outbox is to attempt it.
 * - `waiting`: the outbox is to attempt it.
 * - `discarded`: not to be attempted, because the webhook is disabled.
 */
export type PastEntry =
  | { kind: 'attempted'; delivery: NewDelivery; result: AttemptResult }
  | { kind: 'leased'; delivery: NewDelivery; startedAt: number }
  | { kind: 'released' | 'waiting' | 'discarded'; delivery: NewDelivery };

/**
 * Records what a consumer of the version before tells. Recording twice is a no-op.
 * @param leaseMs how long an attempt that runs there may take before it is made here
 * @returns the ids of the deliveries that were new
 */
export function recordPast(entries: readonly PastEntry[], { store, ledger }: Books, leaseMs: number, now: number): string[] {
  const known = new Set(store.known(entries.map(({ delivery }) => delivery)));
  const fresh: string[] = [];
  store.atomically(() => {
    for (const entry of entries) {
      const { id } = entry.delivery;
      if (known.has(id)) change(entry, { store, ledger }, now);
      else if (add(entry, { store, ledger }, leaseMs, now)) fresh.push(id);
      known.add(id);
    }
  });
  return fresh;
}

interface Books {
  store: Store;
  ledger: Ledger;
}

function add(entry: PastEntry, { store, ledger }: Books, leaseMs: number, now: number): boolean {
  const { kind, delivery } = entry;
  const fresh = waiting(now, delivery.acceptedAt);
  if (kind === 'attempted') return addAttempted(entry, { store, ledger });
  // What runs there is due here when it has had its time: by then its outcome is here, or nobody knows of one.
  if (kind === 'leased') return store.insert(delivery, { ...fresh, dueAt: entry.startedAt + leaseMs }, null);
  const state = kind === 'discarded' ? discard(fresh, 'webhook_disabled', now) : fresh;
  return state !== null && store.insert(delivery, state, null);
}

function addAttempted({ delivery, result }: Extract<PastEntry, { kind: 'attempted' }>, { store, ledger }: Books): boolean {
  const { record, retryAfterMs } = result;
  const running = begin(waiting(record.startedAt, delivery.acceptedAt), record.startedAt);
  const state = running && settle(running, record, retryAfterMs, ledger.policy);
  if (!state) return false;
  if (!isArchivable(state) || !store.isArchivable(delivery)) return store.insert(delivery, state, record);
  store.addToArchive([{ delivery: { ...delivery, acceptedAt: mintedAt(delivery.id) ?? delivery.acceptedAt }, state, attempt: record }]);
  return true;
}

function change(entry: PastEntry, { store, ledger }: Books, now: number): void {
  const known = store.find(entry.delivery.id);
  if (!known || known.state.status === 'delivered') return;
  if (entry.kind === 'attempted') ledger.settleElsewhere(known, entry.result);
  if (entry.kind !== 'released' || known.state.dueAt === null || known.state.attemptCount > 1) return;
  const { leasedAt } = known.state;
  store.save(known, { ...known.state, attemptCount: leasedAt === null ? known.state.attemptCount : 0, leasedAt: null, dueAt: now });
}
