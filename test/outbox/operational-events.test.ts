import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { closedCircuit } from '../../src/domain/endpoint/circuit.ts';
import { MAX_COUNTED_WAITING, NOTICES, VISITOR_ERASED } from '../../src/domain/event/operational-event.ts';
import { Admission } from '../../src/outbox/books/admission.ts';
import { Store } from '../../src/outbox/books/store.ts';
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
  untilEnded,
} from '../support/deliveries.ts';
import { bring, configOf, deliver, findDelivery, inOutbox, newDeliveries, newDelivery, runWhenDue, vanish } from '../support/outbox.ts';
import { bodyBytes, type Inbox } from '../support/receiver.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

driveDate();

/** A webhook that fails from its second request on, and another of the same organization that listens to events about webhooks. */
async function given(script: Parameters<Inbox['script']>[0]) {
  const [failing, listening] = [endpointInbox(), endpointInbox()];
  await failing.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: failing.url });
  const listener = await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
  const post = () => consume([aMessage([anEvent(organization)])]);
  return { failing, listening, organization, webhook, listener, post };
}

async function eventsAt(listening: Inbox, count: number): Promise<Record<string, unknown>[]> {
  return (await listening.arrived(count)).map((request) => JSON.parse(new TextDecoder().decode(bodyBytes(request))));
}

describe('webhook.failing', () => {
  it('goes to the other webhooks when a delivery fails for good after the endpoint worked, once for each outage', async () => {
    const { failing, listening, organization, webhook, listener, post } = await given([{ status: 200 }, { status: 500 }]);
    await post();
    await endedDeliveriesOf(webhook, 1);
    await post();
    await untilEnded(webhook);
    await post();
    await untilEnded(webhook);
    const [failed] = (await deliveriesOf(webhook)).filter(({ status }) => status === 'failed').slice(-1);
    const [event] = await eventsAt(listening, 1);
    expect(event).toMatchObject({
      event: 'webhook.failing',
      organization_id: organization,
      webhook: { id: webhook, host: new URL(failing.url).host },
      delivery: { id: failed!.id, event_id: failed!.eventId },
    });
    expect((await endedDeliveriesOf(listener, 1)).map(({ status }) => status)).toEqual(['delivered']);

    // It works again, and fails again: that is another outage.
    await failing.script([{ status: 200 }, { status: 500 }]);
    await post();
    await vi.waitFor(async () => {
      await runAlarm(webhook);
      expect((await deliveriesOf(webhook))[0]?.status).toBe('delivered');
    });
    await post();
    await untilEnded(webhook);
    const told = (await eventsAt(listening, 3)).map(({ event: name }) => name);
    expect(told).toEqual(['webhook.failing', 'webhook.recovered', 'webhook.failing']);
  });

  it('is said once an hour at most, though the endpoint works in between', async () => {
    const { failing, listening, webhook, post } = await given([{ status: 200 }, { status: 500 }]);
    const failAndRecover = async () => {
      await failing.script([{ status: 500 }]);
      const startedAt = Date.now();
      await post();
      await untilEnded(webhook, 5 * MINUTE);
      await failing.script([{ status: 200 }]);
      await post();
      await endedDeliveriesOf(webhook, (await deliveriesOf(webhook)).length);
      return Date.now() - startedAt;
    };
    await failing.script([{ status: 200 }]);
    await post();
    await endedDeliveriesOf(webhook, 1);
    // The fourth attempt of each comes some 40 minutes after the first.
    const tookMs = await failAndRecover();
    await listening.arrived(1);
    expect(tookMs).toBeLessThan(60 * MINUTE);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    const told = async (count: number) => (await eventsAt(listening, count)).map(({ event: name }) => name);
    expect(await told(2)).toEqual(['webhook.failing', 'webhook.recovered']);
    await failAndRecover();
    await inOutbox(webhook, (outbox) => outbox.alarm());
    // What was not told of is not told to be over.
    expect(await listening.requests()).toHaveLength(2);
    await failAndRecover();
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await told(4)).toEqual(['webhook.failing', 'webhook.recovered', 'webhook.failing', 'webhook.recovered']);
  });

  it('makes no further one where an endpoint does not take it: nothing is said of what was said', async () => {
    const [endpoint, listening, organization] = [endpointInbox(), endpointInbox(), await givenOrganization()];
    await endpoint.script([{ status: 200 }, { status: 500 }]);
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
    // It works for everything else.
    await deliver(webhook, newDelivery(webhook));
    const failForGood = async (extra: Record<string, unknown>) => {
      const delivery = newDelivery(webhook, extra);
      await deliver(webhook, delivery);
      await untilEnded(webhook);
      await inOutbox(webhook, (outbox) => outbox.alarm());
      expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'failed', attemptCount: 4 });
    };
    for (const event of ['webhook.failing', 'webhook.disabled']) await failForGood({ event, webhook: { id: 'whk_other' } });
    expect(await listening.requests()).toEqual([]);
    // Of an event of its own it is said.
    await failForGood({});
    expect((await eventsAt(listening, 1)).map(({ event }) => event)).toEqual(['webhook.failing']);
  });

  it('is not said of an endpoint that never worked', async () => {
    const { listening, webhook, post } = await given([{ status: 500 }]);
    await post();
    await untilEnded(webhook);
    expect(await listening.requests()).toEqual([]);
  });
});

/** What has been told of a webhook once its outbox's alarm has run: these, and no others. */
async function expectTold(webhook: string, listening: Inbox, names: readonly string[]): Promise<void> {
  await inOutbox(webhook, (outbox) => outbox.alarm());
  if (names.length > 0) await listening.arrived(names.length);
  expect((await eventsAt(listening, names.length)).map(({ event }) => event)).toEqual(names);
  expect(await inOutbox(webhook, (_, { kv }) => kv.get('report'))).toBeUndefined();
  expect(await listening.requests()).toHaveLength(names.length);
}

/** Brings a delivery that is delivered, or that fails for good. */
async function bringOne(webhook: string, stepMs = 5 * MINUTE): Promise<void> {
  await deliver(webhook, newDelivery(webhook));
  await untilEnded(webhook, stepMs);
}

describe('an outage', () => {
  it('tells once that it fails, once that the webhook will be disabled, and once that it works, though the object vanishes between', async () => {
    const { failing, listening, webhook } = await given([{ status: 200 }, { status: 500 }]);
    await bringOne(webhook);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing']);
    await vanish(webhook);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing']);
    vi.setSystemTime(Date.now() + 2.5 * DAY);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing', 'webhook.disable_warning']);
    await vanish(webhook);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing', 'webhook.disable_warning']);
    await failing.script([{ status: 200 }]);
    await vanish(webhook);
    vi.setSystemTime(Date.now() + 11 * MINUTE);
    await bringOne(webhook);
    const all = ['webhook.failing', 'webhook.disable_warning', 'webhook.recovered'];
    await expectTold(webhook, listening, all);
    await bringOne(webhook);
    await vanish(webhook);
    await bringOne(webhook);
    await expectTold(webhook, listening, all);
  });

  it('tells of the webhook by its name, since when, how many wait, the last answer, and where its page is', async () => {
    const [endpoint, listening, organization] = [endpointInbox(), endpointInbox(), await givenOrganization()];
    await endpoint.script([{ status: 200 }, { status: 500 }]);
    const webhook = await givenWebhook(organization, { url: `${endpoint.url}/SECRET?token=SECRET`, name: 'CRM', description: 'Of sales' });
    await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
    await bringOne(webhook);
    const failingSince = Date.now();
    await deliver(webhook, newDelivery(webhook));
    const [first] = await deliveriesOf(webhook);
    for (let attempt = 2; attempt < 4; attempt++) await runWhenDue(webhook, first!.id);
    // Another one waits when the first one fails for good.
    await deliver(webhook, newDelivery(webhook));
    await runWhenDue(webhook, first!.id);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    const [event] = await eventsAt(listening, 1);
    const { host } = new URL(endpoint.url);
    expect(event).toMatchObject({
      event: 'webhook.failing',
      webhook: { id: webhook, name: 'CRM', host, description: 'Of sales' },
      message: 'A delivery to “CRM” has failed for good, though its endpoint had worked before.',
      delivery: { id: first!.id, event_id: first!.eventId },
      failing_since: new Date(failingSince).toISOString(),
      deliveries_waiting: 1,
      last_answer: 'The endpoint answered 500; only a 2xx acknowledges a delivery',
      url: `https://webhooks.bullseye.example/settings/integrations/webhooks/${webhook}`,
    });
    expect(JSON.stringify(event)).not.toContain('SECRET');
  });

  it('is told of when the database can be asked again, by the object that is there then', async () => {
    const { listening, webhook } = await given([{ status: 200 }, { status: 500 }]);
    await bringOne(webhook);
    const d1 = Object.getPrototypeOf(env.DB);
    await deliver(webhook, newDelivery(webhook));
    const prepare = vi.spyOn(d1, 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: the database is down');
    });
    await untilEnded(webhook);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await listening.requests()).toEqual([]);
    prepare.mockRestore();
    await vanish(webhook);
    vi.setSystemTime(Date.now() + MINUTE);
    await expectTold(webhook, listening, ['webhook.failing']);
  });
});

describe('an outbox that is full', () => {
  it('is told as a failing that says so, once', async () => {
    const { listening, webhook } = await given([{ status: 200 }]);
    await bringOne(webhook);
    await inOutbox(webhook, (_, { kv }) => kv.put('vitals', { circuit: closedCircuit(0), running: [], notBefore: Date.now() + 30_000 }));
    await vanish(webhook);
    vi.spyOn(Admission.prototype, 'admits').mockReturnValue(false);
    for (let lost = 0; lost < 2; lost++) await bring(webhook, newDelivery(webhook));
    vi.restoreAllMocks();
    await inOutbox(webhook, (outbox) => outbox.alarm());
    const [event] = await eventsAt(listening, 1);
    expect(event).toMatchObject({ event: 'webhook.failing', reason: 'outbox_full', last_answer: null });
    await expectTold(webhook, listening, ['webhook.failing']);
  });

  it('has its deliveries counted up to ten thousand', async () => {
    const { webhook } = await given([{ status: 200 }]);
    await bringOne(webhook);
    const counted = await inOutbox(webhook, (_, storage) => {
      const store = new Store(storage);
      const none = store.countDueUpTo(MAX_COUNTED_WAITING);
      storage.sql.exec(
        `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${MAX_COUNTED_WAITING + 5})
        INSERT INTO deliveries (created_at, id, event_id, event, session_id, status, attempt_count, failures, expires_at, due_at, trigger, payload)
        SELECT n, 'dlv_' || n, 'evt_' || n, 'a', 's', 'pending', 0, 0, 9e15, 9e15, 'event', x'7b7d' FROM number`,
      );
      return [none, store.countDueUpTo(3), store.countDueUpTo(MAX_COUNTED_WAITING)];
    });
    expect(counted).toEqual([0, 3, MAX_COUNTED_WAITING]);
  });
});

describe('webhook.recovered', () => {
  it('is not said of a test, but of the delivery after it', async () => {
    const { failing, listening, organization, webhook } = await given([{ status: 200 }, { status: 500 }]);
    await bringOne(webhook);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing']);
    await failing.script([{ status: 200 }]);
    vi.setSystemTime(Date.now() + MINUTE);
    await platform.post(`/organization/${organization}/webhooks/${webhook}/test`);
    await vanish(webhook);
    await expectTold(webhook, listening, ['webhook.failing']);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing', 'webhook.recovered']);
  });

  it('is said of a delivery that somebody has retried by hand', async () => {
    const { failing, listening, webhook } = await given([{ status: 200 }, { status: 500 }]);
    await bringOne(webhook);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing']);
    await failing.script([{ status: 200 }]);
    vi.setSystemTime(Date.now() + MINUTE);
    const failed = (await deliveriesOf(webhook)).find(({ status }) => status === 'failed')!;
    expect(await outboxOf(webhook).retryNow(failed.id)).toMatchObject({ kind: 'begun' });
    await vi.waitFor(async () => expect(await findDelivery(webhook, failed.id)).toMatchObject({ status: 'delivered' }));
    await expectTold(webhook, listening, ['webhook.failing', 'webhook.recovered']);
  });

  it('is not said where no failing was told: the endpoint stumbled, or had never worked', async () => {
    const { failing, listening, webhook } = await given([{ status: 500 }]);
    await bringOne(webhook);
    await failing.script([{ status: 200 }, { status: 500 }, { status: 200 }]);
    for (let deliveries = 0; deliveries < 3; deliveries++) await bringOne(webhook, MINUTE);
    await expectTold(webhook, listening, []);
  });

  it('is said after its owner has pointed the webhook elsewhere, where it works', async () => {
    const { listening, organization, webhook } = await given([{ status: 200 }, { status: 500 }]);
    await bringOne(webhook);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing']);
    vi.setSystemTime(Date.now() + MINUTE);
    await platform.patch(`/organization/${organization}/webhooks/${webhook}`, { url: endpointInbox().url });
    vi.setSystemTime(Date.now() + 5_000);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.failing', 'webhook.recovered']);
  });
});

it.each(NOTICES)('%s passes the filter, `once` and the fields of a webhook that listens', async (event) => {
  const [listening, organization] = [endpointInbox(), await givenOrganization()];
  const listener = await givenWebhook(organization, {
    url: listening.url,
    filter: { field: 'event', operator: 'equals', value: 'visitor.identified' },
    once: { per: 'webhook.id', days: 30 },
    fields: ['visitor.email'],
  });
  const told = () => anEvent(organization, { event, webhook: { id: 'whk_other', host: 'hooks.example.com' } });
  const events = [told(), told()];
  for (const each of events) await consume([aMessage([each])]);
  await endedDeliveriesOf(listener, 2);
  expect((await listening.requests()).map(bodyBytes)).toEqual(events.map(({ payload }) => payload));
  expect(await outboxOf(listener).skipped()).toEqual([]);
});

describe('webhook.disable_warning', () => {
  it('is said when half of the time has gone by with nothing but failures, and says when it will be disabled', async () => {
    const { listening, webhook } = await given([{ status: 500 }]);
    const failingSince = Date.now();
    await bringOne(webhook);
    await expectTold(webhook, listening, []);
    vi.setSystemTime(failingSince + 2.5 * DAY - MINUTE);
    await deliver(webhook, newDelivery(webhook));
    await expectTold(webhook, listening, []);
    vi.setSystemTime(failingSince + 2.5 * DAY);
    await deliver(webhook, newDelivery(webhook));
    await inOutbox(webhook, (outbox) => outbox.alarm());
    const [event] = await eventsAt(listening, 1);
    const disabledAt = new Date(failingSince + 5 * DAY).toISOString();
    expect(event).toMatchObject({ event: 'webhook.disable_warning', webhook: { id: webhook }, will_be_disabled_at: disabledAt });
    expect(event!.message).toContain(`will be disabled on ${disabledAt.slice(0, 10)} at ${disabledAt.slice(11, 16)} UTC`);
    await bringOne(webhook);
    await expectTold(webhook, listening, ['webhook.disable_warning']);
  });

  it('is not said of what is told: an endpoint that does not take the notices makes none', async () => {
    const [endpoint, listening, organization] = [endpointInbox(), endpointInbox(), await givenOrganization()];
    await endpoint.script([{ status: 500 }]);
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
    for (const event of ['webhook.failing', 'webhook.recovered', 'webhook.disable_warning', 'visitor.erased']) {
      await deliver(webhook, newDelivery(webhook, { event, webhook: { id: 'whk_other' } }));
      await untilEnded(webhook);
      vi.setSystemTime(Date.now() + DAY);
    }
    await expectTold(webhook, listening, []);
  });
});

describe('webhook.disabled', () => {
  it('is said, and the webhook disabled, after nothing but failures for five days', async () => {
    const { listening, webhook, post } = await given([{ status: 500 }]);
    await post();
    await untilEnded(webhook);
    vi.setSystemTime(Date.now() + 5 * DAY);
    await post();
    await runAlarm(webhook);
    await untilEnded(webhook);
    const [row] = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook));
    expect(row).toMatchObject({ enabled: false, disabledReason: 'endpoint_failing' });
    const [event] = await eventsAt(listening, 1);
    expect(event).toMatchObject({ event: 'webhook.disabled', webhook: { id: webhook, disabled_reason: 'endpoint_failing' } });
    expect((await deliveriesOf(webhook))[0]).toMatchObject({ status: 'discarded', reason: 'webhook_disabled' });
  });

  it('is not said again of the first failure after its owner has enabled it', async () => {
    const { organization, listening, webhook, post } = await given([{ status: 500 }]);
    await post();
    await untilEnded(webhook);
    vi.setSystemTime(Date.now() + 5 * DAY);
    await post();
    await runAlarm(webhook);
    await untilEnded(webhook);
    vi.setSystemTime(Date.now() + MINUTE);
    const path = `/organization/${organization}/webhooks/${webhook}`;
    expect(await platform.patch(path, { enabled: true })).toMatchObject({
      body: { enabled: true, disabledReason: null, health: 'healthy' },
    });
    // Whatever was read before it is too old by now.
    vi.setSystemTime(Date.now() + 5_000);
    await post();
    await untilEnded(webhook);
    expect((await platform.get(path)).body).toMatchObject({ enabled: true, disabledReason: null });
    expect((await deliveriesOf(webhook))[0]).toMatchObject({ status: 'failed', reason: 'attempts_exhausted' });
    expect(await listening.requests()).toHaveLength(1);
  });

  it('is said of a 410, never to the webhook that it is about', async () => {
    const gone = endpointInbox();
    await gone.script([{ status: 410 }]);
    const [listening, organization] = [endpointInbox(), await givenOrganization()];
    const webhook = await givenWebhook(organization, { url: gone.url, events: ['*'] });
    await givenWebhook(organization, { url: listening.url, events: ['webhook.disabled'] });
    await consume([aMessage([anEvent(organization)])]);
    await runAlarm(webhook);
    const [event] = await eventsAt(listening, 1);
    expect(event).toMatchObject({ event: 'webhook.disabled', webhook: { id: webhook, disabled_reason: 'endpoint_gone' } });
    expect(await gone.requests()).toHaveLength(1);
    expect(await deliveriesOf(webhook)).toHaveLength(1);
  });

  it('is said once though several attempts that meet 410 were under way, whenever they end', async () => {
    const gone = endpointInbox();
    await gone.script([{ status: 410 }, { status: 410 }, { status: 410, delayMs: 400 }, { status: 410, delayMs: 800 }, { status: 410 }]);
    const [listening, organization] = [endpointInbox(), await givenOrganization()];
    const webhook = await givenWebhook(organization, { url: gone.url });
    const listener = await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
    const config = await configOf(webhook);
    await outboxOf(webhook).deliver(config, newDeliveries(webhook, 5), Date.now());
    // The first of them are told of while the others are under way. Two decisions of one millisecond would be one.
    const ticking = setInterval(() => vi.setSystemTime(Date.now() + 5), 5);
    const first = inOutbox(webhook, (outbox) => outbox.alarm());
    await listening.arrived(1);
    await first;
    await vi.waitFor(async () => expect((await gone.requests()).length).toBe(5));
    await vi.waitFor(async () => expect(await deliveriesOf(webhook)).toMatchObject(Array(5).fill({ status: 'failed' })));
    clearInterval(ticking);
    // What consumers with a configuration of seconds ago still bring.
    for (let call = 0; call < 3; call++) await outboxOf(webhook).deliver(config, newDeliveries(webhook, 2), Date.now() - 2_000);
    for (let alarm = 0; alarm < 3; alarm++) {
      vi.setSystemTime(Date.now() + 31_000);
      await inOutbox(webhook, (outbox) => outbox.alarm());
    }
    await endedDeliveriesOf(listener, 1);
    expect(await deliveriesOf(listener)).toHaveLength(1);
    expect(await listening.requests()).toHaveLength(1);
  });

  it('is said, and the webhook disabled, while another attempt is under way that an alarm waits for', async () => {
    const gone = endpointInbox();
    await gone.script([{ status: 500 }, { held: 'slow' }, { status: 410 }]);
    const [listening, organization] = [endpointInbox(), await givenOrganization()];
    const webhook = await givenWebhook(organization, { url: gone.url });
    await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    vi.setSystemTime((await findDelivery(webhook, delivery.id)).nextAttemptAt!);
    const alarm = inOutbox(webhook, (outbox) => outbox.alarm());
    await gone.arrived(2);
    await outboxOf(webhook).deliver(await configOf(webhook), [newDelivery(webhook)], Date.now());
    await listening.arrived(1);
    const [row] = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook));
    expect(row).toMatchObject({ enabled: false, disabledReason: 'endpoint_gone' });
    await gone.release('slow', { status: 410 });
    await alarm;
    expect(await listening.requests()).toHaveLength(1);
  });

  it('is not said again where the answer of the database was lost', async () => {
    const gone = endpointInbox();
    await gone.script([{ status: 410 }]);
    const [listening, organization] = [endpointInbox(), await givenOrganization()];
    const webhook = await givenWebhook(organization, { url: gone.url });
    const listener = await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
    await deliver(webhook, newDelivery(webhook));
    const report = await inOutbox(webhook, (_, { kv }) => kv.get<object>('report'));
    expect(report).toMatchObject({ disable: { reason: 'endpoint_gone' } });
    await inOutbox(webhook, (outbox) => outbox.alarm());
    await listening.arrived(1);
    // It is told again, as it would be had it not heard of it; and again after its owner has enabled it.
    const again = async () => {
      await inOutbox(webhook, (_, { kv }) => kv.put('report', { ...report, dueAt: 0 }));
      await vanish(webhook);
      await inOutbox(webhook, (outbox) => outbox.alarm());
      expect(await inOutbox(webhook, (_, { kv }) => kv.get('report'))).toBeUndefined();
    };
    await again();
    vi.setSystemTime(Date.now() + MINUTE);
    await platform.patch(`/organization/${organization}/webhooks/${webhook}`, { enabled: true });
    await again();
    const told = new Set((await listening.requests()).map(({ headers }) => headers['webhook-id']));
    expect(told.size).toBe(1);
    await endedDeliveriesOf(listener, 1);
    expect(await deliveriesOf(listener)).toHaveLength(1);
  });

  it.each([...NOTICES, VISITOR_ERASED])('as little as %s can be posted by a producer', async (name) => {
    const organization = await givenOrganization();
    const event = { event: name, timestamp: '2026-11-23T10:00:00Z', organization_id: organization };
    expect(await platform.post('/events', event)).toMatchObject({ status: 422, body: { code: 'unknown_event_type' } });
  });
});
