import type { OutboxConfig } from '../db/configuration.ts';
import { permission } from '../domain/endpoint/circuit.ts';
import type { EndpointPace } from '../domain/endpoint/endpoint-pace.ts';
import { includesWebhooks } from '../domain/plan.ts';
import { logError } from '../log.ts';
import type { StoredDelivery } from './books/delivery-row.ts';
import type { DiscardReason, Ledger } from './books/ledger.ts';
import type { Store } from './books/store.ts';
import type { Vitals } from './books/vitals.ts';
import type { Fresh, FreshDelivery } from './fresh.ts';
import type { Places } from './places.ts';
import type { Renderer } from './renderer.ts';
import { Runner, type RunnerDeps, type RunnerParts } from './runner.ts';

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
export const KEEP_AFTER_MS = 1_000;

interface Parts extends RunnerParts {
  renderer: Renderer;
}

/** What a dispatcher needs of the world. */
export interface DispatcherDeps extends RunnerDeps {
  /** The webhook has been deleted: everything that is left of it goes. */
  erase(): Promise<void>;
  /** Ends what is about to be attempted of what is canceled, or is of somebody who is erased; returns whether there was any. */
  endSome(about: readonly StoredDelivery[], now: number): boolean;
  /** Something has begun, ended or become due: the alarm is to be right. */
  arm(): void;
  /** A fault of ours: what is known of the configuration may be the cause. */
  faulted(error: unknown): void;
}

/**
 * The one place where attempts begin: first ones from memory, what is due from the rows, probes, and what a person asks for. It decides
 * when (circuit, owner's pace, endpoint's pace, connections); Runner makes them. It is driven by what happens: pump() begins what may
 * begin now, and is called when anything has come, ended or become due.
 */
export class Dispatcher {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #fresh: Fresh;
  readonly #vitals: Vitals;
  readonly #pace: EndpointPace;
  readonly #places: Places;
  readonly #renderer: Renderer;
  readonly #deps: DispatcherDeps;
  readonly runner: Runner;
  readonly #idle: (() => void)[] = [];
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

  constructor(parts: Parts, deps: DispatcherDeps) {
    this.#store = parts.store;
    this.#ledger = parts.ledger;
    this.#fresh = parts.fresh;
    this.#vitals = parts.vitals;
    this.#pace = parts.pace;
    this.#places = parts.places;
    this.#renderer = parts.renderer;
    this.#deps = deps;
    this.runner = new Runner(parts, deps, {
      ended: (isStored) => {
        this.pump();
        // What is in memory alone needs no alarm; the call that brought it sees to what becomes of it.
        if (isStored) deps.arm();
      },
      fault: (error) => this.fault(error),
      keepSoon: () => this.#keepSoon(),
      waiting: () => this.#waiting(),
    });
  }

  /** A call or an alarm has come in: the platform's limits are fresh. */
  renew(): void {
    this.#attemptsLeft = ATTEMPTS_AN_INVOCATION;
    this.#stepsLeft = STEPS_AN_INVOCATION;
    this.#renderer.renew();
  }

  /** Whether a new invocation is needed to go on. */
  get isSpent(): boolean {
    return this.#attemptsLeft <= 0 || this.#stepsLeft <= 0;
  }

  /** When the first of the rows is due that does not run; null where none is. */
  dueAt(): number | null {
    const { changes } = this.#store;
    const waits = ({ id }: { id: string }) => !this.runner.runningNow(id);
    let first = this.#due.rows.find(waits);
    if (this.#due.changes !== changes || (!first && this.#due.rows.length === this.#due.asked)) {
      const asked = this.runner.size + 1;
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
      this.runner.recordEnded(() => this.#isDrained());
      this.runner.serveByHand();
      this.#fill();
      this.#vitals.save();
      this.#keptAll();
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
    const first = Math.min(at, this.#wake?.at ?? at);
    // One that should have come is set anew: nothing is to wait for a timer that is late.
    if (this.#wake?.at === first && first > now) return;
    if (this.#wake) clearTimeout(this.#wake.timer);
    const wake = () => {
      this.#wake = null;
      this.#renderer.renew();
      this.pump();
      this.#deps.arm();
    };
    this.#wake = { at: first, timer: setTimeout(wake, Math.max(0, first - now)) };
  }

  /**
   * Where nothing is left to be done now, the alarm is enough: a timer that is pending keeps the object from hibernating, and 45 s of it are billed
   * like 480 calls (Durable Objects).
   */
  rest(): void {
    const { isAtRest, hasUnrecorded } = this.runner;
    if (!this.#wake || this.#stepping || this.#reading || !isAtRest || hasUnrecorded || !this.#isDrained()) return;
    clearTimeout(this.#wake.timer);
    this.#wake = null;
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
    if (this.runner.hasUnrecorded) this.pumpAt(now + AFTER_FAULT_MS);
    this.#deps.arm();
  }

  /** Keeps what a call has brought. Throws where it cannot: the queue brings it again. */
  keep(brought: readonly FreshDelivery[]): void {
    try {
      this.#fresh.keep(brought);
    } catch (error) {
      // What has ended is not to be made again by the call that comes for it later.
      this.#keepSoon();
      throw error;
    }
    this.#keptAll();
  }

  /** The storage has been emptied: what runs runs for nobody. */
  reset(): void {
    this.runner.reset();
    if (this.#wake) clearTimeout(this.#wake.timer);
    this.#wake = null;
    this.#keptAll();
  }

  /** Keeps what has ended and is in memory alone, which an object that has nothing to do loses; where that fails, again and again. */
  #keepSoon(afterMs = KEEP_AFTER_MS): void {
    this.#keeping ??= setTimeout(() => {
      this.#keeping = null;
      try {
        this.#fresh.keepEnded();
      } catch (error) {
        this.fault(error);
        if (!this.#fresh.isEmpty) this.#keepSoon(AFTER_FAULT_MS);
      }
    }, afterMs);
  }

  /** Where nothing is left to be kept, no timer is to keep the object from hibernating. */
  #keptAll(): void {
    if (!this.#keeping || !this.#fresh.isEmpty) return;
    clearTimeout(this.#keeping);
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
      if (this.#renderer.isSpent) {
        this.#goOn();
        return;
      }
      // Asked for now: with the configuration the owner can have given the endpoint a fresh start.
      const permitted = permission(this.#vitals.circuit, now);
      const reason = whyNotDelivered(config);
      if (reason === null && permitted.kind === 'hold' && now < this.#overdueLookAt) {
        this.#fresh.spill(now);
        return;
      }
      const rows = rowsAreDue ? this.#store.due(now, this.runner.size + STEP_ROWS).filter(({ id }) => !this.runner.runningNow(id)) : [];
      if (reason !== null) {
        this.#discard(rows, reason, now);
        return;
      }
      if (this.#endOverdue(rows, now)) return;
      if (this.#deps.endSome(rows, now)) {
        this.#goOn();
        return;
      }
      this.#overdueLookAt = now + OVERDUE_EVERY_MS;
      if (permitted.kind !== 'attempt') {
        this.#fresh.spill(now);
        if (permitted.kind === 'probe' && this.runner.size === 0) this.#probe(config, now);
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
      if (this.runner.paced >= this.#limit(config) || this.#attemptsLeft <= 0) return false;
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
      this.#attemptsLeft--;
      if (row) this.#beginStored(row, config, place);
      else if (fresh) this.runner.beginFresh(fresh, config, place);
      if (this.#renderer.isSpent) {
        this.#goOn();
        return false;
      }
    }
  }

  /** How many wait for their turn, about: of rows that are due it is known that there are some. */
  #waiting(): number {
    return (this.dueAt() ?? Number.POSITIVE_INFINITY) <= this.#deps.now() ? Number.POSITIVE_INFINITY : this.#fresh.waiting;
  }

  #limit({ webhook }: OutboxConfig): number {
    return this.#pace.limit(this.#places.mostOf(webhook));
  }

  /** How long the owner's pace has the next attempt wait; 0: it begins now. */
  #ownersPaceMs({ webhook }: OutboxConfig, now: number): number {
    if (webhook.maxPerSecond === null) return 0;
    if (this.#nextBeginAt > now) return this.#nextBeginAt - now;
    // What was late is not caught up with: the pace is a limit, not a goal.
    this.#nextBeginAt = now + 1_000 / webhook.maxPerSecond;
    return 0;
  }

  #probe(config: OutboxConfig, now: number): void {
    const [longestDue] = this.#store.due(now, 1);
    // The newest of those that no attempt has told anything of yet: a record that the endpoint rejects holds up no other.
    const delivery = this.#store.newestToProbe(now) ?? longestDue;
    if (delivery && this.#deps.endSome([delivery], now)) {
      this.#goOn();
      return;
    }
    const place = delivery ? this.#places.take() : null;
    // One that cannot be rendered has failed: the next is as good.
    if (delivery && place !== null && !this.#beginStored(delivery, config, place, 'probe')) this.#goOn();
  }

  /** Begins an attempt of a stored delivery; returns whether it has begun: not where what it is to send cannot be made. */
  #beginStored(stored: StoredDelivery, config: OutboxConfig, place: number, trigger = stored.state.trigger): boolean {
    let hasBegun = false;
    try {
      const { delivery, payload } = this.#renderer.ready(stored, config, this.#deps.now());
      if (payload) this.runner.beginStored(delivery, payload, config, place, trigger);
      hasBegun = payload !== null;
      return hasBegun;
    } finally {
      // Nor where its rows cannot be read. The connection is for others then.
      if (!hasBegun) this.#places.free(place);
    }
  }

  /** Whether nothing is left that is due. */
  #isDrained(): boolean {
    return !this.#fresh.peek() && (this.dueAt() ?? Number.POSITIVE_INFINITY) > this.#deps.now();
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
      // One that a version before has left running has first to end, as one whose outcome nobody knows.
      for (const delivery of rows) this.#ledger.discard(this.#ledger.interrupt(delivery, now) ?? delivery, reason, now);
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
    this.#goOn();
  }

  /** A step is done, and the next comes when calls have been served. */
  #goOn(): void {
    this.#stepsLeft--;
    this.#stepping = true;
    this.pumpAt(this.#deps.now());
  }

  #isIdle(): boolean {
    return this.isSpent || (!this.#reading && !this.#stepping && this.runner.isAtRest);
  }

  #tellIdle(): void {
    if (this.#idle.length > 0 && this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Why a webhook's deliveries are not to be attempted; null where they are. */
export function whyNotDelivered({ plan, webhook }: OutboxConfig): 'webhook_disabled' | 'plan_not_eligible' | null {
  if (!includesWebhooks(plan)) return 'plan_not_eligible';
  return webhook.enabled ? null : 'webhook_disabled';
}
