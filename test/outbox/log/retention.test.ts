import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { DeliverySummary } from '../../../src/domain/delivery/delivery.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { Retention, type RetentionPolicy } from '../../../src/outbox/log/retention.ts';
import { Outbox } from '../../../src/outbox/outbox.ts';
import { UsedValues } from '../../../src/outbox/used-values.ts';
import { expectStatus, platform } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endedDeliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
  untilEnded,
} from '../../support/deliveries.ts';
import { vanish } from '../../support/outbox.ts';

const DAY = 86_400_000;

driveDate();

async function given(options: { enabled?: boolean } = {}) {
  const endpoint = endpointInbox();
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, ...options });
  const path = `/organization/${organization}/webhooks/${webhook}`;
  const post = (events = 1) => consume([aMessage(Array.from({ length: events }, () => anEvent(organization)))]);
  return { endpoint, organization, webhook, path, post };
}

/** How many rows an outbox has in all its tables but the key-value one. */
function rowsOf(webhook: string): Promise<number> {
  return runInDurableObject(outboxOf(webhook), (_, { storage }) => {
    const archived = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name GLOB 'archive_*'").toArray();
    const tables = ['deliveries', 'attempts', 'keyed_deliveries', 'hours', ...archived.map(({ name }) => name)];
    return tables.reduce((sum, table) => sum + storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n, 0);
  });
}

describe('a log older than its retention', () => {
  it('is removed by the alarm, and the list says since when it is kept', async () => {
    const { endpoint, webhook, path, post } = await given();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    await post(3);
    while ((await deliveriesOf(webhook)).some(({ finishedAt }) => finishedAt === null)) {
      vi.setSystemTime(Date.now() + 70_000);
      await runAlarm(webhook);
    }
    expect((await platform.get(`${path}/deliveries`)).body).not.toHaveProperty('keptSince');
    vi.setSystemTime(Date.now() + 29 * DAY);
    await runAlarm(webhook);
    expect(await deliveriesOf(webhook)).toHaveLength(3);
    await post();
    await endedDeliveriesOf(webhook, 4);
    vi.setSystemTime(Date.now() + 2 * DAY);
    await runAlarm(webhook);
    const { body } = await platform.get(`${path}/deliveries`);
    expect(body.data).toHaveLength(1);
    expect(Date.parse(body.keptSince)).toBeLessThanOrEqual(Date.parse(body.data[0].createdAt));
    expect(await rowsOf(webhook)).toBe(1);
  });

  it('keeps what still waits, however old', async () => {
    const { webhook } = await given();
    await runInDurableObject(outboxOf(webhook), async (_, state) => {
      const store = new Store(state.storage);
      const insert = (id: string, status: string, dueAt: number | null) =>
        store.sql.exec(
          `INSERT INTO deliveries (created_at, id, event_id, event, status, attempt_count, failures, expires_at, due_at, trigger, payload)
           VALUES (1, ?, 'evt', 'e', ?, 1, 0, 9e15, ?, 'event', x'00')`,
          id,
          status,
          dueAt,
        );
      insert('dlv_waiting', 'retrying', 9e15);
      insert('dlv_running', 'failed', 9e15);
      insert('dlv_ended', 'failed', null);
      const retention = new Retention(state.storage, store, new UsedValues(state.storage.kv, store, 'whk_1'), {
        retentionMs: () => DAY,
        maxBytes: 1e12,
      });
      retention.plan(0);
      await retention.sweep(Date.now());
    });
    expect((await deliveriesOf(webhook)).map(({ id }: DeliverySummary) => id)).toEqual(['dlv_waiting', 'dlv_running']);
  });

  it('neither repeats nor skips what is kept while somebody pages through it', async () => {
    const { webhook, post } = await given();
    await post(6);
    await endedDeliveriesOf(webhook, 6);
    vi.setSystemTime(Date.now() + 20 * DAY);
    await post(6);
    const kept = (await endedDeliveriesOf(webhook, 12)).slice(0, 6).map(({ id }) => id);
    const first = await outboxOf(webhook).list({}, 4, null);
    vi.setSystemTime(Date.now() + 11 * DAY);
    await runAlarm(webhook);
    const second = await outboxOf(webhook).list({}, 4, first.next);
    expect([...first.deliveries, ...second.deliveries].map(({ id }) => id)).toEqual(kept);
    expect(second.next).toBeNull();
  });
});

describe('a plan that keeps less', () => {
  const withQuotas = { ...env, QUOTAS: '{"scale":{"keptDays":7}}' } as Env;

  /** A delivery of nine days ago in an outbox that was idle since. Its sweep is due. */
  async function givenIdle() {
    const { organization, webhook, post } = await given();
    await post();
    await endedDeliveriesOf(webhook, 1);
    const sweep = async (bindings = withQuotas) => {
      await runInDurableObject(outboxOf(webhook), async (_, state) => await new Outbox(state, bindings).alarm());
      await vanish(webhook);
    };
    vi.setSystemTime(Date.now() + 9 * DAY);
    return { organization, webhook, sweep };
  }

  it('is what counts, also where the configuration cannot be read', async () => {
    const [one, other] = [await givenIdle(), await givenIdle()];
    await other.sweep();
    expect(await deliveriesOf(other.webhook)).toEqual([]);
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const down = () => {
      throw new Error('D1 is down');
    };
    await one.sweep({ ...withQuotas, DB: new Proxy({} as D1Database, { get: () => down }) });
    expect(error.mock.calls.map(([line]) => JSON.parse(line).event)).toContain('webhook.read_failed');
    error.mockRestore();
    expect(await deliveriesOf(one.webhook)).toEqual([]);
  });

  it('does not count any more after a move to one that keeps more, though nothing has come since', async () => {
    const { organization, webhook, sweep } = await givenIdle();
    await expectStatus(platform.put(`/organization/${organization}`, { name: 'Higher', plan: 'enterprise' }), 200);
    await sweep();
    expect(await deliveriesOf(webhook)).toHaveLength(1);
  });
});

describe('an outbox that grows too large', () => {
  const ROWS = 2_000;

  /** An outbox of its own with many rows of 4 kB, oldest first. */
  async function withRows<T>(
    columns: { status: string; dueAt?: string },
    work: (retention: (policy: Partial<RetentionPolicy>) => Retention, store: Store, storage: DurableObjectStorage) => Promise<T>,
  ): Promise<T> {
    return await runInDurableObject(outboxOf(`whk_${crypto.randomUUID()}`), async (_, { storage }) => {
      const store = new Store(storage);
      store.sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS - 1})
         INSERT INTO deliveries (created_at, id, event_id, event, status, reason, attempt_count, failures, expires_at, due_at, trigger, payload)
         SELECT ? + i, printf('dlv_%05d', i), 'evt', 'e', ${columns.status}, NULL, 1, 0, 9e15, ${columns.dueAt ?? 'NULL'}, 'event', zeroblob(4000) FROM n`,
        Date.now(),
      );
      const usedValues = new UsedValues(storage.kv, store, 'whk_1');
      const policy = { retentionMs: () => 30 * DAY, maxBytes: 1e12 };
      return await work((own) => new Retention(storage, store, usedValues, { ...policy, ...own }), store, storage);
    });
  }

  const count = ({ sql }: Store, where: string) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM deliveries WHERE ${where}`).one().n;

  /** Plans as a recording does, and sweeps while that is due, as alarms do. */
  async function sweepAll(retention: Retention): Promise<number> {
    // The first recording plans the first sweep, each further one sees to the size.
    if (retention.dueAt() === null) retention.plan(Date.now());
    retention.plan(Date.now());
    let sweeps = 0;
    for (; (retention.dueAt() ?? Number.POSITIVE_INFINITY) <= Date.now() && sweeps < 100; sweeps++) await retention.sweep(Date.now());
    return sweeps;
  }

  it.each(['discarded', 'failed', 'delivered'])('loses the oldest of what has ended, until it is below its limit: %s', async (status) => {
    await withRows({ status: `'${status}'` }, async (given, store) => {
      const maxBytes = store.sql.databaseSize * 0.6;
      const retention = given({ maxBytes });
      expect(await sweepAll(retention)).toBeGreaterThan(0);
      expect(store.sql.databaseSize).toBeLessThanOrEqual(maxBytes);
      const left = count(store, 'true');
      expect(left).toBeGreaterThan(ROWS / 3);
      // The newest are those that are left.
      expect(count(store, `id >= '${`dlv_${String(ROWS - left).padStart(5, '0')}`}'`)).toBe(left);
      expect(retention.keptSince()).toBeGreaterThan(Date.now());
    });
  });

  it('loses what repeated others on a day before any delivery of it: of that a hundred are ever shown', async () => {
    await withRows({ status: "'discarded'" }, async (given, store) => {
      const size = store.sql.databaseSize;
      const acceptedAt = Date.now() - 20 * DAY;
      for (let number = 0; store.sql.databaseSize < 2 * size; number++) {
        const repeated = {
          id: `dlv_${number}`,
          eventId: `evt_${number}`,
          event: 'e',
          sessionId: null,
          acceptedAt,
          payload: new Uint8Array(),
        };
        store.repeated.add(repeated, 'x'.repeat(5_000));
      }
      await sweepAll(given({ maxBytes: store.sql.databaseSize * 0.9 }));
      expect(store.repeated.latest()).toEqual([]);
      expect(count(store, 'true')).toBe(ROWS);
    });
  });

  it('does not meet its limit again with the next batch', async () => {
    await withRows({ status: "'discarded'" }, async (given, store) => {
      const retention = given({ maxBytes: store.sql.databaseSize * 0.6 });
      await sweepAll(retention);
      let sweeps = 0;
      for (let batch = 0; batch < 20; batch++) sweeps += await sweepAll(retention);
      expect(sweeps).toBe(0);
    });
  });

  it('never loses what waits, though nothing else is left to lose', async () => {
    const status = "iif(i % 2 = 0, 'discarded', 'retrying')";
    await withRows({ status, dueAt: 'iif(i % 2 = 0, NULL, 9e15)' }, async (given, store) => {
      const retention = given({ maxBytes: store.sql.databaseSize * 0.2 });
      await sweepAll(retention);
      expect(count(store, "status = 'retrying'")).toBe(ROWS / 2);
      expect(count(store, "status = 'discarded'")).toBe(0);
      // It goes on as before, and is looked at again in time.
      expect(retention.dueAt()).toBeGreaterThan(Date.now());
      // Not with each batch that comes meanwhile.
      expect(await sweepAll(retention)).toBe(0);
      vi.setSystemTime(Date.now() + 600_000);
      expect(await sweepAll(retention)).toBeGreaterThan(0);
    });
  });

  it('stays below its limit while more and more is discarded', async () => {
    await withRows({ status: "'discarded'" }, async (given, store) => {
      const maxBytes = store.sql.databaseSize * 1.1;
      const retention = given({ maxBytes });
      let largest = 0;
      for (let flood = 1; flood <= 10; flood++) {
        store.sql.exec(
          `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
           INSERT INTO deliveries (created_at, id, event_id, event, status, attempt_count, failures, expires_at, trigger, payload)
           SELECT ? + i, printf('dlv_%d_%05d', ?, i), 'evt', 'e', 'discarded', 0, 0, 0, 'event', zeroblob(4000) FROM n`,
          Date.now() + flood * 100_000,
          flood,
        );
        await sweepAll(retention);
        largest = Math.max(largest, store.sql.databaseSize);
      }
      expect(largest).toBeLessThanOrEqual(maxBytes);
      expect(count(store, "id LIKE 'dlv_10_%'")).toBe(100);
    });
  });

  it('sweeps what is past its retention though nothing can be written: at the limit of the platform only deleting works', async () => {
    await withRows({ status: "'failed'" }, async (given, store, storage) => {
      const retention = given({ retentionMs: () => DAY });
      retention.plan(Date.now());
      vi.setSystemTime(Date.now() + 2 * DAY);
      const spies = fullStorage(storage);
      for (let alarm = 0; alarm < 5; alarm++) await retention.sweep(Date.now());
      for (const spy of spies) spy.mockRestore();
      expect(count(store, 'true')).toBe(0);
    });
  });
});

describe('a storage that is full', () => {
  it('is swept by the alarm before all work, whose faults end nothing; then deliveries go on', async () => {
    const { endpoint, webhook, post } = await given();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    await post();
    await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
      new Store(storage).sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO deliveries (created_at, id, event_id, event, status, attempt_count, failures, expires_at, due_at, trigger, payload)
         SELECT i, 'dlv_' || i, 'evt', 'e', 'failed', 1, 0, 0, NULL, 'event', x'00' FROM n`,
      );
    });
    vi.setSystemTime(Date.now() + DAY);
    const left = await runInDurableObject(outboxOf(webhook), async (instance, { storage }) => {
      const spies = fullStorage(storage);
      const outbox = instance as unknown as Outbox;
      for (let alarm = 0; alarm < 5; alarm++) {
        // The platform tries an alarm again that throws; this one does where the next cannot be set.
        await outbox.alarm().catch(() => {});
        vi.setSystemTime(Date.now() + 60_000);
      }
      for (const spy of spies) spy.mockRestore();
      return storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM deliveries WHERE status = 'failed'").one().n;
    });
    expect(left).toBe(0);
    // There is room again: the retry that waited goes out, once.
    await untilEnded(webhook);
    expect(await deliveriesOf(webhook)).toMatchObject([{ status: 'delivered', attemptCount: 2 }]);
    expect(await endpoint.requests()).toHaveLength(2);
  });
});

/** Durable Objects: at 10 GB whatever writes fails; reads and deletes go on. */
function fullStorage(storage: DurableObjectStorage): { mockRestore(): void }[] {
  const full = () => {
    throw new Error('database or disk is full: SQLITE_FULL');
  };
  const exec = storage.sql.exec.bind(storage.sql);
  return [
    vi.spyOn(Object.getPrototypeOf(storage.sql), 'exec').mockImplementation((...args) => {
      if (/^\s*(insert|update|create|with)/i.test(String(args[0]))) full();
      return exec(...(args as Parameters<typeof exec>));
    }),
    vi.spyOn(Object.getPrototypeOf(storage.kv), 'put').mockImplementation(full),
    vi.spyOn(Object.getPrototypeOf(storage), 'setAlarm').mockImplementation(async () => full()),
  ];
}
