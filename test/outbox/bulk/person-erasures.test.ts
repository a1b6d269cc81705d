import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../../src/db/client.ts';
import { findErasure, insertErasure, listErasureWebhooks } from '../../../src/db/erasures.ts';
import { deleteWebhook, findWebhook } from '../../../src/db/webhooks.ts';
import type { ErasureRequest } from '../../../src/domain/erasure.ts';
import { mintId } from '../../../src/domain/ids.ts';
import { Ledger } from '../../../src/outbox/books/ledger.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { ErasureWalk } from '../../../src/outbox/bulk/erasure-walk.ts';
import { platform } from '../../support/api.ts';
import { anEntry } from '../../support/audit.ts';
import { driveDate } from '../../support/clock.ts';
import { alarmOf, givenScripted, outboxOf, runAlarm, untilEnded } from '../../support/deliveries.ts';
import { bring, deliver, findDelivery, inOutbox, newDeliveries, newDelivery, vanish } from '../../support/outbox.ts';
import type { Reply } from '../../support/receiver.ts';
import { storedIn } from '../../support/stored.ts';

// Ahead of the clock: alarms are run by hand alone.
driveDate(Date.now() + 86_400_000);
afterEach(() => {
  vi.restoreAllMocks();
});

const ADA = 'ada.lovelace@example.com';
const BOB = 'bob@example.com';
const ok: Reply = { status: 200, headers: { 'x-echo': ADA }, body: `thank you, ${ADA}` };
const down: Reply = { status: 503, headers: { 'x-echo': ADA }, body: `sorry, ${ADA}` };
const visitor = (email: string) => ({ visitor: { email } });

/** An erasure as the database has it, before any outbox was asked. */
async function requested(organization: string, person = { field: 'visitor.email', value: ADA }): Promise<ErasureRequest> {
  const request = { id: mintId('erasure', Date.now()), ...person, requestedAt: Date.now() };
  const entry = anEntry(organization, { action: 'person.erased', target: { type: 'person', id: request.id } });
  expect(await insertErasure(databaseOf(env.DB), { ...request, organizationId: organization, value: 'sealed' }, entry, 10)).toBe(true);
  vi.setSystemTime(Date.now() + 1);
  return request;
}

/** Asks an outbox, and runs its alarm until nothing of it is left to do. */
async function erased(webhook: string, request: ErasureRequest): Promise<void> {
  await outboxOf(webhook).erasePerson(request);
  await untilTold(webhook, request.id);
}

/** What D1 knows of an erasure in an outbox. */
async function toldOf(webhook: string, id: string) {
  const rows = await listErasureWebhooks(databaseOf(env.DB), [id]);
  const { deliveries, notified, finishedAt } = rows.find(({ webhookId }) => webhookId === webhook)!;
  return { deliveries, notified, isThrough: finishedAt !== null };
}

async function untilTold(webhook: string, id: string): Promise<void> {
  for (let alarms = 0; alarms < 30 && !(await toldOf(webhook, id)).isThrough; alarms++) {
    vi.setSystemTime(Math.max(Date.now(), (await alarmOf(webhook)) ?? 0));
    await runAlarm(webhook);
  }
}

const NONE = { deliveries: 0, notified: 'not_subscribed', isThrough: true };
const plain = { events: ['visitor.identified'] };

describe('an erasure finds a person', () => {
  it('in the archive and in rows, delivered, failed and discarded, and leaves nothing of them in the store', async () => {
    const { endpoint, organization, webhook } = await givenScripted([down, ok], plain);
    const [retried, archived, other] = [
      newDelivery(webhook, visitor(ADA)),
      newDelivery(webhook, visitor(ADA.toUpperCase())),
      newDelivery(webhook, visitor(BOB)),
    ];
    await deliver(webhook, retried);
    await untilEnded(webhook);
    await deliver(webhook, archived);
    await endpoint.script([{ status: 200 }]);
    await deliver(webhook, other);
    expect(await storedIn(webhook)).toContain(ADA);
    const before = await findDelivery(webhook, archived.id);

    const request = await requested(organization);
    await erased(webhook, request);

    expect((await storedIn(webhook)).toLowerCase()).not.toContain(ADA);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 2 });
    for (const { id } of [retried, archived]) {
      const delivery = await findDelivery(webhook, id);
      expect(delivery).toMatchObject({ status: 'delivered', payload: null, payloadErasedAt: expect.any(Number) });
      for (const attempt of delivery.attempts) expect(attempt).toMatchObject({ responseBody: null, responseHeaders: null });
    }
    expect(await findDelivery(webhook, archived.id)).toMatchObject({ finishedAt: before.finishedAt, attempts: [{ responseStatus: 200 }] });
    expect((await findDelivery(webhook, other.id)).payload).toContain(BOB);
    // Erased deliveries are not sent any more, by nobody.
    expect(await outboxOf(webhook).retryNow(retried.id)).toEqual({ kind: 'erased' });
    expect(await outboxOf(webhook).countRecovery({ since: 0, until: Date.now() + 1, statuses: ['failed', 'discarded', 'delivered'] })).toBe(
      1,
    );
  });

  it('in what waits, which ends as discarded and is never sent', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ status: 503 }], plain);
    const [ada, bob] = [newDelivery(webhook, visitor(ADA)), newDelivery(webhook, visitor(BOB))];
    await deliver(webhook, ada, bob);
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await findDelivery(webhook, ada.id)).toMatchObject({
      status: 'discarded',
      reason: 'person_erased',
      nextAttemptAt: null,
      payload: null,
    });
    expect(await findDelivery(webhook, bob.id)).toMatchObject({ status: 'retrying' });
    await endpoint.script([{ status: 200 }]);
    await untilEnded(webhook);
    const ids = (await endpoint.requests()).map(({ headers }) => headers['webhook-id']);
    expect(ids.filter((id) => id === ada.eventId)).toHaveLength(1);
    expect(ids.filter((id) => id === bob.eventId)).toHaveLength(2);
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('in what is about to be sent, by whomever, though no step has come to it yet', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ status: 503 }], plain);
    const [due, byHand, bob] = [newDelivery(webhook, visitor(ADA)), newDelivery(webhook, visitor(ADA)), newDelivery(webhook, visitor(BOB))];
    await deliver(webhook, due, byHand, bob);
    const request = await requested(organization);
    await endpoint.script([{ status: 200 }]);
    const walk = vi.spyOn(ErasureWalk.prototype, 'step').mockImplementation((each) => ({ found: [], walk: each }));
    await outboxOf(webhook).erasePerson(request);
    expect(await outboxOf(webhook).retryNow(byHand.id)).toEqual({ kind: 'erased' });
    vi.setSystemTime(Date.now() + 120_000);
    await runAlarm(webhook);
    await vi.waitFor(async () => expect(await findDelivery(webhook, bob.id)).toMatchObject({ status: 'delivered' }));
    expect((await endpoint.requests()).slice(3).map(({ headers }) => headers['webhook-id'])).toEqual([bob.eventId]);
    walk.mockRestore();
    await untilTold(webhook, request.id);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 2 });
  });

  it('in what runs, which ends as it ends and is then emptied; what fails is not retried', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ held: 'one' }, { held: 'two' }], plain);
    const [one, two] = [newDelivery(webhook, visitor(ADA)), newDelivery(webhook, visitor(ADA))];
    await bring(webhook, one);
    await bring(webhook, two);
    const arrived = await endpoint.arrived(2);
    const request = await requested(organization);
    await outboxOf(webhook).erasePerson(request);
    for (let alarm = 0; alarm < 3; alarm++) void inOutbox(webhook, (outbox) => outbox.alarm());
    const held = new Map(arrived.map(({ headers }, at) => [headers['webhook-id'], at === 0 ? 'one' : 'two']));
    await endpoint.release(held.get(one.eventId)!, ok);
    await endpoint.release(held.get(two.eventId)!, down);
    await vi.waitFor(async () => expect((await findDelivery(webhook, two.id)).attempts).toHaveLength(1));
    await vi.waitFor(async () => expect((await findDelivery(webhook, one.id)).attempts).toHaveLength(1));
    await untilTold(webhook, request.id);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 2 });
    expect(await findDelivery(webhook, one.id)).toMatchObject({ status: 'delivered', payload: null });
    expect(await findDelivery(webhook, two.id)).toMatchObject({ status: 'discarded', reason: 'person_erased', payload: null });
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('in tests, and under a session that has their value for a name', async () => {
    const { organization, webhook } = await givenScripted([ok], plain);
    const test = newDelivery(webhook, visitor(ADA));
    await outboxOf(webhook).sendTest({ ...test, eventId: test.eventId.replace('evt_', 'evt_test_') });
    await deliver(webhook, { ...newDelivery(webhook, visitor(ADA)), sessionId: `ses_${ADA}` });
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 2 });
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('in a test that comes only afterwards, though its event was taken before', async () => {
    const { endpoint, organization, webhook } = await givenScripted([ok], plain);
    const test = newDelivery(webhook, visitor(ADA));
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await outboxOf(webhook).sendTest({ ...test, eventId: test.eventId.replace('evt_', 'evt_test_') })).toBeNull();
    expect(await endpoint.requests()).toEqual([]);
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('by what was accepted, where something else is sent; both are gone', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ status: 200 }, { status: 503 }], {
      ...plain,
      fields: ['session_id'],
      format: 'flat',
    });
    const [sent, waits] = [newDelivery(webhook, visitor(ADA)), newDelivery(webhook, visitor(ADA))];
    await deliver(webhook, sent);
    await deliver(webhook, waits);
    for (const { bodyBase64 } of await endpoint.requests()) expect(atob(bodyBase64)).not.toContain(ADA);
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 2 });
    for (const { id } of [sent, waits]) expect(await findDelivery(webhook, id)).toMatchObject({ payload: null, acceptedPayload: null });
    expect(await findDelivery(webhook, waits.id)).toMatchObject({ status: 'discarded', reason: 'person_erased' });
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('in what could not be rendered, which is then nothing to recover', async () => {
    const { organization, webhook } = await givenScripted([ok], { ...plain, format: 'template', template: '{{ visitor.email }}' });
    const delivery = newDelivery(webhook, visitor(ADA));
    await deliver(webhook, delivery);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({
      reason: 'not_rendered',
      acceptedPayload: expect.stringContaining(ADA),
    });
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 1 });
    expect(await storedIn(webhook)).not.toContain(ADA);
    expect(await outboxOf(webhook).countRecovery({ since: 0, until: Date.now() })).toBe(0);
  });

  it('in what comes only afterwards, though it was accepted before; not in what is accepted later', async () => {
    const { endpoint, organization, webhook } = await givenScripted([ok], plain);
    const late = { ...newDelivery(webhook, visitor(ADA)), sessionId: `ses_${ADA}` };
    await deliver(webhook, newDelivery(webhook, visitor(BOB)));
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual(NONE);
    await vanish(webhook);
    const later = newDelivery(webhook, visitor(ADA));
    await deliver(webhook, late, later);
    // A message can come twice.
    await deliver(webhook, late, later);
    await runAlarm(webhook);
    expect(await findDelivery(webhook, late.id)).toMatchObject({
      status: 'discarded',
      reason: 'person_erased',
      payload: null,
      sessionId: null,
    });
    expect(await findDelivery(webhook, later.id)).toMatchObject({ status: 'delivered', payload: expect.stringContaining(ADA) });
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 1 });
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('among what a filter or `once` has kept back: whom those are about is forgotten, and so is the value that was used up', async () => {
    const { organization, webhook } = await givenScripted([ok], { ...plain, once: { per: 'visitor.email', days: 7, since: 0 } });
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const skipped = { eventId: 'evt_1', event: 'visitor.identified', subject: ADA, at: Date.now(), failedConditions: [] };
    await outboxOf(webhook).tellSkipped({ counts: new Map([[Date.now(), 1]]), latest: [skipped] });
    expect((await outboxOf(webhook).skipped()).map(({ subject }) => subject)).toEqual([ADA, ADA]);
    const request = await requested(organization);
    await erased(webhook, request);
    // What an isolate had still to tell of comes late.
    await outboxOf(webhook).tellSkipped({ counts: new Map([[skipped.at, 1]]), latest: [{ ...skipped, eventId: 'evt_2' }] });
    expect((await outboxOf(webhook).skipped()).map(({ subject }) => subject)).toEqual([null, null, null]);
    expect(await storedIn(webhook)).not.toContain(ADA);
    // She comes again, as somebody new.
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    expect((await outboxOf(webhook).list({ status: 'delivered' }, 10, null)).deliveries).toHaveLength(2);
  });

  it('in bundles of many more than one step takes, and in as many rows', { timeout: 60_000 }, async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
    for (let bundle = 0; bundle < 2; bundle++) {
      vi.setSystemTime(Date.now() + 2_000);
      await deliver(webhook, ...Array.from({ length: 450 }, (_, at) => newDelivery(webhook, visitor(at % 3 === 0 ? BOB : ADA))));
    }
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 600 });
    const stored = await storedIn(webhook);
    expect(stored).not.toContain(ADA);
    expect(stored).toContain(BOB);
    // Those that were erased have rows of their own now: nothing of them is found a second time.
    const again = await requested(organization);
    await erased(webhook, again);
    expect(await toldOf(webhook, again.id)).toEqual(NONE);
  });
});

describe('an erasure goes on', () => {
  it('where it was when the object vanishes at any step, and finds everything once', { timeout: 60_000 }, async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
    for (let bundle = 0; bundle < 3; bundle++) {
      vi.setSystemTime(Date.now() + 2_000);
      await deliver(webhook, ...Array.from({ length: 20 }, (_, at) => newDelivery(webhook, visitor(at % 2 === 0 ? BOB : ADA))));
    }
    const request = await requested(organization);
    await outboxOf(webhook).erasePerson(request);
    // One step at a time, each by an object that was loaded for it.
    const { Bulk } = await import('../../../src/outbox/bulk/bulk.ts');
    const goOn = Bulk.prototype.goOn;
    vi.spyOn(Bulk.prototype, 'goOn').mockImplementation(async function (this: InstanceType<typeof Bulk>) {
      if (this.erasures.isStepDue(Date.now())) this.erasures.step(Date.now());
    });
    for (let steps = 0; steps < 12; steps++) {
      await inOutbox(webhook, (outbox) => outbox.alarm());
      await vanish(webhook);
    }
    vi.mocked(Bulk.prototype.goOn).mockImplementation(goOn);
    await untilTold(webhook, request.id);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 30 });
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('beside others: each has its own people, and one walk is for all that wait', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
    await deliver(
      webhook,
      newDelivery(webhook, visitor(ADA)),
      newDelivery(webhook, visitor(BOB)),
      newDelivery(webhook, visitor('carol@example.com')),
    );
    const [ada, bob] = [await requested(organization), await requested(organization, { field: 'visitor.email', value: BOB })];
    await outboxOf(webhook).erasePerson(ada);
    await outboxOf(webhook).erasePerson(bob);
    // Asked again, as the cron does.
    await outboxOf(webhook).erasePerson(ada);
    await untilTold(webhook, ada.id);
    await untilTold(webhook, bob.id);
    expect(await toldOf(webhook, ada.id)).toEqual({ ...NONE, deliveries: 1 });
    expect(await toldOf(webhook, bob.id)).toEqual({ ...NONE, deliveries: 1 });
    const stored = await storedIn(webhook);
    for (const value of [ADA, BOB]) expect(stored).not.toContain(value);
    expect(stored).toContain('carol@example.com');
  });

  it('beside a later one, and finds nothing that was accepted between the two', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
    const [before, between] = [newDelivery(webhook, visitor(ADA)), visitor(ADA)];
    await deliver(webhook, before);
    const ada = await requested(organization);
    await outboxOf(webhook).erasePerson(ada);
    const later = newDelivery(webhook, between);
    await deliver(webhook, later);
    vi.setSystemTime(Date.now() + 1);
    const bob = await requested(organization, { field: 'visitor.email', value: BOB });
    await outboxOf(webhook).erasePerson(bob);
    for (const { id } of [ada, bob]) await untilTold(webhook, id);
    expect(await toldOf(webhook, ada.id)).toEqual({ ...NONE, deliveries: 1 });
    expect(await findDelivery(webhook, before.id)).toMatchObject({ payload: null });
    expect((await findDelivery(webhook, later.id)).payload).toContain(ADA);
  });

  it('as a whole or not at all: a step that cannot be kept is made again', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await outboxOf(webhook).erasePerson(request);
    vi.spyOn(Store.prototype, 'noteErasure').mockImplementationOnce(() => {
      throw new Error('the storage is full');
    });
    await inOutbox(webhook, (outbox) => outbox.alarm());
    vi.setSystemTime(Date.now() + 60_000);
    await untilTold(webhook, request.id);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 1 });
  });

  it('only when what the object before had left on its way is in the rows', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ hang: true }], plain);
    await bring(webhook, newDelivery(webhook, visitor(ADA)));
    await endpoint.arrived(1);
    const takeOver = vi.spyOn(Ledger.prototype, 'addLeft').mockImplementation(() => {
      throw new Error('the storage is full');
    });
    await vanish(webhook);
    const request = await requested(organization);
    await outboxOf(webhook).erasePerson(request);
    vi.setSystemTime(Date.now() + 60_000);
    await runAlarm(webhook);
    expect(takeOver.mock.calls.length).toBeGreaterThan(1);
    expect(await toldOf(webhook, request.id)).toMatchObject({ isThrough: false });
    takeOver.mockRestore();
    vi.setSystemTime(Date.now() + 60_000);
    await untilTold(webhook, request.id);
    expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 1 });
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('while D1 does not answer, which is told later', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await outboxOf(webhook).erasePerson(request);
    await inOutbox(webhook, async (outbox) => {
      vi.spyOn(env.DB, 'batch').mockRejectedValueOnce(new Error('D1_ERROR: no answer'));
      await outbox.alarm();
    });
    await untilTold(webhook, request.id);
    expect(await toldOf(webhook, request.id)).toMatchObject({ deliveries: 1, isThrough: true });
  });
});

it('an erasure that D1 does not know to be done is told again when it is asked for again', async () => {
  const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
  await deliver(webhook, newDelivery(webhook, visitor(ADA)));
  const request = await requested(organization);
  await erased(webhook, request);
  // A write that was late has put it back.
  await env.DB.prepare('UPDATE erasure_webhooks SET finished_at = NULL, deliveries = 0 WHERE erasure_id = ?').bind(request.id).run();
  await outboxOf(webhook).erasePerson(request);
  await untilTold(webhook, request.id);
  expect(await toldOf(webhook, request.id)).toEqual({ ...NONE, deliveries: 1 });
});

it('an erasure of a webhook that is deleted sets no alarm for at once, again and again', async () => {
  const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
  await deliver(webhook, newDelivery(webhook, visitor(ADA)));
  const request = await requested(organization);
  await outboxOf(webhook).erasePerson(request);
  const db = databaseOf(env.DB);
  await deleteWebhook(db, (await findWebhook(db, organization, webhook))!, Date.now(), anEntry(organization));
  await inOutbox(webhook, (outbox) => outbox.alarm());
  expect(await alarmOf(webhook)).toBeGreaterThan(Date.now() + 10_000);
});

describe('the endpoint that had received the person', () => {
  const subscribed = { events: ['visitor.identified', 'visitor.erased'], secret: 'whsec_c2VjcmV0' };

  it('is told, signed as ever; when that has ended its payload is gone, too', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ status: 200 }], subscribed);
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual({ deliveries: 1, notified: 'pending', isThrough: true });
    await runAlarm(webhook);
    await untilEnded(webhook);
    await runAlarm(webhook).catch(() => {});
    const [, told] = await endpoint.arrived(2);
    expect(told!.headers).toMatchObject({ 'x-bullseye-event': 'visitor.erased', 'x-bullseye-signature': expect.any(String) });
    expect(JSON.parse(atob(told!.bodyBase64))).toEqual({
      event: 'visitor.erased',
      timestamp: expect.any(String),
      organization_id: organization,
      erasure_id: request.id,
      field: 'visitor.email',
      value: ADA,
    });
    expect(await toldOf(webhook, request.id)).toEqual({ deliveries: 1, notified: 'delivered', isThrough: true });
    expect(await storedIn(webhook)).not.toContain(ADA);
    expect((await outboxOf(webhook).list({ event: 'visitor.erased' }, 1, null)).deliveries).toMatchObject([{ status: 'delivered' }]);
  });

  it('is told once: what tells it cannot be sent again as a test, which would stay', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }, { status: 503 }], subscribed);
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    await erased(webhook, await requested(organization));
    const [notice] = (await outboxOf(webhook).list({ event: 'visitor.erased' }, 1, null)).deliveries;
    const answer = await platform.post(`/organization/${organization}/webhooks/${webhook}/test`, { deliveryId: notice!.id });
    expect(answer).toMatchObject({ status: 409, body: { code: 'payload_erased' } });
  });

  it('is retried like any, and the erasure says where it failed', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }, { status: 500 }], subscribed);
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await erased(webhook, request);
    await runAlarm(webhook);
    await untilEnded(webhook);
    await runAlarm(webhook).catch(() => {});
    expect((await outboxOf(webhook).list({ event: 'visitor.erased' }, 1, null)).deliveries).toMatchObject([
      { status: 'failed', attemptCount: 4 },
    ]);
    expect(await toldOf(webhook, request.id)).toMatchObject({ notified: 'failed' });
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('is not told of anybody of whom nothing was ever sent there', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ status: 200 }], { ...subscribed, enabled: false });
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual({ deliveries: 1, notified: null, isThrough: true });
    expect(await endpoint.requests()).toEqual([]);
  });

  it.each([
    ['an attempt that failed', [{ status: 500 }, { status: 200 }] as Reply[]],
    ['an attempt of whose outcome nobody knows', [{ hang: true }, { status: 200 }] as Reply[]],
  ])('is told after %s, too: it may have read it', async (_what, script) => {
    const { endpoint, organization, webhook } = await givenScripted(script, { ...subscribed, events: ['visitor.*'] });
    await bring(webhook, newDelivery(webhook, visitor(ADA)));
    await endpoint.arrived(1);
    await vi.waitFor(async () => expect((await outboxOf(webhook).list({}, 1, null)).deliveries).toMatchObject([{ attemptCount: 1 }]));
    await vanish(webhook);
    const request = await requested(organization);
    await erased(webhook, request);
    await runAlarm(webhook);
    await untilEnded(webhook);
    const [, told] = await endpoint.arrived(2);
    expect(told!.headers).toMatchObject({ 'x-bullseye-event': 'visitor.erased' });
  });

  it('is told of a person of whom it has had a test', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }], subscribed);
    const test = newDelivery(webhook, visitor(ADA));
    await outboxOf(webhook).sendTest({ ...test, eventId: test.eventId.replace('evt_', 'evt_test_') });
    const request = await requested(organization);
    await erased(webhook, request);
    expect(await toldOf(webhook, request.id)).toEqual({ deliveries: 1, notified: 'pending', isThrough: true });
  });

  it('is not told while its webhook is disabled, and the erasure says that this has failed', async () => {
    const { endpoint, organization, webhook, path } = await givenScripted([{ status: 200 }], subscribed);
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    expect((await platform.patch(path, { enabled: false })).status).toBe(200);
    vi.setSystemTime(Date.now() + 5_000);
    const request = await requested(organization);
    await erased(webhook, request);
    for (let alarm = 0; alarm < 3; alarm++) await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await toldOf(webhook, request.id)).toEqual({ deliveries: 1, notified: 'failed', isThrough: true });
    expect(await storedIn(webhook)).not.toContain(ADA);
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('by an event of which its template makes nothing: that has failed, and is not kept either', async () => {
    const template = '{% if erasure_id %}no JSON{% else %}{}{% endif %}';
    const { endpoint, organization, webhook } = await givenScripted([{ status: 200 }], { ...subscribed, format: 'template', template });
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await erased(webhook, request);
    for (let alarm = 0; alarm < 3; alarm++) await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await toldOf(webhook, request.id)).toEqual({ deliveries: 1, notified: 'failed', isThrough: true });
    const [told] = (await outboxOf(webhook).list({ event: 'visitor.erased' }, 1, null)).deliveries;
    expect(told).toMatchObject({ status: 'failed', reason: 'not_rendered' });
    expect(await storedIn(webhook)).not.toContain(ADA);
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('by an event that somebody cancels, which counts as failed, and is not kept either', async () => {
    const { organization, webhook } = await givenScripted([{ status: 200 }, { status: 500 }], subscribed);
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await erased(webhook, request);
    await runAlarm(webhook);
    const [told] = (await outboxOf(webhook).list({ event: 'visitor.erased' }, 1, null)).deliveries;
    expect(told).toMatchObject({ status: 'retrying' });
    const entry = anEntry(organization, { action: 'deliveries.canceled' });
    expect(await outboxOf(webhook).cancelOne(told!.id, entry)).toMatchObject({ kind: 'canceled' });
    await runAlarm(webhook);
    expect(await toldOf(webhook, request.id)).toMatchObject({ notified: 'failed' });
    expect(await storedIn(webhook)).not.toContain(ADA);
  });

  it('is told whatever its webhook has chosen: a filter, `once` and fields leave it alone', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ status: 200 }], {
      ...subscribed,
      filter: { field: 'visitor.email', operator: 'exists' },
      once: { per: 'organization_id', days: 30, since: 0 },
      fields: ['visitor.email'],
    });
    await deliver(webhook, newDelivery(webhook, { ...visitor(ADA), organization_id: organization }));
    const request = await requested(organization);
    await erased(webhook, request);
    await runAlarm(webhook);
    await untilEnded(webhook);
    const [, told] = await endpoint.arrived(2);
    expect(JSON.parse(atob(told!.bodyBase64))).toMatchObject({ event: 'visitor.erased', erasure_id: request.id, value: ADA });
    expect((await outboxOf(webhook).skipped()).map(({ event }) => event)).toEqual([]);
  });

  it('is told in the form that its webhook wants', async () => {
    const { endpoint, organization, webhook } = await givenScripted([{ status: 200 }], { ...subscribed, format: 'slack' });
    await deliver(webhook, newDelivery(webhook, visitor(ADA)));
    const request = await requested(organization);
    await erased(webhook, request);
    await runAlarm(webhook);
    await untilEnded(webhook);
    const [, told] = await endpoint.arrived(2);
    expect(JSON.parse(atob(told!.bodyBase64))).toHaveProperty('blocks');
  });
});

it('a deleted webhook keeps nothing of it', async () => {
  const { organization, webhook } = await givenScripted([{ status: 200 }], plain);
  await deliver(webhook, ...newDeliveries(webhook, 1));
  const request = await requested(organization);
  const db = databaseOf(env.DB);
  const row = await findWebhook(db, organization, webhook);
  await deleteWebhook(db, row!, Date.now(), anEntry(organization));
  await outboxOf(webhook).erase();
  await outboxOf(webhook).erasePerson(request);
  expect(await inOutbox(webhook, (_, storage) => [...storage.kv.list()].length)).toBe(0);
  expect(await findErasure(databaseOf(env.DB), organization, request.id)).toMatchObject({ finishedAt: null });
});
