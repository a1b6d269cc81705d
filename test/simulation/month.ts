import type { Settings } from '../../src/settings.ts';
import { behaviourOf, Endpoint, KINDS, type Kind } from './endpoint.ts';
import { type Rules, SimulatedOutbox } from './outbox.ts';
import { gaussian, type Random, seeded } from './random.ts';
import { addTo, emptyTally, type Tally } from './tally.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;

export interface Month {
  seed: number;
  webhooks: number;
  deliveries: number;
  days: number;
}

type RuleSettings = Pick<Settings, 'retryScheduleMs' | 'deliveryTimeoutMs' | 'circuitThreshold' | 'circuitProbeMs' | 'maxConcurrency'>;

/** What became of one webhook's deliveries. */
export interface WebhookMonth {
  kind: Kind;
  tally: Tally;
}

/** Runs a month, with the circuit or without; the events and the endpoints are the same in both. */
export function simulate(month: Month, settings: RuleSettings, withCircuit: boolean): WebhookMonth[] {
  const untilMs = month.days * DAY;
  return sharesOf(month).map((share, webhook) => {
    const kind = kindOf((webhook + 0.5) / month.webhooks);
    const streamOf = (use: number) => seeded(month.seed, 3 * webhook + use);
    const random = streamOf(1);
    const endpoint = new Endpoint(behaviourOf(kind, untilMs, streamOf(0)), settings.deliveryTimeoutMs, random);
    const arrivals = arrivalsOf(share, untilMs, streamOf(2));
    return { kind, tally: new SimulatedOutbox(endpoint, arrivals, rulesOf(settings, withCircuit, untilMs, random)).run() };
  });
}

/** The sum of some webhooks' months, or of all. */
export function sum(webhooks: readonly WebhookMonth[], included: (webhook: WebhookMonth) => boolean = () => true): Tally {
  const tally = emptyTally();
  for (const webhook of webhooks) if (included(webhook)) addTo(tally, webhook.tally);
  return tally;
}

export function rulesOf(settings: RuleSettings, withCircuit: boolean, untilMs: number, random: Random): Rules {
  return {
    retries: { scheduleMs: settings.retryScheduleMs, random },
    circuit: withCircuit ? { threshold: settings.circuitThreshold, probeMs: settings.circuitProbeMs } : null,
    maxConcurrency: settings.maxConcurrency,
    untilMs,
  };
}

/** The kind of the webhook at this place among all, 0 to 1. */
function kindOf(place: number): Kind {
  let percent = place * 100;
  for (const [kind, share] of Object.entries(KINDS)) {
    if (percent < share) return kind as Kind;
    percent -= share;
  }
  return 'healthy';
}

/** How many deliveries each webhook has: most are quiet, a few have a hundred times the average. */
function sharesOf({ seed, webhooks, deliveries }: Month): number[] {
  const random = seeded(seed, -1);
  const weights = Array.from({ length: webhooks }, () => Math.exp(1.6 * gaussian(random)));
  const sum = weights.reduce((a, b) => a + b, 0);
  let before = 0;
  let weighed = 0;
  // Rounded as a running total, so that it adds up.
  return weights.map((weight) => {
    weighed += weight;
    const upTo = Math.round((deliveries * weighed) / sum);
    const share = upTo - before;
    before = upTo;
    return share;
  });
}

/** When events are accepted: more by day than by night, one in twenty times several at once. Whole milliseconds, in order. */
function arrivalsOf(count: number, untilMs: number, random: Random): Float64Array {
  const times = new Float64Array(count);
  const noon = random() * DAY;
  for (let made = 0; made < count; ) {
    const at = Math.floor(byDay(random() * untilMs, noon, untilMs));
    const burst = random() < 0.05 ? 2 + Math.floor(random() * 19) : 1;
    for (let n = 0; n < burst && made < count; n++) times[made++] = at;
  }
  return times.sort();
}

/** Moves a moment of an even day: there is twice as much around its noon, and half as much at night. */
function byDay(at: number, noon: number, untilMs: number): number {
  const moved = at + 2 * HOUR * Math.sin((2 * Math.PI * (at - noon)) / DAY);
  return moved >= 0 && moved < untilMs ? moved : at;
}
