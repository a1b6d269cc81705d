import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, afterEach, beforeAll, describe, expect, it, type MockInstance, vi } from 'vitest';
import { mintId } from '../../src/domain/ids.ts';
import { Store } from '../../src/outbox/books/store.ts';
import { UsedValues } from '../../src/outbox/used-values.ts';
import { driveDate } from '../support/clock.ts';
import { alarmOf, deliveriesOf, outboxOf } from '../support/deliveries.ts';
import { newDelivery } from '../support/outbox.ts';
import { gatherByDate, tellAtOnce } from '../support/telling.ts';
import {
  ARCHIVED_DAY,
  CASES,
  type CostCase,
  DAY_OF_FILTERED,
  DAY_OF_REPEATED,
  DAY_OF_VALUES,
  QUICK_MS,
  SKIPPED_BYTES,
  SLOW_MS,
  STORED_BYTES,
  SWEEP,
  VERY_SLOW_MS,
} from './cases.ts';
import { NOTHING, type Operations, sum } from './operations.ts';
import { dollarsOf } from './prices.ts';
import { BROKEN, type Customer, DAY_MS, endpoints, givenCustomers, HEALTHY, MeteredService, MINUTE_MS } from './service.ts';

// Ahead of the clock, so that alarms run when they are told to, and not by themselves; from noon, so that no midnight comes between.
driveDate((Math.floor(Date.now() / DAY_MS) + 10.5) * DAY_MS);

let service: MeteredService;
beforeAll(async () => {
  endpoints.start();
  service = await MeteredService.start();
});
afterEach(() => {
  endpoints.mend();
  endpoints.answerAtOnce();
});
afterAll(() => endpoints.stop());

type Choices = Parameters<typeof givenCustomers>[2];

/** The first webhook of the first of some customers. */
const webhookOf = (customers: readonly Customer[]) => customers[0]!.webhooks[0]!;

/** Organizations in service for a while: their outboxes have their tables, their alarm and nothing in them. */
async function givenUsedCustomers(count: number, urls: readonly string[], choices: Choices = {}): Promise<Customer[]> {
  const customers = await givenCustomers(count, urls, choices);
  await service.postEach(customers);
  await service.consume();
  await forget(customers);
  await pass(10_000);
  endpoints.takeAttempts();
  return customers;
}

/** The same, of an endpoint of which the outboxes know that it takes so long; from now on it answers when it is told to. */
async function givenCustomersOf(count: number, latencyMs: number, url = HEALTHY, choices: Choices = {}): Promise<Customer[]> {
  const customers = await givenCustomers(count, [url], choices);
  // From the first request on: what answered at once stays the measure for a while.
  endpoints.hold();
  for (let round = 0; round < 2; round++) await aRound(customers, latencyMs);
  await forget(customers);
  await pass(10_000);
  endpoints.takeAttempts();
  return customers;
}

/** Posts an event of each customer and takes them off in one batch, ten times. */
async function tenRounds(customers: readonly Customer[], latencyMs = 0): Promise<void> {
  for (let round = 0; round < 10; round++) await aRound(customers, latencyMs);
}

/** One of them; the next is ten seconds later. An endpoint that takes longer than an outbox waits answers when that has answered. */
async function aRound(customers: readonly Customer[], latencyMs: number): Promise<void> {
  const begunAt = Date.now();
  await service.postEach(customers);
  const consumed = service.consume();
  if (latencyMs > QUICK_MS) await consumed;
  if (latencyMs > 0) await endpoints.answer(outboxesOf(customers), latencyMs);
  await consumed;
  await service.meter.quiet();
  vi.setSystemTime(begunAt + 10_000);
  await runDueAlarms(customers);
}

/** Posts an array of 100 and takes it off; it goes out in waves of so many at a time. */
async function anArray(customers: readonly Customer[], latencyMs: number, waves: readonly number[]): Promise<void> {
  await service.postArray(customers[0]!, 100);
  const consumed = service.consume();
  for (const wave of waves) await endpoints.answer(wave, latencyMs);
  await consumed;
  await service.meter.quiet();
}

/** Runs the alarms that are due by now. */
async function runDueAlarms(customers: readonly Customer[]): Promise<void> {
  for (const { webhooks } of customers) for (const webhook of webhooks) await service.runAlarms(webhook, Date.now());
}

/** So that what was cached is read again, and nothing is counted that came before. */
async function pass(ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await service.meter.take();
}

/** Lets the retention pass: each outbox sweeps once. */
async function forget(customers: readonly Customer[]): Promise<void> {
  // First what is still set for what ran.
  vi.setSystemTime(Date.now() + MINUTE_MS);
  await runDueAlarms(customers);
  vi.setSystemTime(Date.now() + 31 * DAY_MS);
  await runDueAlarms(customers);
}

const outboxesOf = (customers: readonly Customer[]) => customers.reduce((total, { webhooks }) => total + webhooks.length, 0);

/**
 * What was done since the last take, and what forgetting it takes; without what is the same for any number of events: a sweep of each
 * outbox, and, for those that have archived something, their day.
 */
async function untilForgotten(customers: readonly Customer[], archived = outboxesOf(customers)): Promise<Counted> {
  await forget(customers);
  const done = sum(sum(await service.meter.take(), SWEEP, -outboxesOf(customers)), ARCHIVED_DAY, -archived);
  return { operations: done, attempts: endpoints.takeAttempts() };
}

type Counted = Pick<CostCase, 'operations' | 'attempts'>;

const countsOf = ({ operations, attempts }: CostCase): Counted => ({ operations, attempts });

/** Exact but for what was read: how often an alarm looks at what waits depends on how its steps fall together. */
function expectAbout(counted: Counted, expected: CostCase): void {
  const withoutReads = ({ operations, attempts }: Counted) => ({ attempts, operations: { ...operations, rowsRead: 0, d1RowsRead: 0 } });
  expect(withoutReads(counted)).toEqual(withoutReads(countsOf(expected)));
  expect(counted.operations.rowsRead / expected.operations.rowsRead).toBeCloseTo(1, 1);
  if (expected.operations.d1RowsRead > 0) expect(counted.operations.d1RowsRead / expected.operations.d1RowsRead).toBeCloseTo(1, 1);
}

describe('events of a healthy webhook', () => {
  it('cost the least where batches are full', async () => {
    const customers = await givenUsedCustomers(10, [HEALTHY]);
    await tenRounds(customers);
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.single));
  });

  it('cost three rows more with an Idempotency-Key: it is two, which are deleted one by one', async () => {
    const customers = await givenUsedCustomers(10, [HEALTHY]);
    service.hasKeys = true;
    await tenRounds(customers);
    service.hasKeys = false;
    const { operations } = await untilForgotten(customers, 0);
    // And a row of each outbox, however many events it had.
    expect(operations.rowsWritten).toBe(CASES.single.operations.rowsWritten + 3 * CASES.single.events + customers.length);
  });

  it('cost an invocation more where each is a batch of its own', async () => {
    const customers = await givenUsedCustomers(1, [HEALTHY]);
    await tenRounds(customers);
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.alone));
  });

  it('cost an outbox call and a row for each further webhook', async () => {
    const customers = await givenUsedCustomers(10, [HEALTHY, HEALTHY, HEALTHY]);
    await tenRounds(customers);
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.threeWebhooks));
  });

  // The mix in cases.ts takes these latencies for that of the case.
  it.each([150, QUICK_MS])('cost the same where its endpoint takes %d ms', async (latencyMs) => {
    const customers = await givenCustomersOf(10, latencyMs);
    await tenRounds(customers, latencyMs);
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.quick));
  });

  it.each([600, SLOW_MS, 2_500])('cost two rows and, every minute or so, an alarm where it takes %d ms', async (latencyMs) => {
    const customers = await givenCustomersOf(10, latencyMs);
    await tenRounds(customers, latencyMs);
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.slow));
  });

  it('cost as much where it takes 10 s', async () => {
    const customers = await givenCustomersOf(10, VERY_SLOW_MS);
    await tenRounds(customers, VERY_SLOW_MS);
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.verySlow));
  });

  it.each(['flat', 'slack'] as const)(
    'cost the same where they are rendered (%s): what was accepted is in the same row',
    async (format) => {
      const headers = { Authorization: 'Bearer of the tests' };
      const customers = await givenUsedCustomers(10, [HEALTHY], { format, headers, retrySchedule: ['1m', '5m'] });
      await tenRounds(customers);
      expect(await untilForgotten(customers)).toEqual(countsOf(CASES.single));
      // An array, too, is one row.
      await service.postArray(customers[0]!, 100);
      await service.consume();
      const { operations, attempts } = await untilForgotten(customers.slice(0, 1));
      expect({ rowsWritten: operations.rowsWritten, attempts }).toEqual({
        rowsWritten: CASES.arrays.operations.rowsWritten,
        attempts: 100,
      });
    },
  );

  it('share their request, their messages, their outbox call and their row in an array', async () => {
    const customers = await givenCustomersOf(1, QUICK_MS);
    // What its outbox knows of the endpoint permits one more at a time with each answer, as long as what waits would wait for long.
    await anArray(customers, QUICK_MS, [5, 10, 20, 33, 32]);
    const { operations, attempts } = await untilForgotten(customers);
    // Of the last 25 the outbox makes those itself for which it has a connection when their turn comes: none, in the dearest case.
    const { objectRequests } = CASES.array.operations;
    expect(operations.objectRequests).toBeGreaterThanOrEqual(objectRequests - 5);
    expect(operations.objectRequests).toBeLessThanOrEqual(objectRequests);
    expect({ operations: { ...operations, objectRequests }, attempts }).toEqual(countsOf(CASES.array));
  });

  it('need couriers where arrays have shown how much the endpoint takes', async () => {
    const customers = await givenCustomersOf(1, QUICK_MS);
    for (let count = 0; count < 4; count++) await service.postArray(customers[0]!, 100);
    await endpoints.answerUntil(service.consume(), QUICK_MS);
    await service.meter.quiet();
    await forget(customers);
    await pass(10_000);
    endpoints.takeAttempts();
    await anArray(customers, QUICK_MS, [100]);
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.arrays));
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
  it('are not even queued', async () => {
    const customers = await givenCustomers(10, []);
    endpoints.takeAttempts();
    // The isolate learns of each organization beside its first event.
    await service.postEach(customers);
    await service.consume();
    await pass(10_000);
    for (let round = 0; round < 10; round++) {
      await service.postEach(customers);
      vi.setSystemTime(Date.now() + 10_000);
    }
    expect(await untilForgotten(customers)).toEqual(countsOf(CASES.unwanted));
  });
});

describe('events that a filter keeps back', () => {
  afterEach(() => {
    service.leavesWork = false;
  });

  /** Customers who want none of these events; isolates know it, and gather what they tell outboxes for as long as the date says. */
  async function givenFiltering(count: number): Promise<{ customers: Customer[]; gathering: MockInstance }> {
    const filter = { field: 'company.employee_count', operator: 'at_least', value: 200 } as const;
    const atOnce = tellAtOnce();
    const customers = await givenUsedCustomers(count, [HEALTHY], { filter });
    // What the isolate knows is old by now: it learns of each beside its event.
    await service.postEach(customers);
    await service.consume();
    atOnce.mockRestore();
    await pass(10_000);
    service.leavesWork = true;
    return { customers, gathering: gatherByDate() };
  }

  /** So many events of each customer, one every so often. */
  async function countFiltered(count: number, times: number, everyMs: number): Promise<Counted> {
    const { customers, gathering } = await givenFiltering(count);
    for (let time = 0; time < times; time++) {
      await service.postEach(customers);
      vi.setSystemTime(Date.now() + everyMs);
      await service.meter.quiet();
    }
    vi.setSystemTime(Date.now() + 30_000);
    await service.meter.quiet();
    expect(service.meter.takeQueued()).toEqual([]);
    gathering.mockRestore();
    const { operations, attempts } = await untilForgotten(customers, 0);
    return { operations: sum(operations, DAY_OF_FILTERED, -count), attempts };
  }

  it('cost their request, and a small part of a call and of a row', { timeout: 60_000 }, async () => {
    expect(await countFiltered(1, 96, 1_000)).toEqual(countsOf(CASES.filtered));
  });

  it('cost a larger part of them where they are seldom', { timeout: 60_000 }, async () => {
    expect(await countFiltered(10, 12, 10_000)).toEqual(countsOf(CASES.seldomFiltered));
  });

  it('cost hardly more than those that nobody subscribes to', () => {
    expect(dollarsOf(CASES.filtered).all - dollarsOf(CASES.unwanted).all).toBeLessThanOrEqual(0.05);
  });
});

describe('events of a webhook that wants each value once', () => {
  it('cost a row more where the value is new', async () => {
    const customers = await givenCustomersOf(10, QUICK_MS, HEALTHY, { once: { per: 'visitor.email', days: 7 } });
    await tenRounds(customers, QUICK_MS);
    const { operations, attempts } = await untilForgotten(customers);
    expect({ operations: sum(operations, DAY_OF_VALUES, -10), attempts }).toEqual(countsOf(CASES.firstOfValue));
  });

  it('cost a row and no attempt where the value has gone out', async () => {
    const customers = await givenUsedCustomers(10, [HEALTHY], { once: { per: 'company.name', days: 7 } });
    for (let round = 0; round < 2; round++) {
      await pass(10_000);
      endpoints.takeAttempts();
      await aRound(customers, 0);
    }
    // The first that repeats one makes the table.
    const tenth = Object.fromEntries(
      Object.entries(CASES.repeated.operations).map(([name, count]) => [name, count / 10]),
    ) as unknown as Operations;
    expect(sum(await service.meter.take(), tenth, -1)).toEqual(sum(NOTHING, DAY_OF_REPEATED, 10));
    await tenRounds(customers);
    expect({ operations: await service.meter.take(), attempts: endpoints.takeAttempts() }).toEqual(countsOf(CASES.repeated));
    // With an Idempotency-Key two rows.
    service.hasKeys = true;
    await tenRounds(customers);
    service.hasKeys = false;
    expect((await service.meter.take()).rowsWritten).toBe(2 * CASES.repeated.operations.rowsWritten);
  });

  it('are stored in a known number of bytes', async () => {
    await runInDurableObject(outboxOf(mintId('webhook', Date.now())), (_, { storage }) => {
      const values = new UsedValues(storage.kv, new Store(storage), 'whk_1');
      const choices = { fields: null, format: 'event', template: null, name: '', headers: null, retryScheduleMs: null } as const;
      values.adopt({ ...choices, once: { per: 'visitor.email', days: 30 } }, 1);
      const grownBy = (emailOf: (index: number) => string) => {
        const before = storage.sql.databaseSize;
        values.admit(
          Array.from({ length: 20_000 }, (_, index) =>
            newDelivery('whk_1', { visitor: { email: emailOf(index), first_name: 'Ada Lovelace' } }),
          ),
        );
        return (storage.sql.databaseSize - before) / 20_000;
      };
      expect(grownBy((index) => `${index}@x.example`) / SKIPPED_BYTES.value).toBeCloseTo(1, 1);
      expect(grownBy(() => '1@x.example') / SKIPPED_BYTES.repeated).toBeCloseTo(1, 1);
    });
  });
});

describe('events of a broken endpoint', () => {
  it('cost their retries, which is what one in twenty of them adds to the others', async () => {
    const customers = [...(await givenUsedCustomers(19, [HEALTHY])), ...(await givenUsedCustomers(1, [BROKEN]))];
    await forget(customers);
    await pass(10_000);
    const broken = webhookOf(customers.slice(-1));
    endpoints.breakDown();
    await service.postEach(customers);
    await service.consume();
    await service.runAlarms(broken, Date.now() + 60 * MINUTE_MS);
    expect(await deliveriesOf(broken)).toMatchObject([{ status: 'failed', attemptCount: 4 }]);
    expectAbout(await untilForgotten(customers, 19), CASES.failing);
  });

  it('cost so much for each attempt that fails, where that the endpoint fails has been told', async () => {
    const customers = await givenUsedCustomers(1, [BROKEN]);
    endpoints.breakDown();
    for (let count = 0; count < 2; count++) {
      await pass(10_000);
      endpoints.takeAttempts();
      await service.postEach(customers);
      await service.consume();
      await service.runAlarms(webhookOf(customers), Date.now() + 60 * MINUTE_MS);
    }
    expect((await deliveriesOf(webhookOf(customers)))[0]).toMatchObject({ status: 'failed', attemptCount: 4 });
    const counted = await service.meter.take();
    // Without the first, which is forgotten with it.
    expectAbout({ operations: sum(counted, FORGOTTEN), attempts: endpoints.takeAttempts() }, CASES.failedAttempt);
  });

  it('cost no more than a call of the Meter a minute, where it fails slowly, and one when nothing runs any more', async () => {
    const customers = await givenUsedCustomers(1, [BROKEN]);
    endpoints.breakDown();
    endpoints.hold();
    await service.postArray(customers[0]!, 8);
    await service.consume();
    await service.meter.take();
    await endpoints.answer(5, 10_000);
    await endpoints.answer(3, 10_000);
    expect((await service.meter.take()).objectRequests).toBe(2);
  });

  it('are held while its circuit is open, and delivered when it is back', async () => {
    const customers = await givenCustomersOf(1, QUICK_MS, BROKEN);
    await openCircuit(customers);
    for (let count = 0; count < 16; count++) {
      await service.postEach(customers);
      await service.consume();
      vi.setSystemTime(Date.now() + 10_000);
      await runDueAlarms(customers);
    }
    endpoints.mend();
    await deliverInWaves(customers, [1, 1, 2, 4, 8]);
    expectAbout(await untilForgotten(customers, 0), CASES.held);
  });

  it('are held while it is dead for a day, one every quarter of an hour, and delivered when it is back', async () => {
    const customers = await givenUsedCustomers(1, [BROKEN]);
    const broken = webhookOf(customers);
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
    expectAbout(await untilForgotten(customers, 0), CASES.dead);
  }, 60_000);

  /** Five deliveries fail for good: the circuit opens with them, and its probes are ten minutes apart at last. Nothing of them is left. */
  async function openCircuit(customers: readonly Customer[]): Promise<void> {
    endpoints.breakDown();
    endpoints.answerAtOnce();
    for (let count = 0; count < 5; count++) {
      await service.postEach(customers);
      await service.consume();
    }
    while ((await deliveriesOf(webhookOf(customers))).some(({ finishedAt }) => finishedAt === null)) {
      vi.setSystemTime((await alarmOf(webhookOf(customers)))!);
      await service.runAlarm(webhookOf(customers));
    }
    const { health, nextProbeAt } = await outboxOf(webhookOf(customers)).status();
    expect({ health, waitMs: nextProbeAt! - Date.now() }).toEqual({ health: 'open', waitMs: 10 * MINUTE_MS });
    await service.meter.take();
    endpoints.takeAttempts();
  }
});

describe('a recovery', () => {
  it('costs so much for each delivery', async () => {
    const customers = await givenCustomersOf(1, QUICK_MS);
    const setEnabled = (enabled: boolean) =>
      env.DB.prepare('UPDATE webhooks SET enabled = ? WHERE id = ?').bind(Number(enabled), webhookOf(customers)).run();
    await setEnabled(false);
    await pass(10_000);
    const since = Date.now();
    await service.postArray(customers[0]!, 63);
    await service.consume();
    await setEnabled(true);
    await pass(10_000);
    await service.meter.env.OUTBOX.getByName(webhookOf(customers)).recover(since, Date.now());
    await deliverInWaves(customers, [1, 2, 4, 8, 16, 32]);
    expectAbout({ operations: await service.meter.take(), attempts: endpoints.takeAttempts() }, CASES.recovery);
  });
});

/** Runs the alarm in which what waits goes out, so many at a time, and what it leaves to be done; nothing waits then. */
async function deliverInWaves(customers: readonly Customer[], waves: readonly number[]): Promise<void> {
  const webhook = webhookOf(customers);
  endpoints.hold();
  vi.setSystemTime(Math.max(Date.now(), (await alarmOf(webhook))!));
  const alarm = service.runAlarm(webhook);
  for (const wave of waves) await endpoints.answer(wave, QUICK_MS);
  await alarm;
  endpoints.answerAtOnce();
  await service.runAlarms(webhook, Date.now() + MINUTE_MS);
  const deliveries = await deliveriesOf(webhook);
  expect(deliveries.filter(({ finishedAt, status }) => finishedAt === null || status === 'discarded')).toEqual([]);
}

/** What it takes to forget a delivery that has a row of its own. */
const FORGOTTEN: Operations = {
  requests: 0,
  queueOperations: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  objectRequests: 0,
  rowsRead: 1,
  rowsWritten: 1,
};

describe('what isolates tell of themselves', () => {
  it('is one call and one row for all of 24 seconds, and no more for a hundred events than for one', { timeout: 60_000 }, async () => {
    const customers = await givenUsedCustomers(10, [HEALTHY]);
    const gathering = gatherByDate();
    /** What so many rounds of ten events cost within 24 seconds. */
    const cost = async (rounds: number): Promise<Operations> => {
      await pass(30_000);
      service.leavesWork = true;
      for (let round = 0; round < rounds; round++) {
        await service.postEach(customers);
        await service.consume({ leavesWork: true });
      }
      vi.setSystemTime(Date.now() + 24_000);
      await service.meter.quiet();
      return await service.meter.take();
    };
    // The first of an outbox and of its day make tables.
    await cost(1);
    const without = [await cost(1), await cost(10)] as const;
    service.meter.withFigures();
    // The Meter makes its table.
    await cost(1);
    const withFigures = [await cost(1), await cost(10)] as const;
    service.leavesWork = false;
    gathering.mockRestore();
    // What is read of D1 depends on how old the configuration is.
    const told = withFigures.map((each, at) => ({ ...sum(each, without[at]!, -1), d1RowsRead: 0, rowsRead: 0 }));
    const oneCallAndRow = { ...NOTHING, objectRequests: 1, rowsWritten: 1 };
    expect(told).toEqual([oneCallAndRow, oneCallAndRow]);
  });
});

describe('without events', () => {
  it('an outbox costs its sweeps', async () => {
    const customers = await givenUsedCustomers(1, [HEALTHY]);
    vi.setSystemTime(Date.now() + DAY_MS / 2);
    await runDueAlarms(customers);
    expect(await service.meter.take()).toEqual(SWEEP);
  });
});

describe('the goals', () => {
  it.each(Object.values<CostCase>(CASES).filter(({ goal }) => goal !== undefined))('hold in dollars: $title', (each) => {
    expect(dollarsOf(each).all).toBeLessThanOrEqual(each.goal!);
  });

  it.each(Object.values<CostCase>(CASES).filter(({ mostRows }) => mostRows !== undefined))('hold in rows: $title', (each) => {
    expect(each.operations.rowsWritten / each.events).toBeLessThanOrEqual(each.mostRows!);
  });
});
