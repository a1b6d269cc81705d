import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { platform } from '../../support/api.ts';
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
import { makeVersion4 } from '../../support/outbox.ts';

const HOUR = 3_600_000;

driveDate(Math.ceil(Date.now() / HOUR) * HOUR);

async function given() {
  const endpoint = endpointInbox();
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url });
  const path = `/organization/${organization}/webhooks/${webhook}`;
  const post = (events = 1) => consume([aMessage(Array.from({ length: events }, () => anEvent(organization)))]);
  return { endpoint, organization, webhook, path, post };
}

describe('statistics', () => {
  it('count what was delivered, failed and discarded, with its attempts, by when it was accepted', async () => {
    const { endpoint, webhook, path, post } = await given();
    await post(3);
    await endedDeliveriesOf(webhook, 3);
    vi.setSystemTime(Date.now() + HOUR);
    await endpoint.script([{ status: 500 }]);
    await post();
    const waiting = (await platform.get(`${path}/stats?period=24h`)).body;
    expect(waiting).toMatchObject({ waiting: 1, totals: { delivered: 3, failed: 0, attempts: 4, successRate: 1 } });
    while ((await deliveriesOf(webhook)).some(({ finishedAt }) => finishedAt === null)) {
      vi.setSystemTime(Date.now() + 40 * 60_000);
      await runAlarm(webhook);
    }
    const { body } = await platform.get(`${path}/stats?period=24h`);
    expect(body).toMatchObject({
      period: '24h',
      bucketSeconds: 3_600,
      waiting: 0,
      totals: { delivered: 3, failed: 1, discarded: 0, attempts: 7, successRate: 0.75 },
    });
    expect(body.totals.latencyP50Ms).toBeGreaterThanOrEqual(0);
    const counted = body.buckets.filter(({ attempts }: { attempts: number }) => attempts > 0);
    expect(counted).toMatchObject([
      { delivered: 3, failed: 0 },
      { delivered: 0, failed: 1, attempts: 4, successRate: 0 },
    ]);
    expect(body.buckets).toHaveLength(24);
    expect(Date.parse(body.to) - Date.parse(body.from)).toBe(24 * HOUR);
  });

  it.each([
    ['hangs up', { reset: true }],
    ['hangs up late', { reset: true, delayMs: 300 }],
  ])('have no response time of an endpoint that %s: nothing responded', async (_how, reply) => {
    const { endpoint, webhook, path, post } = await given();
    await endpoint.script([reply]);
    await post(2);
    await untilEnded(webhook);
    const { body } = await platform.get(`${path}/stats?period=24h`);
    expect(body.totals).toMatchObject({ failed: 2, responses: { none: 8 }, latencyP50Ms: null, latencyP95Ms: null });
    await endpoint.script([{ status: 503 }]);
    await post();
    await untilEnded(webhook);
    // An error is a response, too.
    expect((await platform.get(`${path}/stats?period=24h`)).body.totals.latencyP50Ms).toEqual(expect.any(Number));
  });

  it('are right also where a past hour, counted before, changes after all', async () => {
    const { endpoint, webhook, path, post } = await given();
    await endpoint.script([{ status: 410 }, { status: 200 }]);
    await post();
    await runAlarm(webhook);
    vi.setSystemTime(Date.now() + 2 * HOUR);
    const before = await platform.get(`${path}/stats?period=7d`);
    expect(before.body.totals).toMatchObject({ delivered: 0, failed: 1 });
    await platform.patch(path, { enabled: true });
    const [delivery] = await deliveriesOf(webhook);
    expect((await platform.post(`${path}/deliveries/${delivery!.id}/retry`)).status).toBe(202);
    await vi.waitFor(async () => expect((await deliveriesOf(webhook))[0]?.status).toBe('delivered'));
    for (const period of ['24h', '7d', '30d']) {
      expect((await platform.get(`${path}/stats?period=${period}`)).body.totals, period).toMatchObject({
        delivered: 1,
        failed: 0,
        attempts: 2,
      });
    }
    // Accepted more than an hour ago.
    expect((await platform.get(`${path}/stats?period=1h`)).body.totals).toMatchObject({ delivered: 0, attempts: 0 });
  });

  it('count every attempt that ended by what the endpoint answered', async () => {
    const { endpoint, webhook, path, post } = await given();
    await endpoint.script([{ status: 503 }, { status: 302 }, { reset: true }, { status: 404 }, { status: 200 }]);
    await post();
    await untilEnded(webhook);
    const [failed] = await deliveriesOf(webhook);
    await platform.post(`${path}/deliveries/${failed!.id}/retry`);
    await vi.waitFor(async () => expect((await deliveriesOf(webhook))[0]?.status).toBe('delivered'));
    await post(2);
    await untilEnded(webhook);
    const { body } = await platform.get(`${path}/stats?period=24h`);
    expect(body.totals).toMatchObject({ attempts: 7, responses: { '2xx': 3, '3xx': 1, '4xx': 1, '5xx': 1, none: 1 } });
    const counted = body.buckets.filter(({ attempts }: { attempts: number }) => attempts > 0);
    expect(counted.map(({ responses }: { responses: unknown }) => responses)).toEqual([
      { '2xx': 1, '3xx': 1, '4xx': 1, '5xx': 1, none: 1 },
      { '2xx': 2, '3xx': 0, '4xx': 0, '5xx': 0, none: 0 },
    ]);
  });

  it('counted by a version that knew of no responses are counted anew', async () => {
    const { webhook, path, post } = await given();
    await post(2);
    await endedDeliveriesOf(webhook, 2);
    vi.setSystemTime(Date.now() + HOUR);
    await platform.get(`${path}/stats?period=24h`);
    await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
      const tally = JSON.stringify({ delivered: 2, failed: 0, discarded: 0, attempts: 2, durations: { 1: 2 } });
      expect(storage.sql.exec('UPDATE hours SET tally = ?', tally).rowsWritten).toBe(1);
      // What the later steps have made was not there, and what they drop was.
      makeVersion4(storage);
      storage.sql.exec('DROP TABLE payload_erasures');
      for (const index of ['due', 'unsuccessful']) storage.sql.exec(`DROP INDEX deliveries_${index}`);
      for (const index of ['waiting', 'expiring', 'leased', 'undelivered'])
        storage.sql.exec(`CREATE INDEX deliveries_${index} ON deliveries (due_at)`);
      storage.kv.put('schemaVersion', 1);
    });
    await evictDurableObject(outboxOf(webhook));
    expect((await platform.get(`${path}/stats?period=24h`)).body.totals).toMatchObject({ delivered: 2, responses: { '2xx': 2 } });
  });

  it('leave tests out', async () => {
    const { path } = await given();
    await platform.post(`${path}/test`);
    expect((await platform.get(`${path}/stats`)).body).toMatchObject({
      period: '24h',
      totals: { delivered: 0, attempts: 0, successRate: null },
    });
  });

  it('refuse a period that there is not', async () => {
    const { path } = await given();
    expect(await platform.get(`${path}/stats?period=2h`)).toMatchObject({ status: 422, body: { details: { field: 'period' } } });
  });
});
