import { between, betweenMagnitudes, exponential, gaussian, type Random, seeded } from './random.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Kinds of endpoints, and how many of a hundred webhooks have one. */
export const KINDS = {
  /** Always answers 200, after milliseconds to some seconds. */
  healthy: 87,
  /** Always answers 200, but takes 5 to 20 seconds, and sometimes longer than it has. */
  slow: 3,
  /** Rejects 1 to 30 % of its records for good, with 422 or 400, and takes the others. */
  rejecting: 2,
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

/** Median latencies, and how many of a hundred endpoints have one of each; the other three are the slow ones. */
const MEDIANS: readonly { percent: number; ms: readonly [least: number, most: number] }[] = [
  { percent: 60, ms: [50, 300] },
  { percent: 25, ms: [300, SECOND] },
  { percent: 12, ms: [SECOND, 5 * SECOND] },
];
const SLOW_MS = [5 * SECOND, 20 * SECOND] as const;
/** Latencies are log-normal: one in a hundred takes 3.2 times the median. */
const SPREAD = 0.5;
/** DNS, TCP and TLS of an endpoint that was not contacted for so long. */
const CONNECT_MS = [100, 200] as const;
const CONNECTION_KEPT_MS = MINUTE;

/** What an attempt gets, and after how long. */
export interface Answer {
  /** Until the request is there; part of the duration. */
  connectMs: number;
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
  /** The share of records that it never takes, and what decides which. */
  rejected: { share: number; seed: number };
}

const NONE = { share: 0, seed: 0 };
export const WELL: Behaviour = { medianMs: 100, outages: [], goneFrom: Number.POSITIVE_INFINITY, failureRate: 0, rejected: NONE };

/** An endpoint of a kind. The plan is the same for every run of the month. */
export function behaviourOf(kind: Kind, monthMs: number, plan: Random): Behaviour {
  return {
    medianMs: medianOf(kind, plan),
    outages: outagesOf(kind, monthMs, plan),
    goneFrom: kind === 'gone' ? between(plan, 0, monthMs) : WELL.goneFrom,
    failureRate: kind === 'erratic' ? betweenMagnitudes(plan, 0.001, 0.5) : 0,
    rejected: kind === 'rejecting' ? { share: betweenMagnitudes(plan, 0.01, 0.3), seed: Math.floor(between(plan, 0, 1e9)) } : NONE,
  };
}

/** An endpoint: what it answers depends on the time, on the record and on chance. It is asked in the order of time. */
export class Endpoint {
  readonly #behaviour: Behaviour;
  readonly #random: Random;
  readonly #timeoutMs: number;
  #nextOutage = 0;
  /** When the first of the open connections was there, and when the last of them is closed. */
  #connected = { from: 0, until: Number.NEGATIVE_INFINITY };

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

  /** @param record its number: a record that is rejected is rejected at every attempt */
  answer(at: number, record: number): Answer {
    const outage = this.#outageAt(at);
    if (outage?.how === 'hangs') return this.#silent(0);
    if (outage?.how === 'refuses') return { ...this.#quick(0, null), status: null };
    const connectMs = this.#connect(at);
    const answer = this.#answered(at, record, connectMs, outage);
    this.#connected.until = Math.max(this.#connected.until, at + answer.durationMs + CONNECTION_KEPT_MS);
    return answer;
  }

  #answered(at: number, record: number, connectMs: number, outage: Outage | null): Answer {
    const { goneFrom, failureRate } = this.#behaviour;
    if (at >= goneFrom) return this.#quick(connectMs, 410);
    if (outage) return { ...this.#quick(connectMs, 503), retryAfterMs: outage.how === 'answers 503' ? null : 2 * MINUTE };
    if (failureRate > 0 && this.#random() < failureRate) return this.#quick(connectMs, 500);
    const durationMs = connectMs + this.#usualMs();
    if (durationMs >= this.#timeoutMs) return this.#silent(connectMs);
    return { connectMs, durationMs, status: this.#verdictOn(record), retryAfterMs: null };
  }

  /** How long it takes to have a connection; those that were begun before the first one was there take as long. */
  #connect(at: number): number {
    const { from, until } = this.#connected;
    const isOpen = from <= at && at < until;
    const connectMs = isOpen ? 0 : Math.ceil(between(this.#random, ...CONNECT_MS));
    if (at >= until) this.#connected.from = at + connectMs;
    return connectMs;
  }

  #verdictOn(record: number): number {
    const { share, seed } = this.#behaviour.rejected;
    // The same for every attempt, and in every run of the month.
    const place = share > 0 ? seeded(seed, record)() : 1;
    if (place >= share) return 200;
    return place < share / 2 ? 400 : 422;
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
    return Math.ceil(this.#behaviour.medianMs * Math.exp(SPREAD * gaussian(this.#random)));
  }

  /** No answer in time. */
  #silent(connectMs: number): Answer {
    return { connectMs, durationMs: this.#timeoutMs, status: null, retryAfterMs: null };
  }

  #quick(connectMs: number, status: number | null): Answer {
    return { connectMs, durationMs: connectMs + Math.ceil(between(this.#random, 20, 200)), status, retryAfterMs: null };
  }
}

function medianOf(kind: Kind, plan: Random): number {
  if (kind === 'slow') return betweenMagnitudes(plan, ...SLOW_MS);
  let percent = plan() * MEDIANS.reduce((sum, each) => sum + each.percent, 0);
  for (const each of MEDIANS) {
    if (percent < each.percent) return betweenMagnitudes(plan, ...each.ms);
    percent -= each.percent;
  }
  throw new RangeError(`${percent} percent are left`);
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
