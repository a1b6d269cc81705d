import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
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
import { configOf, deliver, findDelivery, inOutbox, newDeliveries, newDelivery, vanish } from '../support/outbox.ts';
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
    expect((await eventsAt(listening, 2)).map(({ event: name }) => name)).toEqual(['webhook.failing', 'webhook.failing']);
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
    await failAndRecover();
    await runAlarm(webhook);
    expect(await listening.requests()).toHaveLength(1);
    await failAndRecover();
    expect((await eventsAt(listening, 2)).map(({ event: name }) => name)).toEqual(['webhook.failing', 'webhook.failing']);
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

  it('cannot be posted by a producer', async () => {
    const organization = await givenOrganization();
    const event = { event: 'webhook.disabled', timestamp: '2026-11-23T10:00:00Z', organization_id: organization };
    expect(await platform.post('/events', event)).toMatchObject({ status: 422, body: { code: 'unknown_event_type' } });
  });
});
