import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OutboxConfig } from '../../src/db/configuration.ts';
import type { AttemptResult } from '../../src/delivery/attempt.ts';
import { Ledger } from '../../src/delivery/ledger.ts';
import type { Outbox } from '../../src/delivery/outbox.ts';
import { OutboxLog } from '../../src/delivery/outbox-log.ts';
import { MIGRATIONS } from '../../src/delivery/outbox-migrations.ts';
import { OutboxStore } from '../../src/delivery/outbox-store.ts';
import { Reports } from '../../src/delivery/reports.ts';
import type { NewDelivery } from '../../src/domain/delivery.ts';
import { deliveryId } from '../../src/domain/ids.ts';
import { anEvent, outboxOf } from '../support/deliveries.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const LEASE_MS = 40_000;
const policy = { scheduleMs: [60_000], random: () => 0 };

function aDelivery(webhookId: string): NewDelivery {
  const { id: eventId, payload } = anEvent('org_acme');
  return { id: deliveryId(eventId, webhookId), eventId, event: 'visitor.identified', sessionId: null, acceptedAt: Date.now(), payload };
}

function aConfig(id: string): OutboxConfig {
  const secrets = { secret: null, previousSecret: null, previousSecretExpiresAt: null, maxPerSecond: null };
  const url = 'https://hooks.example.com/in';
  return {
    plan: 'scale',
    webhook: { id, organizationId: 'org_acme', url, events: ['*'], enabled: true, health: 'healthy', healthSince: 1, ...secrets },
  };
}

function failed(number: number): AttemptResult {
  const response = {
    responseStatus: 500,
    responseHeaders: {},
    responseBody: '',
    responseBodyEncoding: 'utf-8',
    responseBodyTruncated: false,
  } as const;
  const startedAt = Date.now();
  return {
    record: { number, trigger: 'event', startedAt, durationMs: 5, outcome: 'failed', requestHeaders: {}, ...response, error: 'no' },
    retryAfterMs: null,
  };
}

/** Makes the next statement that contains `text` fail. */
function failNext(storage: DurableObjectStorage, text: string): void {
  const exec = storage.sql.exec.bind(storage.sql);
  let failing = true;
  vi.spyOn(Object.getPrototypeOf(storage.sql), 'exec').mockImplementation((...args) => {
    if (failing && String(args[0]).includes(text)) {
      failing = false;
      throw new Error('the storage is full');
    }
    return exec(...(args as Parameters<typeof exec>));
  });
}

describe('an alarm that cannot be set', () => {
  it('does not pass for one that is: the delivery is not taken for recorded until it is', async () => {
    const webhook = `whk_${crypto.randomUUID()}`;
    const entry = { kind: 'waiting', delivery: aDelivery(webhook) } as const;
    const seen = await runInDurableObject(outboxOf(webhook), async (instance, { storage }) => {
      const outbox = instance as unknown as Outbox;
      vi.spyOn(storage, 'setAlarm').mockRejectedValueOnce(new Error('the alarm cannot be set'));
      const first = await outbox.record(aConfig(webhook), [entry]).catch((error: Error) => error.message);
      const unset = await storage.getAlarm();
      const second = await outbox.record(aConfig(webhook), [entry]);
      const set = await storage.getAlarm();
      await storage.deleteAlarm();
      return { first, unset, second, set };
    });
    expect(seen).toEqual({ first: 'the alarm cannot be set', unset: null, second: [], set: expect.any(Number) });
  });
});

describe('the end of an attempt whose record cannot be written', () => {
  it.each([
    ['an attempt that failed', (ledger: Ledger, id: string) => ledger.settle(id, failed(1))],
    [
      'one that was interrupted',
      (ledger: Ledger, id: string, store: OutboxStore) => ledger.interrupt(store.find(id)!, Date.now() + LEASE_MS),
    ],
  ])('is not kept either: %s still runs, and its end is recorded whole the next time', async (_what, end) => {
    const webhook = `whk_${crypto.randomUUID()}`;
    await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
      const store = new OutboxStore(storage);
      const ledger = new Ledger(store, policy, LEASE_MS);
      const delivery = aDelivery(webhook);
      ledger.recordAll([{ kind: 'leased', delivery, startedAt: Date.now() }], Date.now());
      failNext(storage, 'SET first_attempt');
      expect(() => end(ledger, delivery.id, store)).toThrow('the storage is full');
      expect(store.find(delivery.id)?.state).toMatchObject({ status: 'pending', attemptCount: 1, leasedAt: expect.any(Number) });
      end(ledger, delivery.id, store);
      expect(new OutboxLog(store).detail(delivery.id)).toMatchObject({ status: 'retrying', attemptCount: 1, attempts: [{ number: 1 }] });
    });
  });
});

describe('the note that deliveries wait', () => {
  it('is made again where the cron took it back while its answer was on the way', async () => {
    const kept = new Map<string, unknown>();
    const kv = {
      get: (key: string) => kept.get(key),
      put: (key: string, value: unknown) => kept.set(key, value),
      delete: (key: string) => kept.delete(key),
    } as unknown as SyncKvStorage;
    let statements = 0;
    let answer = (): void => {};
    const run = () => {
      statements++;
      return new Promise((resolve) => {
        answer = () => resolve({ success: true, results: [], meta: {} });
      });
    };
    const DB = { prepare: () => ({ bind: () => ({ run, all: run, raw: run }) }) } as unknown as D1Database;
    const reports = new Reports(kv, { DB } as Env, 'whk_1');
    const first = reports.busy(1);
    await vi.waitFor(() => expect(statements).toBe(1));
    reports.idle();
    answer();
    await first;
    const second = reports.busy(2);
    await vi.waitFor(() => expect(statements).toBe(2));
    answer();
    await second;
    await reports.busy(3);
    expect(statements).toBe(2);
  });
});

describe('an outbox that a newer version has written', () => {
  it('is worked on by an older one, and keeps the newer schema’s number', async () => {
    const webhook = `whk_${crypto.randomUUID()}`;
    const outbox = outboxOf(webhook);
    await outbox.record(aConfig(webhook), [{ kind: 'discarded', delivery: aDelivery(webhook) }]);
    await runInDurableObject(outbox, (_, { storage }) => {
      storage.sql.exec('ALTER TABLE deliveries ADD COLUMN of_a_newer_version TEXT');
      storage.kv.put('schemaVersion', MIGRATIONS.length + 1);
    });
    await evictDurableObject(outbox);
    await outbox.record(aConfig(webhook), [{ kind: 'discarded', delivery: aDelivery(webhook) }]);
    expect((await outbox.list({}, 10, null)).deliveries).toHaveLength(2);
    expect(await runInDurableObject(outbox, (_, { storage }) => storage.kv.get('schemaVersion'))).toBe(MIGRATIONS.length + 1);
  });
});
