import { pick, whole } from '../platform/fault-plan.ts';
import { between, type Random, seeded } from '../simulation/random.ts';

/** A request of a producer: one event, or an array of them. Times are milliseconds from the run's start. */
export interface Post {
  atMs: number;
  /** The numbers of its events; an array where there are more than one. */
  events: number[];
  /** With an Idempotency-Key the producer posts again until it gets a 202. */
  key: string | null;
}

/** From when until when something lasts. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** A webhook, and its endpoint and outbox. */
export interface WebhookScenario {
  maxPerSecond: number | null;
  maxConcurrent: number | null;
  enabled: boolean;
  /** How long its endpoint takes to answer, where nothing is the matter. */
  latencyMs: number;
  /** When its endpoint is down, and which way. */
  outage: (Span & { how: number }) | null;
  /** When its outbox's storage is full. */
  full: Span | null;
  /** Which events it wants: all, or but those of one person; and of each person all, or only the first. */
  keepsBack: boolean;
  once: boolean;
  /** Whether its events have the form of FORM. */
  hasForm: boolean;
}

/** What vanishes: an isolate, the outbox of a webhook, one of its couriers, or all objects at once, as with a deploy. */
export type Victim = { isolate: number } | { outbox: number } | { courier: number; place: number } | 'everything';

/** What happens in one run, faults apart. */
export interface Scenario {
  /** Whether one outbox gets more than it begins in an invocation. */
  isCrowd: boolean;
  webhooks: WebhookScenario[];
  posts: Post[];
  maxConcurrency: number;
  /** From then on everything works. */
  stormMs: number;
  /** When the cron runs while the storm lasts. */
  cronsAtMs: number[];
  killsAtMs: { atMs: number; victim: Victim }[];
  /** What people ask of a webhook's outbox: to send a test, to retry some delivery now, or to cancel all that waits. */
  byHand: { atMs: number; webhook: number; what: 'test' | 'retry' | 'cancel' }[];
  /** When a person is erased, and who. */
  erasure: { atMs: number; person: number } | null;
  /** Whether alarms are lost while the storm lasts. */
  losesAlarms: boolean;
}

export const MOST_WEBHOOKS = 3;
/** Isolates that a run's batches and requests go to. */
export const ISOLATES = 3;

const SECOND = 1_000;
const MINUTE = 60_000;
const LEAST_STORM_MS = 2 * MINUTE;
const LONGEST_STORM_MS = 50 * MINUTE;
/** Posts come early in a storm, so that what follows from them is in it. */
const POSTS_WITHIN_MS = 90_000;
/** Of a hundred runs. */
const CROWDS = 1;
const COMPANIES = 25;
/** The share of webhooks whose events have a form of their own. */
const FORMED = 0.3;
const ARRAY = 100;

/** The share of webhooks that keep a person's events back, and of those that want each person once. */
const KEEPING_BACK = 0.25;
/** The share of runs in which a person is erased, and of what people ask for the share that is a cancellation. */
const ERASING = 0.4;
const CANCELING = 0.2;
const ONCE = 0.4;

/**
 * How much there is of a run.
 * - `few`: some events, each of which meets much.
 * - `company`: enough at a time that outboxes need couriers.
 * - `crowd`: more than an outbox begins in an invocation.
 */
type Kind = 'few' | 'company' | 'crowd';

const POSTS: Record<Kind, (random: Random) => Post[]> = { few: fewOf, company: companyOf, crowd: crowdOf };

export function scenarioOf(seed: number, outages: number): Scenario {
  const random = seeded(seed, 1);
  const share = random() * 100;
  const kind: Kind = share < CROWDS ? 'crowd' : share < CROWDS + COMPANIES ? 'company' : 'few';
  const isCrowd = kind === 'crowd';
  const stormMs = Math.floor(between(random, LEAST_STORM_MS, LONGEST_STORM_MS));
  const choices = seeded(seed, 6);
  const webhooks = Array.from({ length: isCrowd ? 1 : whole(random, 1, MOST_WEBHOOKS) }, (_, index) => ({
    ...webhookOf(random, kind, stormMs, outages),
    // Of a crowd, little would be left.
    keepsBack: !isCrowd && choices() < KEEPING_BACK,
    once: !isCrowd && choices() < ONCE,
    hasForm: seeded(seed, 8 + 10 * index)() < FORMED,
  }));
  const posts = POSTS[kind](random);
  const sometime = () => Math.floor(between(random, 0, Math.min(stormMs, 8 * MINUTE)));
  const some = (share: number, most: number) => Array.from({ length: random() < share ? whole(random, 1, most) : 0 }, sometime);
  const anyWebhook = () => whole(random, 0, webhooks.length - 1);
  return {
    isCrowd,
    webhooks,
    posts,
    maxConcurrency: isCrowd ? 100 : pick(random, [100, 100, 20, 7]),
    stormMs,
    cronsAtMs: some(0.7, 2),
    killsAtMs: [
      ...some(0.5, 3).map((atMs) => ({ atMs, victim: victimOf(random, anyWebhook()) })),
      ...some(0.25, 2).map((atMs) => ({ atMs, victim: 'everything' as const })),
    ],
    byHand: some(0.2, 8).map((atMs) => {
      const asked = { atMs, webhook: anyWebhook(), what: pick(random, ['test', 'retry', 'retry'] as const) };
      return choices() < CANCELING ? { ...asked, what: 'cancel' as const } : asked;
    }),
    losesAlarms: random() < 0.1,
    erasure: isCrowd || webhooks.some(({ once }) => once) ? null : erasureOf(seeded(seed, 9)),
  };
}

/** A person is erased while their events are on their way, or later. Nobody's whom a webhook keeps back, nor in a run with `once`, whose books differ. */
function erasureOf(random: Random): Scenario['erasure'] {
  if (random() >= ERASING) return null;
  return { atMs: Math.floor(between(random, 0, 2 * POSTS_WITHIN_MS)), person: pick(random, [0, 1, 2, 4, 5, 6]) };
}

function webhookOf(random: Random, kind: Kind, stormMs: number, outages: number): Omit<WebhookScenario, 'keepsBack' | 'once' | 'hasForm'> {
  const span = (longestMs: number): Span => {
    const fromMs = Math.floor(between(random, 0, Math.min(stormMs, 3 * MINUTE)));
    return { fromMs, toMs: Math.min(stormMs, fromMs + Math.floor(between(random, 5 * SECOND, longestMs))) };
  };
  const how = whole(random, 0, outages - 1);
  const full = random() < 0.12 ? span(10 * MINUTE) : null;
  if (kind === 'crowd') {
    // Held until its endpoint comes back, and all of it due then.
    const outage = { fromMs: 0, toMs: Math.floor(between(random, POSTS_WITHIN_MS, LEAST_STORM_MS)), how };
    const latencyMs = pick(random, [3, 50, 200]);
    return { maxPerSecond: null, maxConcurrent: null, enabled: true, latencyMs, outage: random() < 0.8 ? outage : null, full };
  }
  return {
    maxPerSecond: random() < 0.2 ? 5 : null,
    maxConcurrent: random() < 0.1 ? whole(random, 1, 12) : null,
    enabled: random() < 0.95,
    latencyMs: pick(random, kind === 'company' ? [100, 400, 1_500] : [3, 3, 100, 400, 1_500]),
    outage: random() < 0.2 ? { ...span(15 * MINUTE), how } : null,
    full,
  };
}

function victimOf(random: Random, webhook: number): Victim {
  const kind = random();
  if (kind < 0.3) return { isolate: whole(random, 0, ISOLATES - 1) };
  return kind < 0.8 ? { outbox: webhook } : { courier: webhook, place: whole(random, 1, 3) };
}

function fewOf(random: Random): Post[] {
  const posts: Post[] = [];
  let events = 0;
  while (events < whole(random, 1, 6)) {
    const numbers = Array.from({ length: random() < 0.3 ? 2 : 1 }, () => events++);
    posts.push({ atMs: Math.floor(between(random, 0, POSTS_WITHIN_MS)), events: numbers, key: keyOf(random, events) });
  }
  return posts;
}

function companyOf(random: Random): Post[] {
  const posts: Post[] = [];
  const total = whole(random, 20, 80);
  const withinMs = between(random, SECOND, 20 * SECOND);
  let events = 0;
  while (events < total) {
    const numbers = Array.from({ length: whole(random, 5, 40) }, () => events++);
    posts.push({ atMs: Math.floor(between(random, 0, withinMs)), events: numbers, key: keyOf(random, events) });
  }
  return posts;
}

function crowdOf(random: Random): Post[] {
  const arrays = whole(random, 12, 15);
  const withinMs = between(random, SECOND, POSTS_WITHIN_MS);
  return Array.from({ length: arrays }, (_, array) => ({
    atMs: Math.floor(between(random, 0, withinMs)),
    events: Array.from({ length: ARRAY }, (_unused, index) => array * ARRAY + index),
    key: `key-${array}`,
  }));
}

function keyOf(random: Random, number: number): string | null {
  return random() < 0.3 ? `key-${number}` : null;
}
