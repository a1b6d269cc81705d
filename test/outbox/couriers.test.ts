import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CONNECTIONS, Connections } from '../../src/attempt/connections.ts';
import { Courier } from '../../src/attempt/courier.ts';
import { Sender } from '../../src/attempt/sender.ts';
import { Places } from '../../src/outbox/places.ts';
import { settingsOf } from '../../src/settings.ts';
import { driveDate } from '../support/clock.ts';
import { deliveriesOf, endedDeliveriesOf, endpointInbox, givenOrganization, givenWebhook, untilEnded } from '../support/deliveries.ts';
import { bring, configOf, deliver, findDelivery, newDeliveries } from '../support/outbox.ts';
import { haveAnswersTake, watchSenders } from '../support/senders.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Deliveries that an endpoint has answered, so that more attempts at a time go to it than one object makes. */
const BEFORE = 100;
const ANSWER_MS = 300;

async function givenQuick(options: { maxConcurrent?: number } = {}) {
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 200, delayMs: 20 }]);
  const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url, ...options });
  const restore = haveAnswersTake(ANSWER_MS);
  await deliver(webhook, ...newDeliveries(webhook, BEFORE));
  await endedDeliveriesOf(webhook, BEFORE);
  restore();
  return { endpoint, webhook };
}

describe('more attempts at a time than an object has connections', () => {
  it('really run, through couriers, and none of the objects makes more than five', async () => {
    const { endpoint, webhook } = await givenQuick();
    const seen = watchSenders();
    await endpoint.script([{ hang: true }]);
    await bring(webhook, ...newDeliveries(webhook, 30));
    // Each of them is held open: this many are there at the same time.
    await endpoint.arrived(BEFORE + 30);
    expect(seen).toMatchObject({ begun: 30, running: 30, mostOfOne: CONNECTIONS });
    expect(seen.objects).toBeGreaterThanOrEqual(6);
  });

  it('are as many as the owner permits, whatever the endpoint could take', async () => {
    const seen = watchSenders();
    const { endpoint, webhook } = await givenQuick({ maxConcurrent: 7 });
    expect(seen.most).toBe(7);
    await endpoint.script([{ hang: true }]);
    await bring(webhook, ...newDeliveries(webhook, 30));
    await endpoint.arrived(BEFORE + 7);
    expect(seen).toMatchObject({ begun: BEFORE + 7, running: 7, mostOfOne: CONNECTIONS });
  });

  it('are five at first: the outbox does not know the endpoint yet', async () => {
    const seen = watchSenders();
    const endpoint = endpointInbox();
    await endpoint.script([{ hang: true }]);
    const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
    await bring(webhook, ...newDeliveries(webhook, 30));
    await endpoint.arrived(5);
    expect(seen).toMatchObject({ begun: 5, most: 5, objects: 1 });
  });

  it('shrink where the endpoint asks for less, and everything still ends', async () => {
    const { endpoint, webhook } = await givenQuick();
    await endpoint.script([
      { status: 429, delayMs: 20 },
      { status: 429, delayMs: 20 },
      { status: 200, delayMs: 20 },
    ]);
    await deliver(webhook, ...newDeliveries(webhook, 40));
    await untilEnded(webhook);
    expect((await deliveriesOf(webhook)).every(({ status }) => status === 'delivered')).toBe(true);
  });
});

describe('a courier', () => {
  /** Has all deliveries but the first five go through couriers, and the first of those fail in some way. */
  async function withFailing(fail: () => Promise<never>) {
    const { endpoint, webhook } = await givenQuick();
    const attempt = vi.spyOn(Courier.prototype, 'attempt').mockImplementationOnce(fail);
    const deliveries = newDeliveries(webhook, 8);
    await deliver(webhook, ...deliveries);
    await vi.waitFor(() => expect(attempt.mock.calls.length).toBeGreaterThan(0));
    return { endpoint, webhook, deliveries };
  }

  it('that vanishes has its attempt count as interrupted: it may have been sent', async () => {
    const { webhook, deliveries } = await withFailing(async () => {
      throw new Error('the courier has vanished');
    });
    await vi.waitFor(async () => {
      const details = await Promise.all(deliveries.map(({ id }) => findDelivery(webhook, id)));
      expect(details.map(({ status }) => status).toSorted()).toEqual([...Array(7).fill('delivered'), 'retrying']);
    });
    const details = await Promise.all(deliveries.map(({ id }) => findDelivery(webhook, id)));
    const interrupted = details.find(({ status }) => status === 'retrying')!;
    expect(interrupted).toMatchObject({ attemptCount: 1, attempts: [{ number: 1, outcome: 'interrupted', durationMs: null }] });
    await untilEnded(webhook);
    expect(await findDelivery(webhook, interrupted.id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
  });

  it('that says that nothing was sent costs no attempt: it is a fault of ours', async () => {
    const { endpoint, webhook, deliveries } = await withFailing((async () => ({
      result: null,
      fault: 'the secret does not open',
    })) as unknown as () => Promise<never>);
    vi.setSystemTime(Date.now() + 30_000);
    await untilEnded(webhook);
    for (const { id } of deliveries) expect(await findDelivery(webhook, id)).toMatchObject({ status: 'delivered', attemptCount: 1 });
    expect(await endpoint.requests()).toHaveLength(BEFORE + 8);
  });

  it('begins nothing that its outbox is about to give up: what waited for too long was not sent', async () => {
    const { endpoint, webhook } = await givenQuick();
    const before = (await endpoint.requests()).length;
    const gate = Promise.withResolvers<void>();
    const send = Sender.prototype.send;
    vi.spyOn(Sender.prototype, 'send').mockImplementation(async function (this: Sender, ...args) {
      await gate.promise;
      return await send.apply(this, args);
    });
    const courier = env.COURIER.getByName(`${webhook}:1`);
    const { webhook: config } = await configOf(webhook);
    const sendings = newDeliveries(webhook, 6).map((delivery) => ({
      delivery,
      payload: delivery.payload,
      number: 1,
      trigger: 'event' as const,
    }));
    const results = sendings.map((sending) => courier.attempt(config, sending));
    await vi.waitFor(() => expect(Sender.prototype.send).toHaveBeenCalledTimes(5));
    vi.setSystemTime(Date.now() + 11_000);
    gate.resolve();
    expect((await Promise.all(results)).filter(({ fault }) => fault !== null)).toEqual([
      { result: null, fault: 'no connection came free in time' },
    ]);
    expect(await endpoint.requests()).toHaveLength(before + 5);
  });

  it('makes no more than five at a time, though an outbox that was loaded anew may ask for more', async () => {
    const connections = new Connections(CONNECTIONS);
    const ends: (() => void)[] = [];
    const done = Array.from({ length: 12 }, () => connections.use(() => new Promise<void>((resolve) => ends.push(resolve))));
    let made = 0;
    while (made < 12) {
      await vi.waitFor(() => expect(ends.length).toBe(Math.min(made + CONNECTIONS, 12)));
      ends[made++]!();
    }
    await Promise.all(done);
  });

  it('that fails gives its connection back', async () => {
    const connections = new Connections(1);
    await expect(connections.use(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await connections.use(async () => 'next')).toBe('next');
  });
});

describe('places', () => {
  it('are no more than the deployment has, and no more than the owner wants', () => {
    const places = new Places(10, { sender: new Sender(settingsOf(env)), couriers: env.COURIER, attemptMs: 1_000 });
    expect([null, 1, 10, 11].map((maxConcurrent) => places.mostOf({ maxConcurrent }))).toEqual([10, 1, 10, 10]);
  });

  it('are taken where the fewest couriers are needed, five of each object, and end', () => {
    const places = new Places(10, { sender: new Sender(settingsOf(env)), couriers: env.COURIER, attemptMs: 1_000 });
    const taken = Array.from({ length: 16 }, () => places.take());
    expect(taken).toEqual([...Array(5).fill(0), ...Array(5).fill(1), ...Array(5).fill(2), null]);
    places.free(1);
    places.free(0);
    expect([places.take(), places.take(), places.take()]).toEqual([0, 1, null]);
  });
});
