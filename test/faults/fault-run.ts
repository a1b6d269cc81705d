import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { knownEventTypes } from '../../src/api/events/catalogue.ts';
import { databaseOf } from '../../src/db/client.ts';
import { busyOutboxes, organizations, webhooks } from '../../src/db/schema.ts';
import type { NewDelivery } from '../../src/domain/delivery/delivery.ts';
import { deliveryId, mintId } from '../../src/domain/ids.ts';
import worker from '../../src/index.ts';
import { takeFaults } from '../../src/log.ts';
import { Renderer } from '../../src/outbox/renderer.ts';
import { CourierHost } from '../platform/courier-host.ts';
import { Edges } from '../platform/edges.ts';
import { EventQueue } from '../platform/event-queue.ts';
import { FaultPlan, pick, whole } from '../platform/fault-plan.ts';
import { faultyNamespace, faultyQueue } from '../platform/faulty-bindings.ts';
import { INVOCATION_ENDED, Isolate } from '../platform/isolate.ts';
import { LIMITS } from '../platform/limits.ts';
import type { ErasureInD1, LocalDatabase } from '../platform/local-database.ts';
import { Mishaps } from '../platform/mishaps.ts';
import type { ObjectHost } from '../platform/object-host.ts';
import { Outbound } from '../platform/outbound.ts';
import type { OutboxHost } from '../platform/outbox-host.ts';
import type { VirtualTime } from '../platform/virtual-time.ts';
import { type Random, seeded } from '../simulation/random.ts';
import { anEntry } from '../support/audit.ts';
import { Endpoints, OUTAGES, urlOf } from './endpoints.ts';
import { bodyOf, FORM, personNamed, requestOf, requestTo, UNWANTED } from './producer.ts';
import { ISOLATES, type Post, type Scenario, scenarioOf, type Victim } from './scenario.ts';

/** When the first run begins. The next ones follow a month later each: what an isolate remembers of the one before is old. */
const EPOCH = Date.UTC(2027, 0, 1);
const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;
/** A producer's wait before it posts again. */
const AGAIN_AFTER_MS = 5_000;
/** The sweeps of a storm's end. */
const SWEEPS = 9;
const SWEEP_EVERY_MS = 600_000;
/** The share of turns in which an object has rendered as much as it may. */
const SPENT_TURNS = 0.2;
/** The share of alarms that never fire, in a run that loses any. */
const LOST_ALARMS = 0.3;
/** How often an object that has nothing to do is thrown out of memory before it is called again. */
const EVICTED = 0.5;
/** Everything has ended by then: deliveries expire after three days. */
const LONGEST_MS = 5 * DAY_MS;
/** An object that has nothing to do has no timer but one for what it was going to do within a minute, and after that none. */
const LATER_MS = 62_000;
/** Wake-ups that an outbox may have left: one. */
const WAKES = 1;

/** An event as a producer made it. */
export interface Made {
  post: Post;
  body: string;
}

/** What runs take place on, one after another. */
export interface Grounds {
  hosts: readonly OutboxHost[];
  /** Of the object that the test runs in. */
  state: DurableObjectState;
  database: LocalDatabase;
  time: VirtualTime;
}

/** One seed's run: its parts, wired as Cloudflare would wire them, and what is known of it from outside. */
/** What isolates tell of themselves never arrives: nothing may depend on it. */
const outOfOrder = {
  getByName: () => ({
    tell: async () => Promise.reject(new Error('the Meter is out of order')),
    sample: async () => Promise.reject(new Error('the Meter is out of order')),
  }),
} as unknown as Env['METER'];

export class FaultRun {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly plan: FaultPlan;
  readonly mishaps = new Mishaps();
  readonly queue: EventQueue;
  readonly endpoints: Endpoints;
  readonly organizationId: string;
  readonly webhookIds: readonly string[];
  /** Events by number. */
  readonly made: Made[] = [];
  /** Ids that a 202 promised, with the number of the event. */
  readonly promised: { id: string; event: number }[] = [];
  /** Deliveries of sample events that people asked for, with the numbers of those. */
  readonly tests = new Map<string, number>();
  /** Events that led to no delivery of a webhook, as its outbox counts them. */
  readonly skipped = { filtered: 0, repeated: 0 };
  /** How long it took until everything had ended. */
  tookMs = 0;
  /** What must not happen in any run, and has: an answer of ingest that is neither 202 nor 503. */
  failure: unknown;
  readonly #hosts = new Map<string, OutboxHost>();
  readonly #couriers = new Map<string, CourierHost>();
  readonly #isolates: (Isolate | null)[] = Array.from({ length: ISOLATES }, () => null);
  /** Of versions before, whose invocations go on. */
  readonly #formerIsolates: Isolate[] = [];
  readonly #state: DurableObjectState;
  readonly #edges: Edges;
  readonly #database: LocalDatabase;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #startedAt: number;
  readonly #bindings: Partial<Env>;
  #working = 0;
  #storm = true;

  constructor(seed: number, { hosts, state, database, time }: Grounds, month: number) {
    this.seed = seed;
    this.#state = state;
    this.#database = database;
    this.#time = time;
    this.#startedAt = EPOCH + month * MONTH_MS;
    time.start(this.#startedAt);
    // Those of the run before, which an outbox would tell of.
    takeFaults();
    this.#random = seeded(seed, 2);
    vi.spyOn(Math, 'random').mockImplementation(seeded(seed, 3));
    this.scenario = scenarioOf(seed, OUTAGES);
    // A form takes so long now and then that a turn of an object has no time for more of it.
    const isSpent = seeded(seed, 7);
    const hasForms = this.scenario.webhooks.some(({ hasForm }) => hasForm);
    vi.spyOn(Renderer.prototype, 'isSpent', 'get').mockImplementation(() => hasForms && isSpent() < SPENT_TURNS);
    this.plan = new FaultPlan(seed, this.scenario.isCrowd);
    this.#edges = new Edges(this.plan, time, this.mishaps);
    this.organizationId = `org_${seed}`;
    this.webhookIds = this.scenario.webhooks.map(() => mintId('webhook', Date.now()));
    for (const [index, id] of this.webhookIds.entries()) this.#hosts.set(id, hosts[index] as OutboxHost);
    this.queue = new EventQueue(this.#random, time, (batch) => this.#inIsolate((bindings, ctx) => worker.queue(batch, bindings, ctx)));
    this.endpoints = new Endpoints(seed, this.scenario, this.webhookIds, this.#startedAt);
    const outbound = new Outbound(this.plan, time, (...request) => this.endpoints.serve(...request));
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => outbound.fetch(url, init));
    this.#bindings = this.#bind();
  }

  host(webhookId: string): OutboxHost {
    return this.#hosts.get(webhookId) as OutboxHost;
  }

  /** All objects of the run that somebody has called. */
  get objects(): readonly ObjectHost<unknown>[] {
    return [...this.#hosts.values(), ...this.#couriers.values()];
  }

  /** Lets everything happen that is to, until all of it is over. */
  async run(): Promise<void> {
    await this.#configure();
    const { posts, stormMs, cronsAtMs, killsAtMs, byHand, losesAlarms, erasure } = this.scenario;
    for (const post of posts) this.#later(post.atMs, () => this.#post(post));
    for (const atMs of cronsAtMs) this.#later(atMs, () => this.#cron());
    for (const { atMs, victim } of killsAtMs) this.#later(atMs, async () => this.#kill(victim));
    for (const { atMs, webhook, what } of byHand) this.#later(atMs, () => this.#byHand(this.webhookIds[webhook]!, what));
    if (erasure) this.#later(erasure.atMs, () => this.#erase(personNamed(erasure.person)));
    this.#later(stormMs, async () => {
      this.#storm = false;
      this.plan.end();
      if (losesAlarms) this.#cronsFromNowOn();
    });
    await this.#time.run(() => this.#isOver());
    this.tookMs = Date.now() - this.#startedAt;
    // What could not be recorded in the storm is tried again after a while; and D1 is told what an erasure has found only just now.
    if (erasure || this.tookMs < this.scenario.stormMs + LATER_MS) await this.#time.runFor(LATER_MS);
  }

  /** What objects have left running though they have nothing to do: it counts, and is billed. */
  async leftovers(): Promise<string[]> {
    const soon = this.#timersOfIdle((name) => (this.#couriers.has(name) ? 0 : WAKES));
    await this.#time.runFor(LATER_MS);
    return [...soon, ...this.#timersOfIdle(() => 0)];
  }

  /** What still runs (a hung call, work after an answer) ends here, and not in the next run. */
  async end(): Promise<void> {
    for (const isolate of [...this.#isolates, ...this.#formerIsolates]) isolate?.die();
    for (const object of this.objects) object.kill();
    await this.#time.rest();
    this.#time.stop();
  }

  #timersOfIdle(permitted: (name: string) => number): string[] {
    return this.objects.flatMap((host) => {
      const { context } = host;
      if (!context || context.isAtWork || context.timers <= permitted(context.name)) return [];
      return `${context.name} has nothing to do, and ${context.timers} timers`;
    });
  }

  async #configure(): Promise<void> {
    const now = Date.now();
    const db = databaseOf(this.#database.binding());
    const { organizationId } = this;
    const rows = this.scenario.webhooks.map(({ maxPerSecond, maxConcurrent, enabled, keepsBack, once, hasForm }, index) => {
      const id = this.webhookIds[index]!;
      const times = { healthSince: now, createdAt: now, updatedAt: now };
      const choices = { filter: keepsBack ? { not: UNWANTED } : null, once: once ? { per: 'visitor.email', days: 30 } : null };
      const form = { format: hasForm ? ('template' as const) : ('event' as const), template: hasForm ? FORM : null };
      return {
        maxPerSecond,
        maxConcurrent,
        enabled,
        id,
        organizationId,
        url: urlOf(id),
        events: ['visitor.*'],
        ...choices,
        ...form,
        ...times,
      };
    });
    await db.batch([
      // What the run before has left.
      db.delete(busyOutboxes),
      db.delete(organizations),
      db.insert(organizations).values({ id: organizationId, name: 'Acme', plan: 'scale', createdAt: now, updatedAt: now }),
      db.insert(webhooks).values(rows),
    ]);
    // What an isolate knows of the catalogue does not depend on the runs before.
    await knownEventTypes({ ...env, DB: this.#database.binding() }, [], now);
    const random = seeded(this.seed, 4);
    const losesAlarm = () => this.#storm && this.scenario.losesAlarms && random() < LOST_ALARMS;
    for (const [index, webhookId] of this.webhookIds.entries()) {
      const { full } = this.scenario.webhooks[index]!;
      const isFull = () => full !== null && Date.now() >= this.#startedAt + full.fromMs && Date.now() < this.#startedAt + full.toMs;
      this.host(webhookId).begin({ ...this.#worldOf(webhookId), edges: this.#edges, losesAlarm, isFull });
    }
  }

  #worldOf(name: string) {
    const random = seeded(this.seed, 5);
    const objectEnv = { ...env, ...this.#bindings };
    return { name, limits: LIMITS, plan: this.plan, mishaps: this.mishaps, env: objectEnv, isEvicted: () => random() < EVICTED };
  }

  #bind(): Partial<Env> {
    const events = faultyQueue((bodies) => this.queue.enqueue(bodies), this.#edges);
    return {
      DB: this.#database.binding(this.#edges),
      EVENTS: events,
      MAX_CONCURRENCY: String(this.scenario.maxConcurrency),
      DEAD_LETTERS: faultyQueue((bodies) => this.queue.dead.push(...bodies), this.#edges),
      OUTBOX: faultyNamespace('outbox.call', this.#edges, (...call) => callOf(this.host(call[0]), ...call)) as Env['OUTBOX'],
      COURIER: faultyNamespace('courier.call', this.#edges, (...call) => callOf(this.#courier(call[0]), ...call)) as Env['COURIER'],
      METER: outOfOrder,
    };
  }

  #courier(name: string): CourierHost {
    const known = this.#couriers.get(name);
    if (known) return known;
    const courier = new CourierHost(this.#state, this.#worldOf(name), this.#time);
    this.#couriers.set(name, courier);
    return courier;
  }

  #inIsolate<T>(handler: (bindings: Env, ctx: ExecutionContext) => Promise<T>): Promise<T> {
    const place = whole(this.#random, 0, ISOLATES - 1);
    const isolate = this.#isolates[place] ?? new Isolate(this.#bindings, LIMITS, this.#time);
    this.#isolates[place] = isolate;
    return isolate.run(handler);
  }

  #kill(victim: Victim): void {
    if (victim === 'everything') {
      for (const object of this.objects) object.kill('deploy');
      // What runs in isolates of the version before goes on there.
      this.#formerIsolates.push(
        ...this.#isolates.splice(0, ISOLATES, ...Array.from({ length: ISOLATES }, () => null)).filter((each) => each !== null),
      );
    } else if ('isolate' in victim) {
      this.#isolates[victim.isolate]?.die();
      this.#isolates[victim.isolate] = null;
    } else if ('outbox' in victim) this.host(this.webhookIds[victim.outbox]!).kill();
    else this.#couriers.get(`${this.webhookIds[victim.courier]}:${victim.place}`)?.kill();
  }

  /** What a person asks for may fail, as may anything: it is asked once. */
  async #byHand(webhookId: string, what: 'test' | 'retry' | 'cancel'): Promise<void> {
    const asking = this.#inIsolate(async ({ OUTBOX }) => {
      const outbox = OUTBOX.getByName(webhookId);
      if (what === 'test') {
        const delivery = this.#sampleFor(webhookId);
        await outbox.sendTest(delivery);
        return;
      }
      if (what === 'cancel') {
        await outbox.cancel({ since: 0, until: Date.now() + 1 }, anEntry(this.organizationId, { action: 'deliveries.canceled' }));
        return;
      }
      const { deliveries } = await outbox.list({}, 100, null);
      if (deliveries.length > 0) await outbox.retryNow(pick(this.#random, deliveries).id);
    });
    await asking.catch(() => {});
  }

  /** Asks until it is accepted that somebody is erased; from the storm's end on the cron sees to it. */
  async #erase(value: string): Promise<void> {
    const answering = this.#inIsolate(async (bindings, ctx) => {
      const request = requestTo(`/organization/${this.organizationId}/erasures`, JSON.stringify({ field: 'visitor.email', value }));
      const response = await worker.fetch(request, bindings, ctx);
      if (response.status !== 202 && response.status !== 503) throw new Error(`${response.status}: ${await response.text()}`);
      return response.status === 202;
    });
    const isAccepted = await answering.catch((error: Error) => {
      if (error.message !== INVOCATION_ENDED) throw error;
      return false;
    });
    if (!isAccepted) this.#later(AGAIN_AFTER_MS, () => this.#erase(value));
    else this.#time.after(Math.max(0, this.#startedAt + this.scenario.stormMs - Date.now()) + 1, () => this.#sweepUntilErased());
  }

  #sweepUntilErased(): void {
    if (this.#isErased()) return;
    void this.#cron();
    this.#time.after(60_000, () => this.#sweepUntilErased());
  }

  /** Whether what was asked for is done, and every endpoint that is told has been. */
  #isErased(): boolean {
    return this.erasures().every(
      ({ finishedAt, webhooks }) => finishedAt !== null && webhooks.every(({ notified }) => notified !== 'pending'),
    );
  }

  /** The erasures as the database has them. One whose answer was lost can have been asked for twice. */
  erasures(): ErasureInD1[] {
    return this.#database.erasures();
  }

  #sampleFor(webhookId: string): NewDelivery {
    const now = Date.now();
    const eventId = mintId('event', now);
    const id = deliveryId(eventId, webhookId);
    const number = 1_000_000 + this.tests.size;
    this.tests.set(id, number);
    const payload = new TextEncoder().encode(bodyOf(this.organizationId, number));
    return { id, eventId, event: 'visitor.identified', sessionId: null, acceptedAt: now, payload };
  }

  /** Posts, and where the producer has a key, again until it is accepted. */
  async #post(post: Post): Promise<void> {
    for (const number of post.events) this.made[number] ??= { post, body: bodyOf(this.organizationId, number) };
    const bodies = post.events.map((number) => this.made[number]!.body);
    const request = requestOf(bodies.length > 1 ? `[${bodies.join(',')}]` : bodies[0]!, post.key);
    const answering = this.#inIsolate(async (bindings, ctx) => {
      const response = await worker.fetch(request, bindings, ctx);
      if (response.status !== 202 && response.status !== 503) throw new Error(`${response.status}: ${await response.text()}`);
      return response.status === 202 ? await this.#time.standing(response.json<{ id?: string; ids?: string[] }>()) : null;
    });
    const accepted = await answering.catch((error: Error) => {
      if (error.message !== INVOCATION_ENDED) throw error;
      return null;
    });
    if (!accepted) {
      if (post.key) this.#later(AGAIN_AFTER_MS, () => this.#post(post));
      return;
    }
    const ids = accepted.ids ?? [accepted.id as string];
    this.promised.push(...ids.map((id, index) => ({ id, event: post.events[index]! })));
  }

  async #cron(): Promise<void> {
    const controller = { scheduledTime: Date.now(), cron: '* * * * *', noRetry: () => {} } as ScheduledController;
    // One that fails is followed by the next minute's.
    await this.#inIsolate((bindings) => worker.scheduled(controller, bindings)).catch(() => {});
  }

  /**
   * Without lost alarms the cron is not needed: a run without it shows that nothing leans on it. Of a day's sweeps these are enough:
   * some while what is known to wait falls due, and those in which these few webhooks have their turn.
   */
  #cronsFromNowOn(): void {
    const now = Date.now();
    const midnight = Math.ceil(now / DAY_MS) * DAY_MS - now;
    for (const after of [0, midnight]) {
      for (let sweeps = 0; sweeps < SWEEPS; sweeps++) this.#time.after(after + sweeps * SWEEP_EVERY_MS, () => void this.#cron());
    }
    for (const turn of this.webhookIds.keys()) this.#time.after(midnight + turn * 60_000, () => void this.#cron());
  }

  /** Something that will happen: the run is not over before it has. */
  #later(delayMs: number, work: () => Promise<unknown> | undefined): void {
    this.#working++;
    const happen = async () => {
      try {
        await work();
      } catch (error) {
        this.failure ??= error;
      } finally {
        this.#working--;
      }
    };
    this.#time.after(delayMs, () => void happen());
  }

  #isOver(): boolean {
    if (this.failure) throw this.failure;
    if (Date.now() - this.#startedAt > LONGEST_MS) throw new Error('deliveries are still waiting after five days');
    if (this.#storm || this.#working > 0 || !this.queue.isEmpty || !this.#isErased()) return false;
    const hosts = this.webhookIds.map((id) => this.host(id));
    if (hosts.some(({ alarmRuns, context }) => alarmRuns || context?.isAtWork)) return false;
    return !hosts.some((host) => host.waits());
  }
}

/** A call of an object's method. */
async function callOf(host: ObjectHost<unknown>, _: string, method: string, args: unknown[]): Promise<unknown> {
  return await host.call((object) => (object as Record<string, (...all: unknown[]) => unknown>)[method]!(...args));
}
