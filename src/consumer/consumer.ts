import type { NewDelivery } from '../domain/delivery/delivery.ts';
import { redeliveryDelaySeconds } from '../domain/delivery/redelivery.ts';
import { decodeEventMessage } from '../domain/event/event-message.ts';
import { isOperational } from '../domain/event/operational-event.ts';
import type { Figures } from '../domain/service/figures.ts';
import { logError, logWarning } from '../log.ts';
import { gatheredOf } from '../meter/gathered.ts';
import { keepNewest } from '../newest.ts';
import { onceFor } from '../once-for.ts';
import { Deadline, TimedOut, within } from '../within.ts';
import { configurationsOf } from './configuration-cache.ts';
import { eventsOf, fanOut, type Inbound, type InboundEvent, type WebhookWork } from './fan-out.ts';
import { untoldEventsOf } from './untold-events.ts';

/** How long outboxes may take to answer: each waits for its endpoint for a second at most. Then the queue is asked to redeliver. */
const DELIVER_TIMEOUT_MS = 3_000;
/** An outbox that did not answer is left alone for so long: its messages come later, and nobody's batch waits for it meanwhile. */
const LEFT_ALONE_MS = 30_000;
/** A call that the platform refused, as it does while a deploy resets objects, is made once more after this. */
const AGAIN_AFTER_MS = 200;
/** Deliveries, and bytes, in one call: the outbox keeps them in one turn. RPC: 32 MiB. */
const MAX_DELIVERIES = 500;
const MAX_BYTES = 8_000_000;
/** How long the dead-letter queue may take to accept. */
const DEAD_LETTERS_TIMEOUT_MS = 10_000;
/** A message that has failed so often does not fail by chance. The third time comes within 20 s (domain/delivery/redelivery.ts). */
const KEEPS_FAILING_FROM = 3;
/** Most outboxes remembered as silent. */
const MAX_SILENT = 10_000;

/** Until when this isolate leaves outboxes alone, by webhook. */
const silentUntilOf = onceFor((_: Env) => new Map<string, number>());

/**
 * Takes a batch of event messages to their webhooks' outboxes: configuration → deliveries → one call for each webhook → acknowledgement.
 * It attempts nothing itself. A message is acknowledged when each of its deliveries is kept by its outbox, whatever the endpoints
 * answered; only a fault of ours makes the queue redeliver it.
 */
export async function consumeEvents(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void> {
  const { inbound, events, unreadable } = readBatch(batch);
  try {
    await deliver(events, env, ctx);
  } catch (error) {
    logError('consumer.failed', error, { messages: batch.messages.length });
    for (const each of inbound.values()) each.failed = true;
  }
  for (const [message, { failed }] of inbound) {
    if (failed) redeliver(message);
    else message.ack();
  }
  await Promise.all(unreadable.map((message) => sendToDeadLetters(message, env)));
  countAccepted(inbound, events, env);
  gatheredOf(env).tellSoon(env, (work) => ctx.waitUntil(work), Date.now());
}

/** Counts events that come for the first time. Those of the service itself are nobody's. */
function countAccepted(inbound: ReadonlyMap<Message, Inbound>, events: readonly InboundEvent[], env: Env): void {
  const gathered = gatheredOf(env);
  const first = new Set<Inbound>();
  for (const [{ attempts }, each] of inbound) if (attempts === 1) first.add(each);
  for (const { inbound: each, event, organizationId } of events)
    if (first.has(each) && !isOperational(event)) gathered.event(organizationId);
}

/** Reads the batch's messages. */
function readBatch(batch: MessageBatch): { inbound: Map<Message, Inbound>; events: InboundEvent[]; unreadable: Message[] } {
  const inbound = new Map<Message, Inbound>();
  const events: InboundEvent[] = [];
  const unreadable: Message[] = [];
  for (const message of batch.messages) {
    try {
      const read = { message: decodeEventMessage(message.body), failed: false };
      events.push(...eventsOf(read));
      inbound.set(message, read);
    } catch (error) {
      logError('message.unreadable', error, { message: message.id });
      unreadable.push(message);
    }
  }
  return { inbound, events, unreadable };
}

async function deliver(events: readonly InboundEvent[], env: Env, ctx: ExecutionContext): Promise<void> {
  const configurations = configurationsOf(env);
  const organizationIds = events.map((event) => event.organizationId);
  const configs = await configurations.load(env.DB, organizationIds, Date.now());
  const { works, filtered } = fanOut(events, configs);
  const deadline = new Deadline(DELIVER_TIMEOUT_MS);
  try {
    await Promise.all(works.map((work) => deliverToOutbox(work, env, deadline)));
  } finally {
    deadline.stop();
  }
  // For the batches to come: nothing of this one waits for it (compatibility flag queue_consumer_no_wait_for_wait_until).
  ctx.waitUntil(configurations.loadAhead(env.DB, configs, Date.now()));
  if (filtered.length === 0) return;
  const untold = untoldEventsOf(env);
  // A message that fails comes again with all of its events.
  const kept = filtered.filter(({ event }) => !event.inbound.failed);
  for (const { webhook, event, isCounting } of kept) untold.note(webhook, event, isCounting);
  gatheredOf(env).count('kept_back', kept.length);
  untold.tellSoon(env, (work) => ctx.waitUntil(work), Date.now());
}

/** Brings a webhook's part of the batch to its outbox. Where that fails, its messages fail, and no others. */
async function deliverToOutbox(work: WebhookWork, env: Env, deadline: Deadline): Promise<void> {
  const { config, readAt, tasks } = work;
  const { id } = config.webhook;
  const silent = silentUntilOf(env);
  try {
    if ((silent.get(id) ?? 0) > Date.now()) throw new Error('it has not answered lately');
    const calls = callsOf(tasks.map(({ delivery }) => delivery)).map((deliveries) =>
      persistently(() => env.OUTBOX.getByName(id).deliver(config, deliveries, readAt)),
    );
    const ended = await deadline.bound(Promise.all(calls));
    silent.delete(id);
    const gathered = gatheredOf(env);
    gathered.count('handed_over', tasks.length);
    for (const figures of ended) gathered.add(figures);
  } catch (error) {
    logError('outbox.not_delivered_to', error, { webhook: id, deliveries: tasks.length });
    if (error instanceof TimedOut) leaveAlone(silent, id);
    for (const { inbound } of tasks) for (const each of inbound) each.failed = true;
  }
}

function leaveAlone(silent: Map<string, number>, webhookId: string): void {
  silent.delete(webhookId);
  silent.set(webhookId, Date.now() + LEFT_ALONE_MS);
  keepNewest(silent, MAX_SILENT);
}

/**
 * One call, repeated where the platform refused it: an outbox answers a repetition from what it knows.
 * @returns what has ended there lately; an outbox of the version before does not say
 */
async function persistently(call: () => Promise<Figures | undefined>): Promise<Figures | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!isRetryable(error)) throw error;
    await scheduler.wait(AGAIN_AFTER_MS);
    return await call();
  }
}

/** Durable Objects mark what may be tried again, and what would only make an overload worse. */
function isRetryable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { retryable, overloaded } = error as { retryable?: unknown; overloaded?: unknown };
  return retryable === true && overloaded !== true;
}

/** A webhook's deliveries as calls of a bounded size. */
function callsOf(deliveries: readonly NewDelivery[]): NewDelivery[][] {
  const calls: NewDelivery[][] = [];
  let bytes = 0;
  for (const delivery of deliveries) {
    const last = calls.at(-1);
    const fits = last !== undefined && last.length < MAX_DELIVERIES && bytes + delivery.payload.length <= MAX_BYTES;
    if (fits) last.push(delivery);
    else calls.push([delivery]);
    bytes = (fits ? bytes : 0) + delivery.payload.length;
  }
  return calls;
}

/** A message that cannot be read goes to the dead-letter queue at once: reading it again would not help. */
async function sendToDeadLetters(message: Message, env: Env): Promise<void> {
  try {
    const contentType = message.body instanceof ArrayBuffer || message.body instanceof Uint8Array ? 'bytes' : 'v8';
    await within(DEAD_LETTERS_TIMEOUT_MS, env.DEAD_LETTERS.send(message.body, { contentType }));
    message.ack();
  } catch (error) {
    logError('message.not_parked', error, { message: message.id });
    redeliver(message);
  }
}

/**
 * Has all of a batch redelivered that cannot even be begun.
 * @param delaySeconds the wait before each redelivery; absent: as after any fault of ours, later each time
 */
export function redeliverAll({ messages }: MessageBatch, error: unknown, delaySeconds?: number): void {
  logError('consumer.failed', error, { messages: messages.length });
  for (const message of messages) redeliver(message, delaySeconds);
}

function redeliver(message: Message, delaySeconds = redeliveryDelaySeconds(message.attempts)): void {
  const { id, attempts } = message;
  logWarning('message.redelivered', { message: id, attempts, delaySeconds });
  if (attempts >= KEEPS_FAILING_FROM) {
    logWarning('message.keeps_failing', { message: id, attempts, reason: `it has failed ${attempts} times, and comes again` });
  }
  message.retry({ delaySeconds });
}
