import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CONNECTIONS } from '../../src/attempt/connections.ts';
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
import { bring, deliver, findDelivery, inOutbox, newDeliveries, newDelivery } from '../support/outbox.ts';
import type { Reply } from '../support/receiver.ts';
import { watchSenders } from '../support/senders.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

async function given(script: Reply[], options: { enabled?: boolean; maxConcurrent?: number } = {}) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url, ...options });
  return { endpoint, webhook };
}

const change = async (webhook: string, values: Partial<typeof webhooks.$inferInsert>) => {
  await databaseOf(env.DB).update(webhooks).set(values).where(eq(webhooks.id, webhook));
};

/** The master key that sealed it was dropped too early. */
const withoutKey = (webhook: string) => change(webhook, { secret: 'v1:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' });

describe('retries by hand', () => {
  it('are refused beyond a number that waits for a connection, and nothing is noted of those', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }], { enabled: false });
    const deliveries = newDeliveries(webhook, 250);
    await deliver(webhook, ...deliveries);
    await change(webhook, { enabled: true });
    await endpoint.script([{ status: 200, delayMs: 2_000 }]);
    const results = await Promise.all(deliveries.map(({ id }) => outboxOf(webhook).retryNow(id)));
    // 105 connections, and a line of 100.
    expect(results.filter(({ kind }) => kind === 'begun')).toHaveLength(205);
    expect(results.filter(({ kind }) => kind === 'busy')).toHaveLength(45);
    await endpoint.arrived(205);
    await vi.waitFor(
      async () => {
        const { deliveries: delivered } = await outboxOf(webhook).list({ status: 'delivered' }, 250, null);
        expect(delivered).toHaveLength(205);
      },
      { timeout: 15_000 },
    );
    const refused = deliveries.find((_, index) => results[index]?.kind === 'busy');
    expect(await findDelivery(webhook, refused?.id ?? '')).toMatchObject({ status: 'discarded', attemptCount: 0 });
    expect(await outboxOf(webhook).retryNow(refused?.id ?? '')).toMatchObject({ kind: 'begun' });
    await endpoint.arrived(206);
    await vi.waitFor(async () => expect(await findDelivery(webhook, refused?.id ?? '')).toMatchObject({ status: 'delivered' }), {
      timeout: 15_000,
    });
  });

  it('make no more attempts at a time than there are connections; the others wait in line, and all are made', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }], { enabled: false });
    const deliveries = newDeliveries(webhook, 120);
    await deliver(webhook, ...deliveries);
    await change(webhook, { enabled: true });
    const seen = watchSenders();
    await endpoint.script([{ status: 200, delayMs: 400 }]);
    const begun = await Promise.all(deliveries.map(({ id }) => outboxOf(webhook).retryNow(id)));
    expect(begun).toMatchObject(Array(120).fill({ kind: 'begun' }));
    await endpoint.arrived(120);
    await vi.waitFor(async () => {
      const { deliveries: delivered } = await outboxOf(webhook).list({ status: 'delivered' }, 200, null);
      expect(delivered).toHaveLength(120);
    });
    // MAX_CONCURRENCY is 100, and a courier more.
    expect(seen.most).toBeLessThanOrEqual(105);
    expect(seen.mostOfOne).toBe(CONNECTIONS);
  });

  it('and tests share the connections with everything else', async () => {
    const { endpoint, webhook } = await given([{ hang: true }]);
    const seen = watchSenders();
    await bring(webhook, ...newDeliveries(webhook, 5));
    await endpoint.arrived(5);
    for (let test = 0; test < 8; test++)
      void outboxOf(webhook)
        .sendTest(newDelivery(webhook))
        .catch(() => {});
    await endpoint.arrived(13);
    expect(seen).toMatchObject({ running: 13, mostOfOne: CONNECTIONS, objects: 3 });
  });

  it('and tests do not wait for `maxConcurrent`, which what else comes does', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }, { hang: true }], { maxConcurrent: 1 });
    const failed = newDelivery(webhook);
    await deliver(webhook, failed);
    const running = newDelivery(webhook);
    await bring(webhook, running);
    await endpoint.arrived(2);
    const waiting = newDelivery(webhook);
    await bring(webhook, waiting);
    expect(await outboxOf(webhook).retryNow(failed.id)).toMatchObject({ kind: 'begun' });
    const test = newDelivery(webhook);
    void outboxOf(webhook)
      .sendTest(test)
      .catch(() => {});
    const triggers = (await endpoint.arrived(4))
      .slice(2)
      .map(({ headers }) => headers['x-bullseye-test'] ?? headers['x-bullseye-delivery']);
    expect(triggers.toSorted()).toEqual([failed.id, 'true'].toSorted());
    expect(await findDelivery(webhook, waiting.id)).toMatchObject({ status: 'pending', attemptCount: 0 });
  });

  it('begin at once though the delivery has still to wait for its first attempt; what else waits goes on waiting, and arrives', async () => {
    const { endpoint, webhook } = await given([{ held: 'first' }, { status: 200 }], { maxConcurrent: 1 });
    const [running, retried, other] = newDeliveries(webhook, 3);
    await bring(webhook, running!);
    await endpoint.arrived(1);
    await bring(webhook, retried!, other!);
    expect(await outboxOf(webhook).retryNow(retried!.id)).toMatchObject({ kind: 'begun', delivery: { attemptCount: 1 } });
    await vi.waitFor(async () => expect(await findDelivery(webhook, retried!.id)).toMatchObject({ status: 'delivered' }));
    expect((await findDelivery(webhook, retried!.id)).attempts).toMatchObject([{ number: 1, trigger: 'manual' }]);
    expect(await findDelivery(webhook, other!.id)).toMatchObject({ status: 'pending', attemptCount: 0 });
    await endpoint.release('first', { status: 200 });
    await untilEnded(webhook, 1_000);
    expect((await deliveriesOf(webhook)).map(({ status, attemptCount }) => [status, attemptCount])).toEqual(
      Array(3).fill(['delivered', 1]),
    );
    expect(await endpoint.requests()).toHaveLength(3);
  });

  it('of one delivery at once are one', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }, { status: 200, delayMs: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const results = await Promise.all([1, 2, 3].map(() => outboxOf(webhook).retryNow(delivery.id)));
    expect(results.map(({ kind }) => kind).toSorted()).toEqual(['begun', 'running', 'running']);
    await vi.waitFor(async () => expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 2 }));
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('of a delivery whose first attempt runs are refused', async () => {
    const { endpoint, webhook } = await given([{ hang: true }]);
    const delivery = newDelivery(webhook);
    await bring(webhook, delivery);
    expect(await outboxOf(webhook).retryNow(delivery.id)).toEqual({ kind: 'running' });
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('end with the fiftieth attempt of a delivery', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    for (let attempts = 2; attempts <= 50; attempts++) {
      expect(await outboxOf(webhook).retryNow(delivery.id)).toMatchObject({ kind: 'begun' });
      await vi.waitFor(async () => expect((await findDelivery(webhook, delivery.id)).attempts).toHaveLength(attempts));
    }
    expect(await outboxOf(webhook).retryNow(delivery.id)).toEqual({ kind: 'exhausted' });
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 50 });
    expect(await endpoint.requests()).toHaveLength(50);
  });

  it('leave nothing to recover of a delivery that has failed fifty times, and a recovery does not count it', async () => {
    const { webhook } = await given([{ status: 410 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await change(webhook, { enabled: true });
    await inOutbox(webhook, (_, { sql }) => sql.exec('UPDATE deliveries SET attempt_count = 48'));
    const recoverable = () => outboxOf(webhook).recover(delivery.acceptedAt - 60_000, delivery.acceptedAt + 60_000);
    const retry = async (number: number) => {
      expect(await outboxOf(webhook).retryNow(delivery.id)).toMatchObject({ kind: 'begun' });
      await vi.waitFor(async () => expect((await findDelivery(webhook, delivery.id)).attempts.at(-1)).toMatchObject({ number }));
      await change(webhook, { enabled: true });
    };
    await retry(49);
    await retry(50);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'failed', attemptCount: 50 });
    expect(await recoverable()).toBe(0);
  });
});

describe('a retry by hand that cannot be signed', () => {
  it.each(['delivered', 'retrying', 'failed'] as const)('changes nothing of a delivery that is %s, now or later', async (status) => {
    const replies: Record<typeof status, Reply[]> = {
      delivered: [{ status: 200 }],
      retrying: [{ status: 500 }],
      failed: [{ status: 410 }],
    };
    const { endpoint, webhook } = await given(replies[status]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    if (status === 'failed') {
      await runAlarm(webhook);
      await change(webhook, { enabled: true });
    }
    const [before, alarmBefore] = [await findDelivery(webhook, delivery.id), await alarmOf(webhook)];
    expect(before.status).toBe(status);
    await withoutKey(webhook);
    const refused = await inOutbox(webhook, (outbox) => outbox.retryNow(delivery.id).catch((error: Error) => error.message));
    expect(refused).toContain('not configured');
    expect(await findDelivery(webhook, delivery.id)).toEqual(before);
    expect(await alarmOf(webhook)).toBe(alarmBefore);

    // Neither when it is mended, nor when it has been there for long, nor when the webhook is disabled meanwhile.
    await change(webhook, { secret: null, enabled: status === 'retrying' });
    await outboxOf(webhook).reconfigured();
    vi.setSystemTime(Date.now() + 4 * 86_400_000);
    if (status === 'retrying') await untilEnded(webhook);
    else await outboxOf(webhook).poke();
    const after = await findDelivery(webhook, delivery.id);
    if (status === 'retrying') expect(after).toMatchObject({ status: 'failed', reason: 'expired', attemptCount: 1 });
    else expect(after).toEqual(before);
    expect(await endpoint.requests()).toHaveLength(1);
  });
});

describe('a test', () => {
  it('that cannot be signed is not sent, now or later, and not in the log', async () => {
    const { endpoint, webhook } = await given([{ status: 200 }]);
    await withoutKey(webhook);
    expect(await outboxOf(webhook).sendTest(newDelivery(webhook))).toBeNull();
    await change(webhook, { secret: null });
    await outboxOf(webhook).reconfigured();
    vi.setSystemTime(Date.now() + 3_600_000);
    await outboxOf(webhook).poke();
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await deliveriesOf(webhook)).toEqual([]);
    expect(await endpoint.requests()).toEqual([]);
  });

  it('that meets 410 disables nothing, and says nothing of the endpoint', async () => {
    const { webhook } = await given([{ status: 410 }]);
    for (let test = 0; test < 12; test++)
      expect(await outboxOf(webhook).sendTest(newDelivery(webhook))).toMatchObject({ status: 'failed', reason: 'test_failed' });
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    expect(await inOutbox(webhook, (_, { kv }) => kv.get('report'))).toBeUndefined();
  });

  it('that arrives closes the circuit', async () => {
    const { endpoint, webhook } = await given([{ status: 500 }]);
    await deliver(webhook, ...newDeliveries(webhook, 12));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    await endpoint.script([{ status: 200 }]);
    expect(await outboxOf(webhook).sendTest(newDelivery(webhook))).toMatchObject({ status: 'delivered' });
    expect((await outboxOf(webhook).status()).health).not.toBe('open');
  });
});
