import { betweenMagnitudes, gaussian, type Random, seeded } from '../random.ts';

/** How many webhooks there are, each of an organization of its own. */
export const WEBHOOKS = 100_000;

/** The busiest has this much more than the second: Zipf's exponent. With 0.8 one of 100,000 has 2 % of all events. */
const UNEVENNESS = 0.8;

/** How events come. */
export interface Scenario {
  eventsPerSecond: number;
  /** Events that a message has: 1, or, of arrays of 100 with 1 kB each, 50 (Queues: 128 kB a message). */
  eventsPerMessage: number;
  /** Queues that they are spread over (`EVENT_QUEUES`). */
  queues: number;
}

export const ONE_BY_ONE = 1;
export const IN_ARRAYS = 50;

/** An endpoint's median latencies, and how many of a hundred have one (as in test/cost/cases.ts). */
const MEDIANS: readonly (readonly [percent: number, least: number, most: number])[] = [
  [60, 50, 300],
  [25, 300, 1_000],
  [12, 1_000, 5_000],
  [3, 5_000, 20_000],
];
/** Latencies are log-normal about the median. */
const SPREAD = 0.5;

/** All webhooks of a run: how much of the events each has, and how long its endpoint takes. */
export class Webhooks {
  readonly #shares: Float64Array;
  readonly #medians: Float64Array;

  constructor(seed: number, count = WEBHOOKS) {
    const weights = Float64Array.from({ length: count }, (_, rank) => (rank + 1) ** -UNEVENNESS);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    this.#shares = weights.map((weight) => weight / all);
    const plan = seeded(seed);
    this.#medians = weights.map(() => medianOf(plan));
  }

  get count(): number {
    return this.#shares.length;
  }

  /** The part of all events that a webhook has; 0 is the busiest. */
  shareOf(webhook: number): number {
    return this.#shares[webhook] ?? 0;
  }

  latencyMs(webhook: number, random: Random): number {
    return Math.ceil((this.#medians[webhook] ?? 0) * Math.exp(SPREAD * gaussian(random)));
  }
}

function medianOf(plan: Random): number {
  let percent = plan() * 100;
  for (const [each, least, most] of MEDIANS) {
    if (percent < each) return betweenMagnitudes(plan, least, most);
    percent -= each;
  }
  return 5_000;
}

/** What comes through one queue: organizations by their shares. */
export class Stream {
  readonly #webhooks: number[];
  readonly #sums: Float64Array;
  /** The part of all events that comes through this queue. */
  readonly share: number;

  /** @param queue its number, of `queues` */
  constructor(webhooks: Webhooks, queue: number, queues: number) {
    this.#webhooks = [];
    const sums: number[] = [];
    let share = 0;
    for (let webhook = queue; webhook < webhooks.count; webhook += queues) {
      share += webhooks.shareOf(webhook);
      this.#webhooks.push(webhook);
      sums.push(share);
    }
    this.#sums = Float64Array.from(sums);
    this.share = share;
  }

  /** Whose the next message is. */
  next(random: Random): number {
    const sought = random() * this.share;
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sums[middle] ?? 0) < sought) low = middle + 1;
      else high = middle;
    }
    return this.#webhooks[low] ?? 0;
  }
}
