import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { readWebhook } from '../../src/db/configuration.ts';
import { organizations, outboxErasures, webhooks } from '../../src/db/schema.ts';
import { sealSecret } from '../../src/db/secret-box.ts';
import type { DeliverySummary } from '../../src/domain/delivery/delivery.ts';
import worker from '../../src/index.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import {
  alarmOf,
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
} from '../support/deliveries.ts';
import { deliver, findDelivery as find, inOutbox, newDelivery, runWhenDue } from '../support/outbox.ts';
import { bodyBytes, type Inbox } from '../support/receiver.ts';

driveDate();

/** A webhook whose endpoint has the given script, and one event posted to it. */
async function givenDelivery(endpoint: Inbox, options: { secret?: string } = {}) {
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, ...options });
  const event = anEvent(organization);
  await consume([aMessage([event])]);
  const [delivery] = await deliveriesOf(webhook);
  return { organization, webhook, event, id: delivery!.id };
}

describe('the retry schedule, driven by alarms', () => {
  it('makes four attempts 1, 5 and 30 minutes after the one before, with the same bytes and ids, and then gives up', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const { webhook, event, id } = await givenDelivery(endpoint);

    for (const minutes of [1, 5, 30]) {
      const delivery = await find(webhook, id);
      expect(delivery.status).toBe('retrying');
      const last = delivery.attempts.at(-1)!;
      const waitMs = delivery.nextAttemptAt! - last.startedAt - last.durationMs!;
      expect(waitMs).toBeGreaterThanOrEqual(minutes * 60_000);
      expect(waitMs).toBeLessThanOrEqual(minutes * 66_000);
      expect(await alarmOf(webhook)).toBeLessThanOrEqual(delivery.nextAttemptAt!);
      await runWhenDue(webhook, id);
    }

    const delivery = await find(webhook, id);
    expect(delivery).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', attemptCount: 4, nextAttemptAt: null });
    expect(delivery.attempts.map(({ number, trigger, outcome }) => [number, trigger, outcome])).toEqual([
      [1, 'event', 'failed'],
      [2, 'schedule', 'failed'],
      [3, 'schedule', 'failed'],
      [4, 'schedule', 'failed'],
    ]);
    const received = await endpoint.requests();
    expect(received).toHaveLength(4);
    for (const [index, request] of received.entries()) {
      expect(bodyBytes(request)).toEqual(event.payload);
      expect(request.headers).toMatchObject({
        'webhook-id': event.id,
        'x-bullseye-delivery': id,
        'x-bullseye-attempt': String(index + 1),
      });
    }
  });

  it('ends with the first success', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { reset: true }, { status: 201, body: 'thanks' }]);
    const { webhook, id } = await givenDelivery(endpoint);
    await runWhenDue(webhook, id);
    await runWhenDue(webhook, id);
    const delivery = await find(webhook, id);
    expect(delivery).toMatchObject({ status: 'delivered', reason: null, attemptCount: 3, lastResponseStatus: 201, nextAttemptAt: null });
    expect(delivery.attempts.map(({ error }) => error)).toEqual([
      'The endpoint answered 500; only a 2xx acknowledges a delivery',
      'The connection was refused or broken off, or what came back was not valid HTTP',
      null,
    ]);
  });

  it('attempts nothing before it is due', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const { webhook, id } = await givenDelivery(endpoint);
    await runDurableObjectAlarm(outboxOf(webhook));
    expect(await find(webhook, id)).toMatchObject({ attemptCount: 1, status: 'retrying' });
    expect(await alarmOf(webhook)).not.toBeNull();
  });

  it('waits longer where a 429 or 503 asks for it, and no longer than an hour', async () => {
    for (const [status, retryAfter, leastMs, mostMs] of [
      [429, '600', 600_000, 600_000],
      [503, '86400', 3_600_000, 3_600_000],
      [503, '5', 60_000, 66_000],
      [500, '600', 60_000, 66_000],
    ] as const) {
      const endpoint = endpointInbox();
      await endpoint.script([{ status, headers: { 'retry-after': retryAfter } }]);
      const { webhook, id } = await givenDelivery(endpoint);
      const { nextAttemptAt, attempts } = await find(webhook, id);
      const waitMs = nextAttemptAt! - attempts[0]!.startedAt - attempts[0]!.durationMs!;
      expect(waitMs, `${status} with Retry-After: ${retryAfter}`).toBeGreaterThanOrEqual(leastMs);
      expect(waitMs, `${status} with Retry-After: ${retryAfter}`).toBeLessThanOrEqual(mostMs);
    }
  });
});

describe('what changes between two attempts', () => {
  it('counts: the retry goes to the current URL, signed with the current secret', async () => {
    const [before, after] = [endpointInbox(), endpointInbox()];
    await before.script([{ status: 500 }]);
    const { organization, webhook, id } = await givenDelivery(before, { secret: 'old' });
    const other = await givenWebhook(organization, { url: after.url, enabled: false });
    await databaseOf(env.DB).update(webhooks).set({ url: after.url, secret: null }).where(eq(webhooks.id, webhook));

    await runWhenDue(webhook, id);

    expect(await before.requests()).toHaveLength(1);
    const [request] = await after.requests();
    expect(request!.headers['x-bullseye-signature']).toBeUndefined();
    expect(request!.headers['x-bullseye-attempt']).toBe('2');
    expect(await find(webhook, id)).toMatchObject({ status: 'delivered' });
    expect(await deliveriesOf(other)).toEqual([]);
  });

  it('discards what falls due while the webhook is disabled', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const { webhook, id } = await givenDelivery(endpoint);
    await databaseOf(env.DB).update(webhooks).set({ enabled: false }).where(eq(webhooks.id, webhook));
    await runWhenDue(webhook, id);
    expect(await find(webhook, id)).toMatchObject({
      status: 'discarded',
      reason: 'webhook_disabled',
      attemptCount: 1,
      nextAttemptAt: null,
    });
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('discards what falls due while the plan does not include webhooks', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const { organization, webhook, id } = await givenDelivery(endpoint);
    await databaseOf(env.DB).update(organizations).set({ plan: 'starter' }).where(eq(organizations.id, organization));
    await runWhenDue(webhook, id);
    expect(await find(webhook, id)).toMatchObject({ status: 'discarded', reason: 'plan_not_eligible' });
  });

  it('erases the outbox of a webhook that was deleted', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const { webhook, id } = await givenDelivery(endpoint);
    await databaseOf(env.DB).insert(outboxErasures).values({ webhookId: webhook, requestedAt: Date.now() });
    await databaseOf(env.DB).delete(webhooks).where(eq(webhooks.id, webhook));
    await runWhenDue(webhook, id);
    expect(await endpoint.requests()).toHaveLength(1);
    expect(await deliveriesOf(webhook)).toEqual([]);
    expect(await alarmOf(webhook)).toBeNull();
  });

  it('keeps everything where the webhook is missing from the database without having been deleted', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    const { webhook, id } = await givenDelivery(endpoint);
    const [row] = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook));
    await databaseOf(env.DB).delete(webhooks).where(eq(webhooks.id, webhook));
    // The last known configuration serves, as it does while the database is down.
    await runWhenDue(webhook, id);
    expect(await find(webhook, id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
    await databaseOf(env.DB).insert(webhooks).values(row!);
  });
});

describe('a secret that does not open', () => {
  it('costs the delivery no attempt: it is tried again until the secret opens', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    const { webhook, id } = await givenDelivery(endpoint, { secret: 'sesame' });
    const { secret } = (await readWebhook(env.DB, webhook))!.webhook;
    const elsewhere = await sealSecret(['another-master-key-0123456789'], webhook, 'sesame');
    const setSecret = (sealed: string | null) =>
      databaseOf(env.DB).update(webhooks).set({ secret: sealed }).where(eq(webhooks.id, webhook));
    await setSecret(elsewhere);
    await runWhenDue(webhook, id);
    vi.setSystemTime(Date.now() + 30_000);
    await runAlarm(webhook);
    expect(await find(webhook, id)).toMatchObject({ status: 'retrying', attemptCount: 1, attempts: [{ number: 1 }] });
    await setSecret(secret);
    vi.setSystemTime(Date.now() + 30_000);
    await runAlarm(webhook);
    expect(await find(webhook, id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
    expect(await endpoint.requests()).toHaveLength(2);
  });
});

describe('410 Gone', () => {
  it('fails the delivery at once, disables the webhook, and discards what still waits', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 410 }]);
    const { organization, webhook, id } = await givenDelivery(endpoint);
    await consume([aMessage([anEvent(organization)])]);
    const [gone] = await deliveriesOf(webhook);
    expect(gone).toMatchObject({ status: 'failed', reason: 'endpoint_gone', attemptCount: 1 });

    // The outbox's alarm tells D1 at once.
    await runAlarm(webhook);
    await vi.waitFor(async () => {
      const [row] = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook));
      expect(row).toMatchObject({ enabled: false, disabledReason: 'endpoint_gone' });
    });

    await runWhenDue(webhook, id);
    expect(await find(webhook, id)).toMatchObject({ status: 'discarded', reason: 'webhook_disabled' });
    expect(await endpoint.requests()).toHaveLength(2);
  });
});

describe('410 Gone whose answer from D1 was lost', () => {
  it('does not disable the webhook a second time once its owner has enabled it: what waits is attempted', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 410 }, { status: 200 }]);
    const { organization, webhook, id } = await givenDelivery(endpoint);
    await consume([aMessage([anEvent(organization)])]);
    const report = () => runInDurableObject(outboxOf(webhook), (_, { storage }) => storage.kv.get<object>('report'));
    const told = await report();
    expect(told).toMatchObject({ disable: { reason: 'endpoint_gone' } });
    await runAlarm(webhook);
    expect(await report()).toBeUndefined();
    await runInDurableObject(outboxOf(webhook), (_, { storage }) => storage.kv.put('report', { ...told, dueAt: Date.now() + 30_000 }));
    await evictDurableObject(outboxOf(webhook));

    vi.setSystemTime(Date.now() + 5_000);
    const path = `/organization/${organization}/webhooks/${webhook}`;
    expect((await platform.get(path)).body).toMatchObject({ enabled: false, disabledReason: 'endpoint_gone' });
    await platform.patch(path, { enabled: true });
    await runWhenDue(webhook, id);
    vi.setSystemTime(Date.now() + 60_000);
    await runDurableObjectAlarm(outboxOf(webhook));

    expect(await find(webhook, id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
    expect((await platform.get(path)).body).toMatchObject({ enabled: true, disabledReason: null });
  });
});

describe('the alarm', () => {
  it('survives the object: an evicted outbox goes on where it was', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    const { webhook, id } = await givenDelivery(endpoint);
    await evictDurableObject(outboxOf(webhook));
    await runWhenDue(webhook, id);
    expect(await find(webhook, id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
  });

  it('is set again by the cron where the platform lost it', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    const { webhook, id } = await givenDelivery(endpoint);
    await runInDurableObject(outboxOf(webhook), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(outboxOf(webhook));

    await worker.scheduled({ scheduledTime: Date.now(), cron: '* * * * *', noRetry: () => {} } as ScheduledController, env);

    await runWhenDue(webhook, id);
    expect(await find(webhook, id)).toMatchObject({ status: 'delivered', attemptCount: 2 });
  });
});

describe('the log', () => {
  it('costs one row for a call whose deliveries arrive at the first attempt', async () => {
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpointInbox().url });
    await deliver(webhook, newDelivery(webhook));
    const config = (await readWebhook(env.DB, webhook))!;
    const deliveries = [newDelivery(webhook), newDelivery(webhook)];
    const written = await inOutbox(webhook, async (outbox, { sql }) => {
      let rows = 0;
      const exec = sql.exec.bind(sql);
      const spy = vi.spyOn(Object.getPrototypeOf(sql), 'exec').mockImplementation((...args) => {
        const cursor = exec(...(args as Parameters<typeof exec>));
        rows += cursor.rowsWritten;
        return cursor;
      });
      await outbox.deliver(config, deliveries, Date.now());
      spy.mockRestore();
      return rows;
    });
    expect(written).toBe(1);
    expect(await deliveriesOf(webhook)).toMatchObject(Array(3).fill({ status: 'delivered', attemptCount: 1 }));
  });

  it('is listed newest first, page after page, while new deliveries arrive', async () => {
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpointInbox().url });
    const events = Array.from({ length: 7 }, () => anEvent(organization));
    await consume([aMessage(events)]);
    const seen: DeliverySummary[] = [];
    let page = await outboxOf(webhook).list({}, 3, null);
    seen.push(...page.deliveries);
    while (page.next) {
      await consume([aMessage([anEvent(organization)])]);
      page = await outboxOf(webhook).list({}, 3, page.next);
      seen.push(...page.deliveries);
    }
    expect(seen.map(({ eventId }) => eventId)).toEqual(events.map(({ id }) => id).reverse());
  });
});
