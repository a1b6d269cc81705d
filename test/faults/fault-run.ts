import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { knownEventTypes } from '../../src/api/catalogue.ts';
import { databaseOf } from '../../src/db/client.ts';
import { busyOutboxes, organizations, webhooks } from '../../src/db/schema.ts';
import { mintId } from '../../src/domain/ids.ts';
import worker from '../../src/index.ts';
import { seeded } from '../simulation/random.ts';
import { Edges, type Life } from './edges.ts';
import { Endpoints, urlOf } from './endpoints.ts';
import { EventQueue } from './event-queue.ts';
import { FaultPlan } from './fault-plan.ts';
import { faultyQueue } from './faulty-bindings.ts';
import { Isolate } from './isolate.ts';
import type { LocalDatabase } from './local-database.ts';
import type { OutboxHost } from './outbox-host.ts';
import { bodyOf, requestOf } from './producer.ts';
import { type Post, type Scenario, scenarioOf } from './scenario.ts';
import type { VirtualTime } from './virtual-time.ts';

/** When the first run begins. The next ones follow a month later each: what an isolate remembers of the one before is old. */
const EPOCH = Date.UTC(2027, 0, 1);
const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;
/** A producer's wait before it posts again. */
const AGAIN_AFTER_MS = 5_000;
/** The sweeps of a storm's end. */
const SWEEPS = 9;
const SWEEP_EVERY_MS = 600_000;
/** The share of alarms that never fire, in a run that loses any. */
const LOST_ALARMS = 0.3;
/** Everything has ended by then: deliveries expire after three days. */
const LONGEST_MS = 5 * DAY_MS;

/** An event as a producer made it. */
export interface Made {
  post: Post;
  body: string;
}

/** What runs take place on, one after another. */
export interface Grounds {
  hosts: readonly OutboxHost[];
  database: LocalDatabase;
  time: VirtualTime;
}

/** One seed's run: its parts, wired as Cloudflare would wire them, and what is known of it from outside. */
export class FaultRun {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly plan: FaultPlan;
  readonly queue: EventQueue;
  readonly endpoints: Endpoints;
  readonly organizationId: string;
  readonly webhookIds: readonly string[];
  /** Events by number. */
  readonly made: Made[] = [];
  /** Ids that a 202 promised, with the number of the event. */
  readonly promised: { id: string; event: number }[] = [];
  /** How long it took until everything had ended. */
  tookMs = 0;
  /** What must not happen in any run, and has: an answer of ingest that is neither 202 nor 503. */
  failure: unknown;
  readonly #hosts = new Map<string, OutboxHost>();
  readonly #edges: Edges;
  readonly #database: LocalDatabase;
  readonly #time: VirtualTime;
  readonly #startedAt: number;
  #isolate: Isolate | null = null;
  #working = 0;
  #storm = true;

  constructor(seed: number, { hosts, database, time }: Grounds, month: number) {
    this.seed = seed;
    this.#database = database;
    this.#time = time;
    this.#startedAt = EPOCH + month * MONTH_MS;
    time.start(this.#startedAt);
    const random = seeded(seed, 2);
    vi.spyOn(Math, 'random').mockImplementation(seeded(seed, 3));
    this.scenario = scenarioOf(seed);
    this.plan = new FaultPlan(seed);
    this.#edges = new Edges(this.plan, time);
    this.organizationId = `org_${seed}`;
    this.webhookIds = this.scenario.webhooks.map(() => mintId('webhook', Date.now()));
    for (const [index, id] of this.webhookIds.entries()) this.#hosts.set(id, hosts[index] as OutboxHost);
    this.queue = new EventQueue(random, (batch) => this.#inIsolate((bindings, ctx) => worker.queue(batch, bindings, ctx)));
    this.endpoints = new Endpoints(seed, this.webhookIds, this.plan, time, (id) =>
      random() < 0.5 ? this.host(id).kill() : this.#isolate?.die(),
    );
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => this.endpoints.fetch(url, init));
  }

  host(webhookId: string): OutboxHost {
    return this.#hosts.get(webhookId) as OutboxHost;
  }

  /** Lets everything happen that is to, until all of it is over. */
  async run(): Promise<void> {
    await this.#configure();
    const { posts, stormMs, cronsAtMs, killsAtMs, losesAlarms } = this.scenario;
    for (const post of posts) this.#later(post.atMs, () => this.#post(post));
    for (const atMs of cronsAtMs) this.#later(atMs, () => this.#cron());
    for (const { atMs, webhook } of killsAtMs) {
      this.#later(atMs, async () => (webhook === null ? this.#isolate?.die() : this.host(this.webhookIds[webhook]!).kill()));
    }
    this.#later(stormMs, async () => {
      this.#storm = false;
      this.plan.end();
      if (losesAlarms) this.#cronsFromNowOn();
    });
    await this.#time.run(() => this.#isOver());
    this.tookMs = Date.now() - this.#startedAt;
  }

  /** What still runs (a hung call, work after an answer) ends here, and not in the next run. */
  async end(): Promise<void> {
    this.#isolate?.die();
    for (const host of this.#hosts.values()) host.kill();
    await this.#time.rest();
    this.#time.stop();
  }

  async #configure(): Promise<void> {
    const now = Date.now();
    const db = databaseOf(this.#database.binding());
    const { organizationId } = this;
    const rows = this.scenario.webhooks.map((webhook, index) => {
      const id = this.webhookIds[index]!;
      return { ...webhook, id, organizationId, url: urlOf(id), events: ['visitor.*'], healthSince: now, createdAt: now, updatedAt: now };
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
    for (const webhookId of this.webhookIds) {
      this.host(webhookId).begin({ webhookId, edges: this.#edges, envOf: (life) => ({ ...env, ...this.#bindings(life) }), losesAlarm });
    }
  }

  #bindings(life: Life): Partial<Env> {
    const outbox = (id: string) =>
      new Proxy({} as DurableObjectStub, {
        get:
          (_, method: string) =>
          (...args: unknown[]) =>
            this.#edges.pass('outbox.call', life, () => this.#call(id, method, args)),
      });
    const events = faultyQueue((bodies) => this.queue.enqueue(bodies), this.#edges, life);
    return {
      DB: this.#database.binding(this.#edges, life),
      EVENTS: events,
      OVERFLOW: events,
      OVERFLOW_ABOVE: '1',
      DEAD_LETTERS: faultyQueue((bodies) => this.queue.dead.push(...bodies), this.#edges, life),
      OUTBOX: { getByName: outbox } as unknown as Env['OUTBOX'],
    };
  }

  /** A call as RPC makes it: what is passed is a copy. */
  async #call(webhookId: string, method: string, args: unknown[]): Promise<unknown> {
    const copies = structuredClone(args);
    return structuredClone(
      await this.host(webhookId).call((outbox) =>
        (outbox as unknown as Record<string, (...all: unknown[]) => unknown>)[method]!(...copies),
      ),
    );
  }

  #inIsolate<T>(handler: (bindings: Env, ctx: ExecutionContext) => Promise<T>): Promise<T> {
    this.#isolate ??= new Isolate(
      (life) => this.#bindings(life),
      () => {
        this.#isolate = null;
      },
    );
    return this.#isolate.run(handler);
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
      if (error.message !== 'the isolate has ended') throw error;
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
      for (let sweeps = 0; sweeps < SWEEPS; sweeps++) setTimeout(() => void this.#cron(), after + sweeps * SWEEP_EVERY_MS);
    }
    for (const turn of this.webhookIds.keys()) setTimeout(() => void this.#cron(), midnight + turn * 60_000);
  }

  /** Something that will happen: the run is not over before it has. */
  #later(delayMs: number, work: () => Promise<unknown> | undefined): void {
    this.#working++;
    setTimeout(async () => {
      try {
        await work();
      } catch (error) {
        this.failure ??= error;
      } finally {
        this.#working--;
      }
    }, delayMs);
  }

  #isOver(): boolean {
    if (this.failure) throw this.failure;
    if (Date.now() - this.#startedAt > LONGEST_MS) throw new Error('deliveries are still waiting after five days');
    if (this.#storm || this.#working > 0 || !this.queue.isEmpty) return false;
    const hosts = this.webhookIds.map((id) => this.host(id));
    if (hosts.some(({ alarmRuns }) => alarmRuns)) return false;
    return !hosts.some((host) => host.waits());
  }
}
