import { EndpointPace } from '../../../src/domain/endpoint/endpoint-pace.ts';
import { Heap } from '../heap.ts';
import { type Random, seeded } from '../random.ts';
import { IsolateMemory } from './isolate-memory.ts';
import { D1_ORGANIZATION_MS, D1_READ_MS, D1_WAY_MS, MAX_CONCURRENCY, OBJECT_WAY_MS, QUEUE_CONSUMERS } from './limits.ts';
import { type Scenario, Stream, Webhooks } from './scenario.ts';

/** Most messages of a batch (wrangler.toml). */
const BATCH = 100;
/** The first seconds, in which isolates and outboxes know nothing yet, are not counted. */
const WARM_UP_MS = 4_000;
const COUNTED_MS = 4_000;
/** Durable Objects: one without work forgets what it has learned. */
const EVICTED_AFTER_MS = 10_000;
/** What the busiest queue may be behind, in milliseconds of what comes, before another consumer is started. */
const BEHIND_MS = 500;

/** What a second has, on average, once all is warm. */
export interface Second {
  messages: number;
  /** Of the queue with the most. */
  messagesOfBusiestQueue: number;
  batches: number;
  /** Consumers at a time, of all queues and of the busiest. */
  consumers: number;
  consumersOfBusiestQueue: number;
  d1Queries: number;
  d1Organizations: number;
  /** The part of its thread's time that D1 works. */
  d1Busy: number;
  outboxCalls: number;
  callsOfBusiestOutbox: number;
  eventsOfBusiestWebhook: number;
  attemptsAtATime: number;
}

interface Counts {
  messages: number;
  batches: number;
  d1Queries: number;
  d1Organizations: number;
  outboxCalls: number;
  attemptMs: number;
}

/**
 * Some seconds of a scenario. Each consumer is an isolate of its own, which is the worst for what it knows; a batch takes what it waits for: D1, where it does not
 * know an organization, and then the slowest of its outboxes, each of which waits for its endpoint as long as it has patience
 * (src/domain/endpoint/endpoint-pace.ts).
 */
export function simulateSecond(scenario: Scenario, seed = 1): Second {
  const webhooks = new Webhooks(seed);
  const callsOf = new Uint32Array(webhooks.count);
  const queues = Array.from({ length: scenario.queues }, (_, number) => {
    const stream = new Stream(webhooks, number, scenario.queues);
    return { share: stream.share, ...withEnoughConsumers(scenario, webhooks, stream, callsOf, seeded(seed, number + 1)) };
  });
  const seconds = COUNTED_MS / 1_000;
  const sum = (of: (counts: Counts) => number) => queues.reduce((all, { counts }) => all + of(counts), 0) / seconds;
  const d1Queries = sum(({ d1Queries: queries }) => queries);
  const d1Organizations = sum(({ d1Organizations: organizations }) => organizations);
  const busiest = queues.reduce((a, b) => (b.share > a.share ? b : a));
  return {
    messages: sum(({ messages }) => messages),
    messagesOfBusiestQueue: busiest.counts.messages / seconds,
    batches: sum(({ batches }) => batches),
    consumers: queues.reduce((all, { consumers }) => all + consumers, 0),
    consumersOfBusiestQueue: Math.max(...queues.map(({ consumers }) => consumers)),
    ...{ d1Queries, d1Organizations, d1Busy: (d1Queries * D1_READ_MS + d1Organizations * D1_ORGANIZATION_MS) / 1_000 },
    outboxCalls: sum(({ outboxCalls }) => outboxCalls),
    callsOfBusiestOutbox: callsOf.reduce((most, calls) => Math.max(most, calls), 0) / seconds,
    eventsOfBusiestWebhook: scenario.eventsPerSecond * webhooks.shareOf(0),
    attemptsAtATime: sum(({ attemptMs }) => attemptMs) / 1_000,
  };
}

/** As the platform does it: consumers are added until the queue keeps up. */
function withEnoughConsumers(scenario: Scenario, webhooks: Webhooks, stream: Stream, callsOf: Uint32Array, random: Random) {
  for (let consumers = 1; ; consumers = Math.ceil(consumers * 1.3)) {
    const queue = new SimulatedQueue(scenario, webhooks, stream, consumers, random);
    const isLast = consumers >= QUEUE_CONSUMERS;
    if (!queue.run() && !isLast) continue;
    for (const [webhook, calls] of queue.calls) callsOf[webhook] = (callsOf[webhook] ?? 0) + calls;
    return { consumers, counts: queue.counts };
  }
}

/** An outbox as a consumer meets it. */
interface Met {
  pace: EndpointPace;
  at: number;
}

class SimulatedQueue {
  readonly counts: Counts = { messages: 0, batches: 0, d1Queries: 0, d1Organizations: 0, outboxCalls: 0, attemptMs: 0 };
  /** Calls of each webhook's outbox. */
  readonly calls = new Map<number, number>();
  readonly #scenario: Scenario;
  readonly #webhooks: Webhooks;
  readonly #stream: Stream;
  readonly #random: Random;
  readonly #outboxes = new Map<number, Met>();
  readonly #free = new Heap<{ at: number; memory: IsolateMemory }>((a, b) => a.at < b.at);
  /** Messages a millisecond. */
  readonly #rate: number;
  #taken = 0;

  constructor(scenario: Scenario, webhooks: Webhooks, stream: Stream, consumers: number, random: Random) {
    this.#scenario = scenario;
    this.#webhooks = webhooks;
    this.#stream = stream;
    this.#random = random;
    this.#rate = (scenario.eventsPerSecond * stream.share) / scenario.eventsPerMessage / 1_000;
    for (let each = 0; each < consumers; each++) this.#free.push({ at: 0, memory: new IsolateMemory() });
  }

  /** Whether the consumers keep up. */
  run(): boolean {
    for (let consumer = this.#free.pop(); consumer; consumer = this.#free.pop()) {
      // Who finds nothing waits for the next message.
      const now = Math.max(consumer.at, (this.#taken + 1) / this.#rate);
      if (now >= WARM_UP_MS + COUNTED_MS) return true;
      const waiting = Math.floor(now * this.#rate) - this.#taken;
      if (waiting > BEHIND_MS * this.#rate + BATCH) return false;
      const messages = Math.max(1, Math.min(waiting, BATCH));
      this.#taken += messages;
      this.#free.push({ at: now + this.#batch(messages, consumer.memory, now), memory: consumer.memory });
    }
    return true;
  }

  /** How long a batch takes. */
  #batch(messages: number, memory: IsolateMemory, now: number): number {
    const events = new Map<number, number>();
    for (let each = 0; each < messages; each++) {
      const webhook = this.#stream.next(this.#random);
      events.set(webhook, (events.get(webhook) ?? 0) + this.#scenario.eventsPerMessage);
    }
    const { waitedFor, ahead } = memory.load(events.keys(), now);
    const readMs = waitedFor > 0 ? D1_WAY_MS + D1_READ_MS + waitedFor * D1_ORGANIZATION_MS : 0;
    let slowestMs = 0;
    for (const [webhook, brought] of events) slowestMs = Math.max(slowestMs, this.#deliver(webhook, brought, now));
    if (now >= WARM_UP_MS) {
      this.counts.messages += messages;
      this.counts.batches++;
      this.counts.d1Queries += Number(waitedFor > 0) + Number(ahead > 0);
      this.counts.d1Organizations += waitedFor + ahead;
    }
    return readMs + slowestMs;
  }

  /** How long an outbox takes to answer for what is brought to it. */
  #deliver(webhook: number, brought: number, now: number): number {
    const met = this.#outboxes.get(webhook);
    const pace = met && now - met.at <= EVICTED_AFTER_MS ? met.pace : new EndpointPace();
    this.#outboxes.set(webhook, { pace, at: now });
    const patienceMs = pace.patienceMs();
    let tookMs = 0;
    for (let each = 0; each < brought; each++) {
      const latencyMs = this.#webhooks.latencyMs(webhook, this.#random);
      tookMs = Math.max(tookMs, latencyMs);
      pace.ended({ startedAt: now, tookMs: latencyMs, verdict: 'good' }, now + latencyMs, MAX_CONCURRENCY, 0);
      if (now >= WARM_UP_MS) this.counts.attemptMs += latencyMs;
    }
    if (now >= WARM_UP_MS) {
      this.counts.outboxCalls++;
      this.calls.set(webhook, (this.calls.get(webhook) ?? 0) + 1);
    }
    return OBJECT_WAY_MS + Math.min(tookMs, patienceMs);
  }
}
