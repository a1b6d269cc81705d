import { createExecutionContext, createMessageBatch, getQueueResult, runDurableObjectAlarm, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import worker from '../../src/index.ts';
import { eventText } from '../bench/event-text.ts';
import { PLATFORM_KEY } from '../support/api.ts';
import { alarmOf, givenOrganization, givenWebhook, outboxOf } from '../support/deliveries.ts';
import { Meter } from './meter.ts';
import { queueUnits } from './operations.ts';

export interface Customer {
  organization: string;
  webhooks: string[];
}

type WebhookChoices = Omit<Parameters<typeof givenWebhook>[1], 'url' | 'secret'>;

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

export const HEALTHY = 'https://hooks.example.com/healthy';
/** Answers as HEALTHY does, or 500 while it is down. */
export const BROKEN = 'https://hooks.example.com/broken';

/** Within this as many requests come as are to. */
const HELD_WITHIN_MS = 10_000;
/** Nothing comes any more where nothing has come for so long; looked at in such steps. */
const QUIET_MS = 100;
const STEP_MS = 10;

let down = false;
let attempts = 0;
let holds = false;
const held: { isAnswered: boolean }[] = [];

/**
 * Endpoints without a network. They answer at once, or when they are told to, after a time that passes on the driven date alone: on a
 * busy machine a real one takes longer than it should now and then, and what that costs would be counted with the rest. Chance is left
 * out for the same reason.
 */
export const endpoints = {
  start: () => {
    // The jitter of the retry schedule.
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    vi.stubGlobal('fetch', async (url: string) => {
      attempts++;
      if (holds) await answered();
      return new Response(null, { status: url === BROKEN && down ? 500 : 204 });
    });
  },
  breakDown: () => {
    down = true;
  },
  mend: () => {
    down = false;
  },
  /** From now on what comes in is held until `answer`. */
  hold: () => {
    holds = true;
  },
  /** From now on they answer at once; what is held is answered, too. */
  answerAtOnce: () => {
    holds = false;
    for (const request of held.splice(0)) request.isAnswered = true;
  },
  /** Waits until so many requests are held, lets their time pass, and answers them. */
  answer: async (count: number, latencyMs: number): Promise<void> => {
    for (const until = performance.now() + HELD_WITHIN_MS; held.length < count && performance.now() < until; ) await scheduler.wait(1);
    if (held.length !== count) throw new Error(`${held.length} requests are held, and not ${count}`);
    vi.setSystemTime(Date.now() + latencyMs);
    for (const request of held.splice(0)) request.isAnswered = true;
  },
  /** Answers what comes until some work is done, however many come at a time. */
  answerUntil: async (work: Promise<void>, latencyMs: number): Promise<void> => {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    for (let quietMs = 0; !isDone || quietMs < QUIET_MS; quietMs += STEP_MS) {
      const count = held.length;
      if (count > 0) quietMs = 0;
      await scheduler.wait(STEP_MS);
      // No more come for now.
      if (count > 0 && count === held.length) await endpoints.answer(count, latencyMs);
    }
    await done;
  },
  /** How many requests there were since the last call. */
  takeAttempts: (): number => {
    const taken = attempts;
    attempts = 0;
    return taken;
  },
  stop: () => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  },
};

/** Looks for itself: Durable Objects do not let others fulfil what one of them waits for. */
async function answered(): Promise<void> {
  const request = { isAnswered: false };
  held.push(request);
  while (!request.isAnswered) await scheduler.wait(1);
}

/** Organizations with a webhook at each of these URLs. @param choices what their owners have chosen of what is sent */
export async function givenCustomers(count: number, urls: readonly string[], choices: WebhookChoices = {}): Promise<Customer[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const organization = await givenOrganization();
      const webhooks = urls.map((url) => givenWebhook(organization, { url, secret: 'the secret of the tests', ...choices }));
      return { organization, webhooks: await Promise.all(webhooks) };
    }),
  );
}

/** The whole service, step by step: what a queue and a clock would do is done by hand, and counted. */
export class MeteredService {
  readonly meter: Meter;
  /** Whether a request is over when it is answered: what it has left to do takes longer than a test can wait. */
  leavesWork = false;
  /** Whether each request has an Idempotency-Key of its own. */
  hasKeys = false;
  #posted = 0;

  private constructor(meter: Meter) {
    this.meter = meter;
  }

  static async start(): Promise<MeteredService> {
    // The last entry of an index is read with one row less than others: it has none behind it.
    await env.DB.batch([
      env.DB.prepare("INSERT INTO organizations (id, name, plan, created_at, updated_at) VALUES ('~', 'The last', 'scale', 0, 0)"),
      env.DB.prepare(
        `INSERT INTO webhooks (id, organization_id, url, events, enabled, health, health_since, created_at, updated_at)
          VALUES ('~', '~', 'https://hooks.example.com/', '[]', 0, 'healthy', 0, 0, 0)`,
      ),
    ]);
    return new MeteredService(await Meter.start());
  }

  /** Posts a body as a producer does. */
  async post(body: string): Promise<void> {
    this.meter.add({ requests: 1 });
    const ctx = createExecutionContext();
    const key: Record<string, string> = this.hasKeys ? { 'Idempotency-Key': crypto.randomUUID() } : {};
    const headers = { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json', ...key };
    const request = new Request('http://localhost/api/v1/events', { method: 'POST', headers, body: new TextEncoder().encode(body) });
    const response = await worker.fetch(request as Request<unknown, IncomingRequestCfProperties>, this.meter.env, ctx);
    if (!this.leavesWork) await waitOnExecutionContext(ctx);
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  }

  /** Posts an event of each customer, in a request of its own. */
  async postEach(customers: readonly Customer[]): Promise<void> {
    for (const { organization } of customers) await this.post(eventText(organization, this.#posted++));
  }

  /** Posts events of a customer as an array. */
  async postArray({ organization }: Customer, count: number): Promise<void> {
    await this.post(`[${Array.from({ length: count }, () => eventText(organization, this.#posted++)).join(',')}]`);
  }

  /**
   * Takes what is queued off in one batch. All of it is acknowledged, or it throws.
   * @param leavesWork whether the batch is over when its handler returns: what it has left to do takes longer than a test can wait
   */
  async consume({ leavesWork = false } = {}): Promise<void> {
    const bodies = this.meter.takeQueued();
    const messages = bodies.map((body) => ({ id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body }));
    const batch = createMessageBatch('bullseye-events', messages);
    const ctx = createExecutionContext();
    // A read and a delete of each.
    this.meter.add({ requests: 1, queueOperations: 2 * bodies.reduce((sum, { length }) => sum + queueUnits(length), 0) });
    await worker.queue(batch, this.meter.env, ctx);
    if (leavesWork) return;
    const { explicitAcks } = await getQueueResult(batch, ctx);
    if (explicitAcks.length !== messages.length) throw new Error(`${explicitAcks.length} of ${messages.length} messages were acknowledged`);
  }

  /** Runs an outbox's alarms, each at its time, up to and including a moment. */
  async runAlarms(webhook: string, until: number): Promise<void> {
    for (let at = await alarmOf(webhook); at !== null && at <= until; at = await alarmOf(webhook)) {
      vi.setSystemTime(Math.max(at, Date.now()));
      await this.runAlarm(webhook);
    }
  }

  /** Runs an outbox's alarm now. */
  async runAlarm(webhook: string): Promise<void> {
    this.meter.add({ objectRequests: 1 });
    await runDurableObjectAlarm(outboxOf(webhook));
  }
}
