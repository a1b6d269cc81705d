import type { AttemptRecord } from '../../src/domain/delivery/delivery.ts';
import { begin, type DeliveryState, discard, expire, type RetryPolicy, settle, waiting } from '../../src/domain/delivery/lifecycle.ts';
import {
  ACKNOWLEDGED_WITHIN_MS,
  afterAttempt,
  type Circuit,
  type CircuitPolicy,
  closedCircuit,
  isEvidence,
  permission,
} from '../../src/domain/endpoint/circuit.ts';
import { EndpointPace, verdictOf } from '../../src/domain/endpoint/endpoint-pace.ts';
import type { Answer, Endpoint } from './endpoint.ts';
import { Heap } from './heap.ts';
import { type Delivery, Rows } from './rows.ts';
import { countArrival, countEnd, DeadHours, emptyTally, type Tally } from './tally.ts';

/** What all webhooks of a run have in common. */
export interface Rules {
  retries: RetryPolicy;
  /** Null: the plain schedule, no circuit. */
  circuit: CircuitPolicy | null;
  maxConcurrency: number;
  untilMs: number;
}

/** From the 202 to the outbox: the queue, the consumer, its call. */
const QUEUE_MS = 60;
/** Deliveries in an outbox's memory at most (src/outbox/fresh.ts). */
const MAX_FRESH = 1_000;
/** Durable Objects: one without work is evicted after about so long, and its memory with it. */
const EVICTED_AFTER_MS = 10_000;
const NO_HEADERS = {};

/** An attempt that runs. */
interface Attempt {
  delivery: Delivery;
  startedAt: number;
  endsAt: number;
  answer: Answer;
}

/**
 * One webhook's month in its outbox, under a clock that jumps from one happening to the next. States, schedule, circuit and pace are
 * the real ones; what Dispatcher and EndpointHealth do with them (src/outbox) is modelled: new deliveries go out from memory, others
 * from the rows, in turns, as far as circuit and pace permit. Left out are faults of ours, the limits of an invocation (a new alarm goes
 * on at once), and the disabling of a webhook after days of failures: what its probes cost is to be seen. Webhooks share nothing but
 * the queue, so each has its month to itself.
 */
export class SimulatedOutbox {
  readonly #rules: Rules;
  readonly #endpoint: Endpoint;
  readonly #arrivals: Float64Array;
  readonly #running = new Heap<Attempt>((a, b) => a.endsAt < b.endsAt);
  /** New deliveries in memory, in their order; those before #next have begun. */
  #fresh: Delivery[] = [];
  #next = 0;
  readonly #rows = new Rows();
  #freshIsNext = true;
  readonly #tally: Tally = emptyTally();
  readonly #deadHours: DeadHours | null;
  #circuit: Circuit = closedCircuit(0);
  #pace = new EndpointPace();
  #acknowledgedAt = Number.NEGATIVE_INFINITY;
  #disabledAt = Number.POSITIVE_INFINITY;
  #awakeAt = 0;
  /** How many have come out of the queue. */
  #arrived = 0;

  /** @param arrivals when events are accepted, in order; what is accepted at the same moment comes in one batch */
  constructor(endpoint: Endpoint, arrivals: Float64Array, rules: Rules) {
    this.#endpoint = endpoint;
    this.#arrivals = arrivals;
    this.#rules = rules;
    this.#deadHours = endpoint.deadFrom === null ? null : new DeadHours(endpoint.deadFrom, rules.untilMs);
  }

  run(): Tally {
    for (let dueAt = Number.POSITIVE_INFINITY; ; ) {
      const arrivesAt = (this.#arrivals[this.#arrived] ?? Number.POSITIVE_INFINITY) + QUEUE_MS;
      const endsAt = this.#running.peek()?.endsAt ?? Number.POSITIVE_INFINITY;
      const now = Math.min(arrivesAt, endsAt, dueAt);
      if (now >= this.#rules.untilMs) return this.#close();
      this.#wake(now);
      if (endsAt === now) this.#end(this.#running.pop()!, now);
      else if (arrivesAt === now) this.#arrive(now);
      this.#fill(now);
      dueAt = this.#dueAt(now);
    }
  }

  #close(): Tally {
    const tally = this.#tally;
    tally.webhooks = 1;
    tally.deliveries = this.#arrivals.length;
    // Counted where they are, not taken for the difference: what were in none of these places would be lost.
    const inQueue = this.#arrivals.length - this.#arrived;
    tally.waiting = inQueue + (this.#fresh.length - this.#next) + this.#running.size + [...this.#rows.drain()].length;
    this.#deadHours?.addTo(tally);
    return tally;
  }

  /** An object that had nothing to do was evicted: what it had learned of its endpoint's pace is forgotten. */
  #wake(now: number): void {
    const isIdle = this.#running.size === 0 && this.#next === this.#fresh.length;
    if (isIdle && now - this.#awakeAt > EVICTED_AFTER_MS) this.#pace = new EndpointPace(this.#circuit.health !== 'healthy');
    this.#awakeAt = now;
  }

  /** What a batch has for the webhook comes: into memory, to be attempted now, or into rows, where it has to wait for longer. */
  #arrive(now: number): void {
    const acceptedAt = now - QUEUE_MS;
    while (this.#arrivals[this.#arrived] === acceptedAt) {
      const delivery: Delivery = { number: this.#arrived++, acceptedAt, state: waiting(now, acceptedAt) };
      const inMemory = this.#fresh.length - this.#next + this.#running.size;
      if (now >= this.#disabledAt) this.#become(delivery, discard(delivery.state, 'webhook_disabled', now));
      else if (permission(this.#circuit, now).kind === 'attempt' && inMemory < MAX_FRESH) this.#fresh.push(delivery);
      else this.#rows.push(delivery);
    }
  }

  /** Begins what may begin now. */
  #fill(now: number): void {
    if (now >= this.#disabledAt) {
      this.#discard(now);
      return;
    }
    const first = this.#due(now);
    const permitted = permission(this.#circuit, now);
    if (permitted.kind === 'attempt') {
      this.#beginSome(now);
      return;
    }
    this.#spill(now);
    const probed = this.#rows.newestUntried() ?? first;
    if (permitted.kind === 'probe' && this.#running.size === 0 && probed) this.#begin(probed, now, 'probe');
  }

  #beginSome(now: number): void {
    while (this.#running.size < this.#pace.limit(this.#rules.maxConcurrency)) {
      const fresh = this.#fresh[this.#next];
      const row = this.#due(now);
      if (!fresh && !row) return;
      this.#freshIsNext = !this.#freshIsNext;
      if (row && !(fresh && this.#freshIsNext)) this.#begin(row, now);
      else {
        this.#takeFresh();
        this.#begin(fresh!, now);
      }
    }
  }

  #begin(delivery: Delivery, now: number, trigger = delivery.state.trigger): void {
    this.#become(delivery, begin(delivery.state, now, trigger));
    const answer = this.#endpoint.answer(now, delivery.number);
    this.#running.push({ delivery, startedAt: now, endsAt: now + answer.durationMs, answer });
    const tally = this.#tally;
    tally.attempts++;
    tally.mostAtOnce = Math.max(tally.mostAtOnce, this.#running.size);
    if (delivery.state.attemptCount === 1) tally.longestStartMs = Math.max(tally.longestStartMs, now - delivery.acceptedAt);
    this.#deadHours?.count(now);
  }

  /** An attempt has ended: what it says of the pace, then its delivery's state, then what it says of the endpoint's health. */
  #end({ delivery, startedAt, answer }: Attempt, now: number): void {
    const { maxConcurrency, retries } = this.#rules;
    const { status, durationMs: tookMs } = answer;
    const inLine = this.#due(now) ? Number.POSITIVE_INFINITY : this.#fresh.length - this.#next;
    this.#pace.ended({ startedAt, tookMs, verdict: verdictOf(status) }, now, maxConcurrency, inLine);
    const record = recordOf(delivery.state, startedAt, answer);
    if (record.outcome === 'failed') this.#tally.failedAttempts++;
    else countArrival(this.#tally, startedAt + answer.connectMs - delivery.acceptedAt);
    this.#become(delivery, settle(delivery.state, record, answer.retryAfterMs, retries));
    if (delivery.state.dueAt !== null) this.#rows.push(delivery);
    if (status === 410) this.#disabledAt = Math.min(this.#disabledAt, now);
    this.#judge(record, `dlv_${delivery.number}`, now);
  }

  /** What an attempt says of its endpoint's health. */
  #judge(record: AttemptRecord, deliveryId: string, now: number): void {
    const { outcome } = record;
    const policy = this.#rules.circuit;
    if (policy === null) return;
    if (outcome === 'succeeded') this.#acknowledgedAt = now;
    else if (!isEvidence(this.#circuit, record, () => now - this.#acknowledgedAt <= ACKNOWLEDGED_WITHIN_MS)) return;
    const isDrained = this.#next === this.#fresh.length && !this.#rows.due(now);
    const { health } = this.#circuit;
    this.#circuit = afterAttempt(this.#circuit, { outcome, deliveryId, endedAt: now }, isDrained, policy);
    if (this.#circuit.health === health) return;
    if (health === 'open') this.#pace.gently(now);
    if (this.#circuit.health === 'open') this.#tally.openings++;
  }

  /** When something falls due that does not follow from anything else; never now. */
  #dueAt(now: number): number {
    const dueAt = this.#rows.first()?.state.dueAt ?? Number.POSITIVE_INFINITY;
    const permitted = permission(this.#circuit, now);
    const at = permitted.kind === 'hold' && now < this.#disabledAt ? Math.max(dueAt, permitted.until) : dueAt;
    return at > now ? at : Number.POSITIVE_INFINITY;
  }

  /** The longest due of the rows; what has waited for too long before it ends. */
  #due(now: number): Delivery | undefined {
    for (let delivery = this.#rows.due(now); delivery; delivery = this.#rows.due(now)) {
      const expired = expire(delivery.state, now);
      if (!expired) return delivery;
      this.#become(delivery, expired);
    }
    return undefined;
  }

  /** What is in memory is not to be attempted for now: it goes to the rows. */
  #spill(now: number): void {
    for (let fresh = this.#takeFresh(); fresh; fresh = this.#takeFresh()) {
      fresh.state = waiting(now, fresh.acceptedAt);
      this.#rows.push(fresh);
    }
  }

  /** The webhook was disabled: what is due is not attempted any more. */
  #discard(now: number): void {
    const next = () => this.#takeFresh() ?? this.#rows.due(now);
    for (let delivery = next(); delivery; delivery = next()) this.#become(delivery, discard(delivery.state, 'webhook_disabled', now));
  }

  #takeFresh(): Delivery | undefined {
    const fresh = this.#fresh[this.#next++];
    if (this.#next < this.#fresh.length) return fresh;
    this.#fresh = [];
    this.#next = 0;
    return fresh;
  }

  /** A transition that the rules refuse would be a fault of the simulation, or of the rules. */
  #become(delivery: Delivery, state: DeliveryState | null): void {
    if (!state) throw new Error(`delivery ${delivery.number}: the transition was refused`);
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
