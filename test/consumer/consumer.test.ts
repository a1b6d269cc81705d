import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { parkedMessages } from '../../src/db/schema.ts';
import { keyedEventIds } from '../../src/domain/ids.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
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
  type QueueMessage,
} from '../support/deliveries.ts';
import { meterThatFails } from '../support/operator.ts';
import { bodyBytes, type Inbox } from '../support/receiver.ts';

type Deliver = (webhookId: string, ...args: Parameters<Outbox['deliver']>) => Promise<void>;

/** An environment whose outboxes are reached as a test says. */
function withOutboxes(deliver: Deliver): Env {
  const getByName = (id: string) => ({ deliver: (...args: Parameters<Outbox['deliver']>) => deliver(id, ...args) });
  return { ...env, OUTBOX: { getByName } as unknown as Env['OUTBOX'] };
}

const really: Deliver = async (id, ...args) => {
  await outboxOf(id).deliver(...args);
};

describe('an event on its way to a healthy endpoint', () => {
  it('arrives byte for byte, is acknowledged, and stands in the log as delivered', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const event = anEvent(organization);
    const message = aMessage([event]);

    const { acknowledged, retried } = await consume([message]);

    expect(acknowledged).toEqual([message.id]);
    expect(retried).toEqual([]);
    const received = await endpoint.requests();
    expect(received).toHaveLength(1);
    expect(bodyBytes(received[0]!)).toEqual(event.payload);
    const [delivery] = await deliveriesOf(webhook);
    expect(delivery).toMatchObject({
      eventId: event.id,
      status: 'delivered',
      attemptCount: 1,
      nextAttemptAt: null,
      lastResponseStatus: 204,
    });
  });

  it('reaches every webhook of its organization that subscribes to it, and no other', async () => {
    const inboxes = Array.from({ length: 5 }, endpointInbox) as [Inbox, Inbox, Inbox, Inbox, Inbox];
    const [all, named, prefixed, other, stranger] = inboxes;
    const organization = await givenOrganization();
    await givenWebhook(organization, { url: all.url, events: ['*'] });
    await givenWebhook(organization, { url: named.url, events: ['visitor.identified'] });
    await givenWebhook(organization, { url: prefixed.url, events: ['visitor.*'] });
    await givenWebhook(organization, { url: other.url, events: ['company.identified', 'visitors.*'] });
    await givenWebhook(await givenOrganization(), { url: stranger.url });

    await consume([aMessage([anEvent(organization)])]);

    await Promise.all([all, named, prefixed].map((each) => each.arrived(1)));
    expect(await Promise.all(inboxes.map(async (each) => (await each.requests()).length))).toEqual([1, 1, 1, 0, 0]);
  });

  it('is attempted in the order of acceptance', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url, maxConcurrent: 1 });
    const events = Array.from({ length: 20 }, () => anEvent(organization));

    await consume([aMessage(events.slice(0, 7)), aMessage(events.slice(7))]);

    const deliveries = await endedDeliveriesOf(webhook, 20);
    expect(deliveries.map((delivery) => delivery.eventId)).toEqual(events.map((event) => event.id).reverse());
    expect((await endpoint.requests()).map(({ headers }) => headers['webhook-id'])).toEqual(events.map(({ id }) => id));
  });
});

describe('an event that nobody is to get', () => {
  it('is dropped where its organization is not known', async () => {
    const message = aMessage([anEvent('org_nobody')]);
    expect((await consume([message])).acknowledged).toEqual([message.id]);
  });

  it('is dropped where the plan does not include webhooks', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization('growth');
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const message = aMessage([anEvent(organization)]);
    expect((await consume([message])).acknowledged).toEqual([message.id]);
    expect(await endpoint.requests()).toEqual([]);
    expect(await deliveriesOf(webhook)).toEqual([]);
  });

  it('is recorded as discarded where the webhook is disabled', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url, enabled: false });
    await consume([aMessage([anEvent(organization)])]);
    expect(await endpoint.requests()).toEqual([]);
    const [delivery] = await deliveriesOf(webhook);
    expect(delivery).toMatchObject({ status: 'discarded', reason: 'webhook_disabled', attemptCount: 0 });
    expect(delivery?.finishedAt).not.toBeNull();
  });
});

describe('an endpoint that fails', () => {
  it('has its delivery scheduled, and the message is acknowledged all the same', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500, body: 'out of order' }]);
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const message = aMessage([anEvent(organization)]);

    expect((await consume([message])).acknowledged).toEqual([message.id]);

    const [delivery] = await deliveriesOf(webhook);
    expect(delivery).toMatchObject({ status: 'retrying', attemptCount: 1, lastResponseStatus: 500 });
    const [attempt] = (await outboxOf(webhook).find(delivery!.id))!.attempts;
    expect(attempt).toMatchObject({ outcome: 'failed', trigger: 'event', responseStatus: 500, responseBody: 'out of order' });
    const waitMs = delivery!.nextAttemptAt! - attempt!.startedAt - attempt!.durationMs!;
    expect(waitMs).toBeGreaterThanOrEqual(60_000);
    expect(waitMs).toBeLessThanOrEqual(66_000);
  });

  it('has all of its batch on record, while other endpoints are attempted', async () => {
    const [broken, healthy] = [endpointInbox(), endpointInbox()];
    await broken.script([{ status: 500 }]);
    const organization = await givenOrganization();
    const brokenWebhook = await givenWebhook(organization, { url: broken.url });
    const healthyWebhook = await givenWebhook(organization, { url: healthy.url });
    const events = Array.from({ length: 10 }, () => anEvent(organization));

    await consume([aMessage(events)]);

    expect((await endedDeliveriesOf(healthyWebhook, 10)).every(({ status }) => status === 'delivered')).toBe(true);
    expect(await healthy.requests()).toHaveLength(10);
    // Its outbox goes on by its own alarm; not one is left out.
    expect(await deliveriesOf(brokenWebhook)).toHaveLength(10);
    expect((await env.OUTBOX.getByName(brokenWebhook).poke()).waiting).toMatchObject({ waiting: 10, cause: 'has_errors', status: 500 });
  });
});

describe('an endpoint that is slow', () => {
  it('is not waited for: its message is acknowledged while the attempt runs, whose outcome is recorded once', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200, delayMs: 2_000 }]);
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const message = aMessage([anEvent(organization)]);

    expect((await consume([message])).acknowledged).toEqual([message.id]);

    const [running] = await deliveriesOf(webhook);
    expect(running).toMatchObject({ status: 'pending', attemptCount: 1, finishedAt: null, nextAttemptAt: null });
    const [ended] = await endedDeliveriesOf(webhook, 1);
    expect(ended).toMatchObject({ status: 'delivered', attemptCount: 1 });
    expect(await endpoint.requests()).toHaveLength(1);
  });
});

describe('a batch of hostile endpoints', () => {
  it('is over while they still hang and drip: every message is acknowledged, every delivery is on record', async () => {
    const scripts: Parameters<Inbox['script']>[0][] = [
      [{ hang: true }],
      [{ status: 200, endless: { chunk: 'x', everyMs: 100 } }],
      [{ status: 500, endless: { chunk: 'x'.repeat(9_000), everyMs: 50 } }],
      [{ reset: true }],
      [{ status: 302, headers: { location: 'http://127.0.0.1:9/' } }],
      [{ status: 200 }],
    ];
    const organization = await givenOrganization();
    const webhooks = await Promise.all(
      scripts.map(async (script) => {
        const endpoint = endpointInbox();
        await endpoint.script(script);
        return givenWebhook(organization, { url: endpoint.url });
      }),
    );
    const messages = Array.from({ length: 5 }, () => aMessage([anEvent(organization), anEvent(organization)]));

    const { acknowledged } = await consume(messages);

    expect(acknowledged.toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
    // The hanging and the dripping ones go on beside the batch.
    const [hanging, dripping] = await Promise.all(webhooks.map((webhook) => deliveriesOf(webhook)));
    expect(hanging!.every(({ finishedAt }) => finishedAt === null)).toBe(true);
    expect(dripping!.every(({ finishedAt }) => finishedAt === null)).toBe(true);
    for (const webhook of webhooks) expect(await deliveriesOf(webhook)).toHaveLength(10);
    expect((await endedDeliveriesOf(webhooks[5]!, 10)).every(({ status }) => status === 'delivered')).toBe(true);
    // A 2xx decides at the headers: dripping on does not undo it.
    expect((await endedDeliveriesOf(webhooks[1]!, 1)).some(({ status }) => status === 'delivered')).toBe(true);
  });
});

describe('a message that comes again', () => {
  it('does not bring a recorded delivery about a second time', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const message = aMessage([anEvent(organization)]);
    await consume([message]);
    await endedDeliveriesOf(webhook, 1);

    const again: QueueMessage = { ...message, attempts: 2 };
    expect((await consume([again])).acknowledged).toEqual([message.id]);

    expect(await endpoint.requests()).toHaveLength(1);
    expect(await deliveriesOf(webhook)).toHaveLength(1);
  });

  it('is delivered where nothing of it was recorded', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    await consume([aMessage([anEvent(organization), anEvent(organization)], 2)]);
    expect((await endedDeliveriesOf(webhook, 2)).map(({ status }) => status)).toEqual(['delivered', 'delivered']);
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('because its outbox’s answer was lost is answered from what is known: no second attempt is made', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const lossy = withOutboxes(async (...call) => {
      await really(...call);
      throw new Error('Network connection lost.');
    });
    const message = aMessage([anEvent(organization), anEvent(organization)]);
    expect((await consume([message], lossy)).retried).toEqual([{ id: message.id, delaySeconds: 5 }]);
    expect((await consume([{ ...message, attempts: 2 }])).acknowledged).toEqual([message.id]);
    expect(await endedDeliveriesOf(webhook, 2)).toMatchObject(Array(2).fill({ status: 'delivered', attemptCount: 1 }));
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('delivers an event with an Idempotency-Key once, within a batch and beyond it', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const event = anEvent(organization);
    const [id = ''] = await keyedEventIds([{ organizationId: organization, payload: event.payload }], 'key-1');
    const first = { ...event, id };
    const second = { ...event, id };

    await consume([aMessage([first]), aMessage([second])]);
    await consume([aMessage([second])]);
    await endedDeliveriesOf(webhook, 1);

    const received = await endpoint.requests();
    expect(received).toHaveLength(1);
    expect(bodyBytes(received[0]!)).toEqual(first.payload);
    const [delivery] = await deliveriesOf(webhook);
    expect(delivery).toMatchObject({ eventId: id, status: 'delivered', attemptCount: 1 });
    expect(await outboxOf(webhook).find(delivery!.id)).toMatchObject({ attempts: [{ number: 1, outcome: 'succeeded' }] });
  });
});

describe('a fault of ours', () => {
  it('in an outbox makes the queue redeliver, later each time, and concerns no other message', async () => {
    const [endpoint, spared] = [endpointInbox(), endpointInbox()];
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const sparedOrganization = await givenOrganization();
    await givenWebhook(sparedOrganization, { url: spared.url });
    const message = aMessage([anEvent(organization)], 3);
    const sparedMessage = aMessage([anEvent(sparedOrganization)]);
    const environment = withOutboxes(async (id, ...call) => {
      if (id === webhook) throw new Error('the outbox cannot be reached');
      await really(id, ...call);
    });

    const result = await consume([message, sparedMessage], environment);

    expect(result.acknowledged).toEqual([sparedMessage.id]);
    expect(result.retried).toEqual([{ id: message.id, delaySeconds: 20 }]);
    expect(await endpoint.requests()).toEqual([]);
    // It is asked again the next time: only one that is silent is left alone.
    expect((await consume([{ ...message, attempts: 4 }])).acknowledged).toEqual([message.id]);
  });

  it.each([
    ['is called once more where the platform says that it may be', { retryable: true }, 2],
    ['is not called again where it is overloaded', { retryable: true, overloaded: true }, 1],
    ['is not called again where it says no', {}, 1],
  ])('in an outbox: it %s', async (_what, marks, expected) => {
    const organization = await givenOrganization();
    await givenWebhook(organization, { url: endpointInbox().url });
    let calls = 0;
    const environment = withOutboxes(async (...call) => {
      if (++calls === 1) throw Object.assign(new Error('reset'), marks);
      await really(...call);
    });
    const message = aMessage([anEvent(organization)]);
    const { acknowledged } = await consume([message], environment);
    expect({ calls, acknowledged }).toEqual({ calls: expected, acknowledged: expected === 2 ? [message.id] : [] });
  });

  it('in the configuration database makes the queue redeliver what needs it', async () => {
    const message = aMessage([anEvent(await givenOrganization())]);
    const DB = {
      prepare: () => {
        throw new Error('D1_ERROR: out of order');
      },
    };
    const result = await consume([message], { ...env, DB: DB as unknown as D1Database });
    expect(result.retried).toEqual([{ id: message.id, delaySeconds: 5 }]);
  });
});

describe('a message that cannot be read', () => {
  it('goes to the dead-letter queue with its batch-mates unharmed, and is kept from there with its reason', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    await givenWebhook(organization, { url: endpoint.url });
    const poison: QueueMessage = { ...aMessage([anEvent(organization)]), body: new TextEncoder().encode('not a message') };
    const message = aMessage([anEvent(organization)]);
    const sent: unknown[] = [];
    const DEAD_LETTERS = { send: async (body: unknown) => void sent.push(body) };

    const result = await consume([poison, message], { ...env, DEAD_LETTERS: DEAD_LETTERS as unknown as Queue });

    expect(result.acknowledged.toSorted()).toEqual([poison.id, message.id].toSorted());
    expect(sent).toEqual([poison.body]);
    expect(await endpoint.arrived(1)).toHaveLength(1);

    expect((await consume([poison], env, 'bullseye-events-dead')).acknowledged).toEqual([poison.id]);
    const [parked] = await databaseOf(env.DB).select().from(parkedMessages);
    expect(parked).toMatchObject({ id: poison.id, reason: 'It cannot be read: the message has no header line' });
    expect(new TextDecoder().decode(new Uint8Array(parked!.body))).toBe('not a message');
  });

  it('is kept from the dead-letter queue of a copy as well, rather than sent there again for ever', async () => {
    const poison: QueueMessage = { ...aMessage([anEvent('org_a')]), body: new TextEncoder().encode('not a message') };
    const sent: unknown[] = [];
    const DEAD_LETTERS = { send: async (body: unknown) => void sent.push(body) } as unknown as Queue;
    expect((await consume([poison], { ...env, DEAD_LETTERS }, 'bullseye-events-dead-staging')).acknowledged).toEqual([poison.id]);
    expect(sent).toEqual([]);
    const parked = await databaseOf(env.DB).select().from(parkedMessages);
    expect(parked.map(({ id }) => id)).toContain(poison.id);
  });
});

describe('an outbox that does not answer', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('holds the batch of others for three seconds at most, and is then left alone for half a minute', async () => {
    const [slow, quick] = [await givenOrganization(), await givenOrganization()];
    const silent = await givenWebhook(slow, { url: endpointInbox().url });
    await givenWebhook(quick, { url: endpointInbox().url });
    let calls = 0;
    let called = Promise.withResolvers<void>();
    const outboxes = withOutboxes(async (id) => {
      if (id !== silent) return;
      calls++;
      called.resolve();
      await new Promise(() => {});
    });
    // The Meter has timers of its own, which are not to be virtual.
    const environment = { ...outboxes, METER: meterThatFails() };
    const batch = () => [aMessage([anEvent(slow)]), aMessage([anEvent(quick)])] as const;
    // Its waits are virtual.
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });

    const [stuck, free] = batch();
    let isOver = false;
    const first = consume([stuck, free], environment).finally(() => {
      isOver = true;
    });
    await called.promise;
    await vi.advanceTimersByTimeAsync(2_999);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await first).toMatchObject({ acknowledged: [free.id], retried: [{ id: stuck.id }] });

    // Nobody waits for it now.
    const [again, other] = batch();
    expect(await consume([again, other], environment)).toMatchObject({ acknowledged: [other.id], retried: [{ id: again.id }] });
    expect(calls).toBe(1);

    vi.setSystemTime(Date.now() + 30_001);
    called = Promise.withResolvers();
    const third = consume([again], environment);
    await called.promise;
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await third).retried).toMatchObject([{ id: again.id }]);
    expect(calls).toBe(2);
  });
});

describe('what a batch has for one webhook', () => {
  it.each([
    ['number', 1_100, 10, [500, 500, 100]],
    ['size', 100, 90_000, [88, 12]],
  ])('goes in calls that are bounded by their %s, in order and each once', async (_by, count, bytes, sizes) => {
    const organization = await givenOrganization();
    await givenWebhook(organization, { url: endpointInbox().url });
    const events = Array.from({ length: count }, () => anEvent(organization, { filler: 'x'.repeat(bytes) }));
    const calls: string[][] = [];
    const environment = withOutboxes(async (_id, _config, deliveries) => {
      calls.push(deliveries.map(({ eventId }) => eventId));
    });
    const messages = events.map((event) => aMessage([event]));
    expect((await consume(messages, environment)).acknowledged).toHaveLength(count);
    expect(calls.map(({ length }) => length)).toEqual(sizes);
    expect(calls.flat()).toEqual(events.map(({ id }) => id));
  });

  it('fails as a whole where one of its calls does: what the others have taken is known there', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url, enabled: false });
    const events = Array.from({ length: 600 }, () => anEvent(organization));
    const environment = withOutboxes(async (id, config, deliveries, readAt) => {
      if (deliveries.length === 100) throw new Error('the second call fails');
      await really(id, config, deliveries, readAt);
    });
    const messages = events.map((event) => aMessage([event]));
    expect((await consume(messages, environment)).retried).toHaveLength(600);
    expect((await consume(messages.map((message) => ({ ...message, attempts: 2 })))).acknowledged).toHaveLength(600);
    const first = await outboxOf(webhook).list({}, 1_000, null);
    expect(new Set(first.deliveries.map(({ eventId }) => eventId)).size).toBe(600);
    expect(first.deliveries).toHaveLength(600);
  });
});
