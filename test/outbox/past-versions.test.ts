import { applyD1Migrations, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttemptRecord } from '../../src/domain/delivery.ts';
import { decodeEventMessage } from '../../src/domain/event-message.ts';
import { bullseyeSignature, importSigningKeys } from '../../src/domain/signature.ts';
import type { PastEntry } from '../../src/outbox/from-past.ts';
import * as database from '../fixtures/database-0000.ts';
import * as messages from '../fixtures/message-1.ts';
import * as outbox from '../fixtures/outbox-1.ts';
import * as outbox3 from '../fixtures/outbox-3.ts';
import { CALLS } from '../fixtures/outbox-rpc-3.ts';
import { client, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endpointInbox,
  outboxOf,
  type QueueMessage,
  runAlarm,
  untilEnded,
} from '../support/deliveries.ts';
import { bodyBytes, type Inbox } from '../support/receiver.ts';

/*
 * A deploy meets what the version before it stored: rows of the database and of outboxes, and messages in the queue. Each version's
 * is kept in test/fixtures, and this drives it to its end.
 */

/** When the fixtures were stored. */
const STORED_AT = Date.UTC(2027, 0, 1);
const path = `/organization/org_fixture/webhooks/${outbox.WEBHOOK_ID}`;

driveDate(STORED_AT);

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
    expect((await admin.get(path)).body).toMatchObject({ id: outbox.WEBHOOK_ID, events: ['visitor.*'], enabled: true, hasSecret: true });
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

  it('ends as delivered what its consumer tells of late, whose attempt is not made again', async () => {
    const stub = await given();
    const { config, entries, readAt } = CALLS.late;
    expect(await stub.record({ ...config, webhook: await webhookNow(config) }, entries, readAt)).toEqual([]);
    expect(await stub.find(DELIVERIES.leasedByConsumer)).toMatchObject({
      status: 'delivered',
      attemptCount: 1,
      attempts: [{ number: 1, outcome: 'succeeded', durationMs: 15_000 }],
    });
  });
});

/** The webhook of a call, at this test's endpoint, and without what its version did not know. */
async function webhookNow<T extends { webhook: object }>({ webhook }: T): Promise<T['webhook'] & Unknown> {
  return { ...webhook, url: endpoint.url } as unknown as T['webhook'] & Unknown;
}

type Unknown = Record<'maxConcurrent' | 'secretRing', null>;

describe('a consumer of the version before', () => {
  type CallName = keyof typeof CALLS;

  /** The call, as that consumer makes it: now, for the clock of this file has gone on. */
  async function call(name: CallName, change: (entry: PastEntry) => PastEntry = (entry) => entry): Promise<string[]> {
    const { config, entries, readAt }: { config: (typeof CALLS)[CallName]['config']; entries: readonly PastEntry[]; readAt: number } =
      CALLS[name];
    const laterMs = Date.now() - readAt;
    const moved = entries.map((entry): PastEntry => {
      if (entry.kind === 'leased') return { ...entry, startedAt: entry.startedAt + laterMs };
      if (entry.kind !== 'attempted') return entry;
      const { record } = entry.result;
      return { ...entry, result: { ...entry.result, record: { ...record, startedAt: record.startedAt + laterMs } } };
    });
    return await outboxOf(outbox.WEBHOOK_ID).record({ ...config, webhook: await webhookNow(config) }, moved.map(change), Date.now());
  }
  const asFailure = (entry: PastEntry): PastEntry => {
    if (entry.kind !== 'attempted') return entry;
    return { ...entry, result: { ...entry.result, record: { ...entry.result.record, outcome: 'failed', responseStatus: 500 } } };
  };
  const idOf = (name: CallName) => CALLS[name].entries[0]!.delivery.id;
  const find = (name: CallName) => outboxOf(outbox.WEBHOOK_ID).find(idOf(name));

  beforeEach(async () => {
    await outboxOf(outbox.WEBHOOK_ID).erase();
    await env.DB.prepare("UPDATE webhooks SET health = 'healthy' WHERE id = ?").bind(outbox.WEBHOOK_ID).run();
  });

  it('tells of a first attempt that arrived: it is in the log with its attempt, once', async () => {
    expect(await call('succeeded')).toEqual([idOf('succeeded')]);
    expect(await call('succeeded')).toEqual([]);
    expect(await find('succeeded')).toMatchObject({ status: 'delivered', attemptCount: 1, attempts: [{ responseStatus: 200 }] });
    expect(await deliveriesOf(outbox.WEBHOOK_ID)).toHaveLength(1);
  });

  it('tells of one that failed: it is scheduled as its endpoint has asked, and attempted here', async () => {
    expect(await call('failed')).toEqual([idOf('failed')]);
    const failed = (await find('failed'))!;
    const [{ startedAt, durationMs }] = failed.attempts as [AttemptRecord];
    expect(failed).toMatchObject({ status: 'retrying', attemptCount: 1, nextAttemptAt: startedAt + durationMs! + 120_000 });
    await untilEnded(outbox.WEBHOOK_ID);
    expect(await find('failed')).toMatchObject({
      status: 'delivered',
      attemptCount: 2,
      attempts: [{ responseStatus: 503 }, { number: 2 }],
    });
  });

  it('claims an attempt, which is its own until it has had its time: then it is made here', async () => {
    expect(await call('leased')).toEqual([idOf('leased')]);
    expect(await call('leased')).toEqual([]);
    expect(await find('leased')).toMatchObject({ status: 'pending' });
    expect(await endpoint.requests()).toEqual([]);
    await untilEnded(outbox.WEBHOOK_ID);
    expect(await find('leased')).toMatchObject({ status: 'delivered' });
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('gives a claim back: the attempt is made here at once', async () => {
    await call('leased');
    await call('released');
    await vi.waitFor(async () => expect(await find('leased')).toMatchObject({ status: 'delivered', attemptCount: 1 }));
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('hands a delivery over: the attempt is made here at once', async () => {
    expect(await call('waiting')).toEqual([idOf('waiting')]);
    await vi.waitFor(async () => expect(await find('waiting')).toMatchObject({ status: 'delivered', attemptCount: 1 }));
  });

  it('tells of one that is not to be attempted', async () => {
    expect(await call('discarded')).toEqual([idOf('discarded')]);
    expect(await find('discarded')).toMatchObject({ status: 'discarded', reason: 'webhook_disabled', attemptCount: 0 });
  });

  it('tells of a late success: it ends the delivery though another attempt of its number is known', async () => {
    expect(await call('late')).toEqual([idOf('late')]);
    expect(await find('late')).toMatchObject({ status: 'delivered', attemptCount: 1, attempts: [{ durationMs: 15_000 }] });
    // The same attempt was known as a failed one: the outcome that is known is not thrown away.
    await outboxOf(outbox.WEBHOOK_ID).erase();
    await call('late', asFailure);
    expect(await find('late')).toMatchObject({ status: 'retrying', attemptCount: 1 });
    await call('late');
    expect(await find('late')).toMatchObject({ status: 'delivered', attemptCount: 1, attempts: [{ number: 1, outcome: 'succeeded' }] });
    await untilEnded(outbox.WEBHOOK_ID);
    expect(await endpoint.requests()).toEqual([]);
  });

  it('tells of a late success while the next attempt runs: that attempt is on record, and changes nothing', async () => {
    await call('late', asFailure);
    vi.setSystemTime((await find('late'))!.nextAttemptAt!);
    await endpoint.script([{ status: 500, delayMs: 300 }]);
    const second = runAlarm(outbox.WEBHOOK_ID);
    await endpoint.arrived(1);
    await call('late');
    await second;
    expect(await find('late')).toMatchObject({
      status: 'delivered',
      attemptCount: 2,
      nextAttemptAt: null,
      attempts: [
        { number: 1, outcome: 'succeeded' },
        { number: 2, outcome: 'failed', responseStatus: 500 },
      ],
    });
  });

  it('tells of a late failure of an attempt that was counted as one: the schedule stays as it is', async () => {
    await call('late', asFailure);
    const before = (await find('late'))!;
    await call('late', asFailure);
    expect(await find('late')).toEqual(before);
  });
});
