import { type AttemptResult, interruptedAttempt } from '../attempt/attempt.ts';
import type { OutboxConfig } from '../db/configuration.ts';
import { permission } from '../domain/circuit.ts';
import type { EndpointPace } from '../domain/endpoint-pace.ts';
import { verdictOf } from '../domain/endpoint-pace.ts';
import { begin, beginManual } from '../domain/lifecycle.ts';
import { includesWebhooks } from '../domain/plan.ts';
import { logError } from '../log.ts';
import type { StoredDelivery } from './delivery-row.ts';
import type { EndpointHealth } from './endpoint-health.ts';
import type { Fresh, FreshDelivery } from './fresh.ts';
import type { DiscardReason, Ledger } from './ledger.ts';
import { Places } from './places.ts';
import type { Store } from './store.ts';
import type { Vitals } from './vitals.ts';

/**
 * Attempts that are begun in an invocation, and steps of keeping house. Workers: 10,000 subrequests and 30 s of CPU an invocation by
 * default, which for an object only an incoming call renews. Beyond these a new alarm goes on.
 */
const ATTEMPTS_AN_INVOCATION = 1_000;
const STEPS_AN_INVOCATION = 100;
/** Rows looked at in one step: calls are served between two. */
const STEP_ROWS = 100;
/** After a fault of ours (D1 unreachable, a secret that does not open, storage that is full) nothing begins sooner, whoever calls. */
const AFTER_FAULT_MS = 30_000;
/** How often what is held is looked through for what has waited for too long. */
const OVERDUE_EVERY_MS = 60_000;
/** What has ended of deliveries that are stored together is kept no later than this, whatever the others do. */
const KEEP_AFTER_MS = 1_000;

/** What is to be sent, and through which place's connections. */
export interface Dispatch {
  config: OutboxConfig;
  delivery: StoredDelivery;
  payload: Uint8Array;
  place: number;
}

/** What a dispatcher needs of the world. */
export interface DispatcherDeps {
  now(): number;
  /** The webhook's configuration where what is known of it is recent enough to attempt by; undefined: it is to be read. */
  recentConfiguration(): OutboxConfig | undefined;
  /** The configuration; null where the webhook has been deleted. Throws where none can be had. */
  readConfiguration(): Promise<OutboxConfig | null>;
  /** Makes an attempt. Null: nobody knows how it ended. Throws where nothing was sent, through a fault of ours. */
  attempt(dispatch: Dispatch): Promise<AttemptResult | null>;
  /** The webhook has been deleted: everything that is left of it goes. */
  erase(): Promise<void>;
  /** Something has begun, ended or become due: the alarm is to be right. */
  arm(): void;
  /** Work that goes on when the call or alarm that began it is over: the object is to stay for it. */
  keepAwake(work: Promise<unknown>): void;
  /** A fault of ours: what is known of the configuration may be the cause. */
  faulted(error: unknown): void;
}

/** An attempt that runs, or that has ended and could not be recorded yet. */
interface Running {
  /** As it stands while the attempt runs. */
  begun: StoredDelivery;
  config: OutboxConfig;
  fresh: FreshDelivery | null;
  /** Whether it counts against the endpoint's pace: what a person asks for does not. */
  isPaced: boolean;
  /** Keeps how it ended; returns the delivery as it then stands, null where it is not here any more. */
  record(result: AttemptResult, isCurrent: boolean): StoredDelivery | null;
  /** Set when it has ended. */
  outcome: { result: AttemptResult; isCurrent: boolean } | null;
}

/**
 * The one place where attempts begin: first ones from memory, what is due from the rows, probes, and what a person asks for. It decides
 * when (circuit, owner's pace, endpoint's pace, connections), and keeps how they ended. It is driven by what happens: pump() begins
 * what may begin now, and is called when anything has come, ended or become due.
 */
export class Dispatcher {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #fresh: Fresh;
  readonly #vitals: Vitals;
  readonly #health: EndpointHealth;
  readonly #pace: EndpointPace;
  readonly #deps: DispatcherDeps;
  readonly #maxConcurrency: number;
  readonly #places: Places;
  readonly #running = new Map<string, Running>();
  /** What a person asks for, while all connections are in use. */
  readonly #byHand: ((place: number) => void)[] = [];
  readonly #idle: (() => void)[] = [];
  #paced = 0;
  #attemptsLeft = ATTEMPTS_AN_INVOCATION;
  #stepsLeft = STEPS_AN_INVOCATION;
  /** The owner's pace: no attempt begins before this. */
  #nextBeginAt = 0;
  /** While the circuit holds everything, what has waited for too long is looked for no sooner than this. */
  #overdueLookAt = 0;
  #reading = false;
  #pumping = false;
  /** A step of keeping house is done, and the next is about to come. */
  #stepping = false;
  #freshIsNext = true;
  #wake: { at: number; timer: ReturnType<typeof setTimeout> } | null = null;
  #keeping: ReturnType<typeof setTimeout> | null = null;
  /** The first rows that are due, as of some change of the rows; all of them, where there are fewer than were asked for. */
  #due: { changes: number; asked: number; rows: { id: string; due_at: number }[] } = { changes: -1, asked: 0, rows: [] };

  constructor(
    parts: { store: Store; ledger: Ledger; fresh: Fresh; vitals: Vitals; health: EndpointHealth; pace: EndpointPace },
    maxConcurrency: number,
    deps: DispatcherDeps,
  ) {
    this.#store = parts.store;
    this.#ledger = parts.ledger;
    this.#fresh = parts.fresh;
    this.#vitals = parts.vitals;
    this.#health = parts.health;
    this.#pace = parts.pace;
    this.#maxConcurrency = maxConcurrency;
    this.#places = new Places(maxConcurrency);
    this.#deps = deps;
  }

  /** A call or an alarm has come in: the platform's limits are fresh. */
  renew(): void {
    this.#attemptsLeft = ATTEMPTS_AN_INVOCATION;
    this.#stepsLeft = STEPS_AN_INVOCATION;
  }

  /** Whether a new invocation is needed to go on. */
  get isSpent(): boolean {
    return this.#attemptsLeft <= 0 || this.#stepsLeft <= 0;
  }

  /** Whether attempts run of deliveries that have rows of their own, or that a person asks for. */
  get runsStored(): boolean {
    for (const { fresh } of this.#running.values()) if (!fresh) return true;
    return false;
  }

  /** A delivery as it stands while an attempt of it runs; null where none does. */
  runningNow(id: string): StoredDelivery | null {
    return this.#running.get(id)?.begun ?? null;
  }

  /** When the first of the rows is due that does not run; null where none is. */
  dueAt(): number | null {
    const { changes } = this.#store;
    const waits = ({ id }: { id: string }) => !this.#running.has(id);
    let first = this.#due.rows.find(waits);
    if (this.#due.changes !== changes || (!first && this.#due.rows.length === this.#due.asked)) {
      const asked = this.#running.size + 1;
      this.#due = { changes, asked, rows: this.#store.dueTimes(asked) };
      first = this.#due.rows.find(waits);
    }
    return first?.due_at ?? null;
  }

  /** Begins what may begin now. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#stepping = false;
    try {
      this.#recordEnded();
      this.#beginByHand();
      this.#fill();
      this.#vitals.save();
    } catch (error) {
      this.fault(error);
    } finally {
      this.#pumping = false;
      this.#tellIdle();
    }
  }

  /** The same at a time that is near, while the object is awake: an alarm is billed. */
  pumpAt(at: number): void {
    const now = this.#deps.now();
    // One that should have come is set anew: nothing is to wait for a timer that is late.
    if (this.#wake && this.#wake.at <= at && this.#wake.at > now) return;
    if (this.#wake) clearTimeout(this.#wake.timer);
    const wake = () => {
      this.#wake = null;
      this.pump();
      this.#deps.arm();
    };
    this.#wake = { at, timer: setTimeout(wake, Math.max(0, at - now)) };
  }

  /** Fulfilled when nothing runs, when this invocation has done its share, or after a time. */
  async idle(withinMs: number): Promise<void> {
    if (this.#isIdle()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#idle.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  /**
   * Makes an attempt that a person asks for: at once, whatever circuit and paces say, as soon as there is a connection.
   * @param record keeps how it ended
   * @returns what came of it; null where nothing could be sent, through a fault of ours
   */
  async attemptByHand(
    begun: StoredDelivery,
    payload: Uint8Array,
    config: OutboxConfig,
    record: Running['record'] = (result, isCurrent) => this.#ledger.end(begun, result, isCurrent),
  ): Promise<AttemptResult | null> {
    const running: Running = { begun, config, fresh: null, isPaced: false, record, outcome: null };
    this.#running.set(begun.id, running);
    const place = this.#places.take() ?? (await new Promise<number>((resolve) => this.#byHand.push(resolve)));
    return await this.#run(running, payload, place);
  }

  /** What a person's retry would be; null where an attempt of it runs. */
  beginByHand(delivery: StoredDelivery, now: number): StoredDelivery | null {
    if (this.#running.has(delivery.id)) return null;
    const state = beginManual(delivery.state, now);
    return state && { ...delivery, state };
  }

  /** Notes that an attempt of a stored delivery runs: whoever finds that note without it knows that it was interrupted. */
  note({ createdAt, id, state }: StoredDelivery): void {
    const { attemptCount: number, trigger, leasedAt } = state;
    this.#vitals.began({ createdAt, id, number, trigger, startedAt: leasedAt ?? this.#deps.now() });
  }

  /** A fault of ours: nothing begins for a while, whoever calls, and what has not begun goes to the rows. */
  fault(error: unknown): void {
    const now = this.#deps.now();
    this.#deps.faulted(error);
    try {
      this.#vitals.notBefore = now + AFTER_FAULT_MS;
      this.#fresh.spill(now);
      this.#vitals.save();
    } catch (storage) {
      logError('outbox.not_stored', storage);
    }
    // How an attempt ended that could not be recorded is in memory alone: the object is not to be idle.
    if ([...this.#running.values()].some(({ outcome }) => outcome !== null)) this.pumpAt(now + AFTER_FAULT_MS);
    this.#deps.arm();
  }

  /** Keeps what has ended and is in memory alone, which an object that has nothing to do loses; where that fails, again and again. */
  keepSoon(afterMs = KEEP_AFTER_MS): void {
    this.#keeping ??= setTimeout(() => {
      this.#keeping = null;
      try {
        this.#fresh.keepEnded();
      } catch (error) {
        this.fault(error);
        this.keepSoon(AFTER_FAULT_MS);
      }
    }, afterMs);
  }

  /** The storage has been emptied: what runs runs for nobody. */
  reset(): void {
    this.#running.clear();
    if (this.#wake) clearTimeout(this.#wake.timer);
    if (this.#keeping) clearTimeout(this.#keeping);
    this.#wake = null;
    this.#keeping = null;
  }

  #fill(): void {
    while (!this.#reading && !this.isSpent) {
      const now = this.#deps.now();
      if (now < this.#vitals.notBefore) return;
      const rowsAreDue = (this.dueAt() ?? Number.POSITIVE_INFINITY) <= now;
      if (!rowsAreDue && !this.#fresh.peek()) return;
      const config = this.#deps.recentConfiguration();
      if (!config) {
        void this.#readConfiguration();
        return;
      }
      // Asked for now: with the configuration the owner can have given the endpoint a fresh start.
      const permitted = permission(this.#vitals.circuit, now);
      const isUsable = whyNotDelivered(config) === null;
      if (isUsable && permitted.kind === 'hold' && now < this.#overdueLookAt) {
        this.#fresh.spill(now);
        return;
      }
      const rows = rowsAreDue ? this.#store.due(now, this.#running.size + STEP_ROWS).filter(({ id }) => !this.#running.has(id)) : [];
      const reason = whyNotDelivered(config);
      if (reason !== null) {
        this.#discard(rows, reason, now);
        return;
      }
      if (this.#endOverdue(rows, now)) return;
      this.#overdueLookAt = now + OVERDUE_EVERY_MS;
      if (permitted.kind !== 'attempt') {
        this.#fresh.spill(now);
        if (permitted.kind === 'probe' && this.#running.size === 0) this.#probe(config, now);
        return;
      }
      if (!this.#beginSome(rows, config, now)) return;
    }
  }

  /** Begins what connections and paces permit; returns whether there may be room for more than these rows. */
  #beginSome(rows: StoredDelivery[], config: OutboxConfig, now: number): boolean {
    for (;;) {
      const fresh = this.#fresh.peek();
      if (!fresh && rows.length === 0) return true;
      if (this.#paced >= this.#limit(config) || this.#attemptsLeft <= 0) return false;
      const waitMs = this.#ownersPaceMs(config, now);
      if (waitMs > 0) {
        this.pumpAt(now + waitMs);
        return false;
      }
      const place = this.#places.take();
      if (place === null) return false;
      // What comes and what waited go out in turns: neither stands behind the other.
      this.#freshIsNext = !this.#freshIsNext;
      const row = fresh && (this.#freshIsNext || rows.length === 0) ? undefined : rows.shift();
      if (row) this.#beginStored(row, config, place, now);
      else if (fresh) this.#beginFresh(fresh, config, place, now);
    }
  }

  #limit({ webhook }: OutboxConfig): number {
    return this.#pace.limit(webhook.maxConcurrent ?? this.#maxConcurrency);
  }

  /** How long the owner's pace has the next attempt wait; 0: it begins now. */
  #ownersPaceMs({ webhook }: OutboxConfig, now: number): number {
    if (webhook.maxPerSecond === null) return 0;
    if (this.#nextBeginAt > now) return this.#nextBeginAt - now;
    // What was late is not caught up with: the pace is a limit, not a goal.
    this.#nextBeginAt = now + 1_000 / webhook.maxPerSecond;
    return 0;
  }

  #beginFresh(fresh: FreshDelivery, config: OutboxConfig, place: number, now: number): void {
    this.#fresh.begin(fresh, now);
    const record: Running['record'] = (result, isCurrent) => {
      if (this.#fresh.get(fresh.delivery.id) !== fresh) return null;
      if (!fresh.result) this.#fresh.end(fresh, result, isCurrent);
      if (this.#fresh.keepIfLast(fresh)) this.keepSoon();
      return fresh.stored;
    };
    this.#start({ begun: fresh.stored, config, fresh, isPaced: true, record, outcome: null }, fresh.delivery.payload, place);
  }

  #beginStored(delivery: StoredDelivery, config: OutboxConfig, place: number, now: number, trigger = delivery.state.trigger): void {
    const state = begin(delivery.state, now, trigger);
    if (!state) throw new Error(`delivery ${delivery.id} is not there to begin`);
    const begun = { ...delivery, state };
    const payload = this.#store.payload(delivery);
    this.note(begun);
    const record: Running['record'] = (result, isCurrent) => this.#ledger.end(begun, result, isCurrent);
    this.#start({ begun, config, fresh: null, isPaced: true, record, outcome: null }, payload, place);
  }

  #probe(config: OutboxConfig, now: number): void {
    const [longestDue] = this.#store.due(now, 1);
    // The newest of those that no attempt has told anything of yet: a record that the endpoint rejects holds up no other.
    const delivery = this.#store.newestToProbe(now) ?? longestDue;
    const place = delivery ? this.#places.take() : null;
    if (delivery && place !== null) this.#beginStored(delivery, config, place, now, 'probe');
  }

  #start(running: Running, payload: Uint8Array, place: number): void {
    this.#attemptsLeft--;
    this.#paced++;
    this.#running.set(running.begun.id, running);
    this.#deps.keepAwake(this.#run(running, payload, place));
  }

  async #run(running: Running, payload: Uint8Array, place: number): Promise<AttemptResult | null> {
    const { begun, config } = running;
    const wasLimited = () => running.isPaced && (this.#paced >= this.#limit(config) || this.#fresh.peek() !== null);
    try {
      const made = await this.#deps.attempt({ config, delivery: begun, payload, place });
      const { attemptCount, trigger, leasedAt } = begun.state;
      const result = made ?? { record: interruptedAttempt(attemptCount, trigger, leasedAt ?? 0), retryAfterMs: null };
      this.#learn(result, wasLimited());
      const isCurrent = await this.#isCurrent(running, result);
      running.outcome = { result, isCurrent };
      return result;
    } catch (error) {
      this.#putBack(running);
      this.fault(error);
      return null;
    } finally {
      this.#places.free(place);
      if (running.isPaced) this.#paced--;
      this.pump();
      // What is in memory alone needs no alarm; the call that brought it sees to what becomes of it.
      if (!running.fresh || running.fresh.flight) this.#deps.arm();
    }
  }

  /** What an attempt says about how much the endpoint takes. One that nobody knows of says nothing. */
  #learn({ record }: AttemptResult, wasLimited: boolean): void {
    if (record.outcome === 'interrupted') return;
    const attempt = { startedAt: record.startedAt, tookMs: record.durationMs ?? 0, verdict: verdictOf(record.responseStatus) };
    this.#pace.ended(attempt, this.#deps.now(), this.#maxConcurrency, wasLimited);
  }

  /**
   * Whether an outcome speaks of the webhook as it is: not where its owner has enabled it, or pointed it elsewhere, since the attempt
   * began. Of a failure it is asked as exactly as can be, since it may disable the webhook.
   */
  async #isCurrent({ begun, config }: Running, { record }: AttemptResult): Promise<boolean> {
    let known = this.#deps.recentConfiguration();
    try {
      if (!known && record.outcome !== 'succeeded') known = (await this.#deps.readConfiguration()) ?? undefined;
    } catch {
      // What is known is all there is.
    }
    const { webhook } = known ?? config;
    return webhook.url === config.webhook.url && this.#health.resetAt <= (begun.state.leasedAt ?? 0);
  }

  /** Keeps how attempts ended. One that cannot be kept stays here, so that it is not made again though its outcome is known. */
  #recordEnded(): void {
    for (const running of this.#running.values()) {
      if (!running.outcome) continue;
      const { result, isCurrent } = running.outcome;
      const delivery = running.record(result, isCurrent);
      this.#running.delete(running.begun.id);
      this.#vitals.ended(running.begun.id);
      if (delivery) this.#health.attempted(running.config, delivery, result, isCurrent, this.#isDrained());
    }
  }

  /** Whether nothing is left that is due. */
  #isDrained(): boolean {
    return !this.#fresh.peek() && (this.dueAt() ?? Number.POSITIVE_INFINITY) > this.#deps.now();
  }

  /** An attempt could not be sent: it is as if it had not begun. */
  #putBack({ begun, fresh }: Running): void {
    this.#running.delete(begun.id);
    this.#vitals.ended(begun.id);
    if (fresh && this.#fresh.get(begun.id) === fresh) this.#fresh.putBack(fresh);
  }

  /** What a person asks for goes before everything else. */
  #beginByHand(): void {
    while (this.#byHand.length > 0) {
      const place = this.#places.take();
      if (place === null) return;
      this.#byHand.shift()?.(place);
    }
  }

  async #readConfiguration(): Promise<void> {
    this.#reading = true;
    try {
      if ((await this.#deps.readConfiguration()) === null) await this.#deps.erase();
    } catch (error) {
      this.fault(error);
    } finally {
      this.#reading = false;
      this.pump();
      this.#deps.arm();
    }
  }

  /** Ends what is not to be attempted, a step's rows at a time. */
  #discard(rows: readonly StoredDelivery[], reason: DiscardReason, now: number): void {
    this.#fresh.discard(reason, now);
    this.#step(() => {
      for (const delivery of rows) this.#ledger.discard(delivery, reason, now);
    });
  }

  /** Ends what has waited for too long, and what a version before has left running; returns whether there was any. */
  #endOverdue(rows: readonly StoredDelivery[], now: number): boolean {
    const interrupted = rows.filter(({ state }) => state.leasedAt !== null);
    const expired = rows.filter(({ state }) => state.leasedAt === null && state.expiresAt <= now);
    if (interrupted.length + expired.length === 0) return false;
    this.#step(() => {
      for (const delivery of interrupted) this.#ledger.interrupt(delivery, now);
      for (const delivery of expired) this.#ledger.expire(delivery, now);
    });
    return true;
  }

  /** One step of many; calls are served before the next. */
  #step(work: () => void): void {
    this.#store.atomically(work);
    this.#stepsLeft--;
    this.#stepping = true;
    this.pumpAt(this.#deps.now());
  }

  #isIdle(): boolean {
    return this.isSpent || (!this.#reading && !this.#stepping && [...this.#running.values()].every(({ outcome }) => outcome !== null));
  }

  #tellIdle(): void {
    if (this.#idle.length > 0 && this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Why a webhook's deliveries are not to be attempted; null where they are. */
export function whyNotDelivered({ plan, webhook }: OutboxConfig): Exclude<DiscardReason, 'outbox_full'> | null {
  if (!includesWebhooks(plan)) return 'plan_not_eligible';
  return webhook.enabled ? null : 'webhook_disabled';
}
