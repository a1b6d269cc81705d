import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { parkedMessages } from '../../src/db/schema.ts';
import type { Outbox } from '../../src/delivery/outbox.ts';
import { keyedEventId } from '../../src/domain/ids.ts';
import worker from '../../src/index.ts';
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
import { bodyBytes, type Inbox } from '../support/receiver.ts';

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
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const events = Array.from({ length: 20 }, () => anEvent(organization));

    await consume([aMessage(events.slice(0, 7)), aMessage(events.slice(7))]);

    const deliveries = await endedDeliveriesOf(webhook, 20);
    expect(deliveries.map((delivery) => delivery.eventId)).toEqual(events.map((event) => event.id).reverse());
    const details = await Promise.all(deliveries.map(({ id }) => outboxOf(webhook).find(id)));
    const starts = details.map((detail) => detail!.attempts[0]!.startedAt);
    expect(starts).toEqual(starts.toSorted((a, b) => b - a));
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

  it('has the rest of its batch handed to its outbox, while other endpoints are attempted', async () => {
    const [broken, healthy] = [endpointInbox(), endpointInbox()];
    await broken.script([{ status: 500 }]);
    const organization = await givenOrganization();
    const brokenWebhook = await givenWebhook(organization, { url: broken.url });
    const healthyWebhook = await givenWebhook(organization, { url: healthy.url });
    const events = Array.from({ length: 10 }, () => anEvent(organization));

    await consume([aMessage(events)]);

    expect((await endedDeliveriesOf(healthyWebhook, 10)).every(({ status }) => status === 'delivered')).toBe(true);
    expect(await healthy.requests()).toHaveLength(10);
    // The outbox attempts them by its own alarm; not one is left out.
    expect(await deliveriesOf(brokenWebhook)).toHaveLength(10);
    expect(await env.OUTBOX.getByName(brokenWebhook).poke()).toBe(true);
  });
});

describe('an endpoint that is slow', () => {
  it('has its attempt leased: the batch does not wait for it, and its outcome is recorded once', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200, delayMs: 4_000 }]);
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const message = aMessage([anEvent(organization)]);
    const batch = createMessageBatch('bullseye-events', [message]);
    const ctx = createExecutionContext();

    await worker.queue(batch, env, ctx);

    const [running] = await deliveriesOf(webhook);
    expect(running).toMatchObject({ status: 'pending', attemptCount: 1, finishedAt: null, nextAttemptAt: null });
    expect((await getQueueResult(batch, ctx)).explicitAcks).toEqual([message.id]);
    const [ended] = await deliveriesOf(webhook);
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
    const batch = createMessageBatch('bullseye-events', messages);
    const ctx = createExecutionContext();

    await worker.queue(batch, { ...env, DELIVERY_TIMEOUT: '8s' }, ctx);

    // The hanging and the dripping ones go on beside the batch.
    const [hanging, dripping, , , , healthy] = await Promise.all(webhooks.map((webhook) => deliveriesOf(webhook)));
    expect(hanging!.every(({ finishedAt }) => finishedAt === null)).toBe(true);
    expect(dripping!.every(({ finishedAt }) => finishedAt === null)).toBe(true);
    expect(healthy).toHaveLength(10);
    for (const webhook of webhooks) expect(await deliveriesOf(webhook)).toHaveLength(10);
    const { explicitAcks } = await getQueueResult(batch, ctx);
    expect(explicitAcks.toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
    // A 2xx decided at the headers: dripping on does not undo it.
    expect((await deliveriesOf(webhooks[1]!)).some(({ status }) => status === 'delivered')).toBe(true);
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

  it('loses no attempt to a claim that was answered too late: it is given back, and the outbox attempts it', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const answers = Promise.withResolvers<void>();
    const recorded: string[][] = [];
    const OUTBOX = {
      getByName: (id: string) => ({
        record: async (...[config, entries, readAt]: Parameters<Outbox['record']>) => {
          recorded.push(entries.map(({ kind }) => kind));
          const fresh = await env.OUTBOX.getByName(id).record(config, entries, readAt);
          if (recorded.length === 1) await answers.promise;
          return fresh;
        },
      }),
    };
    const message = aMessage([anEvent(organization)], 2);
    const batch = createMessageBatch('bullseye-events', [message]);
    const ctx = createExecutionContext();
    await worker.queue(batch, { ...env, OUTBOX } as unknown as Env, ctx);
    expect(await deliveriesOf(webhook)).toMatchObject([{ status: 'pending', attemptCount: 1 }]);
    answers.resolve();
    const { retryMessages } = await getQueueResult(batch, ctx);
    expect(retryMessages).toMatchObject([{ msgId: message.id }]);
    await vi.waitFor(() => expect(recorded).toEqual([['leased'], ['released']]));
    // The message comes again meanwhile.
    await consume([{ ...message, attempts: 3 }]);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ status: 'delivered', attemptCount: 1 }]);
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('delivers an event with an Idempotency-Key once, within a batch and beyond it; the first body stands', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const id = await keyedEventId(organization, 'key-1', 0);
    const first = { ...anEvent(organization), id };
    const second = { ...anEvent(organization), id };

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
  const failing = { getByName: () => ({ record: () => Promise.reject(new Error('the outbox cannot be reached')) }) };

  it('in an outbox makes the queue redeliver, later each time, and concerns no other message', async () => {
    const [endpoint, spared] = [endpointInbox(), endpointInbox()];
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const sparedOrganization = await givenOrganization();
    await givenWebhook(sparedOrganization, { url: spared.url });
    const message = aMessage([anEvent(organization)], 3);
    const sparedMessage = aMessage([anEvent(sparedOrganization)]);
    const OUTBOX = { getByName: (id: string) => (id === webhook ? failing.getByName() : env.OUTBOX.getByName(id)) };

    const result = await consume([message, sparedMessage], { ...env, OUTBOX: OUTBOX as unknown as Env['OUTBOX'] });

    expect(result.acknowledged).toEqual([sparedMessage.id]);
    expect(result.retried).toEqual([{ id: message.id, delaySeconds: 20 }]);
    // It was not attempted: it could not be claimed.
    expect(await endpoint.requests()).toEqual([]);
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
});
