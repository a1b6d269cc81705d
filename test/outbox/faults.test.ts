import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { driveDate } from '../support/clock.ts';
import {
  alarmOf,
  deliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
  untilEnded,
} from '../support/deliveries.ts';
import { configOf, deliver, findDelivery, newDeliveries, newDelivery, rowsOf, vanish } from '../support/outbox.ts';
import { watchSenders } from '../support/senders.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

const UNSEALED = 'v1:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

const setSecret = async (webhook: string, secret: string | null) => {
  await databaseOf(env.DB).update(webhooks).set({ secret }).where(eq(webhooks.id, webhook));
};

/** A webhook whose secret does not open: a fault of ours, at each attempt. */
async function givenFault() {
  const endpoint = endpointInbox();
  const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
  await setSecret(webhook, UNSEALED);
  return { endpoint, webhook, mend: () => setSecret(webhook, null) };
}

describe('after a fault of ours', () => {
  it('the delivery waits as it was: the message is acknowledged, and no attempt is counted', async () => {
    const { endpoint, webhook } = await givenFault();
    await deliver(webhook, ...newDeliveries(webhook, 3));
    expect(await rowsOf(webhook)).toEqual({ deliveries: 3, archived: 0, open: 0 });
    expect(await deliveriesOf(webhook)).toMatchObject(Array(3).fill({ status: 'pending', attemptCount: 0 }));
    expect(await endpoint.requests()).toEqual([]);
  });

  it('nothing begins for half a minute, whoever calls, and the database is not asked', async () => {
    const { webhook } = await givenFault();
    const seen = watchSenders(webhook);
    await deliver(webhook, newDelivery(webhook));
    const [begun, config] = [seen.begun, await configOf(webhook)];
    const from = Date.now();
    const prepare = vi.spyOn(Object.getPrototypeOf(env.DB), 'prepare');
    for (let call = 0; call < 20; call++) {
      vi.setSystemTime(Date.now() + 1_000);
      await outboxOf(webhook).deliver(config, [newDelivery(webhook)], Date.now());
      await outboxOf(webhook).poke();
    }
    vi.setSystemTime(from + 29_999);
    await outboxOf(webhook).reconfigured();
    await runAlarm(webhook);
    expect(seen.begun).toBe(begun);
    // Once, to note that deliveries wait.
    expect(prepare.mock.calls.length).toBeLessThanOrEqual(1);
    expect(await deliveriesOf(webhook)).toMatchObject(Array(21).fill({ status: 'pending', attemptCount: 0 }));
    expect(await alarmOf(webhook)).toBe(from + 30_000);
  });

  it('it stays so when the object has vanished', async () => {
    const { webhook } = await givenFault();
    await deliver(webhook, newDelivery(webhook));
    const from = Date.now();
    await vanish(webhook);
    const seen = watchSenders(webhook);
    vi.setSystemTime(from + 29_999);
    await deliver(webhook, newDelivery(webhook));
    await runAlarm(webhook);
    expect(seen.begun).toBe(0);
    expect(await alarmOf(webhook)).toBe(from + 30_000);
    vi.setSystemTime(from + 30_000);
    await runAlarm(webhook);
    expect(seen.begun).toBeGreaterThan(0);
  });

  it('it is tried again each half minute, with one attempt or a few, and everything goes out when it is mended', async () => {
    const { endpoint, webhook, mend } = await givenFault();
    const seen = watchSenders(webhook);
    await deliver(webhook, ...newDeliveries(webhook, 30));
    for (let round = 1; round <= 5; round++) {
      const before = seen.begun;
      vi.setSystemTime(Date.now() + 30_000);
      await runAlarm(webhook);
      expect(seen.begun - before).toBeGreaterThanOrEqual(1);
      expect(seen.begun - before).toBeLessThanOrEqual(5);
    }
    await mend();
    vi.setSystemTime(Date.now() + 30_000);
    await untilEnded(webhook);
    expect(await deliveriesOf(webhook)).toMatchObject(Array(30).fill({ status: 'delivered', attemptCount: 1 }));
    expect(await endpoint.requests()).toHaveLength(30);
  });

  it('the log is swept all the same', async () => {
    const { webhook } = await givenFault();
    await deliver(webhook, newDelivery(webhook));
    vi.setSystemTime(Date.now() + 40 * 86_400_000);
    // What has waited for so long ends without an attempt; then it is too old to be kept.
    await runAlarm(webhook);
    expect((await deliveriesOf(webhook)).every(({ status }) => status === 'failed')).toBe(true);
    vi.setSystemTime(Date.now() + 86_400_000);
    await runAlarm(webhook);
    expect(await deliveriesOf(webhook)).toEqual([]);
  });

  it('of the platform, which lets nothing out, the endpoint is not to blame: no attempt is counted', async () => {
    const endpoint = endpointInbox();
    const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
    const fetching = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
      throw new Error('Too many subrequests by single Worker invocation.');
    });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    fetching.mockRestore();
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'pending', attemptCount: 0, attempts: [] });
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    vi.setSystemTime(Date.now() + 30_000);
    await untilEnded(webhook);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 1 });
  });
});
