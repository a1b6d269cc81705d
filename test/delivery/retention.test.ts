import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { OutboxStore } from '../../src/delivery/outbox-store.ts';
import { Retention } from '../../src/delivery/retention.ts';
import type { DeliverySummary } from '../../src/domain/delivery.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
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
} from '../support/deliveries.ts';

const DAY = 86_400_000;

driveDate();

async function given(options: { enabled?: boolean } = {}) {
  const endpoint = endpointInbox();
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, ...options });
  const path = `/organization/${organization}/webhooks/${webhook}`;
  const post = (events = 1) => consume([aMessage(Array.from({ length: events }, () => anEvent(organization)))]);
  return { endpoint, webhook, path, post };
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
      const store = new OutboxStore(state.storage);
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
      const retention = new Retention(state.storage, store, { retentionMs: DAY, maxBytes: 1e12 });
      retention.plan(0);
      await retention.sweep(Date.now(), Date.now() + 1);
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

describe('an outbox that grows too large', () => {
  it('loses the oldest delivered deliveries first, until it is below its limit, and never what failed or waits', async () => {
    const { webhook, post } = await given();
    await post(1);
    await endedDeliveriesOf(webhook, 1);
    const left = await runInDurableObject(outboxOf(webhook), async (_, state) => {
      const store = new OutboxStore(state.storage);
      store.sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
         INSERT INTO deliveries (created_at, id, event_id, event, status, attempt_count, failures, expires_at, due_at, trigger, payload)
         SELECT i + 1, printf('dlv_%05d', i), 'evt', 'e', iif(i % 100 = 0, 'failed', 'delivered'), 1, 0, 0, NULL, 'event', zeroblob(4000) FROM n`,
      );
      const size = store.sql.databaseSize;
      const retention = new Retention(state.storage, store, { retentionMs: 1e15, maxBytes: size * 0.6 });
      state.storage.kv.delete('sweepAt');
      retention.plan(-1e15);
      await retention.sweep(Date.now(), Date.now() + 1);
      const count = (where: string) => store.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM deliveries WHERE ${where}`).one().n;
      return {
        size: store.sql.databaseSize / size,
        failed: count("status = 'failed'"),
        delivered: count("status = 'delivered'"),
        newest: count("id BETWEEN 'dlv_01901' AND 'dlv_01999'"),
      };
    });
    expect(left.failed).toBe(20);
    expect(left.delivered).toBeLessThan(1_900);
    expect(left.newest).toBe(99);
  });
});
