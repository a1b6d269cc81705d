import { type AttemptResult, interruptedAttempt } from '../attempt/attempt.ts';
import type { OutboxConfig } from '../db/configuration.ts';
import { begin, beginManual } from '../domain/delivery/lifecycle.ts';
import { type EndpointPace, verdictOf } from '../domain/endpoint/endpoint-pace.ts';
import { isTestEvent } from '../domain/ids.ts';
import type { StoredDelivery } from './books/delivery-row.ts';
import type { Ledger } from './books/ledger.ts';
import type { Store } from './books/store.ts';
import type { Vitals } from './books/vitals.ts';
import type { EndpointHealth } from './endpoint-health.ts';
import type { Fresh, FreshDelivery } from './fresh.ts';
import type { Places } from './places.ts';
import type { Ended } from './reports/ended.ts';

/** Attempts that wait for a connection because a person asked for them; each has its payload in memory. */
const MAX_IN_LINE = 100;

/** The parts of an outbox that attempts have to do with. */
export interface RunnerParts {
  store: Store;
  ledger: Ledger;
  fresh: Fresh;
  vitals: Vitals;
  health: EndpointHealth;
  pace: EndpointPace;
  places: Places;
  ended: Ended;
}

/** What a runner needs of the world. */
export interface RunnerDeps {
  now(): number;
  /** The webhook's configuration where what is known of it is recent enough to attempt by; undefined: it is to be read. */
  recentConfiguration(): OutboxConfig | undefined;
  /** The configuration; null where the webhook has been deleted. Throws where none can be had. */
  readConfiguration(): Promise<OutboxConfig | null>;
  /** The same, asked for now, however recent what is known of it. */
  freshConfiguration(): Promise<OutboxConfig | null>;
  /** Work that goes on when the call or alarm that began it is over: the object is to stay for it. */
  keepAwake(work: Promise<unknown>): void;
}

/** What follows from an attempt's end beyond the attempt. */
export interface RunnerEvents {
  /** One has ended, or could not be sent. @param isStored whether it is of a delivery that is stored, and not in memory alone */
  ended(isStored: boolean): void;
  /** Nothing could be sent, through a fault of ours. */
  fault(error: unknown): void;
  /** Something has ended that is to be kept soon, whatever becomes of what is stored with it. */
  keepSoon(): void;
  /** How many more would run, were the endpoint's limit higher, about. */
  waiting(): number;
}

/** Keeps how an attempt ended; returns the delivery as it then stands, null where it is not here any more. */
type Record = (result: AttemptResult, isCurrent: boolean) => StoredDelivery | null;

/** An attempt that runs, or that has ended and could not be recorded yet. */
interface Running {
  /** As it stands while the attempt runs. */
  begun: StoredDelivery;
  config: OutboxConfig;
  fresh: FreshDelivery | null;
  /** Whether it counts against the endpoint's pace: what a person asks for does not. */
  isPaced: boolean;
  record: Record;
  /** Set when it has ended. */
  outcome: { result: AttemptResult; isCurrent: boolean } | null;
}

/** Makes an outbox's attempts, each on a connection, learns from them what the endpoint takes, and keeps how they ended. */
export class Runner {
  readonly #ledger: Ledger;
  readonly #fresh: Fresh;
  readonly #vitals: Vitals;
  readonly #health: EndpointHealth;
  readonly #pace: EndpointPace;
  readonly #places: Places;
  readonly #ended: Ended;
  readonly #deps: RunnerDeps;
  readonly #events: RunnerEvents;
  readonly #running = new Map<string, Running>();
  /** What a person asks for, while all connections are in use. */
  readonly #byHand: ((place: number) => void)[] = [];
  #paced = 0;

  constructor(parts: RunnerParts, deps: RunnerDeps, events: RunnerEvents) {
    this.#ledger = parts.ledger;
    this.#fresh = parts.fresh;
    this.#vitals = parts.vitals;
    this.#health = parts.health;
    this.#pace = parts.pace;
    this.#places = parts.places;
    this.#ended = parts.ended;
    this.#deps = deps;
    this.#events = events;
  }

  /** How many attempts run, those included that could not be recorded yet. */
  get size(): number {
    return this.#running.size;
  }

  /** The deliveries that they are of. */
  get ids(): string[] {
    return [...this.#running.keys()];
  }

  /** How many of them count against the endpoint's pace. */
  get paced(): number {
    return this.#paced;
  }

  /** Whether attempts run of deliveries that have rows of their own, or that a person asks for. */
  get runsStored(): boolean {
    for (const { fresh } of this.#running.values()) if (!fresh) return true;
    return false;
  }

  /** Whether any has ended that could not be recorded. */
  get hasUnrecorded(): boolean {
    for (const { outcome } of this.#running.values()) if (outcome) return true;
    return false;
  }

  /** Whether nothing runs. */
  get isAtRest(): boolean {
    for (const { outcome } of this.#running.values()) if (!outcome) return false;
    return true;
  }

  /** A delivery as it stands while an attempt of it runs; null where none does. */
  runningNow(id: string): StoredDelivery | null {
    return this.#running.get(id)?.begun ?? null;
  }

  /** Whether one more can be asked for by hand. */
  get takesByHand(): boolean {
    return this.#byHand.length < MAX_IN_LINE;
  }

  /** A first attempt begins, from memory. */
  beginFresh(fresh: FreshDelivery, config: OutboxConfig, place: number): void {
    this.#fresh.begin(fresh, config.webhook.url, this.#deps.now());
    const record: Record = (result, isCurrent) => {
      if (this.#fresh.get(fresh.delivery.id) !== fresh) return null;
      const delivery = this.#fresh.end(fresh, result, isCurrent);
      if (this.#fresh.keepIfLast(fresh)) this.#events.keepSoon();
      return delivery;
    };
    this.#start({ begun: fresh.stored, config, fresh, isPaced: true, record, outcome: null }, fresh.delivery.payload, place);
  }

  /** An attempt of a stored delivery begins. @param payload what it sends */
  beginStored(delivery: StoredDelivery, payload: Uint8Array, config: OutboxConfig, place: number, trigger = delivery.state.trigger): void {
    const state = begin(delivery.state, this.#deps.now(), trigger);
    if (!state) throw new Error(`delivery ${delivery.id} is not there to begin`);
    const begun = { ...delivery, state };
    this.note(begun, config);
    this.#start({ begun, config, fresh: null, isPaced: true, record: this.#recordOf(begun), outcome: null }, payload, place);
  }

  /** What a person's retry would be; null where an attempt of it runs. */
  begunByHand(delivery: StoredDelivery): StoredDelivery | null {
    const state = this.#running.has(delivery.id) ? null : beginManual(delivery.state, this.#deps.now());
    return state && { ...delivery, state };
  }

  /** Notes that an attempt of a stored delivery runs: whoever finds that note without it knows that it was interrupted. */
  note({ createdAt, id, state }: StoredDelivery, { webhook }: OutboxConfig): void {
    const { attemptCount: number, trigger, leasedAt } = state;
    this.#vitals.began({ createdAt, id, number, trigger, startedAt: leasedAt ?? this.#deps.now(), url: webhook.url });
  }

  /**
   * Makes an attempt that a person asks for: at once, whatever circuit and paces say, as soon as there is a connection.
   * @param record keeps how it ended
   * @returns what came of it; null where nothing could be sent, through a fault of ours
   */
  async runByHand(
    begun: StoredDelivery,
    payload: Uint8Array,
    config: OutboxConfig,
    record: Record = this.#recordOf(begun),
  ): Promise<AttemptResult | null> {
    const running: Running = { begun, config, fresh: null, isPaced: false, record, outcome: null };
    this.#running.set(begun.id, running);
    const place = this.#places.take() ?? (await new Promise<number>((resolve) => this.#byHand.push(resolve)));
    return await this.#run(running, payload, place);
  }

  /** Gives connections that are free to what a person asks for. */
  serveByHand(): void {
    while (this.#byHand.length > 0) {
      const place = this.#places.take();
      if (place === null) return;
      this.#byHand.shift()?.(place);
    }
  }

  /** Keeps how attempts ended. One that cannot be kept stays here, so that it is not made again though its outcome is known. */
  recordEnded(isDrained: () => boolean): void {
    for (const running of this.#running.values()) {
      if (!running.outcome) continue;
      const { result, isCurrent } = running.outcome;
      const delivery = running.record(result, isCurrent);
      this.#forget(running);
      if (!delivery) continue;
      this.#ended.attempt(delivery, result, running.fresh !== null);
      this.#health.attempted(running.config, delivery, result, isCurrent, isDrained());
    }
  }

  /** The storage has been emptied: what runs runs for nobody. */
  reset(): void {
    this.#running.clear();
  }

  #recordOf(begun: StoredDelivery): Record {
    return (result, isCurrent) => this.#ledger.end(begun, result, isCurrent);
  }

  #start(running: Running, payload: Uint8Array, place: number): void {
    this.#paced++;
    this.#running.set(running.begun.id, running);
    this.#deps.keepAwake(this.#run(running, payload, place));
  }

  async #run(running: Running, payload: Uint8Array, place: number): Promise<AttemptResult | null> {
    const { begun, config, isPaced, fresh } = running;
    try {
      const made = await this.#places.attempt(place, config.webhook, begun, payload);
      const { attemptCount, trigger, leasedAt } = begun.state;
      const lost = () => interruptedAttempt(attemptCount, trigger, leasedAt ?? 0, config.webhook.url);
      const result = made ?? { record: lost(), retryAfterMs: null };
      if (!isTestEvent(begun.eventId)) this.#learn(result, isPaced ? this.#events.waiting() : 0);
      running.outcome = { result, isCurrent: await this.#isCurrent(running, result) };
      return result;
    } catch (error) {
      // It is as if it had not begun.
      this.#forget(running);
      if (fresh && this.#fresh.get(begun.id) === fresh) this.#fresh.putBack(fresh);
      this.#events.fault(error);
      return null;
    } finally {
      this.#places.free(place);
      if (isPaced) this.#paced--;
      this.#events.ended(!fresh || fresh.flight !== null);
    }
  }

  /** What an attempt says about how much the endpoint takes. One that nobody knows of says nothing, and a test counts for nothing. */
  #learn({ record }: AttemptResult, waiting: number): void {
    if (record.outcome === 'interrupted') return;
    const attempt = { startedAt: record.startedAt, tookMs: record.durationMs ?? 0, verdict: verdictOf(record.responseStatus) };
    this.#pace.ended(attempt, this.#deps.now(), this.#places.most, waiting);
  }

  /**
   * Whether an outcome speaks of the webhook as it is: not where its owner has enabled it, or pointed it elsewhere, since the attempt
   * began. It is told by what the attempt was made with and not by the time, which two machines have two of. A 410 ends the delivery and
   * disables the webhook: of one it is asked as exactly as can be.
   */
  async #isCurrent({ config }: Running, { record }: AttemptResult): Promise<boolean> {
    const { recentConfiguration, readConfiguration, freshConfiguration } = this.#deps;
    let known = recentConfiguration();
    try {
      const matters = record.outcome !== 'succeeded' || this.#health.isBlemished;
      if (record.responseStatus === 410) known = (await freshConfiguration()) ?? known;
      else if (!known && matters) known = (await readConfiguration()) ?? undefined;
    } catch {
      // What is known is all there is.
    }
    const { url, freshSince = 0 } = (known ?? config).webhook;
    return url === config.webhook.url && freshSince === (config.webhook.freshSince ?? 0);
  }

  #forget({ begun }: Running): void {
    this.#running.delete(begun.id);
    this.#vitals.ended(begun.id);
  }
}
