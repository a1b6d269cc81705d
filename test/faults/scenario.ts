import { between, seeded } from '../simulation/random.ts';
import { whole } from './fault-plan.ts';

/** A request of a producer: one event, or an array of them. Times are milliseconds from the run's start. */
export interface Post {
  atMs: number;
  /** The numbers of its events; an array where there are more than one. */
  events: number[];
  /** With an Idempotency-Key the producer posts again until it gets a 202. */
  key: string | null;
}

/** What happens in one run, faults apart. */
export interface Scenario {
  webhooks: { maxPerSecond: number | null; enabled: boolean }[];
  posts: Post[];
  /** From then on everything works. */
  stormMs: number;
  /** When the cron runs while the storm lasts. */
  cronsAtMs: number[];
  /** When the platform throws a webhook's outbox, or the isolate, out of memory. */
  killsAtMs: { atMs: number; webhook: number | null }[];
  /** Whether alarms are lost while the storm lasts. */
  losesAlarms: boolean;
}

export const MOST_WEBHOOKS = 3;

const MINUTE = 60_000;
const LEAST_STORM_MS = 2 * MINUTE;
const LONGEST_STORM_MS = 50 * MINUTE;
/** Posts come early in a storm, so that what follows from them is in it. */
const POSTS_WITHIN_MS = 90_000;

export function scenarioOf(seed: number): Scenario {
  const random = seeded(seed, 1);
  const webhooks = Array.from({ length: whole(random, 1, MOST_WEBHOOKS) }, () => ({
    maxPerSecond: random() < 0.2 ? 5 : null,
    enabled: random() < 0.95,
  }));
  const posts: Post[] = [];
  let events = 0;
  while (events < whole(random, 1, 6)) {
    const numbers = Array.from({ length: random() < 0.3 ? 2 : 1 }, () => events++);
    posts.push({ atMs: Math.floor(between(random, 0, POSTS_WITHIN_MS)), events: numbers, key: random() < 0.3 ? `key-${events}` : null });
  }
  const stormMs = Math.floor(between(random, LEAST_STORM_MS, LONGEST_STORM_MS));
  const sometime = () => Math.floor(between(random, 0, Math.min(stormMs, 8 * MINUTE)));
  const cronsAtMs = Array.from({ length: whole(random, 0, 2) }, sometime);
  const killsAtMs = Array.from({ length: random() < 0.5 ? 0 : whole(random, 1, 3) }, () => ({
    atMs: sometime(),
    webhook: random() < 0.3 ? null : whole(random, 0, webhooks.length - 1),
  }));
  return { webhooks, posts, stormMs, cronsAtMs, killsAtMs, losesAlarms: random() < 0.1 };
}
