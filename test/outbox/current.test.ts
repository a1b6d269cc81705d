import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { findWebhook, updateWebhook } from '../../src/db/webhooks.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { deliveriesOf, endpointInbox, givenScripted, givenWebhook, outboxOf, untilEnded } from '../support/deliveries.ts';
import { bring, configOf, deliver, findDelivery, inOutbox, newDeliveries, newDelivery, vanish } from '../support/outbox.ts';

/*
 * An outcome speaks of the webhook as it was when the attempt began. What its owner has changed since stands.
 */

driveDate();

const enabledOf = async (webhook: string) => {
  const [row] = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook));
  return { enabled: row?.enabled, disabledReason: row?.disabledReason };
};

/** Whatever the outbox has to report is reported. */
async function reported(webhook: string): Promise<void> {
  await inOutbox(webhook, async (outbox, { kv }) => {
    for (let alarm = 0; alarm < 3 && kv.get('report') !== undefined; alarm++) {
      vi.setSystemTime(Date.now() + 31_000);
      await outbox.alarm();
    }
  });
}

describe('an attempt that meets 410, and began before its owner pointed the webhook elsewhere', () => {
  it('does not disable it, and the delivery goes on with its schedule at the new URL', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 410, delayMs: 800 }]);
    const after = endpointInbox();
    const delivery = newDelivery(webhook);
    await bring(webhook, delivery);
    await endpoint.arrived(1);
    vi.setSystemTime(Date.now() + 1_000);
    expect((await platform.patch(path, { url: after.url })).status).toBe(200);
    await vi.waitFor(async () => expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'retrying' }));
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ attemptCount: 1, reason: null, attempts: [{ responseStatus: 410 }] });
    await reported(webhook);
    expect(await enabledOf(webhook)).toEqual({ enabled: true, disabledReason: null });
    await untilEnded(webhook);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
    expect(await after.requests()).toHaveLength(1);
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('the same of a retry', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 500 }, { status: 410, delayMs: 800 }]);
    const after = endpointInbox();
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    vi.setSystemTime((await findDelivery(webhook, delivery.id)).nextAttemptAt!);
    const alarm = inOutbox(webhook, (outbox) => outbox.alarm());
    await endpoint.arrived(2);
    vi.setSystemTime(Date.now() + 1_000);
    expect((await platform.patch(path, { url: after.url })).status).toBe(200);
    await alarm;
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'retrying', attemptCount: 2 });
    await reported(webhook);
    expect(await enabledOf(webhook)).toEqual({ enabled: true, disabledReason: null });
    await untilEnded(webhook);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'delivered', attemptCount: 3 });
  });

  it('disables it where nothing has been changed: the delivery has failed', async () => {
    const { webhook } = await givenScripted([{ status: 410, delayMs: 800 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'failed', reason: 'endpoint_gone', attemptCount: 1 });
    await reported(webhook);
    expect(await enabledOf(webhook)).toEqual({ enabled: false, disabledReason: 'endpoint_gone' });
  });
});

describe('a late 410', () => {
  /** What its owner does while the attempt runs. The first of them has the service disable the webhook before. */
  type Change = { url?: string; enabled?: boolean };
  const away = 'http://127.0.0.1:1/elsewhere';
  const CHANGES: [string, boolean, (url: string) => Change[]][] = [
    ['pointed it elsewhere and back', false, (url) => [{ url: away }, { url }]],
    ['pointed it elsewhere, back, and elsewhere and back again', false, (url) => [{ url: away }, { url }, { url: away }, { url }]],
    ['paused it and resumed it', false, () => [{ enabled: false }, { enabled: true }]],
    ['enabled it after the service had disabled it', true, () => [{ enabled: true }]],
    ['gave it another URL and enabled it, and then the one before', true, (url) => [{ url: away, enabled: true }, { url }]],
  ];

  describe.each([
    ['who tells its outbox of it', true],
    ['whose word does not reach its outbox', false],
  ])('of an attempt that began before its owner, %s,', (_who, isTold) => {
    it.each(CHANGES)('%s, disables nothing and is told nobody; the delivery goes on', async (_what, isDisabledBefore, changesOf) => {
      const { endpoint, organization, webhook, path } = await givenScripted([
        { status: 410, delayMs: 1_500 },
        ...(isDisabledBefore ? [{ status: 410 }] : []),
        { status: 200 },
      ]);
      const listening = endpointInbox();
      const listener = await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
      const late = newDelivery(webhook);
      void bring(webhook, late);
      await endpoint.arrived(1);
      if (isDisabledBefore) {
        await bring(webhook, newDelivery(webhook));
        // It tells D1 first, and then waits for what runs.
        void inOutbox(webhook, (outbox) => outbox.alarm());
        while ((await enabledOf(webhook)).enabled) await scheduler.wait(10);
      }
      for (const changes of changesOf(endpoint.url)) {
        // In the same millisecond as the one before, as far as the clocks tell.
        if (isTold) expect((await platform.patch(path, changes)).status).toBe(200);
        else {
          const db = databaseOf(env.DB);
          await updateWebhook(db, (await findWebhook(db, organization, webhook))!, changes, Date.now(), null);
        }
      }
      await vi.waitFor(async () => expect((await findDelivery(webhook, late.id)).attempts).toHaveLength(1), { timeout: 10_000 });
      expect(await findDelivery(webhook, late.id)).toMatchObject({
        status: 'retrying',
        reason: null,
        attempts: [{ responseStatus: 410 }],
      });
      await reported(webhook);
      expect(await enabledOf(webhook)).toEqual({ enabled: true, disabledReason: null });
      expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
      await untilEnded(webhook);
      expect(await findDelivery(webhook, late.id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
      expect(await deliveriesOf(listener)).toHaveLength(isDisabledBefore ? 1 : 0);
    });
  });

  it.each([
    ['attempt', 800],
    ['call that brought it', 300],
  ])('of a webhook that was deleted while the %s ran leaves nothing behind', async (_what, delayMs) => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 410, delayMs }]);
    const bringing = bring(webhook, newDelivery(webhook));
    if (delayMs === 800) await bringing;
    await endpoint.arrived(1);
    expect((await platform.delete(path)).status).toBe(204);
    await vi.waitFor(async () => expect(await deliveriesOf(webhook)).toEqual([]));
    // Until the attempt has ended.
    await scheduler.wait(1_200);
    await bringing;
    expect(await inOutbox(webhook, async (_, storage) => [[...storage.kv.list()], await storage.getAlarm()])).toEqual([[], null]);
    expect(await deliveriesOf(webhook)).toEqual([]);
  });
});

describe('attempts that fail, and began before the webhook was pointed elsewhere', () => {
  it('do not count for its health', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 500, delayMs: 800 }]);
    const after = endpointInbox();
    const deliveries = newDeliveries(webhook, 5);
    await bring(webhook, ...deliveries);
    await endpoint.arrived(5);
    vi.setSystemTime(Date.now() + 1_000);
    await platform.patch(path, { url: after.url });
    await vi.waitFor(async () => {
      for (const { id } of deliveries) expect(await findDelivery(webhook, id)).toMatchObject({ status: 'retrying' });
    });
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    await untilEnded(webhook);
    expect(await after.requests()).toHaveLength(5);
  });
});

describe('an attempt', () => {
  const urlsOf = async (path: string, id: string) =>
    (await platform.get(`${path}/deliveries/${id}`)).body.attempts.map(({ outcome, url }: Record<string, unknown>) => [outcome, url]);

  it('names the URL that it went to, whatever the webhook has now', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 500 }]);
    const after = endpointInbox();
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await platform.patch(path, { url: after.url });
    await untilEnded(webhook);
    await platform.patch(path, { url: `${after.url}/third?token=abc` });
    expect(await urlsOf(path, delivery.id)).toEqual([
      ['failed', endpoint.url],
      ['succeeded', after.url],
    ]);
  });

  it.each([1, 2])('names it also where its object vanished while it ran: the attempt with number %d', async (number) => {
    const { endpoint, webhook, path } = await givenScripted([...Array(number - 1).fill({ status: 500 }), { hang: true }, { status: 200 }]);
    const delivery = newDelivery(webhook);
    await bring(webhook, delivery);
    if (number === 2) {
      await vi.waitFor(async () => expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'retrying' }));
      vi.setSystemTime((await findDelivery(webhook, delivery.id)).nextAttemptAt!);
      void inOutbox(webhook, (outbox) => outbox.alarm()).catch(() => {});
    }
    await endpoint.arrived(number);
    await vanish(webhook);
    await untilEnded(webhook);
    expect((await urlsOf(path, delivery.id)).slice(-2)).toEqual([
      ['interrupted', endpoint.url],
      ['succeeded', endpoint.url],
    ]);
  });

  it('names it also where it went through a courier, or was not sent because the URL is not one to send to', async () => {
    const { endpoint, webhook, path } = await givenScripted([{ status: 200, delayMs: 300 }]);
    const deliveries = newDeliveries(webhook, 8);
    await bring(webhook, ...deliveries);
    await untilEnded(webhook);
    for (const { id } of deliveries) expect(await urlsOf(path, id)).toEqual([['succeeded', endpoint.url]]);
    // As it may have been saved when the rules were laxer.
    await databaseOf(env.DB).update(webhooks).set({ url: 'https://10.0.0.1/in' }).where(eq(webhooks.id, webhook));
    const { attempt } = (await platform.post(`${path}/test`)).body;
    expect(attempt).toMatchObject({ outcome: 'failed', responseStatus: null, url: 'https://10.0.0.1/in' });
  });
});

it('nothing more is sent once a webhook is paused, though the consumer has a configuration of seconds ago', async () => {
  const { endpoint, webhook, path } = await givenScripted([{ status: 200 }]);
  const [before, readAt] = [await configOf(webhook), Date.now()];
  await outboxOf(webhook).deliver(before, [newDelivery(webhook)], readAt);
  await untilEnded(webhook);
  vi.setSystemTime(Date.now() + 1_000);
  expect((await platform.patch(path, { enabled: false })).status).toBe(200);
  vi.setSystemTime(Date.now() + 1_000);
  const later = newDelivery(webhook);
  await outboxOf(webhook).deliver(before, [later], readAt);
  expect(await findDelivery(webhook, later.id)).toMatchObject({ status: 'discarded', reason: 'webhook_disabled' });
  expect(await endpoint.requests()).toHaveLength(1);
});
