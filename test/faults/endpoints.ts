import { pick, whole } from '../platform/fault-plan.ts';
import type { Reply, Sent } from '../platform/outbound.ts';
import { between, type Random, seeded } from '../simulation/random.ts';
import type { Scenario } from './scenario.ts';

/** A POST that arrived, and what was answered. */
export interface Arrival {
  webhookId: string;
  deliveryId: string;
  eventId: string;
  attempt: number;
  body: string;
  sent: Sent;
  at: number;
  /** Null: the connection was closed instead. */
  status: number | null;
}

/** Most requests of a delivery that an endpoint treats badly before it answers as it will answer for good. */
const MOST_TROUBLE = 5;

/** What Cloudflare's edge answers in the place of an endpoint that it cannot reach, or cannot make sense of. */
const EDGE_STATUSES = [520, 521, 522, 523, 524, 525, 526, 530] as const;

/** An outage's answers. */
const DOWN: readonly Reply[] = [
  { status: 503, afterMs: 5 },
  { status: 522, afterMs: 19_000 },
  { status: null, afterMs: 1 },
  { status: 200, afterMs: 60_000 },
];

/** The customers' endpoints: what each does with each event follows from the seed. */
export class Endpoints {
  readonly arrivals: Arrival[] = [];
  readonly #seed: number;
  readonly #scenario: Scenario;
  readonly #startedAt: number;
  readonly #replies = new Map<string, Reply[]>();
  readonly #webhookIds: readonly string[];

  constructor(seed: number, scenario: Scenario, webhookIds: readonly string[], startedAt: number) {
    this.#seed = seed;
    this.#scenario = scenario;
    this.#webhookIds = webhookIds;
    this.#startedAt = startedAt;
  }

  /** A request has arrived; the URL's host names the webhook. */
  serve(url: string, init: RequestInit, sent: Sent): Reply {
    const webhookId = idOf(new URL(url).hostname);
    const headers = init.headers as Record<string, string>;
    const body = new TextDecoder().decode(init.body as Uint8Array);
    const reply = this.#replyTo(webhookId, (JSON.parse(body) as { n: number }).n);
    this.arrivals.push({
      webhookId,
      deliveryId: headers['X-Bullseye-Delivery']!,
      eventId: headers['webhook-id']!,
      attempt: Number(headers['X-Bullseye-Attempt']),
      body,
      sent,
      at: Date.now(),
      status: reply.status,
    });
    return reply;
  }

  #replyTo(webhookId: string, event: number): Reply {
    const index = this.#webhookIds.indexOf(webhookId);
    const { outage, latencyMs } = this.#scenario.webhooks[index]!;
    const sinceMs = Date.now() - this.#startedAt;
    if (outage && sinceMs >= outage.fromMs && sinceMs < outage.toMs) return DOWN[outage.how]!;
    return this.#nextReply(`${webhookId} ${event}`, seeded(this.#seed, 1_000 + 10 * event + index), latencyMs);
  }

  /** The replies to one event's requests, in order; the last one stays. */
  #nextReply(key: string, random: Random, latencyMs: number): Reply {
    const replies = this.#replies.get(key) ?? repliesOf(random, latencyMs, this.#scenario.isCrowd);
    this.#replies.set(key, replies);
    return (replies.length > 1 ? replies.shift() : replies[0]) as Reply;
  }
}

/** Ways in which an outage shows. */
export const OUTAGES = DOWN.length;

function repliesOf(random: Random, latencyMs: number, isCrowd: boolean): Reply[] {
  const prompt: Reply = { status: 200, afterMs: latencyMs };
  // Of a crowd nearly all go well: one that says that the endpoint is gone would end it.
  const last = isCrowd || random() < 0.85 ? prompt : replyOf(random);
  const troubles = random() < (isCrowd ? 0.99 : 0.5) ? 0 : whole(random, 1, MOST_TROUBLE);
  return [...Array.from({ length: troubles }, () => replyOf(random)), last];
}

function replyOf(random: Random): Reply {
  const afterMs = Math.floor(pick(random, [3, 3, between(random, 10, 3_000), between(random, 3_000, 33_000)]));
  const status = pick(random, [200, 200, 500, 500, 500, 302, 429, null, random() < 0.3 ? 410 : 404, pick(random, EDGE_STATUSES)]);
  const body = pick(random, [undefined, undefined, [{ text: 'no', afterMs: 2 }], slowBodyOf(random)]);
  return { status, afterMs, body, ...(status === 429 && { retryAfter: '90' }) };
}

/** One that drips, and may never end. */
function slowBodyOf(random: Random): Reply['body'] {
  const drips = Array.from({ length: whole(random, 1, 4) }, () => ({ text: 'drip', afterMs: whole(random, 1, 3_000) }));
  return random() < 0.5 ? [...drips, null] : drips;
}

/** A webhook's own endpoint. */
export function urlOf(webhookId: string): string {
  return `https://${webhookId.replace('_', '-').toLowerCase()}.example.com/in`;
}

function idOf(host: string): string {
  return host.replace('.example.com', '').toUpperCase().replace('WHK-', 'whk_');
}
