import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AttemptResult } from '../../src/attempt/attempt.ts';
import { waiting } from '../../src/domain/delivery/lifecycle.ts';
import { Ledger } from '../../src/outbox/books/ledger.ts';
import { MIGRATIONS } from '../../src/outbox/books/migrations.ts';
import { Store } from '../../src/outbox/books/store.ts';
import { Reports } from '../../src/outbox/reports/reports.ts';
import { driveDate } from '../support/clock.ts';
import {
  alarmOf,
  deliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
  untilEnded,
} from '../support/deliveries.ts';
import {
  bring,
  configOf,
  deliver,
  findDelivery,
  havePatience,
  inOutbox,
  newDeliveries,
  newDelivery,
  rowsOf,
  vanish,
} from '../support/outbox.ts';
import type { Reply } from '../support/receiver.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

async function given(...script: Reply[]) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
  return { endpoint, webhook };
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

/** Makes the next statement that matches fail; says whether one has. */
function failNext(storage: DurableObjectStorage, pattern: RegExp): { hasFailed: boolean } {
  const exec = storage.sql.exec.bind(storage.sql);
  const state = { hasFailed: false };
  vi.spyOn(Object.getPrototypeOf(storage.sql), 'exec').mockImplementation((...args) => {
    if (!state.hasFailed && pattern.test(String(args[0]))) {
      state.hasFailed = true;
      throw new Error('the storage is full');
    }
    return exec(...(args as Parameters<typeof exec>));
  });
  return state;
}

describe('an alarm that cannot be set', () => {
  it('does not pass for one that is: the call is not answered, and the next one sets it', async () => {
    havePatience();
    const { endpoint, webhook } = await given({ status: 500 });
    const [config, delivery] = [await configOf(webhook), newDelivery(webhook)];
    const seen = await inOutbox(webhook, async (outbox, storage) => {
      const setting = vi.spyOn(storage, 'setAlarm').mockRejectedValue(new Error('the alarm cannot be set'));
      const first = await outbox.deliver(config, [delivery], Date.now()).catch((error: Error) => error.message);
      setting.mockRestore();
      const unset = await storage.getAlarm();
      const second = await outbox.deliver(config, [delivery], Date.now());
      return { first, unset, second, set: await storage.getAlarm() };
    });
    expect(seen).toEqual({
      first: 'the alarm cannot be set',
      unset: null,
      second: {
        counts: { has_errors: 1, retried: 1 },
        faults: {},
        endpoints: [expect.objectContaining({ webhookId: webhook, cause: 'has_errors', status: 500 })],
      },
      set: expect.any(Number),
    });
    expect(await deliveriesOf(webhook)).toMatchObject([{ id: delivery.id, status: 'retrying', attemptCount: 1 }]);
    expect(await endpoint.requests()).toHaveLength(1);
  });
});

describe('the end of an attempt that cannot be kept', () => {
  it('is kept whole or not at all', async () => {
    await runInDurableObject(outboxOf(`whk_${crypto.randomUUID()}`), (_, { storage }) => {
      const store = new Store(storage);
      const ledger = new Ledger(store, { scheduleMs: [60_000], random: () => 0 });
      const delivery = newDelivery('whk_1');
      ledger.addWaiting([delivery], Date.now());
      const { createdAt, ...head } = store.find(delivery.id)!;
      const running = { ...waiting(Date.now()), attemptCount: 1, leasedAt: Date.now() };
      const begun = { createdAt, ...head, state: running };
      for (const end of [() => ledger.end(begun, failed(1), true), () => ledger.interrupt(begun, Date.now())]) {
        failNext(storage, /SET .*first_attempt/);
        expect(end).toThrow('the storage is full');
        expect(store.find(delivery.id)?.state).toMatchObject({ status: 'pending', attemptCount: 0, leasedAt: null });
        expect(store.attempts({ createdAt, id: delivery.id })).toEqual([]);
        vi.restoreAllMocks();
      }
      expect(ledger.end(begun, failed(1), true)?.state).toMatchObject({ status: 'retrying', attemptCount: 1 });
      expect(store.attempts({ createdAt, id: delivery.id })).toMatchObject([{ number: 1, outcome: 'failed' }]);
    });
  });

  it('has the call that brought it fail; the next one keeps it, and makes no second attempt', async () => {
    havePatience();
    const { endpoint, webhook } = await given({ status: 200 });
    const [config, deliveries] = [await configOf(webhook), newDeliveries(webhook, 3)];
    await inOutbox(webhook, async (outbox, storage) => {
      const statement = failNext(storage, /INSERT INTO archive_/);
      await expect(outbox.deliver(config, deliveries, Date.now())).rejects.toThrow('the storage is full');
      expect(statement.hasFailed).toBe(true);
      vi.restoreAllMocks();
    });
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 0, open: 0 });
    await deliver(webhook, ...deliveries);
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 1, open: 0 });
    expect(await deliveriesOf(webhook)).toMatchObject(Array(3).fill({ status: 'delivered', attemptCount: 1 }));
    expect(await endpoint.requests()).toHaveLength(3);
  });

  it('of a retry stays known: it is kept when it can be, and not made again', async () => {
    const { endpoint, webhook } = await given({ status: 500 }, { status: 200 });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    vi.setSystemTime((await findDelivery(webhook, delivery.id)).nextAttemptAt!);
    await inOutbox(webhook, async (outbox, storage) => {
      const statement = failNext(storage, /SET .*first_attempt/);
      await outbox.alarm();
      expect(statement.hasFailed).toBe(true);
      vi.restoreAllMocks();
    });
    expect(await endpoint.requests()).toHaveLength(2);
    // The next that happens keeps it: no attempt is needed for that.
    vi.setSystemTime(Date.now() + 30_000);
    await runAlarm(webhook);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({
      status: 'delivered',
      attemptCount: 2,
      attempts: [{ outcome: 'failed' }, { outcome: 'succeeded' }],
    });
    expect(await endpoint.requests()).toHaveLength(2);
  });
});

describe('an outbox whose storage was full when it was loaded', () => {
  it('takes nothing in until it has taken over what was left, tries that at intervals, and then everything ends', async () => {
    const { endpoint, webhook } = await given({ hang: true });
    const left = newDelivery(webhook);
    await bring(webhook, left);
    await endpoint.script([{ status: 200 }]);
    const full = vi.spyOn(Store.prototype, 'atomically').mockImplementation(() => {
      throw new Error('the storage is full');
    });
    await vanish(webhook);
    const late = newDelivery(webhook);
    await expect(bring(webhook, late)).rejects.toThrow('what the object before it has left');
    const startedAt = Date.now();
    expect(await alarmOf(webhook)).toBe(startedAt + 30_000);
    vi.setSystemTime(startedAt + 30_000);
    await runAlarm(webhook);
    expect(await alarmOf(webhook)).toBe(startedAt + 60_000);

    full.mockRestore();
    vi.setSystemTime(startedAt + 60_000);
    await runAlarm(webhook);
    await deliver(webhook, late);
    await untilEnded(webhook);
    const attempts = (id: string) => findDelivery(webhook, id).then((detail) => detail.attempts.map(({ outcome }) => outcome));
    expect(await attempts(left.id)).toEqual(['interrupted', 'succeeded']);
    expect(await attempts(late.id)).toEqual(['succeeded']);
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
    const reports = new Reports(kv, { DB } as Env, 'whk_1', () => 0);
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
    const { webhook } = await given({ status: 500 });
    await deliver(webhook, newDelivery(webhook));
    await inOutbox(webhook, (_, storage) => {
      storage.sql.exec('ALTER TABLE deliveries ADD COLUMN of_a_newer_version TEXT');
      storage.kv.put('schemaVersion', MIGRATIONS.length + 1);
    });
    await evictDurableObject(outboxOf(webhook));
    await deliver(webhook, newDelivery(webhook));
    expect(await deliveriesOf(webhook)).toHaveLength(2);
    expect(await inOutbox(webhook, (_, storage) => storage.kv.get('schemaVersion'))).toBe(MIGRATIONS.length + 1);
  });
});
