import { EndpointMemory } from '../../src/delivery/endpoint-memory.ts';
import { BEGIN_BY_MS, LEASE_BY_MS, SLOTS_PER_WEBHOOK } from '../../src/delivery/fast-path.ts';
import { LANE_SLOTS } from '../../src/delivery/lane.ts';
import { afterAttempt, type Circuit, type CircuitPolicy, closedCircuit, permission } from '../../src/domain/circuit.ts';
import type { AttemptRecord } from '../../src/domain/delivery.ts';
import { begin, type DeliveryState, discard, expire, type RetryPolicy, settle, waiting } from '../../src/domain/lifecycle.ts';
import type { Health } from '../../src/domain/webhook.ts';
import type { Answer, Endpoint } from './endpoint.ts';
import { Heap } from './heap.ts';
import { countEnd, DeadHours, emptyTally, type Tally } from './tally.ts';

/** What all webhooks of a run have in common. */
export interface Rules {
  retries: RetryPolicy;
  /** Null: the plain schedule, no circuit. */
  circuit: CircuitPolicy | null;
  timeoutMs: number;
  untilMs: number;
}

/** How long a consumer may see a webhook as it was before a change. */
const CONFIGURATION_AGE_MS = 5_000;
/** What sending and recording may take around an attempt's timeout. */
const LEASE_MARGIN_MS = 5_000;
const WEBHOOK = 'whk_1';
const NO_HEADERS = {};

interface Delivery {
  id: string;
  acceptedAt: number;
  state: DeliveryState;
}

/** An attempt that runs, on the fast path (then with the run it is part of) or in the lane. */
interface Attempt {
  delivery: Delivery;
  startedAt: number;
  answer: Answer;
  run: FastRun | null;
  leased: boolean;
}

/** One webhook's share of a batch, on the fast path. */
interface FastRun {
  startedAt: number;
  rest: Delivery[];
  running: number;
  /** Running and not leased: the batch waits for them. */
  watched: number;
  closed: boolean;
}

/** Something that is to happen: an attempt ends, or has taken so long that it is leased. */
interface Happening {
  at: number;
  kind: 'ends' | 'is leased';
  attempt: Attempt;
}

/**
 * One webhook's month: its deliveries on the fast path and in the lane, as src/delivery takes them there, under a clock that
 * jumps from one happening to the next. States, circuit, schedule and memory of the endpoint are the real ones; what is modelled
 * is what happens around them. Webhooks share nothing but the queue, so each has its month to itself.
 */
export class SimulatedOutbox {
  readonly #rules: Rules;
  readonly #endpoint: Endpoint;
  readonly #arrivals: Float64Array;
  readonly #happenings = new Heap<Happening>((a, b) => a.at < b.at);
  readonly #waiting = new Heap<Delivery>(
    (a, b) => a.state.dueAt! < b.state.dueAt! || (a.state.dueAt === b.state.dueAt && a.acceptedAt < b.acceptedAt),
  );
  readonly #memory = new EndpointMemory();
  readonly #tally: Tally = emptyTally();
  readonly #deadHours: DeadHours | null;
  #circuit: Circuit = closedCircuit(0);
  /** What consumers still take the health for, until they read it anew. */
  #seen: { health: Health; until: number } = { health: 'healthy', until: 0 };
  #disabledAt = Number.POSITIVE_INFINITY;
  #running = 0;
  #arrived = 0;

  /** @param arrivals when events are accepted, in order; what comes at the same moment comes in one batch */
  constructor(endpoint: Endpoint, arrivals: Float64Array, rules: Rules) {
    this.#endpoint = endpoint;
    this.#arrivals = arrivals;
    this.#rules = rules;
    this.#deadHours = endpoint.deadFrom === null ? null : new DeadHours(endpoint.deadFrom, rules.untilMs);
  }

  run(): Tally {
    let wakeAt = Number.POSITIVE_INFINITY;
    for (;;) {
      const arrivesAt = this.#arrivals[this.#arrived] ?? Number.POSITIVE_INFINITY;
      const happensAt = this.#happenings.peek()?.at ?? Number.POSITIVE_INFINITY;
      const now = Math.min(arrivesAt, happensAt, wakeAt);
      if (now >= this.#rules.untilMs) return this.#close();
      if (happensAt === now) this.#happen(this.#happenings.pop()!);
      else if (wakeAt === now) this.#expireHeld(now);
      else this.#arrive(now);
      wakeAt = this.#fill(now);
    }
  }

  #close(): Tally {
    const tally = this.#tally;
    tally.webhooks = 1;
    tally.deliveries = this.#arrivals.length;
    // Counted where they are, not taken for the difference: what were in neither place would be lost.
    tally.waiting += this.#waiting.size;
    for (let happening = this.#happenings.pop(); happening; happening = this.#happenings.pop()) {
      if (happening.kind === 'ends') tally.waiting++;
      tally.waiting += happening.attempt.run?.rest.splice(0).length ?? 0;
    }
    this.#deadHours?.addTo(tally);
    return tally;
  }

  /** A batch: on the fast path where the endpoint is healthy, else into the lane. */
  #arrive(now: number): void {
    const batch: Delivery[] = [];
    while (this.#arrivals[this.#arrived] === now) {
      batch.push({ id: `dlv_${this.#arrived++}`, acceptedAt: now, state: waiting(now) });
    }
    if (now >= this.#disabledAt + CONFIGURATION_AGE_MS) {
      for (const delivery of batch) this.#become(delivery, discard(delivery.state, 'webhook_disabled', now));
    } else if (this.#seenHealth(now) === 'healthy' && !this.#memory.isOff(WEBHOOK, now)) {
      this.#advance({ startedAt: now, rest: batch, running: 0, watched: 0, closed: false }, now);
    } else for (const delivery of batch) this.#waiting.push(delivery);
  }

  #seenHealth(now: number): Health {
    return now < this.#seen.until ? this.#seen.health : this.#circuit.health;
  }

  /** Begins what a fast path's run may begin, and hands the rest over where it waits for nothing any more. */
  #advance(run: FastRun, now: number): void {
    while (!run.closed && run.rest.length > 0 && run.running < SLOTS_PER_WEBHOOK && now - run.startedAt < BEGIN_BY_MS) {
      const attempt = this.#begin(run.rest.shift()!, now, 'event', run);
      run.running++;
      run.watched++;
      const leaseAt = Math.ceil(Math.min(now + this.#memory.patienceMs(WEBHOOK), run.startedAt + LEASE_BY_MS));
      if (leaseAt < now + attempt.answer.durationMs) this.#happenings.push({ at: leaseAt, kind: 'is leased', attempt });
    }
    if (run.watched > 0) return;
    for (const delivery of run.rest.splice(0)) {
      delivery.state = waiting(now);
      this.#waiting.push(delivery);
    }
  }

  #begin(delivery: Delivery, now: number, trigger: 'event' | 'schedule' | 'probe', run: FastRun | null): Attempt {
    this.#become(delivery, begin(delivery.state, now, this.#rules.timeoutMs + LEASE_MARGIN_MS, trigger));
    const tally = this.#tally;
    tally.attempts++;
    if (delivery.state.attemptCount === 1) tally.longestStartMs = Math.max(tally.longestStartMs, now - delivery.acceptedAt);
    this.#deadHours?.count(now);
    const answer = this.#endpoint.answer(now);
    const attempt: Attempt = { delivery, startedAt: now, answer, run, leased: false };
    this.#happenings.push({ at: now + answer.durationMs, kind: 'ends', attempt });
    return attempt;
  }

  #happen({ at, kind, attempt }: Happening): void {
    const { run } = attempt;
    if (kind === 'ends') this.#end(attempt, at);
    else {
      attempt.leased = true;
      run!.closed = true;
      run!.watched--;
      this.#memory.slow(WEBHOOK, at);
    }
    if (run) this.#advance(run, at);
  }

  /** An attempt ended: its delivery's state first, then what it says of the endpoint. */
  #end({ delivery, startedAt, answer, run, leased }: Attempt, now: number): void {
    const record = recordOf(delivery.state, startedAt, answer);
    const succeeded = record.outcome === 'succeeded';
    if (!succeeded) this.#tally.failedAttempts++;
    if (run === null) this.#running--;
    else {
      run.running--;
      if (!leased) run.watched--;
      if (!succeeded) run.closed = true;
      this.#memory.ended(WEBHOOK, now - startedAt, succeeded, now);
    }
    this.#become(delivery, settle(delivery.state, record, answer.retryAfterMs, this.#rules.retries));
    if (delivery.state.dueAt !== null) this.#waiting.push(delivery);
    if (record.responseStatus === 410) this.#disabledAt = Math.min(this.#disabledAt, now);
    if (this.#rules.circuit === null) return;
    const dueAt = this.#waiting.peek()?.state.dueAt ?? Number.POSITIVE_INFINITY;
    const ended = { outcome: record.outcome, deliveryId: delivery.id, endedAt: now };
    this.#setCircuit(afterAttempt(this.#circuit, ended, dueAt > now, this.#rules.circuit), now);
  }

  #setCircuit(circuit: Circuit, now: number): void {
    const { health } = this.#circuit;
    const seen = this.#seenHealth(now);
    this.#circuit = circuit;
    if (circuit.health === health) return;
    this.#seen = { health: seen, until: now + CONFIGURATION_AGE_MS };
    if (circuit.health === 'open') this.#tally.openings++;
  }

  /** Begins what may begin in the lane; returns when the lane is to be looked at again without anything else happening. */
  #fill(now: number): number {
    for (;;) {
      const delivery = this.#waiting.peek();
      if (!delivery) return Number.POSITIVE_INFINITY;
      const disabled = now >= this.#disabledAt;
      const permitted = permission(this.#circuit, now, LANE_SLOTS);
      const dueAt = delivery.state.dueAt!;
      if (dueAt > now) return permitted.kind === 'hold' && !disabled ? Math.max(dueAt, permitted.until) : dueAt;
      if (!disabled) {
        if (permitted.kind === 'hold') return permitted.until;
        if (this.#running >= (permitted.kind === 'probe' ? 1 : permitted.slots)) return Number.POSITIVE_INFINITY;
      }
      this.#waiting.pop();
      const expired = disabled ? discard(delivery.state, 'webhook_disabled', now) : expire(delivery.state, now);
      if (expired) {
        this.#become(delivery, expired);
        continue;
      }
      this.#running++;
      this.#begin(delivery, now, permitted.kind === 'probe' ? 'probe' : delivery.state.attemptCount === 0 ? 'event' : 'schedule', null);
    }
  }

  /** An alarm ends what has waited for too long. */
  #expireHeld(now: number): void {
    for (let delivery = this.#waiting.peek(); delivery; delivery = this.#waiting.peek()) {
      const expired = delivery.state.dueAt! <= now ? expire(delivery.state, now) : null;
      if (!expired) return;
      this.#waiting.pop();
      this.#become(delivery, expired);
    }
  }

  /** A transition that the rules refuse would be a fault of the simulation, or of the rules. */
  #become(delivery: Delivery, state: DeliveryState | null): void {
    if (!state) throw new Error(`${delivery.id}: the transition was refused`);
    delivery.state = state;
    if (state.dueAt === null) countEnd(this.#tally, state, delivery.acceptedAt);
  }
}

function recordOf({ attemptCount, trigger }: DeliveryState, startedAt: number, { durationMs, status }: Answer): AttemptRecord {
  return {
    number: attemptCount,
    trigger,
    startedAt,
    durationMs,
    outcome: status === 200 ? 'succeeded' : 'failed',
    requestHeaders: NO_HEADERS,
    responseStatus: status,
    responseHeaders: NO_HEADERS,
    responseBody: null,
    responseBodyEncoding: null,
    responseBodyTruncated: false,
    error: null,
  };
}
