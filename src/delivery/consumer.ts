import { decodeEventMessage } from '../domain/event-message.ts';
import { redeliveryDelaySeconds } from '../domain/redelivery.ts';
import { logError, logWarning } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { within } from '../within.ts';
import type { AttemptResult } from './attempt.ts';
import { ConfigurationCache } from './configuration-cache.ts';
import { EndpointMemory } from './endpoint-memory.ts';
import { eventsOf, fanOut, type Inbound, type InboundEvent, type Task, type WebhookWork } from './fan-out.ts';
import { FastPath, type FastPathResult } from './fast-path.ts';
import type { OutboxEntry } from './outbox-entry.ts';
import { Sender } from './sender.ts';

/** How long an outbox may take to record a batch before the queue is asked to redeliver instead. */
const RECORD_TIMEOUT_MS = 10_000;
/** Waits before each further try to record the outcome of a leased attempt. */
const RECORD_RETRIES_MS = [500, 2_000];

/** What an isolate keeps between batches. */
interface Shared {
  configurations: ConfigurationCache;
  endpoints: EndpointMemory;
  sender: Sender;
}

const shared = new WeakMap<object, Shared>();

function sharedOf(env: Env): Shared {
  let kept = shared.get(env);
  if (!kept) {
    kept = { configurations: new ConfigurationCache(), endpoints: new EndpointMemory(), sender: new Sender(settingsOf(env)) };
    shared.set(env, kept);
  }
  return kept;
}

/**
 * Takes a batch of event messages to their webhooks: configuration → deliveries → first attempts → outcomes to each webhook's
 * outbox → acknowledgement. A message is acknowledged when each of its deliveries is recorded in its outbox, whatever the
 * endpoints answered; only a fault of ours makes the queue redeliver it.
 */
export async function consumeEvents(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void> {
  const { inbound, events } = await readBatch(batch, env);
  try {
    await new Consumer(env, ctx).deliver(events);
  } catch (error) {
    logError('consumer.failed', error, { messages: batch.messages.length });
    for (const each of inbound.values()) each.failed = true;
  }
  for (const message of batch.messages) {
    const read = inbound.get(message.id);
    if (!read) continue;
    if (!read.failed) message.ack();
    else {
      const delaySeconds = redeliveryDelaySeconds(message.attempts);
      logWarning('message.redelivered', { message: message.id, attempts: message.attempts, delaySeconds });
      message.retry({ delaySeconds });
    }
  }
}

/** Reads the batch's messages. One that cannot be read goes to the dead-letter queue at once: reading it again would not help. */
async function readBatch(batch: MessageBatch, env: Env): Promise<{ inbound: Map<string, Inbound>; events: InboundEvent[] }> {
  const inbound = new Map<string, Inbound>();
  const events: InboundEvent[] = [];
  for (const message of batch.messages) {
    try {
      const decoded = decodeEventMessage(message.body);
      const read = { id: message.id, repeated: message.attempts > 1 || decoded.redriven, message: decoded, failed: false };
      events.push(...eventsOf(read));
      inbound.set(message.id, read);
    } catch (error) {
      logError('message.unreadable', error, { message: message.id });
      await sendToDeadLetters(message, env);
    }
  }
  return { inbound, events };
}

async function sendToDeadLetters(message: Message, env: Env): Promise<void> {
  try {
    const contentType = message.body instanceof ArrayBuffer || message.body instanceof Uint8Array ? 'bytes' : 'v8';
    await within(RECORD_TIMEOUT_MS, env.DEAD_LETTERS.send(message.body, { contentType }));
    message.ack();
  } catch (error) {
    logError('message.not_parked', error, { message: message.id });
    message.retry({ delaySeconds: redeliveryDelaySeconds(message.attempts) });
  }
}

class Consumer {
  readonly #env: Env;
  readonly #ctx: ExecutionContext;
  readonly #shared: Shared;

  constructor(env: Env, ctx: ExecutionContext) {
    this.#env = env;
    this.#ctx = ctx;
    this.#shared = sharedOf(env);
  }

  async deliver(events: readonly InboundEvent[]): Promise<void> {
    const organizationIds = events.map((event) => event.organizationId);
    const configs = await this.#shared.configurations.load(this.#env.DB, organizationIds, Date.now());
    const works = fanOut(events, configs);
    const known = await Promise.all(works.map((work) => this.#claim(work)));
    const attemptable = works.map((work, index) => ({
      config: work.config,
      tasks: work.tasks.filter((task) => task.discard === null && !known[index]?.has(task)),
    }));
    const leases: Promise<void>[] = [];
    const results = await new FastPath(attemptable, {
      now: () => Date.now(),
      takes: (work) => this.#takes(work),
      patienceMs: (work) => this.#shared.endpoints.patienceMs(work.config.webhook.id),
      attempt: (work, task) => this.#attempt(work, task),
      lease: (work, task, startedAt, outcome) => leases.push(this.#lease(work, task, startedAt, outcome)),
    }).run();
    const recorded = works.map((work, index) => this.#recordResult(work, results[index] as FastPathResult));
    await Promise.all([...leases, ...recorded]);
  }

  /**
   * Claims in the outbox what may have been attempted before, and returns the tasks that are not this invocation's to attempt:
   * those recorded already, and those whose claim failed. Where nothing is repeated it costs nothing.
   */
  async #claim(work: WebhookWork): Promise<Set<Task>> {
    const tasks = work.tasks.filter((task) => task.repeated && task.discard === null);
    // What will be handed over anyway needs no claim: recording it twice is a no-op.
    if (tasks.length === 0 || !this.#takes(work)) return new Set();
    const startedAt = Date.now();
    const entries = tasks.map(({ delivery }): OutboxEntry => ({ kind: 'leased', delivery, startedAt }));
    const fresh = await this.#record(work, tasks, entries);
    for (const task of tasks) task.claimed = fresh?.has(task.delivery.id) ?? false;
    return new Set(tasks.filter((task) => !task.claimed));
  }

  /** Whether a webhook's first attempts are made here: its endpoint is healthy, and its owner has set no pace. */
  #takes({ config: { webhook } }: WebhookWork): boolean {
    return webhook.health === 'healthy' && webhook.maxPerSecond === null && !this.#shared.endpoints.isOff(webhook.id, Date.now());
  }

  async #attempt({ config: { webhook } }: WebhookWork, { delivery }: Task): Promise<AttemptResult> {
    const startedAt = Date.now();
    const result = await this.#shared.sender.send(webhook, { delivery, payload: delivery.payload, number: 1, trigger: 'event' });
    this.#shared.endpoints.ended(webhook.id, Date.now() - startedAt, result.record.outcome === 'succeeded', Date.now());
    return result;
  }

  async #lease(work: WebhookWork, task: Task, startedAt: number, outcome: Promise<AttemptResult>): Promise<void> {
    this.#shared.endpoints.slow(work.config.webhook.id, Date.now());
    const leased = this.#record(work, [task], [{ kind: 'leased', delivery: task.delivery, startedAt }]);
    // Goes on beside the batch (compatibility flag queue_consumer_no_wait_for_wait_until). If this invocation dies before it
    // ends, the outbox counts the attempt as interrupted.
    this.#ctx.waitUntil(leased.then(() => this.#recordLate(work, task, outcome)));
    await leased;
  }

  async #recordLate(work: WebhookWork, task: Task, outcome: Promise<AttemptResult>): Promise<void> {
    let result: AttemptResult;
    try {
      result = await outcome;
    } catch (error) {
      logError('attempt.failed', error, { delivery: task.delivery.id });
      return;
    }
    for (const waitMs of [...RECORD_RETRIES_MS, null]) {
      const entry: OutboxEntry = { kind: 'attempted', delivery: task.delivery, result };
      if ((await this.#record(work, [], [entry])) !== null || waitMs === null) return;
      await scheduler.wait(waitMs);
    }
  }

  /** Brings what a run did with a webhook's tasks, and what was not to be attempted, to its outbox in one call. */
  async #recordResult(work: WebhookWork, result: FastPathResult): Promise<void> {
    for (const { task, error } of result.failed) {
      logError('attempt.failed', error, { delivery: task.delivery.id });
      fail([task]);
    }
    const discarded = work.tasks.filter((task) => task.discard !== null);
    const entries: OutboxEntry[] = [
      ...result.ended.map(({ task, result: attempt }): OutboxEntry => ({ kind: 'attempted', delivery: task.delivery, result: attempt })),
      ...result.handedOver.map(({ delivery, claimed }): OutboxEntry => ({ kind: claimed ? 'released' : 'waiting', delivery })),
      ...discarded.map(({ delivery, discard }): OutboxEntry => ({ kind: 'discarded', delivery, reason: discard ?? 'webhook_disabled' })),
    ];
    const tasks = [...result.ended.map(({ task }) => task), ...result.handedOver, ...discarded];
    if (entries.length > 0) await this.#record(work, tasks, entries);
  }

  /** One outbox RPC. Returns the ids that were new to the outbox; null where it failed, and then the tasks' messages fail. */
  async #record(work: WebhookWork, tasks: readonly Task[], entries: OutboxEntry[]): Promise<Set<string> | null> {
    try {
      const outbox = this.#env.OUTBOX.getByName(work.config.webhook.id);
      return new Set(await within(RECORD_TIMEOUT_MS, outbox.record(work.config, entries)));
    } catch (error) {
      logError('outbox.record_failed', error, { webhook: work.config.webhook.id, entries: entries.length });
      fail(tasks);
      return null;
    }
  }
}

function fail(tasks: readonly Task[]): void {
  for (const { inbound } of tasks) for (const each of inbound) each.failed = true;
}
