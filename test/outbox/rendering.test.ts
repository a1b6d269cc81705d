import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Courier } from '../../src/attempt/courier.ts';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import type { NewDelivery } from '../../src/domain/delivery/delivery.ts';
import { bullseyeSignature, importSigningKeys } from '../../src/domain/webhook/signature.ts';
import { Ledger } from '../../src/outbox/books/ledger.ts';
import { Store } from '../../src/outbox/books/store.ts';
import { Fresh } from '../../src/outbox/fresh.ts';
import { Renderer } from '../../src/outbox/renderer.ts';
import { driveDate } from '../support/clock.ts';
import { deliveriesOf, endedDeliveriesOf, givenScripted, outboxOf, runAlarm, untilEnded } from '../support/deliveries.ts';
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
  runWhenDue,
  vanish,
} from '../support/outbox.ts';
import { bodyBytes, type Inbox } from '../support/receiver.ts';
import { haveAnswersTake } from '../support/senders.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Makes JSON of an event that has an `n`, and none of others. */
const TEMPLATE = '{"n":{{ n }}}';
const FAILS = expect.stringMatching(/^Line 1, column \d+ of the template: what it makes is not JSON/);

const decoder = new TextDecoder();
const textOf = (bytes: Uint8Array) => decoder.decode(bytes);
const bodiesAt = async (endpoint: Inbox) => (await endpoint.requests()).map((request) => textOf(bodyBytes(request)));

const templated = (script: Parameters<typeof givenScripted>[0], columns: Parameters<typeof givenScripted>[1] = {}) =>
  givenScripted(script, { format: 'template', template: TEMPLATE, ...columns });

/** Its owner changes it, and its outbox knows. */
async function change(webhook: string, values: Partial<typeof webhooks.$inferInsert>): Promise<void> {
  await databaseOf(env.DB).update(webhooks).set(values).where(eq(webhooks.id, webhook));
  await outboxOf(webhook).reconfigured();
}

/** Recovers what has failed or was discarded of events accepted in a span, and lets all of it end. Returns how many that is. */
async function recovered(webhook: string, since = 0, until = Date.now() + 1): Promise<number | null> {
  vi.setSystemTime(Date.now() + 1);
  const count = await outboxOf(webhook).recover(since, until);
  await runAlarm(webhook);
  await untilEnded(webhook);
  return count;
}

/** What is kept of it, and shown of it, says that it was rendered. */
async function expectRendered(webhook: string, { id, payload }: NewDelivery, n: number) {
  expect(await findDelivery(webhook, id)).toMatchObject({ payload: `{"n":${n}}`, acceptedPayload: textOf(payload), error: null });
}

const numbered = (webhook: string, count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => newDelivery(webhook, { n: from + index }));

describe('an event of a webhook with a form of its own', () => {
  it('arrives in it, signed as it arrives, and is kept in the row of all that a call brings, beside what was accepted', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }], { secret: 'a secret' });
    const deliveries = numbered(webhook, 3);
    havePatience();
    await deliver(webhook, ...deliveries);
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 1, open: 0 });
    const keys = await importSigningKeys('a secret');
    for (const request of await endpoint.arrived(3)) {
      expect(request.headers['x-bullseye-signature']).toBe(await bullseyeSignature(keys, bodyBytes(request)));
    }
    expect((await bodiesAt(endpoint)).toSorted()).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    for (const [index, delivery] of deliveries.entries()) await expectRendered(webhook, delivery, index + 1);
  });

  it.each<[what: string, columns: Parameters<typeof givenScripted>[1], isLate?: boolean]>([
    ['headers and a schedule', { headers: { 'X-Token': 'abcd' }, retrySchedule: ['1m'] }],
    ['all the fields that it has', { fields: ['session_id', 'visitor'] }],
    ['all the fields that it has, rendered when its attempt is due', { fields: ['session_id', 'visitor'] }, true],
  ])('is as it was accepted where what is chosen changes nothing of it: %s', async (_what, columns, isLate = false) => {
    const { endpoint, webhook } = await givenScripted([{ status: 200 }], columns);
    if (isLate) vi.spyOn(Renderer.prototype, 'isSpent', 'get').mockReturnValueOnce(true);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await endedDeliveriesOf(webhook, 1);
    expect(await bodiesAt(endpoint)).toEqual([textOf(delivery.payload)]);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ payload: textOf(delivery.payload), acceptedPayload: null });
  });

  it('is as it was accepted where a consumer of a version before brings it, which knows of no choices', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 200 }]);
    const delivery = newDelivery(webhook);
    const { choices, ...known } = (await configOf(webhook)).webhook;
    expect(choices).toBeNull();
    await outboxOf(webhook).deliver({ plan: 'scale', webhook: known }, [delivery], Date.now());
    await endpoint.arrived(1);
    expect(await bodiesAt(endpoint)).toEqual([textOf(delivery.payload)]);
  });

  it('is as its owner has chosen where such a consumer brings it: what is not known of is asked of the database', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 200 }], { fields: ['visitor.email'], headers: { 'X-Team': 'sales' } });
    const { choices: _, ...known } = (await configOf(webhook)).webhook;
    await outboxOf(webhook).deliver({ plan: 'scale', webhook: known }, [newDelivery(webhook)], Date.now());
    const [request] = await endpoint.arrived(1);
    expect(request!.headers).toMatchObject({ 'x-team': 'sales' });
    const [body] = await bodiesAt(endpoint);
    expect(JSON.parse(body!).visitor).toEqual({ email: 'ada@example.com' });
    expect(JSON.parse(body!)).not.toHaveProperty('company');
  });

  it('is as it was accepted where its owner has chosen other things than what is sent, however much was rendered in the turn', async () => {
    vi.spyOn(Renderer.prototype, 'isSpent', 'get').mockReturnValue(true);
    const { webhook } = await givenScripted([{ status: 200 }], { once: { per: 'visitor.email', days: 30 }, enabled: false });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const kept = { status: 'discarded', payload: textOf(delivery.payload), acceptedPayload: null };
    expect(await findDelivery(webhook, delivery.id)).toMatchObject(kept);
  });

  it('arrives with the chosen fields alone, and flat', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 200 }], { fields: ['visitor.email'], format: 'flat' });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const [body] = await bodiesAt(endpoint);
    expect(JSON.parse(body!)).toEqual({
      ...{ event: 'visitor.identified', timestamp: '2026-11-23T10:00:00Z', organization_id: 'org_acme' },
      visitor_email: 'ada@example.com',
    });
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ payload: body, acceptedPayload: textOf(delivery.payload) });
  });

  it('is the same on every attempt, whatever its owner chooses meanwhile', async () => {
    const { endpoint, webhook } = await templated([{ status: 500 }, { status: 500 }, { status: 200 }]);
    const [delivery] = numbered(webhook, 1) as [NewDelivery];
    await deliver(webhook, delivery);
    await change(webhook, { template: '{"changed":true}' });
    await runWhenDue(webhook, delivery.id);
    await change(webhook, { format: 'event', template: null });
    await vanish(webhook);
    await runWhenDue(webhook, delivery.id);
    expect(await bodiesAt(endpoint)).toEqual(['{"n":1}', '{"n":1}', '{"n":1}']);
    expect(await outboxOf(webhook).retryNow(delivery.id)).toMatchObject({ kind: 'begun' });
    await endpoint.arrived(4);
    expect(await bodiesAt(endpoint)).toEqual(Array(4).fill('{"n":1}'));
    await expectRendered(webhook, delivery, 1);
  });

  it('keeps both while its first attempt runs, and where the object vanishes in the middle of it', async () => {
    const { endpoint, webhook } = await templated([{ hang: true }], { maxConcurrent: 1 });
    const deliveries = numbered(webhook, 2);
    await bring(webhook, ...deliveries);
    expect(await rowsOf(webhook)).toEqual({ deliveries: 0, archived: 0, open: 1 });
    for (const [index, delivery] of deliveries.entries()) await expectRendered(webhook, delivery, index + 1);
    await change(webhook, { template: '{"changed":true}' });
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    for (const [index, delivery] of deliveries.entries()) await expectRendered(webhook, delivery, index + 1);
    await untilEnded(webhook);
    expect((await bodiesAt(endpoint)).toSorted()).toEqual(['{"n":1}', '{"n":1}', '{"n":2}']);
    for (const [index, delivery] of deliveries.entries()) await expectRendered(webhook, delivery, index + 1);
  });

  it('keeps both where its first attempt outlasts the call, and others of its row fail', async () => {
    const { endpoint, webhook } = await templated([
      { status: 200, delayMs: 300 },
      { status: 500, delayMs: 300 },
    ]);
    const deliveries = numbered(webhook, 2);
    await deliver(webhook, ...deliveries);
    expect(await rowsOf(webhook)).toMatchObject({ deliveries: 1, archived: 1, open: 0 });
    for (const [index, delivery] of deliveries.entries()) await expectRendered(webhook, delivery, index + 1);
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('keeps both while its circuit holds it, and goes out as it was rendered', async () => {
    const { endpoint, webhook } = await templated([{ status: 500 }]);
    await deliver(webhook, ...numbered(webhook, 12));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    const [held] = numbered(webhook, 1, 99) as [NewDelivery];
    await deliver(webhook, held);
    await expectRendered(webhook, held, 99);
    await change(webhook, { template: '{"changed":true}' });
    await endpoint.script([{ status: 200 }]);
    await untilEnded(webhook);
    await expectRendered(webhook, held, 99);
    expect((await bodiesAt(endpoint)).filter((body) => body === '{"n":99}').length).toBeGreaterThan(0);
  });

  it('is rendered also where it is discarded, and recovered as it was rendered', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }], { enabled: false });
    const [delivery] = numbered(webhook, 1) as [NewDelivery];
    await deliver(webhook, delivery);
    await expectRendered(webhook, delivery, 1);
    await change(webhook, { enabled: true, template: '{"changed":true}' });
    expect(await recovered(webhook)).toBe(1);
    expect(await bodiesAt(endpoint)).toEqual(['{"n":1}']);
  });

  it('goes out through couriers as it was rendered', async () => {
    const { endpoint, webhook } = await templated([{ status: 200, delayMs: 20 }]);
    haveAnswersTake(300);
    await deliver(webhook, ...numbered(webhook, 60));
    const couriers = vi.spyOn(Courier.prototype, 'attempt');
    await deliver(webhook, ...numbered(webhook, 30, 61));
    await endpoint.arrived(90);
    expect(couriers).toHaveBeenCalled();
    const expected = Array.from({ length: 90 }, (_, index) => `{"n":${index + 1}}`);
    expect((await bodiesAt(endpoint)).toSorted()).toEqual(expected.toSorted());
  });

  it('loses both where its payload is erased', async () => {
    const { webhook } = await templated([{ status: 200 }]);
    const [delivery] = numbered(webhook, 1) as [NewDelivery];
    const failing = newDelivery(webhook);
    await deliver(webhook, delivery, failing);
    for (const { id } of [delivery, failing]) {
      expect(await outboxOf(webhook).erasePayload(id)).toBe('erased');
      const erased = { payload: null, acceptedPayload: null, error: null, payloadErasedAt: expect.any(Number) };
      expect(await findDelivery(webhook, id)).toMatchObject(erased);
      expect(await outboxOf(webhook).retryNow(id)).toEqual({ kind: 'erased' });
    }
    const left = await inOutbox(webhook, (_, { sql }) => sql.exec('SELECT payload, accepted, error FROM deliveries').toArray());
    expect(left).toEqual(Array(2).fill({ payload: new ArrayBuffer(), accepted: null, error: null }));
  });

  it('is gone with what was sent where a version that was rolled back to has erased that alone', async () => {
    const { webhook } = await givenScripted([{ status: 410 }], { format: 'flat' });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const preview = () =>
      outboxOf(webhook).preview({ filter: null, rendering: { fields: null, format: 'event', template: null, name: '' } });
    expect(await preview()).toMatchObject({ considered: 1, samples: [{ payload: textOf(delivery.payload) }] });
    await inOutbox(webhook, (_, { sql }) => {
      sql.exec("UPDATE deliveries SET payload = x''");
      sql.exec('INSERT INTO payload_erasures (delivery_id, erased_at) VALUES (?, 1)', delivery.id);
    });
    expect(await preview()).toEqual({ considered: 0, matching: 0, samples: [] });
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ payload: null, acceptedPayload: null });
  });
});

describe('what an outbox holds in memory', () => {
  it('is bounded by what was accepted and by what is sent, together', async () => {
    await inOutbox((await givenScripted([])).webhook, (_, storage) => {
      const store = new Store(storage);
      const fresh = new Fresh(store, new Ledger(store, { scheduleMs: [], random: () => 0 }));
      const delivery = newDelivery('whk_00000000000000000000000000');
      const bytes = { payload: new Uint8Array(7_000_000), accepted: new Uint8Array(1_000_000) };
      fresh.add({ ...delivery, ...bytes }, Date.now());
      expect(fresh.hasRoom).toBe(true);
      const second = fresh.add({ ...delivery, id: `${delivery.id}2`, ...bytes }, Date.now());
      expect(fresh.hasRoom).toBe(false);
      fresh.begin(second, 'https://hooks.example.com/', Date.now());
      fresh.discard('webhook_disabled', Date.now());
      expect(fresh.hasRoom).toBe(true);
    });
  });
});

describe('an event that cannot be rendered', () => {
  it('has failed, with the cause in words and what was accepted; no attempt is made, and its endpoint is as healthy as before', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }]);
    const deliveries = newDeliveries(webhook, 12);
    await deliver(webhook, ...deliveries);
    for (const { id, payload } of deliveries) {
      expect(await findDelivery(webhook, id)).toMatchObject({
        ...{ status: 'failed', reason: 'not_rendered', attemptCount: 0, attempts: [], nextAttemptAt: null, finishedAt: Date.now() },
        ...{ payload: null, acceptedPayload: textOf(payload), error: FAILS },
      });
    }
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    expect(await inOutbox(webhook, (_, { kv }) => kv.get('report'))).toBeUndefined();
    expect((await outboxOf(webhook).statistics('1h'))?.buckets.at(-1)?.tally).toMatchObject({ failed: 12, attempts: 0 });
    // Brought again it is known.
    await deliver(webhook, ...deliveries);
    expect(await deliveriesOf(webhook)).toHaveLength(12);
    expect(await endpoint.requests()).toEqual([]);
  });

  it('holds up none that can', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }]);
    const [failing, fine] = [newDelivery(webhook), newDelivery(webhook, { n: 7 })];
    await deliver(webhook, failing, fine);
    expect(await bodiesAt(endpoint)).toEqual(['{"n":7}']);
    expect(await findDelivery(webhook, fine.id)).toMatchObject({ status: 'delivered' });
  });

  it('is recovered as its webhook is then', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);

    // Still in vain: it has failed again, for another cause.
    await change(webhook, { template: '\n{{ n }}' });
    expect(await recovered(webhook)).toBe(1);
    const again = await findDelivery(webhook, delivery.id);
    expect(again).toMatchObject({ status: 'failed', reason: 'not_rendered', attemptCount: 0, payload: null });
    expect(again.error).toContain('nothing, not even');

    await change(webhook, { template: '{"mended":{{ visitor.email | json }}}' });
    expect(await recovered(webhook)).toBe(1);
    const mended = { status: 'delivered', attemptCount: 1, payload: '{"mended":"ada@example.com"}', error: null };
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ ...mended, acceptedPayload: textOf(delivery.payload) });
    expect(await bodiesAt(endpoint)).toEqual(['{"mended":"ada@example.com"}']);
  });

  it('is sent as it was accepted where its webhook wants no more than that any more', async () => {
    const { endpoint, webhook } = await templated([{ status: 500 }, { status: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await change(webhook, { format: 'event', template: null });
    expect(await recovered(webhook)).toBe(1);
    expect(await bodiesAt(endpoint)).toEqual(Array(2).fill(textOf(delivery.payload)));
    const sent = { status: 'delivered', payload: textOf(delivery.payload), acceptedPayload: null, error: null };
    expect(await findDelivery(webhook, delivery.id)).toMatchObject(sent);
  });

  it('is rendered anew by a retry by hand, which makes no attempt where that fails again', async () => {
    const { endpoint, webhook } = await templated([{ status: 500 }, { status: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const retry = () => outboxOf(webhook).retryNow(delivery.id);
    vi.setSystemTime(Date.now() + 1_000);
    await change(webhook, { template: '\n{{ n }}' });
    const failed = { status: 'failed', reason: 'not_rendered', attemptCount: 0, nextAttemptAt: null, finishedAt: Date.now() };
    expect(await retry()).toMatchObject({ kind: 'begun', delivery: failed });
    const again = await findDelivery(webhook, delivery.id);
    expect(again).toMatchObject({ ...failed, payload: null, attempts: [] });
    expect(again.error).toContain('nothing, not even');

    // Rendered, and refused by its endpoint: it has failed as others have, and is sent as it is from now on.
    await change(webhook, { template: '{"mended":true}' });
    expect(await retry()).toMatchObject({ kind: 'begun', delivery: { attemptCount: 1 } });
    await endpoint.arrived(1);
    await vi.waitFor(async () => expect((await findDelivery(webhook, delivery.id)).attempts).toHaveLength(1));
    const refused = { status: 'failed', reason: 'attempts_exhausted', payload: '{"mended":true}', error: null };
    expect(await findDelivery(webhook, delivery.id)).toMatchObject(refused);
    await change(webhook, { template: '{"changed":true}' });
    expect(await retry()).toMatchObject({ kind: 'begun' });
    await endpoint.arrived(2);
    await vi.waitFor(async () => expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 2 }));
    expect(await bodiesAt(endpoint)).toEqual(Array(2).fill('{"mended":true}'));
  });

  it('is not recovered by an attempt that its object did not survive', async () => {
    const { endpoint, webhook } = await templated([{ hang: true }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await change(webhook, { template: '{"mended":true}' });
    expect(await outboxOf(webhook).retryNow(delivery.id)).toMatchObject({ kind: 'begun' });
    await endpoint.arrived(1);
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    const interrupted = { status: 'failed', reason: 'attempts_exhausted', attemptCount: 1, payload: '{"mended":true}', error: null };
    expect(await findDelivery(webhook, delivery.id)).toMatchObject(interrupted);
  });

  it('of a disabled webhook is discarded, with the cause, and rendered when it is recovered', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }], { enabled: false });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const discarded = { status: 'discarded', reason: 'webhook_disabled', payload: null, acceptedPayload: textOf(delivery.payload) };
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ ...discarded, error: FAILS });
    await change(webhook, { enabled: true, template: '{"mended":true}' });
    expect(await recovered(webhook)).toBe(1);
    expect(await bodiesAt(endpoint)).toEqual(['{"mended":true}']);
  });

  it('takes no probe from others: the circuit closes by the first that can', async () => {
    const { endpoint, webhook } = await templated([{ status: 500 }]);
    await deliver(webhook, ...numbered(webhook, 12));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    const [held] = numbered(webhook, 1, 99) as [NewDelivery];
    await deliver(webhook, held);
    vi.setSystemTime(Date.now() + 1);
    // Recovered it waits, too, and is the newest.
    const failing = newDelivery(webhook);
    await deliver(webhook, failing);
    vi.setSystemTime((await outboxOf(webhook).status()).nextProbeAt!);
    await outboxOf(webhook).recover(failing.acceptedAt, failing.acceptedAt + 1);
    await endpoint.script([{ status: 200 }]);
    await runAlarm(webhook);
    expect((await outboxOf(webhook).status()).health).not.toBe('open');
    expect(await findDelivery(webhook, failing.id)).toMatchObject({ status: 'failed', reason: 'not_rendered', attemptCount: 0 });
    expect((await findDelivery(webhook, held.id)).attempts).toMatchObject([{ trigger: 'probe', outcome: 'succeeded' }]);
  });
});

describe('a test of a webhook with a form of its own', () => {
  it('is sent in it', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }]);
    const [sample] = numbered(webhook, 1) as [NewDelivery];
    const result = await outboxOf(webhook).sendTest(sample);
    const sent = { status: 'delivered', payload: '{"n":1}', acceptedPayload: textOf(sample.payload), attempts: [{ trigger: 'test' }] };
    expect(result).toMatchObject(sent);
    expect(await bodiesAt(endpoint)).toEqual(['{"n":1}']);
  });

  it('that cannot be rendered is in the log without an attempt, is not recovered, and stays a test when it is retried by hand', async () => {
    const { endpoint, webhook } = await templated([{ status: 500 }]);
    const sample = newDelivery(webhook);
    const notRendered = { status: 'failed', reason: 'not_rendered', attemptCount: 0, attempts: [], error: FAILS };
    expect(await outboxOf(webhook).sendTest(sample)).toMatchObject({ ...notRendered, eventId: expect.stringMatching(/^evt_test_/) });
    vi.setSystemTime(Date.now() + 1);
    expect(await outboxOf(webhook).recover(0, Date.now())).toBe(0);
    expect(await outboxOf(webhook).retryNow(sample.id)).toMatchObject({ kind: 'begun', delivery: { reason: 'not_rendered' } });
    expect(await endpoint.requests()).toEqual([]);
    await change(webhook, { template: '{"mended":true}' });
    await outboxOf(webhook).retryNow(sample.id);
    expect(await endpoint.arrived(1)).toMatchObject([{ headers: { 'x-bullseye-test': 'true' } }]);
    await vi.waitFor(async () => expect((await findDelivery(webhook, sample.id)).attempts).toHaveLength(1));
    expect(await findDelivery(webhook, sample.id)).toMatchObject({ status: 'failed', reason: 'test_failed', payload: '{"mended":true}' });
    vi.setSystemTime(Date.now() + 1);
    expect(await outboxOf(webhook).recover(0, Date.now())).toBe(0);
  });
});

describe('a template that takes as long as a template can', () => {
  /** Close to what one may take; rendering thousands of events with it takes minutes. */
  const SLOW = '{% for i in (1..3000) %}{% assign a = i %}{% endfor %}{"n":{{ n }}}';
  /** Events that it may render in a turn, by what it takes; two turns can fall into what is counted as one. */
  const MOST_A_TURN = 2 * 6;
  const COUNT = 60;

  /** How many events are rendered in a turn of an object's thread, at most, until some work is done. */
  async function mostInATurn(webhook: string, work: () => Promise<unknown>): Promise<number> {
    let rendered = 0;
    let most = 0;
    let isOver = false;
    const { renderOne, ready } = Renderer.prototype;
    vi.spyOn(Renderer.prototype, 'renderOne').mockImplementation(function (this: Renderer, ...args) {
      rendered++;
      return renderOne.apply(this, args);
    });
    vi.spyOn(Renderer.prototype, 'ready').mockImplementation(function (this: Renderer, ...args) {
      rendered++;
      return ready.apply(this, args);
    });
    const turns = inOutbox(webhook, async () => {
      while (!isOver) {
        most = Math.max(most, rendered);
        rendered = 0;
        await scheduler.wait(0);
      }
    });
    await work().finally(() => {
      isOver = true;
    });
    await turns;
    return Math.max(most, rendered);
  }

  it('holds nobody up: a turn renders some events, the others are rendered when they are attempted, and all of them arrive', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }], { template: SLOW });
    const other = await givenScripted([{ status: 200 }]);
    const deliveries = numbered(webhook, COUNT);
    const most = await mostInATurn(webhook, async () => {
      await bring(webhook, ...deliveries);
      const [theirs] = newDeliveries(other.webhook, 1) as [NewDelivery];
      await deliver(other.webhook, theirs);
      expect(await findDelivery(other.webhook, theirs.id)).toMatchObject({ status: 'delivered' });
      expect((await endpoint.requests()).length).toBeLessThan(COUNT);
      await endedDeliveriesOf(webhook, COUNT);
    });
    expect(most).toBeLessThanOrEqual(MOST_A_TURN);
    const expected = Array.from({ length: COUNT }, (_, index) => `{"n":${index + 1}}`);
    expect((await bodiesAt(endpoint)).toSorted()).toEqual(expected.toSorted());
    for (const [index, delivery] of deliveries.entries()) await expectRendered(webhook, delivery, index + 1);
  });

  it('that fails in the end holds nobody up either', async () => {
    const { endpoint, webhook } = await templated([{ status: 200 }], { template: `${SLOW}{{ n }}` });
    const deliveries = numbered(webhook, COUNT);
    const most = await mostInATurn(webhook, async () => {
      await bring(webhook, ...deliveries);
      await endedDeliveriesOf(webhook, COUNT);
    });
    expect(most).toBeLessThanOrEqual(MOST_A_TURN);
    expect(await deliveriesOf(webhook)).toMatchObject(Array(COUNT).fill({ status: 'failed', reason: 'not_rendered', attemptCount: 0 }));
    expect(await endpoint.requests()).toEqual([]);
  });

  it('that wants more than it may gets a fiftieth for a minute, which is enough for what takes little; another template gets all of it', async () => {
    // Endless with 1, a tenth of what it may with 2, next to nothing with 3.
    const loop =
      '{% if n < 3 %}{% for a in (1..250) %}{% if n == 1 %}{% for b in (1..9999) %}{% endfor %}{% endif %}{% endfor %}{% endif %}';
    const { endpoint, webhook } = await templated([{ status: 200 }], { template: `${loop}{"n":{{ n }}}` });
    const ended = async (n: number) => {
      const [delivery] = numbered(webhook, 1, n) as [NewDelivery];
      await bring(webhook, delivery);
      await untilEnded(webhook);
      const { status, error } = await findDelivery(webhook, delivery.id);
      return { status, error };
    };
    const delivered = { status: 'delivered', error: null };
    expect(await ended(2)).toEqual(delivered);
    expect(await ended(1)).toEqual({ status: 'failed', error: expect.stringMatching(/grow too large\.$/) });
    expect(await ended(2)).toEqual({
      status: 'failed',
      error: expect.stringMatching(/grow too large\. It did so with an event before, .+ for a minute\.$/),
    });
    expect(await ended(3)).toEqual(delivered);
    vi.setSystemTime(Date.now() + 60_000);
    expect(await ended(2)).toEqual(delivered);
    await ended(1);
    await change(webhook, { template: `${loop}{"changed":{{ n }}}` });
    expect(await ended(2)).toEqual(delivered);
    expect(await bodiesAt(endpoint)).toEqual(['{"n":2}', '{"n":3}', '{"n":2}', '{"changed":2}']);
  });

  it('renders the same once, though its attempts come later', async () => {
    const { endpoint, webhook } = await templated([{ status: 500 }], { template: SLOW });
    const deliveries = numbered(webhook, 8);
    await bring(webhook, ...deliveries);
    while ((await deliveriesOf(webhook)).some(({ attemptCount }) => attemptCount === 0)) await scheduler.wait(10);
    await vi.waitFor(async () => expect((await deliveriesOf(webhook)).every(({ status }) => status === 'retrying')).toBe(true));
    await change(webhook, { template: '{"changed":true}' });
    await endpoint.script([{ status: 200 }]);
    await untilEnded(webhook);
    const expected = deliveries.flatMap((_, index) => Array(2).fill(`{"n":${index + 1}}`));
    expect((await bodiesAt(endpoint)).toSorted()).toEqual(expected.toSorted());
  });
});

describe('a delivery that is not rendered yet', () => {
  it('is stored so that a version that is rolled back to, and knows of no rendering, sends what was accepted', async () => {
    const { webhook } = await templated([{ status: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const [row] = await inOutbox(webhook, (_, { sql }) => sql.exec<{ payload: ArrayBuffer }>('SELECT payload FROM deliveries').toArray());
    expect(textOf(new Uint8Array(row!.payload))).toBe(textOf(delivery.payload));
  });
});
