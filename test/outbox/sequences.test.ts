import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import type { DeliveryReason, DeliveryStatus } from '../../src/domain/delivery/delivery.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { deliveriesOf, endpointInbox, givenOrganization, givenWebhook, outboxOf, untilEnded } from '../support/deliveries.ts';
import { bring, inOutbox, newDelivery } from '../support/outbox.ts';
import type { Inbox } from '../support/receiver.ts';

/*
 * Whatever its owner does with a webhook, in whatever order, while attempts and tests of it are under way and end late: what comes of it
 * is what a small model of the promises says, and nothing else.
 */

driveDate();

type Answer = 200 | 500 | 410;

/** One thing that happens. `late`: its answer is held until an `end` comes for it. */
type Beginning = { kind: 'event' | 'test'; answer: Answer | 'late' };
type End = { kind: 'end'; which: number; answer: Answer };
type Change = { kind: 'pause' | 'enable' | 'rotate' | 'edit' } | { kind: 'move'; to: 'a' | 'b' };
type Step = Beginning | End | Change;

const answer = fc.constantFrom<Answer>(200, 500, 410, 410);
const anEnd = fc.record({ kind: fc.constant('end' as const), which: fc.nat(5), answer });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('event' as const, 'event', 'test'),
      answer: fc.oneof(answer, fc.constant('late' as const)),
    }),
  },
  { weight: 4, arbitrary: anEnd },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'enable', 'enable', 'rotate', 'edit') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const), to: fc.constantFrom('a' as const, 'b') }) },
);
/** No circuit opens: that takes ten failures. */
const sequence = fc.array(step, { maxLength: 9 });

/** A delivery as the model has it. */
interface Expected {
  id: string;
  isTest: boolean;
  /** While its answer is held: the name that it is held under, and the fresh start that its attempt began after. */
  held: string | null;
  began: number;
  status: DeliveryStatus;
  reason: DeliveryReason | null;
}

/** What the promises say. */
class Model {
  enabled = true;
  disabledReason: string | null = null;
  place: 'a' | 'b' = 'a';
  /** Fresh starts that its owner has given it. */
  starts = 0;
  notices = 0;
  readonly deliveries: Expected[] = [];
  #disabledIn: number | null = null;

  begins(id: string, isTest: boolean, held: string | null): Expected {
    const delivery: Expected = { id, isTest, held, began: this.starts, status: 'pending', reason: null };
    this.deliveries.push(delivery);
    return delivery;
  }

  ends(delivery: Expected, status: Answer): void {
    delivery.held = null;
    const isCurrent = delivery.began === this.starts;
    if (status === 200) delivery.status = 'delivered';
    else if (delivery.isTest) Object.assign(delivery, { status: 'failed', reason: 'test_failed' });
    else if (status === 410 && isCurrent) {
      Object.assign(delivery, { status: 'failed', reason: 'endpoint_gone' });
      this.#gone();
    } else delivery.status = 'retrying';
  }

  enable(): void {
    if (!this.enabled) this.starts++;
    this.enabled = true;
    this.disabledReason = null;
  }

  moveTo(place: 'a' | 'b'): void {
    if (place === this.place) return;
    this.place = place;
    this.starts++;
    this.disabledReason = null;
  }

  /** Its owner may have paused it first: then there is nothing to disable. */
  #gone(): void {
    if (!this.enabled || this.#disabledIn === this.starts) return;
    this.#disabledIn = this.starts;
    this.enabled = false;
    this.disabledReason = 'endpoint_gone';
    this.notices++;
  }
}

/** A webhook at one of two places of a receiver, and another of the same organization that hears of it. */
async function given() {
  const [endpoint, listening] = [endpointInbox(), endpointInbox()];
  const organization = await givenOrganization();
  const urls = { a: `${endpoint.url}/a`, b: `${endpoint.url}/b` };
  const webhook = await givenWebhook(organization, { url: urls.a, secret: 'a secret' });
  const listener = await givenWebhook(organization, { url: listening.url, events: ['webhook.*'] });
  return { endpoint, urls, webhook, listener, path: `/organization/${organization}/webhooks/${webhook}` };
}

type Given = Awaited<ReturnType<typeof given>>;

/** Attempts of a delivery that are on record. */
async function recorded(webhook: string, id: string): Promise<number> {
  return (await outboxOf(webhook).find(id))?.attempts.length ?? 0;
}

/** Whatever the outbox has to tell is told: its alarm does that first, and then waits for what runs. */
async function told({ webhook, listener }: Given, notices: number): Promise<void> {
  const isTold = () => inOutbox(webhook, (_, { kv }) => kv.get('report') === undefined);
  if (await isTold()) return;
  void inOutbox(webhook, (outbox) => outbox.alarm());
  while (!(await isTold())) await scheduler.wait(5);
  while ((await deliveriesOf(listener)).length < notices) await scheduler.wait(5);
}

/** Attempts, and their ends, by step; those whose answers are held can be ended later. */
class Run {
  readonly model = new Model();
  readonly #given: Given;
  readonly #testing = new Map<string, Promise<unknown>>();

  constructor(setting: Given) {
    this.#given = setting;
  }

  async does(each: Step): Promise<void> {
    // So that what was known before the last step is too old, and no retry falls due: a minute is not over by then.
    vi.setSystemTime(Date.now() + 4_100);
    if (each.kind === 'end') await this.#endsOneOf(each.which, each.answer);
    else if ('answer' in each) await this.#begins(each.kind === 'test', each.answer);
    else await this.#changes(each);
    await told(this.#given, this.model.notices);
  }

  async #begins(isTest: boolean, status: Answer | 'late'): Promise<void> {
    const { webhook, endpoint } = this.#given;
    const delivery = newDelivery(webhook);
    const held = status === 'late' ? crypto.randomUUID() : null;
    if (!isTest && !this.model.enabled) {
      await bring(webhook, delivery);
      Object.assign(this.model.begins(delivery.id, false, null), { status: 'discarded', reason: 'webhook_disabled' });
      return;
    }
    await endpoint.script([held ? { held } : { status: status as Answer }]);
    const before = (await endpoint.requests()).length;
    if (isTest) this.#testing.set(delivery.id, outboxOf(webhook).sendTest(delivery));
    else await bring(webhook, delivery);
    const request = (await endpoint.arrived(before + 1)).at(-1);
    expect(request?.path.endsWith(`/${this.model.place}`)).toBe(true);
    expect(request?.headers['x-bullseye-test']).toBe(isTest ? 'true' : undefined);
    const expected = this.model.begins(delivery.id, isTest, held);
    if (!held) await this.#ends(expected, status as Answer);
  }

  async #endsOneOf(which: number, status: Answer): Promise<void> {
    const running = this.model.deliveries.filter(({ held }) => held !== null);
    const delivery = running[which % running.length];
    if (!delivery?.held) return;
    await this.#given.endpoint.release(delivery.held, { status });
    await this.#ends(delivery, status);
  }

  async #ends(delivery: Expected, status: Answer): Promise<void> {
    this.model.ends(delivery, status);
    await this.#testing.get(delivery.id);
    while ((await recorded(this.#given.webhook, delivery.id)) === 0) await scheduler.wait(5);
  }

  async #changes(each: Change): Promise<void> {
    const { path, urls, webhook } = this.#given;
    const changes = {
      pause: () => ({ enabled: false }),
      enable: () => ({ enabled: true }),
      edit: () => ({ description: crypto.randomUUID() }),
      move: (to: 'a' | 'b') => ({ url: urls[to] }),
    };
    if (each.kind === 'rotate') expect((await platform.post(`${path}/secret/rotate`, { overlapSeconds: 0 })).status).toBe(200);
    else {
      const change = each.kind === 'move' ? changes.move(each.to) : changes[each.kind]();
      expect((await platform.patch(path, change)).status).toBe(200);
    }
    // Its outbox is told once it is answered; here, before anything else happens.
    await outboxOf(webhook).reconfigured();
    if (each.kind === 'pause') this.model.enabled = false;
    if (each.kind === 'enable') this.model.enable();
    if (each.kind === 'move') this.model.moveTo(each.to);
  }

  /** Everything that runs comes to its end. */
  async finishes(): Promise<void> {
    while (this.model.deliveries.some(({ held }) => held !== null)) await this.does({ kind: 'end', which: 0, answer: 500 });
  }
}

async function rowOf(webhook: string) {
  const [row] = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook));
  return row && { enabled: row.enabled, disabledReason: row.disabledReason, url: row.url };
}

async function logOf(webhook: string) {
  const { deliveries } = await outboxOf(webhook).list({}, 100, null);
  return deliveries.map(({ id, status, reason }) => ({ id, status, reason })).toReversed();
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
const statesOf = (model: Model) => model.deliveries.map(({ id, status, reason }) => ({ id, status, reason })).toSorted(byId);

/** The log, the webhook and what its organization was told are as the model has them. */
async function check({ webhook, listener, urls }: Given, model: Model): Promise<void> {
  expect(await logOf(webhook)).toEqual(statesOf(model));
  expect(await rowOf(webhook)).toEqual({ enabled: model.enabled, disabledReason: model.disabledReason, url: urls[model.place] });
  expect(await deliveriesOf(listener)).toHaveLength(model.notices);
}

/** What a retry brings where the endpoint works: to the place that the webhook has now. */
async function checkWhatFollows({ endpoint, webhook, path }: Given, model: Model): Promise<void> {
  await endpoint.script([{ status: 200 }]);
  const before = (await endpoint.requests()).length;
  const goOn = model.deliveries.filter(({ status }) => status === 'retrying');
  await untilEnded(webhook);
  for (const delivery of goOn) {
    Object.assign(delivery, model.enabled ? { status: 'delivered' } : { status: 'discarded', reason: 'webhook_disabled' });
  }
  expect(await logOf(webhook)).toEqual(statesOf(model));
  const retries = (await endpoint.requests()).slice(before);
  expect(retries).toHaveLength(model.enabled ? goOn.length : 0);
  for (const request of retries) expect(request.path.endsWith(`/${model.place}`)).toBe(true);
  await checkTests(path, webhook, model);
}

/** Tests are in the log, and nowhere else: they are counted and recovered never. */
async function checkTests(path: string, webhook: string, model: Model): Promise<void> {
  const real = model.deliveries.filter(({ isTest }) => !isTest);
  const count = (...statuses: DeliveryStatus[]) => real.filter(({ status }) => statuses.includes(status)).length;
  expect((await platform.get(`${path}/stats?period=24h`)).body.totals).toMatchObject({
    delivered: count('delivered'),
    failed: count('failed'),
    discarded: count('discarded'),
  });
  await platform.patch(path, { enabled: true });
  vi.setSystemTime(Date.now() + 1);
  expect(await outboxOf(webhook).recover(0, Date.now())).toBe(count('failed', 'discarded'));
}

async function run(steps: readonly Step[], setting: Given): Promise<Run> {
  const running = new Run(setting);
  for (const each of steps) await running.does(each);
  return running;
}

it('any sequence of events, tests, changes and late answers leaves what was promised', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(sequence, async (steps) => {
      const setting = await given();
      const running = await run(steps, setting);
      await running.finishes();
      await check(setting, running.model);
      await checkWhatFollows(setting, running.model);
      expect(await deliveriesOf(setting.listener)).toHaveLength(running.model.notices);
    }),
    { numRuns: 25 },
  );
});

it('and where it ends with the deletion of the webhook, nothing is left, whatever ends afterwards', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(sequence, answer, async (steps, late) => {
      const setting = await given();
      const { endpoint, webhook, path, listener } = setting;
      const { model } = await run([...steps, { kind: 'test', answer: 'late' }], setting);
      expect((await platform.delete(path)).status).toBe(204);
      for (const { held } of model.deliveries) if (held) await endpoint.release(held, { status: late });
      await leftNothing(endpoint, webhook);
      expect(await deliveriesOf(listener)).toHaveLength(model.notices);
    }),
    { numRuns: 8 },
  );
});

/** No request is under way any more, and its outbox is empty: nothing comes back. */
async function leftNothing(endpoint: Inbox, webhook: string): Promise<void> {
  const before = (await endpoint.requests()).length;
  // Nobody hears of how attempts end that run for nobody.
  await scheduler.wait(200);
  expect(await inOutbox(webhook, async (_, storage) => [[...storage.kv.list()], await storage.getAlarm()])).toEqual([[], null]);
  expect(await deliveriesOf(webhook)).toEqual([]);
  expect(await endpoint.requests()).toHaveLength(before);
}
