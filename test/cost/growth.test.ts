import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { encodeTime } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { interruptedAttempt } from '../../src/attempt/attempt.ts';
import { type DeliveryState, waiting } from '../../src/domain/delivery/lifecycle.ts';
import { deliveryId } from '../../src/domain/ids.ts';
import { Store } from '../../src/outbox/books/store.ts';
import type { ArchivedDelivery } from '../../src/outbox/log/bundle.ts';
import { driveDate } from '../support/clock.ts';
import { outboxOf } from '../support/deliveries.ts';
import { GROWTH } from './cases.ts';
import type { Operations } from './operations.ts';
import { type Customer, DAY_MS, endpoints, givenCustomers, HEALTHY, MeteredService } from './service.ts';

/*
 * Operations do not grow with what the service has had to do before: a hundred thousand organizations, twenty thousand past
 * deliveries, ten thousand waiting ones. GROWTH_ROWS makes it more past ones.
 */
const ROWS = Number(env.GROWTH_ROWS || 20_000);

// Ahead of the clock, so that alarms run when they are told to, and not by themselves; from noon, so that no midnight comes between.
driveDate((Math.floor(Date.now() / DAY_MS) + 10.5) * DAY_MS);

let service: MeteredService;
beforeAll(async () => {
  endpoints.start();
  service = await MeteredService.start();
});
afterAll(() => endpoints.stop());

/** What an event of a customer costs until its delivery is in the log. */
async function costOfAnEvent(customer: Customer): Promise<Operations> {
  // What was cached is read again, and nothing is counted that came before.
  vi.setSystemTime(Date.now() + 10_000);
  await service.meter.take();
  await service.postEach([customer]);
  await service.consume();
  return await service.meter.take();
}

/** A customer whose outbox has its tables and its alarm. */
async function givenUsedCustomer(): Promise<Customer & { webhook: string }> {
  const [customer] = (await givenCustomers(1, [HEALTHY])) as [Customer];
  await costOfAnEvent(customer);
  return { ...customer, webhook: customer.webhooks[0] as string };
}

/** The numbers from 1, as a table of SQL. */
const NUMBERS = (count: number) => `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${count})`;

const WAIT_MS = 3_600_000;

/** Fills an outbox with deliveries that wait for a retry an hour from now. */
async function fillWaiting(webhook: string, count: number): Promise<void> {
  const now = Date.now();
  await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
    storage.sql.exec(
      `${NUMBERS(count)} INSERT INTO deliveries
        (created_at, id, event_id, event, session_id, status, attempt_count, failures, expires_at, due_at, trigger, payload)
        SELECT ${now} - 1000 * n, 'dlv_' || n, 'evt_' || n, 'visitor.identified', 'ses_' || n, 'retrying', 1, 0, ${now + 3 * DAY_MS}, ${now + WAIT_MS} + n,
          'event', x'7b7d' FROM number`,
    );
  });
  // The outbox looks anew what waits.
  await evictDurableObject(outboxOf(webhook));
}

const BATCH = 100;

/** Fills an outbox with deliveries that were delivered, one every second before now. */
async function fillDelivered(webhook: string, count: number): Promise<void> {
  const now = Date.now();
  await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
    const store = new Store(storage);
    for (let done = 0; done < count; done += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - done) }, (_, index) =>
        deliveredAt(now - 1_000 * (done + index + 1), webhook),
      );
      store.addToArchive(batch);
    }
  });
  // The outbox looks anew which days it has.
  await evictDurableObject(outboxOf(webhook));
}

function deliveredAt(acceptedAt: number, webhook: string): ArchivedDelivery {
  const eventId = `evt_${encodeTime(acceptedAt, 10)}${'0'.repeat(16)}`;
  const state: DeliveryState = { ...waiting(acceptedAt), status: 'delivered', attemptCount: 1, dueAt: null, finishedAt: acceptedAt };
  const payload = new TextEncoder().encode('{}');
  const delivery = { id: deliveryId(eventId, webhook), eventId, event: 'visitor.identified', sessionId: null, acceptedAt, payload };
  return { delivery, state, attempt: { ...interruptedAttempt(1, 'event', acceptedAt), outcome: 'succeeded' } };
}

describe('an event costs the same', () => {
  it.each([10, 1_000, 100_000])('among %d organizations with a webhook', async (count) => {
    const customer = await givenUsedCustomer();
    await env.DB.batch([
      env.DB.prepare(
        `${NUMBERS(count)} INSERT OR IGNORE INTO organizations (id, name, plan, created_at, updated_at) SELECT 'org_' || n, 'Acme', 'scale', 0, 0 FROM number`,
      ),
      env.DB.prepare(
        `${NUMBERS(count)} INSERT OR IGNORE INTO webhooks (id, organization_id, url, events, enabled, health, health_since, created_at, updated_at)
          SELECT 'whk_' || n, 'org_' || n, 'https://hooks.example.com/' || n, '["*"]', 1, 'healthy', 0, 0, 0 FROM number`,
      ),
    ]);
    expect(await costOfAnEvent(customer)).toEqual(GROWTH.event);
  });

  it.each([1, 1_000, ROWS])('after %d past deliveries of its webhook', async (count) => {
    const customer = await givenUsedCustomer();
    await fillDelivered(customer.webhook, count);
    await costOfAnEvent(customer);
    expect(await costOfAnEvent(customer)).toEqual(GROWTH.event);
  });

  it.each([10, 10_000])('while %d deliveries of its webhook wait', async (count) => {
    const customer = await givenUsedCustomer();
    await fillWaiting(customer.webhook, count);
    // The first event finds that some wait, and notes it.
    await costOfAnEvent(customer);
    expect(await costOfAnEvent(customer)).toEqual(GROWTH.eventWhileOthersWait);
  });
});

describe('a page of the log reads as many rows', () => {
  it.each([1_000, ROWS])('of %d deliveries', async (count) => {
    const { webhook } = await givenUsedCustomer();
    await fillDelivered(webhook, count);
    // All of it in one turn, or the object may be loaded anew in between.
    const rowsRead = await runInDurableObject(outboxOf(webhook), (outbox) => {
      const page = () => expect(outbox.list({}, 50, null).deliveries).toHaveLength(50);
      // It looks which days it has.
      page();
      return service.meter.rowsReadBy(page);
    });
    expect(rowsRead).toBe(GROWTH.pageRowsRead);
  });
});

describe('a retry costs the same', () => {
  it.each([10, 10_000])('while %d deliveries wait', async (count) => {
    const { webhook } = await givenUsedCustomer();
    await fillWaiting(webhook, count);
    vi.setSystemTime(Date.now() + WAIT_MS + 1);
    await service.meter.take();
    await service.runAlarm(webhook);
    expect(await service.meter.take()).toEqual(GROWTH.retry);
  });
});
