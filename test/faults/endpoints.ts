import { between, type Random, seeded } from '../simulation/random.ts';
import { type FaultPlan, pick, whole } from './fault-plan.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A POST that arrived, and what was answered. */
export interface Arrival {
  webhookId: string;
  deliveryId: string;
  eventId: string;
  attempt: number;
  body: string;
  /** Null: the connection was closed instead. */
  status: number | null;
}

/** What an endpoint does with a request. */
interface Reply {
  status: number | null;
  afterMs: number;
  retryAfter?: string;
}

const PROMPT: Reply = { status: 200, afterMs: 3 };

/** Most requests of a delivery that an endpoint treats badly before it answers as it will answer for good. */
const MOST_TROUBLE = 5;

/** The customers' endpoints: what each does with each event follows from the seed. */
export class Endpoints {
  readonly arrivals: Arrival[] = [];
  readonly #seed: number;
  readonly #plan: FaultPlan;
  readonly #time: VirtualTime;
  readonly #replies = new Map<string, Reply[]>();
  readonly #webhookIds: readonly string[];
  /** The outbox, or whichever isolate runs, vanishes. */
  readonly #kill: (webhookId: string) => void;

  constructor(seed: number, webhookIds: readonly string[], plan: FaultPlan, time: VirtualTime, kill: (webhookId: string) => void) {
    this.#seed = seed;
    this.#webhookIds = webhookIds;
    this.#plan = plan;
    this.#time = time;
    this.#kill = kill;
  }

  /** What stands in for `fetch`; the URL's host names the webhook. */
  async fetch(url: string, init: RequestInit): Promise<Response> {
    const fault = this.#plan.next('fetch');
    this.#time.step();
    const timeoutMs = (init.signal as AbortSignal & { timeoutMs: number }).timeoutMs;
    const webhookId = idOf(new URL(url).hostname);
    if (fault === 'throw') throw new Error('Network connection lost.');
    if (fault === 'hang') return await timeout(timeoutMs);
    if (fault === 'die') this.#kill(webhookId);
    const reply = this.#arrived(webhookId, init);
    if (fault === 'succeed-then-hang' || reply.afterMs >= timeoutMs) return await timeout(timeoutMs);
    await passed(reply.afterMs);
    if (fault === 'succeed-then-die') this.#kill(webhookId);
    if (fault === 'succeed-then-throw' || reply.status === null) throw new Error('Network connection lost.');
    return new Response(null, { status: reply.status, headers: reply.retryAfter ? { 'retry-after': reply.retryAfter } : {} });
  }

  #arrived(webhookId: string, init: RequestInit): Reply {
    const headers = init.headers as Record<string, string>;
    const body = new TextDecoder().decode(init.body as Uint8Array);
    const reply = this.#nextReply(webhookId, (JSON.parse(body) as { n: number }).n);
    this.arrivals.push({
      webhookId,
      deliveryId: headers['X-Bullseye-Delivery']!,
      eventId: headers['webhook-id']!,
      attempt: Number(headers['X-Bullseye-Attempt']),
      body,
      status: reply.status,
    });
    return reply;
  }

  /** The replies to one event's requests, in order; the last one stays. */
  #nextReply(webhookId: string, event: number): Reply {
    const key = `${webhookId} ${event}`;
    const replies = this.#replies.get(key) ?? repliesOf(seeded(this.#seed, 1_000 + 10 * event + this.#webhookIds.indexOf(webhookId)));
    this.#replies.set(key, replies);
    return (replies.length > 1 ? replies.shift() : replies[0]) as Reply;
  }
}

function repliesOf(random: Random): Reply[] {
  const last = random() < 0.85 ? PROMPT : replyOf(random);
  const troubles = random() < 0.5 ? 0 : whole(random, 1, MOST_TROUBLE);
  return [...Array.from({ length: troubles }, () => replyOf(random)), last];
}

function replyOf(random: Random): Reply {
  const afterMs = Math.floor(pick(random, [3, 3, between(random, 10, 3_000), between(random, 3_000, 33_000)]));
  const status = pick(random, [200, 200, 500, 500, 500, 302, 429, null, random() < 0.3 ? 410 : 404]);
  return status === 429 ? { status, afterMs, retryAfter: '90' } : { status, afterMs };
}

function timeout(ms: number): Promise<never> {
  return passed(ms).then(() => {
    throw new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  });
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A webhook's own endpoint. */
export function urlOf(webhookId: string): string {
  return `https://${webhookId.replace('_', '-').toLowerCase()}.example.com/in`;
}

function idOf(host: string): string {
  return host.replace('.example.com', '').toUpperCase().replace('WHK-', 'whk_');
}
