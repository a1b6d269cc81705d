import { applyD1Migrations, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeEventMessage } from '../../src/domain/event/event-message.ts';
import { bullseyeSignature, importSigningKeys } from '../../src/domain/webhook/signature.ts';
import * as database from '../fixtures/database-0000.ts';
import * as messages from '../fixtures/message-1.ts';
import * as outbox from '../fixtures/outbox-1.ts';
import * as outbox3 from '../fixtures/outbox-3.ts';
import * as outbox5 from '../fixtures/outbox-5.ts';
import { client, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endpointInbox,
  givenWebhook,
  outboxOf,
  type QueueMessage,
  untilEnded,
} from '../support/deliveries.ts';
import { holdAlarms } from '../support/outbox.ts';
import { bodyBytes, type Inbox } from '../support/receiver.ts';

/*
 * A deploy meets what versions before it have stored: rows of the database and of outboxes, and messages in the queue. Some of each is
 * kept in test/fixtures, and this drives it to its end.
 */

/** When the fixtures were stored. */
const STORED_AT = Date.UTC(2027, 0, 1);
const path = `/organization/org_fixture/webhooks/${outbox.WEBHOOK_ID}`;

driveDate(STORED_AT);
holdAlarms(outbox.WEBHOOK_ID);

beforeAll(async () => {
  // The youngest first: what refers to others goes before them.
  const tables =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*' AND name NOT GLOB 'sqlite*' ORDER BY rowid DESC";
  for (const { name } of (await env.DB.prepare(tables).all<{ name: string }>()).results) await env.DB.prepare(`DROP TABLE ${name}`).run();
  await env.DB.batch(database.STATEMENTS.map((statement) => env.DB.prepare(statement)));
  // Those that came after it.
  await applyD1Migrations(env.DB, env.MIGRATIONS);
});

let endpoint: Inbox;
beforeEach(async () => {
  endpoint = endpointInbox();
  // Past what the test before has left in memory.
  vi.setSystemTime(Date.now() + 10_000);
  await env.DB.prepare('UPDATE webhooks SET url = ? WHERE id = ?').bind(endpoint.url, outbox.WEBHOOK_ID).run();
});

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const messageOf = (body: Uint8Array, attempts = 1): QueueMessage => ({ ...aMessage([anEvent('org_fixture')], attempts), body });

describe('the database after migration 0000', () => {
  it('is understood: the key opens, the webhook and its secret, the catalogue and what was parked are there', async () => {
    const admin = client(database.API_KEY);
    const { host } = new URL(endpoint.url);
    const webhook = {
      id: outbox.WEBHOOK_ID,
      name: host,
      description: 'of version 0000',
      events: ['visitor.*'],
      enabled: true,
      hasSecret: true,
    };
    expect((await admin.get(path)).body).toMatchObject(webhook);
    expect((await admin.get(`${path}/secret`)).body).toMatchObject({ secret: database.SECRET });
    expect((await platform.get('/event-types')).body.eventTypes.map(({ name }: { name: string }) => name)).toContain('deal.won');
    expect((await platform.get('/platform/parked-messages/parked-1')).body).toMatchObject({ bodyText: 'not a message' });
  });
});

describe('queue messages of version 1', () => {
  it.each([
    ['accepted', messages.ACCEPTED],
    ['redriven', messages.REDRIVEN],
  ])('that were %s are delivered byte for byte, signed with the secret of then', async (_how, { base64, eventIds }) => {
    const message = messageOf(fromBase64(base64));
    expect((await consume([message])).acknowledged).toEqual([message.id]);
    await untilEnded(outbox.WEBHOOK_ID);
    const received = await endpoint.requests();
    expect(received.map(({ headers }) => headers['webhook-id']).toSorted()).toEqual(eventIds);
    const { events } = decodeEventMessage(message.body);
    const keys = await importSigningKeys(database.SECRET);
    for (const request of received) {
      const payload = events.find(({ id }) => id === request.headers['webhook-id'])!.payload;
      expect(bodyBytes(request)).toEqual(payload);
      expect(request.headers['x-bullseye-signature']).toBe(await bullseyeSignature(keys, payload));
    }
  });

  it('of a version that is not known yet are parked, harm no batch-mate, and stay parked until a version comes that reads them', async () => {
    const text = new TextDecoder().decode(fromBase64(messages.ACCEPTED.base64));
    const future = messageOf(new TextEncoder().encode(text.replace('"v":1', '"v":2')));
    const mate = aMessage([anEvent('org_fixture')]);
    const sent: unknown[] = [];
    const DEAD_LETTERS = { send: async (body: unknown) => void sent.push(body) } as unknown as Queue;
    const { acknowledged } = await consume([future, mate], { ...env, DEAD_LETTERS });
    expect(acknowledged.toSorted()).toEqual([future.id, mate.id].toSorted());
    expect(sent).toEqual([future.body]);
    await endpoint.arrived(1);

    await consume([future], env, 'bullseye-events-dead');
    const at = `/platform/parked-messages/${future.id}`;
    expect(await platform.post(`${at}/redrive`)).toMatchObject({ status: 409, body: { code: 'message_unreadable' } });
    const kept = (await platform.get(at)).body;
    expect(fromBase64(kept.bodyBase64)).toEqual(future.body);
    expect(kept.reason).toBe("It cannot be read: the message's header is not one of version 1");
  });
});

interface Stored {
  STATEMENTS: readonly string[];
  VALUES: Readonly<Record<string, unknown>>;
}

/** The outbox of the fixtures' webhook, as a version before has left it; its object is loaded by this one. */
async function givenOutbox({ STATEMENTS, VALUES }: Stored, alarmAt: number) {
  const stub = outboxOf(outbox.WEBHOOK_ID);
  await stub.erase();
  await runInDurableObject(stub, async (_, { storage }) => {
    for (const statement of STATEMENTS) storage.sql.exec(statement);
    for (const [key, value] of Object.entries(VALUES)) storage.kv.put(key, value);
    await storage.setAlarm(alarmAt);
  });
  await evictDurableObject(stub);
  return stub;
}

const byId = async () => Object.fromEntries((await deliveriesOf(outbox.WEBHOOK_ID)).map((delivery) => [delivery.id, delivery]));

describe('an outbox of version 1', () => {
  it('goes on where it was: every delivery comes to its end, the recovery and the report as well', async () => {
    const stub = await givenOutbox(outbox, STORED_AT + 1);
    const before = await deliveriesOf(outbox.WEBHOOK_ID);
    expect(before).toHaveLength(6);

    await untilEnded(outbox.WEBHOOK_ID);

    const { delivered, failed, discarded, retrying, running, waiting } = outbox.DELIVERIES;
    const after = await byId();
    expect(Object.keys(after)).toHaveLength(6);
    expect(Object.values(after).every(({ status }) => status === 'delivered')).toBe(true);
    expect(after[delivered]).toEqual(before.find(({ id }) => id === delivered));
    // The recovery that was under way took up what had failed and what was discarded; numbering went on.
    expect(after[failed]).toMatchObject({ attemptCount: 5 });
    expect(after[discarded]).toMatchObject({ attemptCount: 1 });
    expect((await stub.recoveries())[0]).toMatchObject({ recovered: 2, finishedAt: expect.any(Number) });
    expect(after[retrying]).toMatchObject({ attemptCount: 2 });
    // The attempt that ran at the deploy counts as interrupted.
    expect((await stub.find(running))?.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
      [1, 'interrupted'],
      [2, 'succeeded'],
    ]);
    expect(after[waiting]).toMatchObject({ attemptCount: 1 });
    expect(await endpoint.requests()).toHaveLength(5);
    await vi.waitFor(async () => expect((await platform.get(path)).body).toMatchObject({ health: 'healthy' }));
  });
});

describe('an outbox of version 3', () => {
  const { DELIVERIES } = outbox3;
  type Name = keyof typeof DELIVERIES;
  const all = Object.keys(DELIVERIES) as Name[];
  /** When it was stored; here it is loaded a minute later. */
  const DUMPED_AT = Date.UTC(2026, 11, 31, 23, 59, 55);

  async function given() {
    const stub = await givenOutbox(outbox3, DUMPED_AT + 5_000);
    // As it would be now, wherever the clock of this file has come to: what it knows of time are moments.
    return stub;
  }

  it('shows everything as it was, before anything has been done', async () => {
    const stub = await given();
    const before = await byId();
    expect(Object.keys(before)).toHaveLength(all.length);
    for (const name of ['archived', 'archivedFirst', 'archivedSecond', 'archivedDayBefore', 'keyedDelivered'] as const)
      expect(before[DELIVERIES[name]], name).toMatchObject({ status: 'delivered', attemptCount: 1 });
    expect(before[DELIVERIES.deliveredAfterRetry]).toMatchObject({ status: 'delivered', attemptCount: 2 });
    expect(before[DELIVERIES.exhausted]).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', attemptCount: 4 });
    const exhausted = await stub.find(DELIVERIES.exhausted);
    expect(exhausted!.attempts.map(({ number, responseStatus }) => [number, responseStatus])).toEqual([
      [1, 500],
      [2, null],
      [3, null],
      [4, 500],
    ]);
    for (const name of ['archived', 'archivedSecond', 'archivedDayBefore'] as const) {
      const found = await stub.find(DELIVERIES[name]);
      expect(found, name).toMatchObject({ payload: expect.stringContaining('org_fixture'), attempts: [{ outcome: 'succeeded' }] });
    }
    for (const name of ['testFailed', 'testSucceeded'] as const)
      expect((await platform.get(`${path}/deliveries/${DELIVERIES[name]}`)).body, name).toMatchObject({ test: true });
    // What was not kept is not known.
    expect((await platform.get(`${path}/deliveries/${DELIVERIES.exhausted}`)).body).toMatchObject({
      test: false,
      attempts: Array(4).fill({ url: null }),
    });
    expect(await stub.find(DELIVERIES.erased)).toMatchObject({ status: 'delivered', payload: null, payloadErasedAt: 1798760760000 });
    expect(await stub.status()).toMatchObject({ health: 'failing', since: 1798761564036 });
  });

  it('goes on where it was: every delivery comes to its end, the recovery and the reports as well', async () => {
    const stub = await given();
    const before = await byId();

    await untilEnded(outbox.WEBHOOK_ID);

    const after = await byId();
    const ended = ['archived', 'archivedFirst', 'archivedSecond', 'archivedDayBefore', 'deliveredAfterRetry'] as const;
    for (const name of [...ended, 'keyedDelivered', 'testSucceeded', 'erased', 'testFailed'] as const)
      expect(after[DELIVERIES[name]], name).toEqual(before[DELIVERIES[name]]);
    const statuses = Object.fromEntries(all.map((name) => [name, after[DELIVERIES[name]]?.status]));
    expect(statuses).toEqual({ ...Object.fromEntries(all.map((name) => [name, 'delivered'])), expired: 'failed', testFailed: 'failed' });
    const counts = Object.fromEntries(all.map((name) => [name, after[DELIVERIES[name]]?.attemptCount]));
    expect(counts).toMatchObject({
      ...{ exhausted: 5, discarded: 1, leasedByConsumer: 2, leasedByOutbox: 3, retrying: 2, interrupted: 2 },
      ...{ waiting: 1, keyedWaiting: 1 },
    });
    expect(await stub.recoveries()).toMatchObject([{ recovered: 2, finishedAt: expect.any(Number) }]);
    // What ran when the version before ended counts as interrupted.
    for (const [name, number] of [
      ['leasedByConsumer', 1],
      ['leasedByOutbox', 2],
    ] as const) {
      const { attempts } = (await stub.find(DELIVERIES[name]))!;
      expect(
        attempts.find((attempt) => attempt.number === number),
        name,
      ).toMatchObject({ outcome: 'interrupted' });
      expect(attempts.at(-1), name).toMatchObject({ number: number + 1, outcome: 'succeeded' });
    }
    // Each of those that had not ended went out once.
    expect(await endpoint.requests()).toHaveLength(8);
    // The report that waited was made, and the health as it is now.
    await vi.waitFor(async () => expect((await platform.get(path)).body).toMatchObject({ health: 'healthy' }));
    expect(await runInDurableObject(stub, (_, { storage }) => storage.kv.get('report'))).toBeUndefined();
  });
});

describe('an outbox of version 5', () => {
  const { DELIVERIES } = outbox5;
  const delivered = ['archivedDayBefore', 'archived', 'archivedFirst', 'archivedSecond', 'keyedDelivered'] as const;
  const ended = [...delivered, 'erased', 'discarded', 'full', 'testFailed', 'exhausted'] as const;
  const given = () => givenOutbox(outbox5, STORED_AT);

  it('shows everything as it was', async () => {
    const stub = await given();
    const before = await byId();
    expect(Object.keys(before)).toHaveLength(Object.keys(DELIVERIES).length);
    for (const name of delivered) {
      const found = await stub.find(DELIVERIES[name]);
      expect(found, name).toMatchObject({ status: 'delivered', payload: expect.stringContaining('Zo\\u00eb') });
      expect(found?.attempts, name).toMatchObject([{ outcome: 'succeeded', responseBody: 'ok' }]);
    }
    expect(before[DELIVERIES.discarded]).toMatchObject({ status: 'discarded', reason: 'webhook_disabled' });
    expect(await stub.find(DELIVERIES.full)).toMatchObject({ status: 'discarded', reason: 'outbox_full', payload: null });
    expect(await stub.find(DELIVERIES.erased)).toMatchObject({ status: 'delivered', payload: null, payloadErasedAt: 1798755000012 });
    expect(before[DELIVERIES.testFailed]).toMatchObject({ status: 'failed', reason: 'test_failed' });
    const exhausted = await stub.find(DELIVERIES.exhausted);
    expect(exhausted!.attempts.map(({ number, responseStatus }) => [number, responseStatus])).toEqual([
      [1, 500],
      [2, 500],
      [3, 500],
      [4, 500],
    ]);
  });

  it('goes on where it was: every delivery comes to its end', async () => {
    const stub = await given();
    const before = await byId();
    await untilEnded(outbox.WEBHOOK_ID);
    const after = await byId();
    for (const name of ended) expect(after[DELIVERIES[name]], name).toEqual(before[DELIVERIES[name]]);
    const attempts = { running: 3, retrying: 2, waiting: 1, keyedWaiting: 1, openBegun: 2, openWaiting: 1 } as const;
    for (const [name, attemptCount] of Object.entries(attempts))
      expect(after[DELIVERIES[name as keyof typeof attempts]], name).toMatchObject({ status: 'delivered', attemptCount });
    // What ran when the version before ended counts as interrupted.
    expect((await stub.find(DELIVERIES.running))!.attempts[1]).toMatchObject({ number: 2, outcome: 'interrupted' });
    expect((await stub.find(DELIVERIES.openBegun))!.attempts[0]).toMatchObject({ number: 1, outcome: 'interrupted' });
    expect(await endpoint.requests()).toHaveLength(Object.keys(attempts).length);
    for (const request of await endpoint.requests()) expect(new TextDecoder().decode(bodyBytes(request))).toContain('Zo\\u00eb');
  });

  it('had told of an outage: when the first delivery arrives it is told that it is over', async () => {
    const listening = endpointInbox();
    await givenWebhook('org_fixture', { url: listening.url, events: ['webhook.recovered'] });
    const begunAt = Date.now();
    await given();
    await untilEnded(outbox.WEBHOOK_ID);
    // The same webhook recovers in the tests before: what is told of that can still be under way.
    const told = async () => {
      const notices = (await listening.requests()).map((request) => JSON.parse(new TextDecoder().decode(bodyBytes(request))));
      return notices.filter(({ timestamp }) => Date.parse(timestamp) >= begunAt);
    };
    await vi.waitFor(async () => expect(await told()).not.toEqual([]));
    expect(await told()).toMatchObject([
      { event: 'webhook.recovered', webhook: { id: outbox.WEBHOOK_ID }, failing_since: new Date(1798757700012).toISOString() },
    ]);
  });

  it('had notices that were not sent: they are', async () => {
    const listening = endpointInbox();
    await givenWebhook('org_fixture', { url: listening.url, events: ['webhook.*'] });
    const stub = await given();
    const notice = anEvent('org_fixture', { event: 'webhook.failing', webhook: { id: outbox.WEBHOOK_ID } });
    await runInDurableObject(stub, (_, { storage }) => storage.kv.put('report', { notices: [notice], dueAt: 0 }));
    await evictDurableObject(stub);
    await runInDurableObject(outboxOf(outbox.WEBHOOK_ID), (instance) => (instance as unknown as { alarm(): Promise<void> }).alarm());
    const events = (await listening.arrived(1)).map(({ headers }) => headers['webhook-id']);
    expect(events).toContain(notice.id);
  });
});
