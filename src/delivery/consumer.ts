import { decodeEventMessage } from '../domain/event-message.ts';
import { redeliveryDelaySeconds } from '../domain/redelivery.ts';
import { logError, logWarning } from '../log.ts';
import { onceFor } from '../once-for.ts';
import { settingsOf } from '../settings.ts';
import { Deadline, within } from '../within.ts';
import type { AttemptResult } from './attempt.ts';
import { ConfigurationCache } from './configuration-cache.ts';
import { EndpointMemory } from './endpoint-memory.ts';
import { isOverflow } from './event-queues.ts';
import { eventsOf, fanOut, type Inbound, type InboundEvent, type Task, type WebhookWork } from './fan-out.ts';
import { FastPath, type FastPathResult, LEASE_BY_MS, type LeasedAttempt, SLOTS } from './fast-path.ts';
import type { OutboxEntry } from './outbox-entry.ts';
import { RightOfWay } from './right-of-way.ts';
import { Sender } from './sender.ts';

/** How long an outbox may take to record what was done before the queue is asked to redeliver instead. */
const RECORD_TIMEOUT_MS = 10_000;
/** How long it may take to answer a claim: the batch waits for it. */
const CLAIM_TIMEOUT_MS = 1_000;
/** Waits before each further try to record: a deploy resets objects, and what is known of an attempt must not be lost to it. */
const RECORD_RETRIES_MS = [200, 1_000];
/** Entries in one call. RPC: 32 MiB; a batch's payloads are 13 MB at most, an attempt's record 64 kB (two bytes a character). */
const MAX_ENTRIES = 200;

/** What an isolate keeps between batches. */
interface Shared {
  configurations: ConfigurationCache;
  endpoints: EndpointMemory;
  sender: Sender;
  way: RightOfWay;
}

const sharedOf = onceFor(
  (env: Env): Shared => ({
    configurations: new ConfigurationCache(),
    endpoints: new EndpointMemory(),
    sender: new Sender(settingsOf(env)),
    way: new RightOfWay(),
  }),
);

/**
 * Takes a batch of event messages to their webhooks: configuration → deliveries → first attempts → outcomes to each webhook's
 * outbox → acknowledgement. A message is acknowledged when each of its deliveries is recorded in its outbox, whatever the
 * endpoints answered; only a fault of ours makes the queue redeliver it. What comes from an overflow queue gives way to the
 * isolate's other batches.
 */
export async function consumeEvents(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void> {
  const { inbound, events, unreadable } = readBatch(batch);
  try {
    if (isOverflow(batch.queue)) await deliverGivingWay(events, env, ctx);
    else await sharedOf(env).way.ordinary(() => deliver(events, env, ctx, SLOTS));
  } catch (error) {
    logError('consumer.failed', error, { messages: batch.messages.length });
    for (const each of inbound.values()) each.failed = true;
  }
  for (const [message, { failed }] of inbound) {
    if (failed) redeliver(message);
    else message.ack();
  }
  await Promise.all(unreadable.map((message) => sendToDeadLetters(message, env)));
}

/** After the isolate's ordinary batches; where those leave no room, one attempt at a time beside them. */
async function deliverGivingWay(events: readonly InboundEvent[], env: Env, ctx: ExecutionContext): Promise<void> {
  const isClear = await sharedOf(env).way.giveWay();
  await deliver(events, env, ctx, isClear ? SLOTS : 1);
}

async function deliver(events: readonly InboundEvent[], env: Env, ctx: ExecutionContext, slots: number): Promise<void> {
  const deadline = new Deadline(CLAIM_TIMEOUT_MS + LEASE_BY_MS + RECORD_TIMEOUT_MS);
  try {
    await new Consumer(env, ctx, deadline).deliver(events, slots);
  } finally {
    deadline.stop();
  }
}

/** Reads the batch's messages. */
function readBatch(batch: MessageBatch): { inbound: Map<Message, Inbound>; events: InboundEvent[]; unreadable: Message[] } {
  const inbound = new Map<Message, Inbound>();
  const events: InboundEvent[] = [];
  const unreadable: Message[] = [];
  for (const message of batch.messages) {
    try {
      const decoded = decodeEventMessage(message.body);
      const read = { repeated: message.attempts > 1 || decoded.redriven, message: decoded, failed: false };
      events.push(...eventsOf(read));
      inbound.set(message, read);
    } catch (error) {
      logError('message.unreadable', error, { message: message.id });
      unreadable.push(message);
    }
  }
  return { inbound, events, unreadable };
}

/** A message that cannot be read goes to the dead-letter queue at once: reading it again would not help. */
async function sendToDeadLetters(message: Message, env: Env): Promise<void> {
  try {
    const contentType = message.body instanceof ArrayBuffer || message.body instanceof Uint8Array ? 'bytes' : 'v8';
    await within(RECORD_TIMEOUT_MS, env.DEAD_LETTERS.send(message.body, { contentType }));
    message.ack();
  } catch (error) {
    logError('message.not_parked', error, { message: message.id });
    redeliver(message);
  }
}

function redeliver(message: Message): void {
  const delaySeconds = redeliveryDelaySeconds(message.attempts);
  logWarning('message.redelivered', { message: message.id, attempts: message.attempts, delaySeconds });
  message.retry({ delaySeconds });
}

class Consumer {
  readonly #env: Env;
  readonly #ctx: ExecutionContext;
  readonly #shared: Shared;
  /** By when everything that the batch waits for is recorded. */
  readonly #deadline: Deadline;

  constructor(env: Env, ctx: ExecutionContext, deadline: Deadline) {
    this.#env = env;
    this.#ctx = ctx;
    this.#shared = sharedOf(env);
    this.#deadline = deadline;
  }

  /** @param slots attempts at a time */
  async deliver(events: readonly InboundEvent[], slots: number): Promise<void> {
    const organizationIds = events.map((event) => event.organizationId);
    const configs = await this.#shared.configurations.load(this.#env.DB, organizationIds, Date.now());
    const works = fanOut(events, configs);
    const recordings: Promise<unknown>[] = [];
    const [off, on] = partition(works, ({ config }) => !config.webhook.enabled);
    for (const work of off)
      recordings.push(
        this.#record(
          work,
          work.tasks,
          work.tasks.map(({ delivery }) => ({ kind: 'discarded', delivery })),
        ),
      );
    // Decided once: what is claimed is what is attempted.
    const taken = new Set(on.filter((work) => this.#takes(work)).map(({ config }) => config.webhook.id));
    const attemptable = await Promise.all(on.map((work) => (taken.has(work.config.webhook.id) ? this.#claim(work) : work)));
    const fastPath = new FastPath(
      attemptable,
      {
        now: () => Date.now(),
        takes: ({ config }) => taken.has(config.webhook.id),
        patienceMs: ({ config }) => this.#shared.endpoints.patienceMs(config.webhook.id),
        attempt: ({ config: { webhook } }, { delivery }) =>
          this.#shared.sender.send(webhook, { delivery, payload: delivery.payload, number: 1, trigger: 'event' }),
        ended: ({ config }, tookMs, succeeded) => this.#shared.endpoints.ended(config.webhook.id, tookMs, succeeded, Date.now()),
        lease: (work, task, leased) => recordings.push(this.#lease(work, task, leased)),
        finished: (work, result) => recordings.push(this.#recordResult(work, result)),
      },
      slots,
    );
    await fastPath.run();
    await Promise.all(recordings);
  }

  /** Whether a webhook's first attempts are made here: its endpoint is healthy, and its owner has set no pace. */
  #takes({ config: { webhook } }: WebhookWork): boolean {
    return webhook.health === 'healthy' && webhook.maxPerSecond === null && !this.#shared.endpoints.isOff(webhook.id, Date.now());
  }

  /**
   * Claims in the outbox what may have been attempted before, and returns the work without what is not this invocation's to
   * attempt: what is recorded already, and what could not be claimed. Where nothing is repeated it costs nothing.
   */
  async #claim(work: WebhookWork): Promise<WebhookWork> {
    const repeated = work.tasks.filter((task) => task.repeated);
    if (repeated.length === 0) return work;
    const startedAt = Date.now();
    const entries = repeated.map(({ delivery }): OutboxEntry => ({ kind: 'leased', delivery, startedAt }));
    const fresh = await this.#record(work, repeated, entries, (claiming) => this.#claimInTime(work, repeated, claiming));
    for (const task of repeated) task.claimed = fresh?.has(task.delivery.id) ?? false;
    return { ...work, tasks: work.tasks.filter((task) => !task.repeated || task.claimed) };
  }

  /** What was claimed. A claim that is late is given back where it succeeds after all: else it would count as an interrupted attempt. */
  async #claimInTime(work: WebhookWork, tasks: readonly Task[], claiming: Promise<string[]>): Promise<string[]> {
    try {
      return await within(CLAIM_TIMEOUT_MS, claiming);
    } catch (error) {
      this.#ctx.waitUntil(this.#release(work, tasks, claiming));
      throw error;
    }
  }

  async #release(work: WebhookWork, tasks: readonly Task[], claiming: Promise<string[]>): Promise<void> {
    const claimed = new Set(await claiming.catch(() => []));
    const released = tasks.filter(({ delivery }) => claimed.has(delivery.id));
    const entries = released.map(({ delivery }): OutboxEntry => ({ kind: 'released', delivery }));
    await this.#recordBeside(work, entries);
  }

  async #lease(work: WebhookWork, task: Task, { startedAt, outcome, isSlow }: LeasedAttempt): Promise<void> {
    if (isSlow) this.#shared.endpoints.slow(work.config.webhook.id, Date.now());
    const leased = this.#record(work, [task], [{ kind: 'leased', delivery: task.delivery, startedAt }]);
    // Goes on beside the batch (compatibility flag queue_consumer_no_wait_for_wait_until). If this invocation dies before it
    // ends, the outbox counts the attempt as interrupted.
    this.#ctx.waitUntil(leased.then(() => this.#recordLate(work, task, outcome)));
    await leased;
  }

  async #recordLate(work: WebhookWork, { delivery }: Task, outcome: Promise<AttemptResult>): Promise<void> {
    let entry: OutboxEntry;
    try {
      entry = { kind: 'attempted', delivery, result: await outcome };
    } catch (error) {
      logError('attempt.not_sent', error, { delivery: delivery.id });
      entry = { kind: 'released', delivery };
    }
    await this.#recordBeside(work, [entry]);
  }

  /** Brings what the fast path did with a webhook's tasks to its outbox. */
  async #recordResult(work: WebhookWork, { ended, handedOver }: FastPathResult): Promise<void> {
    const entries: OutboxEntry[] = [
      ...ended.map(({ task, result }): OutboxEntry => ({ kind: 'attempted', delivery: task.delivery, result })),
      ...handedOver.map(({ delivery, claimed }): OutboxEntry => ({ kind: claimed ? 'released' : 'waiting', delivery })),
    ];
    await this.#record(work, [...ended.map(({ task }) => task), ...handedOver], entries);
  }

  /** Records what comes beside the batch, which may be over, and its deadline with it. */
  async #recordBeside(work: WebhookWork, entries: OutboxEntry[]): Promise<void> {
    await this.#record(work, [], entries, (recorded) => within(RECORD_TIMEOUT_MS, recorded));
  }

  /** Records in the outbox. Returns the ids that were new to it; null where it failed, and then the tasks' messages fail. */
  async #record(
    work: WebhookWork,
    tasks: readonly Task[],
    entries: OutboxEntry[],
    inTime: (recorded: Promise<string[]>) => Promise<string[]> = (recorded) => this.#deadline.within(recorded),
  ): Promise<Set<string> | null> {
    const fresh = new Set<string>();
    try {
      for (let at = 0; at < entries.length; at += MAX_ENTRIES) {
        const ids = await inTime(this.#recordPersistently(work, entries.slice(at, at + MAX_ENTRIES)));
        for (const id of ids) fresh.add(id);
      }
      return fresh;
    } catch (error) {
      logError('outbox.record_failed', error, { webhook: work.config.webhook.id, entries: entries.length });
      for (const { inbound } of tasks) for (const each of inbound) each.failed = true;
      return null;
    }
  }

  /** One call, repeated where it is refused: recording is a no-op where an answer was lost. */
  async #recordPersistently({ config, readAt }: WebhookWork, entries: OutboxEntry[]): Promise<string[]> {
    const { id } = config.webhook;
    for (const waitMs of RECORD_RETRIES_MS) {
      try {
        return await this.#env.OUTBOX.getByName(id).record(config, entries, readAt);
      } catch (error) {
        logWarning('outbox.record_repeated', {
          webhook: id,
          error: error instanceof Error ? error.message : String(error),
        });
        await scheduler.wait(waitMs);
      }
    }
    return await this.#env.OUTBOX.getByName(id).record(config, entries, readAt);
  }
}

function partition<T>(items: readonly T[], belongsFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongsFirst), items.filter((item) => !belongsFirst(item))];
}
