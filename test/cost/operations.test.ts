import { runInDurableObject } from 'cloudflare:test';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { driveDate } from '../support/clock.ts';
import { deliveriesOf, outboxOf } from '../support/deliveries.ts';
import { ARCHIVED_DAY, CASES, STORED_BYTES, SWEEP } from './cases.ts';
import { type Operations, sum } from './operations.ts';
import { BROKEN, type Customer, DAY_MS, endpoints, givenCustomers, HEALTHY, MeteredService, MINUTE_MS } from './service.ts';

// Ahead of the clock, so that alarms run when they are told to, and not by themselves; from noon, so that no midnight comes between.
driveDate((Math.floor(Date.now() / DAY_MS) + 10.5) * DAY_MS);

let service: MeteredService;
beforeAll(async () => {
  endpoints.answerAtOnce();
  service = await MeteredService.start();
});
afterEach(() => endpoints.mend());
afterAll(() => endpoints.stop());

/** Organizations in service for a while: their outboxes have their tables, their alarm and nothing in them. */
async function givenUsedCustomers(count: number, urls: readonly string[]): Promise<Customer[]> {
  const customers = await givenCustomers(count, urls);
  await service.postEach(customers);
  await service.consume();
  await forget(customers);
  await seconds(10);
  return customers;
}

/** Posts an event of each customer and takes them off in one batch, ten times. */
async function tenRounds(customers: readonly Customer[]): Promise<void> {
  for (let round = 0; round < 10; round++) {
    await service.postEach(customers);
    await service.consume();
    vi.setSystemTime(Date.now() + 10_000);
  }
}

/** So that what was cached is read again, and nothing is counted that came before. */
async function seconds(count: number): Promise<void> {
  vi.setSystemTime(Date.now() + count * 1_000);
  await service.meter.take();
}

/** Lets the retention pass: each outbox sweeps once. */
async function forget(customers: readonly Customer[]): Promise<void> {
  vi.setSystemTime(Date.now() + 31 * DAY_MS);
  for (const { webhooks } of customers) for (const webhook of webhooks) await service.runAlarms(webhook, Date.now());
}

const outboxesOf = (customers: readonly Customer[]) => customers.reduce((total, { webhooks }) => total + webhooks.length, 0);

/**
 * What was done since the last take, and what forgetting it takes; without what is the same for any number of events: a sweep of each
 * outbox, and, for those that have archived something, their day.
 */
async function untilForgotten(customers: readonly Customer[], archived = outboxesOf(customers)): Promise<Operations> {
  const done = await service.meter.take();
  await forget(customers);
  return sum(sum(sum(done, await service.meter.take()), SWEEP, -outboxesOf(customers)), ARCHIVED_DAY, -archived);
}

/** Exact but for what was read: how often an alarm looks at what waits depends on how its steps fall together. */
function expectAbout(counted: Operations, expected: Operations): void {
  expect({ ...counted, rowsRead: 0, d1RowsRead: 0 }).toEqual({ ...expected, rowsRead: 0, d1RowsRead: 0 });
  expect(counted.rowsRead / expected.rowsRead).toBeCloseTo(1, 1);
  expect(counted.d1RowsRead / expected.d1RowsRead).toBeCloseTo(1, 1);
}

describe('events of a healthy webhook', () => {
  it('cost the least where batches are full', async () => {
    const customers = await givenUsedCustomers(10, [HEALTHY]);
    await tenRounds(customers);
    expect(await untilForgotten(customers)).toEqual(CASES.single.operations);
  });

  it('cost an invocation more where each is a batch of its own', async () => {
    const customers = await givenUsedCustomers(1, [HEALTHY]);
    await tenRounds(customers);
    expect(await untilForgotten(customers)).toEqual(CASES.alone.operations);
  });

  it('cost an outbox call and a row for each further webhook', async () => {
    const customers = await givenUsedCustomers(10, [HEALTHY, HEALTHY, HEALTHY]);
    await tenRounds(customers);
    expect(await untilForgotten(customers)).toEqual(CASES.threeWebhooks.operations);
  });

  it('share their request, their messages and their outbox call in an array', async () => {
    const customers = await givenUsedCustomers(1, [HEALTHY]);
    await service.postArray(customers[0]!, 100);
    await service.consume();
    expect(await untilForgotten(customers)).toEqual(CASES.array.operations);
  });

  it.each([
    ['one by one', 1, STORED_BYTES.alone],
    ['in arrays of 100', 100, STORED_BYTES.inArrays],
  ])('are stored in a known number of bytes %s', async (_, each, expected) => {
    const [customer] = (await givenUsedCustomers(1, [HEALTHY])) as [Customer];
    const size = () => runInDurableObject(outboxOf(customer.webhooks[0]!), (_, { storage }) => storage.sql.databaseSize);
    const before = await size();
    for (let posted = 0; posted < 300; posted += each) {
      await service.postArray(customer, each);
      await service.consume();
    }
    // Pages are 4 kB: some more or less are no matter.
    expect(((await size()) - before) / 300 / expected).toBeCloseTo(1, 1);
  });
});

describe('events that no webhook wants', () => {
  it('reach no outbox', async () => {
    const customers = await givenCustomers(10, []);
    await seconds(10);
    await service.postEach(customers);
    await service.consume();
    expect(await untilForgotten(customers)).toEqual(CASES.unwanted.operations);
  });
});

describe('events of a broken endpoint', () => {
  it('cost their retries, which is what one in twenty of them adds to the others', async () => {
    const customers = [...(await givenUsedCustomers(19, [HEALTHY])), ...(await givenUsedCustomers(1, [BROKEN]))];
    const broken = customers.at(-1)!.webhooks[0]!;
    endpoints.breakDown();
    await service.postEach(customers);
    await service.consume();
    await service.runAlarms(broken, Date.now() + 60 * MINUTE_MS);
    expect(await deliveriesOf(broken)).toMatchObject([{ status: 'failed', attemptCount: 4 }]);
    expectAbout(await untilForgotten(customers, 19), CASES.failing.operations);
  });

  it('are held while it is dead for a day, one every quarter of an hour, and delivered when it is back', async () => {
    const customers = await givenUsedCustomers(1, [BROKEN]);
    const broken = customers[0]!.webhooks[0]!;
    endpoints.breakDown();
    for (let quarter = 0; quarter < 96; quarter++) {
      await service.postEach(customers);
      await service.consume();
      const next = Date.now() + 15 * MINUTE_MS;
      await service.runAlarms(broken, next);
      vi.setSystemTime(next);
    }
    endpoints.mend();
    await service.runAlarms(broken, Date.now() + 60 * MINUTE_MS);
    const deliveries = await deliveriesOf(broken);
    expect(deliveries.every(({ finishedAt }) => finishedAt !== null)).toBe(true);
    expectAbout(await untilForgotten(customers, 0), CASES.dead.operations);
  }, 60_000);
});
