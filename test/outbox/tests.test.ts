import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { app } from '../../src/app.ts';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { parseDuration } from '../../src/domain/text/duration.ts';
import { createOrganization, createWebhook, ORIGIN, PLATFORM_KEY, platform, read } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { signedIn } from '../support/dashboard.ts';
import { alarmOf, endpointInbox, givenScripted, givenWebhook, outboxOf, untilEnded } from '../support/deliveries.ts';
import { bring, deliver, findDelivery, inOutbox, makeVersion4, newDeliveries, newDelivery, vanish } from '../support/outbox.ts';
import type { Reply } from '../support/receiver.ts';

/*
 * A test is a test for good: whatever its endpoint answers, and whatever is done with it afterwards.
 */

driveDate();

const rowOf = async (webhook: string) => (await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook)))[0]!;

async function retried(path: string, id: string, attempts: number) {
  expect(await platform.post(`${path}/deliveries/${id}/retry`)).toMatchObject({ status: 202, body: { test: true } });
  // Not vi.waitFor: it moves a driven date.
  for (;;) {
    const { body } = await platform.get(`${path}/deliveries/${id}`);
    if (body.attempts.length === attempts) return body;
    await scheduler.wait(10);
  }
}

const ANSWERS: [string, Reply][] = [
  ['410', { status: 410 }],
  ['404', { status: 404 }],
  ['500', { status: 500 }],
  ['503 with Retry-After', { status: 503, headers: { 'retry-after': '60' } }],
  ['a redirect', { status: 302, headers: { location: 'https://example.com/' } }],
  ['nothing', { reset: true }],
];

describe('a test that is answered with', () => {
  it.each(ANSWERS)('%s has failed as a test: it says so, changes nothing, and is not recovered', async (_answer, reply) => {
    const { endpoint, webhook, path } = await givenScripted([reply]);
    const { status, body } = await platform.post(`${path}/test`);
    expect(status).toBe(200);
    expect(body.delivery).toMatchObject({ test: true, status: 'failed', reason: 'test_failed', nextAttemptAt: null });
    expect(body.delivery.eventId).toMatch(/^evt_test_/);
    expect(body.attempt).toMatchObject({ trigger: 'test', url: endpoint.url });
    expect(body.attempt.error).not.toContain('disabled');
    expect(await rowOf(webhook)).toMatchObject({ enabled: true, disabledReason: null, health: 'healthy' });
    expect(await inOutbox(webhook, (_, { kv }) => kv.get('report'))).toBeUndefined();
    vi.setSystemTime(Date.now() + 1);
    expect((await platform.post(`${path}/recover`, { since: '2020-01-01' })).body).toEqual({ count: 0 });
    expect(await endpoint.requests()).toMatchObject([{ headers: { 'x-bullseye-test': 'true', 'webhook-id': body.delivery.eventId } }]);
  });

  it.each(ANSWERS)('%s stays one when it is retried by hand, and is answered so again', async (_answer, reply) => {
    const { endpoint, webhook, path } = await givenScripted([reply]);
    const { id, eventId } = (await platform.post(`${path}/test`)).body.delivery;
    for (let attempts = 2; attempts <= 4; attempts++) {
      const detail = await retried(path, id, attempts);
      expect(detail).toMatchObject({ test: true, status: 'failed', reason: 'test_failed', nextAttemptAt: null });
      expect(detail.attempts.at(-1)).toMatchObject({ trigger: 'manual', requestHeaders: { 'X-Bullseye-Test': 'true' } });
    }
    // Twelve failures in a row of as many deliveries would have opened the circuit.
    for (let test = 0; test < 12; test++) await platform.post(`${path}/test`);
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    expect(await rowOf(webhook)).toMatchObject({ enabled: true, disabledReason: null });
    vi.setSystemTime(Date.now() + 1);
    expect((await platform.post(`${path}/recover`, { since: '2020-01-01' })).body).toEqual({ count: 0 });
    const received = await endpoint.requests();
    expect(received).toHaveLength(4 + 12);
    for (const { headers } of received) expect(headers['x-bullseye-test']).toBe('true');
    for (const { headers } of received.slice(0, 4)) expect(headers['webhook-id']).toBe(eventId);
  });
});

describe('a test', () => {
  it('that is retried by hand and arrives is delivered, still a test, and counted nowhere', async () => {
    const { endpoint, organization, path } = await givenScripted([{ status: 500 }, { status: 204 }, { status: 500 }]);
    const { id, eventId } = (await platform.post(`${path}/test`)).body.delivery;
    const delivered = await retried(path, id, 2);
    expect(delivered).toMatchObject({ test: true, status: 'delivered', reason: null });
    // One that was delivered stays so.
    expect(await retried(path, id, 3)).toMatchObject({ test: true, status: 'delivered', reason: null });
    expect((await platform.get(`${path}/deliveries`)).body.data).toMatchObject([{ id, test: true }]);
    expect((await platform.get(`${path}/deliveries?q=${eventId}`)).body.data).toMatchObject([{ id, test: true }]);
    expect((await platform.get(`/organization/${organization}/events/${eventId}`)).body.deliveries).toMatchObject([{ id, test: true }]);
    expect(await platform.get(`/organization/${organization}/events/${eventId.replace('test_', '')}`)).toMatchObject({ status: 404 });
    const { totals } = (await platform.get(`${path}/stats?period=1h`)).body;
    expect(totals).toMatchObject({ delivered: 0, failed: 0, discarded: 0, attempts: 0 });
    for (const { headers } of await endpoint.requests()) expect(headers['x-bullseye-test']).toBe('true');
  });

  it('closes the circuit by arriving, also when it is retried by hand', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 500 }]);
    const { id } = (await platform.post(`${path}/test`)).body.delivery;
    await deliver(webhook, ...newDeliveries(webhook, 12));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    await retried(path, id, 2);
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    await endpoint.script([{ status: 200 }]);
    await retried(path, id, 3);
    expect((await outboxOf(webhook).status()).health).not.toBe('open');
  });

  it('that is pushed back, or not answered, leaves deliveries as many attempts at a time as they had', async () => {
    const { endpoint, webhook, path } = await givenScripted([
      { status: 429 },
      { status: 503 },
      { reset: true },
      { reset: true },
      { reset: true },
      { hang: true },
    ]);
    for (let test = 0; test < 5; test++) await platform.post(`${path}/test`);
    await bring(webhook, ...newDeliveries(webhook, 5));
    expect(await endpoint.arrived(10)).toHaveLength(10);
  });

  it('stands among real deliveries, which are not marked, are counted and are recovered', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 410 }]);
    await platform.post(`${path}/test`);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    expect((await platform.get(`${path}/deliveries`)).body.data.map(({ test, reason }: Record<string, unknown>) => [test, reason])).toEqual(
      [
        [false, 'endpoint_gone'],
        [true, 'test_failed'],
      ],
    );
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await rowOf(webhook)).toMatchObject({ enabled: false, disabledReason: 'endpoint_gone' });
    await platform.patch(path, { enabled: true });
    vi.setSystemTime(Date.now() + 1);
    await endpoint.script([{ status: 200 }]);
    expect((await platform.post(`${path}/recover`, { since: '2020-01-01' })).body).toEqual({ count: 1 });
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect((await endpoint.requests()).map(({ headers }) => headers['x-bullseye-test'])).toEqual(['true', undefined, undefined]);
    expect((await platform.get(`${path}/stats?period=1h`)).body.totals).toMatchObject({ delivered: 1, attempts: 2 });
  });

  it('of a Worker of the version before, which does not mark it, is marked all the same', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 500 }]);
    const sample = newDelivery(webhook);
    expect(await outboxOf(webhook).sendTest(sample)).toMatchObject({ eventId: sample.eventId.replace('evt_', 'evt_test_') });
    await outboxOf(webhook).retryNow(sample.id);
    for (const { headers } of await endpoint.arrived(2)) expect(headers['x-bullseye-test']).toBe('true');
  });
});

describe('tests of a webhook', () => {
  const statusesOf = (answers: { status: number }[]) => {
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    return { sent: count(200), refused: count(429) };
  };

  it('are sixty in any minute, exactly, however many are asked for at once, and say when the next one may be', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 200 }]);
    const start = Date.now();
    for (let test = 0; test < 20; test++) expect((await platform.post(`${path}/test`)).status).toBe(200);
    vi.setSystemTime(start + 25_000);
    const atOnce = await Promise.all(Array.from({ length: 70 }, () => platform.post(`${path}/test`)));
    expect(statusesOf(atOnce)).toEqual({ sent: 40, refused: 30 });
    const refused = atOnce.find(({ status }) => status === 429)!;
    expect(refused.body).toMatchObject({ code: 'rate_limited', details: { limit: 60 } });
    expect(refused.headers.get('Retry-After')).toBe('35');
    // An object that is loaded anew knows them as well.
    await vanish(webhook);
    vi.setSystemTime(start + 59_999);
    expect((await platform.post(`${path}/test`)).headers.get('Retry-After')).toBe('1');
    vi.setSystemTime(start + 60_000);
    expect(statusesOf(await Promise.all(Array.from({ length: 30 }, () => platform.post(`${path}/test`))))).toEqual({
      sent: 20,
      refused: 10,
    });
    vi.setSystemTime(start + 85_000);
    expect(statusesOf(await Promise.all(Array.from({ length: 50 }, () => platform.post(`${path}/test`))))).toEqual({
      sent: 40,
      refused: 10,
    });
    expect(await endpoint.requests()).toHaveLength(120);
  });

  it('that are refused are not in the log, and hold up neither another webhook, nor retries by hand, nor deliveries', async () => {
    const { organization, webhook, path } = await givenScripted([{ status: 200 }]);
    for (let test = 0; test < 61; test++) await platform.post(`${path}/test`);
    expect((await outboxOf(webhook).list({}, 100, null)).deliveries).toHaveLength(60);
    const other = await givenWebhook(organization, { url: endpointInbox().url });
    expect((await platform.post(`/organization/${organization}/webhooks/${other}/test`)).status).toBe(200);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered' });
    expect((await platform.post(`${path}/deliveries/${delivery.id}/retry`)).status).toBe(202);
  });

  it('that are refused leave a message on the page', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { url: endpointInbox().url });
    const person = await signedIn(organization);
    for (let test = 0; test < 60; test++) await platform.post(`${organization.path}/webhooks/${id}/test`);
    const page = await person.submit(`${id}/test`);
    expect([page.status, page.text.includes('Too many requests in a short time. Try again in')]).toEqual([200, true]);
  });
});

describe('a test of a slow endpoint', () => {
  it.each(['30s', '45s', '60s'])('is answered with its attempt where that may take %s', async (timeout) => {
    const { path, webhook } = await givenScripted([{ status: 200 }]);
    const detail = await outboxOf(webhook).sendTest(newDelivery(webhook));
    const { promise, resolve } = Promise.withResolvers<typeof detail>();
    const OUTBOX = { getByName: () => ({ sendTest: () => promise }) } as unknown as Env['OUTBOX'];
    const headers = { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json' };
    const waits = vi.spyOn(globalThis, 'setTimeout');
    const request = new Request(`${ORIGIN}/api/v1${path}/test`, { method: 'POST', headers });
    const answering = app.fetch(request, { ...env, OUTBOX, DELIVERY_TIMEOUT: timeout }, createExecutionContext());
    // As long as it waits for it, an attempt has ended and is on record: its headers, its body, and some.
    const longestMs = () => Math.max(0, ...waits.mock.calls.map(([, ms]) => ms ?? 0));
    while (longestMs() < 30_000) await scheduler.wait(5);
    expect(longestMs()).toBeGreaterThan(parseDuration(timeout) + 15_000);
    waits.mockRestore();
    resolve(detail);
    expect(await read(await answering)).toMatchObject({ status: 200, body: { attempt: { outcome: 'succeeded' } } });
  });

  it('is 404 where the webhook is deleted meanwhile, and leaves nothing behind', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 200, delayMs: 800 }]);
    const testing = platform.post(`${path}/test`);
    await endpoint.arrived(1);
    expect((await platform.delete(path)).status).toBe(204);
    expect(await testing).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await inOutbox(webhook, async (_, storage) => [[...storage.kv.list()], await storage.getAlarm()])).toEqual([[], null]);
  });

  it('is 503 where it could not be sent, and the webhook is there', async () => {
    const { webhook, path } = await givenScripted([{ status: 200 }]);
    const secret = 'v1:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    await databaseOf(env.DB).update(webhooks).set({ secret }).where(eq(webhooks.id, webhook));
    expect(await platform.post(`${path}/test`)).toMatchObject({ status: 503, body: { code: 'outbox_unavailable' } });
  });
});

describe('a test that the version before has stored', () => {
  /** As it was: told by what made its latest attempt, and by nothing else. */
  async function asBefore(webhook: string, id: string, values: Record<string, string | number | null> = {}) {
    await inOutbox(webhook, (_, storage) => {
      const { sql } = storage;
      const changes = { event_id: `evt_${id.slice(4, 30)}`, ...values };
      const set = Object.keys(changes).map((name) => `${name} = ?`);
      sql.exec(`UPDATE deliveries SET ${set.join(', ')} WHERE id = ?`, ...Object.values(changes), id);
      makeVersion4(storage);
    });
    await vanish(webhook);
    // The next alarm marks it.
    await inOutbox(webhook, (outbox) => outbox.alarm());
  }

  it.each([
    ['that failed', {}],
    ['that met 410, and was not told from an event', { reason: 'endpoint_gone' }],
    [
      'that was recovered as if it were an event, and waits',
      { status: 'retrying', reason: null, due_at: 1, trigger: 'recovery', finished_at: null },
    ],
    ['that was discarded when it was recovered', { status: 'discarded', reason: 'webhook_disabled', trigger: 'recovery' }],
    ['that was retried by hand', { trigger: 'manual' }],
  ])('%s is one', async (_what, values) => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 500 }]);
    const { id, eventId } = (await platform.post(`${path}/test`)).body.delivery;
    await retried(path, id, 2);
    await asBefore(webhook, id, values);
    expect(await findDelivery(webhook, id)).toMatchObject({ eventId, status: 'failed', reason: 'test_failed', nextAttemptAt: null });
    vi.setSystemTime(Date.now() + 3_600_000);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await endpoint.requests()).toHaveLength(2);
    expect((await platform.post(`${path}/recover`, { since: '2020-01-01' })).body).toEqual({ count: 0 });
    expect((await platform.get(`${path}/stats?period=24h`)).body.totals).toMatchObject({ failed: 0, attempts: 0 });
    await retried(path, id, 3);
    expect((await endpoint.requests()).at(-1)?.headers).toMatchObject({ 'x-bullseye-test': 'true', 'webhook-id': eventId });
  });

  it('and arrived when it was retried by hand is one, and is not counted any more', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 500 }, { status: 200 }]);
    const { id, eventId } = (await platform.post(`${path}/test`)).body.delivery;
    await retried(path, id, 2);
    await asBefore(webhook, id, { trigger: 'manual' });
    expect((await platform.get(`${path}/stats?period=1h`)).body.totals).toMatchObject({ delivered: 0, attempts: 0 });
    expect(await findDelivery(webhook, id)).toMatchObject({ eventId, status: 'delivered', reason: null });
    await retried(path, id, 3);
    expect((await endpoint.requests()).at(-1)?.headers).toMatchObject({ 'x-bullseye-test': 'true' });
  });

  it('among many is marked in steps, once, and an alarm is set for what is left', async () => {
    const { webhook, path } = await givenScripted([{ status: 500 }]);
    const { id, eventId } = (await platform.post(`${path}/test`)).body.delivery;
    await inOutbox(webhook, (_, storage) => {
      const { sql } = storage;
      sql.exec('UPDATE deliveries SET event_id = ?', `evt_${id.slice(4, 30)}`);
      const columns = sql.exec('SELECT * FROM deliveries LIMIT 0').columnNames;
      const others = columns.map((name) => (name === 'created_at' ? 'at' : name === 'id' ? "'dlv_' || at" : name)).join(', ');
      // Older and newer ones, more than an alarm looks at.
      sql.exec(
        `WITH RECURSIVE ats (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM ats WHERE at < 26000)
         INSERT INTO deliveries SELECT ${others} FROM deliveries, ats`,
      );
      sql.exec("UPDATE deliveries SET trigger = 'event', first_attempt = NULL WHERE created_at <= 25000");
      makeVersion4(storage);
    });
    await vanish(webhook);
    const marked = () =>
      inOutbox(webhook, (_, { sql }) => sql.exec("SELECT id FROM deliveries WHERE event_id GLOB 'evt_test_*'").toArray());
    const alarm = () => inOutbox(webhook, (outbox) => outbox.alarm());
    await alarm();
    expect(await marked()).toEqual([]);
    expect(await alarmOf(webhook)).toBeLessThanOrEqual(Date.now() + 1);
    await alarm();
    expect(await marked()).toHaveLength(1_001);
    expect((await findDelivery(webhook, id)).eventId).toBe(eventId);
    expect(await inOutbox(webhook, (_, { kv }) => kv.get('unmarkedTests'))).toBeUndefined();
  });

  it('leaves deliveries of events as they are', async () => {
    const { webhook, path } = await givenScripted([{ status: 500 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await untilEnded(webhook);
    await platform.post(`${path}/deliveries/${delivery.id}/retry`);
    while ((await findDelivery(webhook, delivery.id)).attempts.length < 5) await scheduler.wait(10);
    const before = await findDelivery(webhook, delivery.id);
    await asBefore(webhook, delivery.id);
    expect(await findDelivery(webhook, delivery.id)).toEqual(before);
  });
});
