import { between, betweenMagnitudes, exponential, gaussian, type Random } from './random.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Kinds of endpoints, and how many of a hundred webhooks have one. */
export const KINDS = {
  /** Always answers 200, in tens to hundreds of milliseconds, rarely in seconds. */
  healthy: 90,
  /** Always answers 200, after 5 to 20 seconds. */
  slow: 2,
  /** Down one to five times in the month: for minutes, for hours, for about a day. */
  outages: 4,
  /** Up and down every few minutes, all month. */
  flapping: 1,
  /** Fails at random: 0.1 % to 50 % of the attempts. */
  erratic: 2,
  /** Down for good from some moment of the month's first half on. */
  dead: 0.5,
  /** Answers 410 from some moment on. */
  gone: 0.5,
} as const;

export type Kind = keyof typeof KINDS;

/** What an attempt gets, and after how long. */
export interface Answer {
  durationMs: number;
  /** Null: no response. */
  status: number | null;
  retryAfterMs: number | null;
}

/** A stretch of time in which every attempt fails the same way. */
export interface Outage {
  from: number;
  until: number;
  how: (typeof HOW)[number];
}

export const HOW = ['hangs', 'refuses', 'answers 503', 'asks for two minutes'] as const;

/** What makes an endpoint, before chance. */
export interface Behaviour {
  medianMs: number;
  /** In the order of time, without overlap. */
  outages: readonly Outage[];
  /** When it begins to answer 410. */
  goneFrom: number;
  /** The share of attempts that fail at random. */
  failureRate: number;
  slow: boolean;
}

export const WELL: Behaviour = { medianMs: 100, outages: [], goneFrom: Number.POSITIVE_INFINITY, failureRate: 0, slow: false };

/** An endpoint of a kind. The plan is the same for every run of the month. */
export function behaviourOf(kind: Kind, monthMs: number, plan: Random): Behaviour {
  return {
    medianMs: betweenMagnitudes(plan, 40, 400),
    outages: outagesOf(kind, monthMs, plan),
    goneFrom: kind === 'gone' ? between(plan, 0, monthMs) : WELL.goneFrom,
    failureRate: kind === 'erratic' ? betweenMagnitudes(plan, 0.001, 0.5) : 0,
    slow: kind === 'slow',
  };
}

/** An endpoint: what it answers depends on the time and on chance. It is asked in the order of time. */
export class Endpoint {
  readonly #behaviour: Behaviour;
  readonly #random: Random;
  readonly #timeoutMs: number;
  #nextOutage = 0;

  constructor(behaviour: Behaviour, timeoutMs: number, random: Random) {
    this.#behaviour = behaviour;
    this.#random = random;
    this.#timeoutMs = timeoutMs;
  }

  /** When it went down for good; null where it did not. */
  get deadFrom(): number | null {
    const last = this.#behaviour.outages.at(-1);
    return last?.until === Number.POSITIVE_INFINITY ? last.from : null;
  }

  answer(at: number): Answer {
    const { goneFrom, failureRate } = this.#behaviour;
    if (at >= goneFrom) return this.#quick(410);
    const outage = this.#outageAt(at);
    if (outage) return this.#down(outage);
    if (failureRate > 0 && this.#random() < failureRate) return this.#quick(500);
    const durationMs = this.#usualMs();
    if (durationMs >= this.#timeoutMs) return { durationMs: this.#timeoutMs, status: null, retryAfterMs: null };
    return { durationMs, status: 200, retryAfterMs: null };
  }

  #outageAt(at: number): Outage | null {
    const { outages } = this.#behaviour;
    for (; this.#nextOutage < outages.length; this.#nextOutage++) {
      const outage = outages[this.#nextOutage]!;
      if (at < outage.until) return outage.from <= at ? outage : null;
    }
    return null;
  }

  #usualMs(): number {
    const { slow, medianMs } = this.#behaviour;
    return Math.ceil(slow ? between(this.#random, 5, 20) * SECOND : medianMs * Math.exp(0.5 * gaussian(this.#random)));
  }

  #down({ how }: Outage): Answer {
    switch (how) {
      case 'hangs':
        return { durationMs: this.#timeoutMs, status: null, retryAfterMs: null };
      case 'refuses':
        return { ...this.#quick(503), status: null };
      case 'answers 503':
        return this.#quick(503);
      case 'asks for two minutes':
        return { ...this.#quick(503), retryAfterMs: 2 * MINUTE };
    }
  }

  #quick(status: number): Answer {
    return { durationMs: Math.ceil(between(this.#random, 20, 200)), status, retryAfterMs: null };
  }
}

function outagesOf(kind: Kind, monthMs: number, plan: Random): Outage[] {
  switch (kind) {
    case 'outages': {
      const starts = Array.from({ length: Math.ceil(plan() * 5) }, () => between(plan, 0, monthMs)).sort((a, b) => a - b);
      return starts.map((from) => outage(from, outageMs(plan), plan));
    }
    case 'flapping': {
      const outages: Outage[] = [];
      const mean = between(plan, 2, 8) * MINUTE;
      for (let at = exponential(plan, mean); at < monthMs; ) {
        const spell = outage(at, 30 * SECOND + exponential(plan, mean), plan);
        outages.push(spell);
        at = spell.until + 30 * SECOND + exponential(plan, mean);
      }
      return outages;
    }
    case 'dead':
      return [outage(between(plan, 0, monthMs / 2), Number.POSITIVE_INFINITY, plan)];
    default:
      return [];
  }
}

function outageMs(plan: Random): number {
  const length = plan();
  if (length < 0.5) return between(plan, 2, 45) * MINUTE;
  if (length < 0.85) return between(plan, 1, 8) * HOUR;
  return between(plan, 20, 28) * HOUR;
}

function outage(from: number, lastsMs: number, plan: Random): Outage {
  const how = HOW[Math.floor(plan() * HOW.length)]!;
  return { from, until: from + lastsMs, how };
}
