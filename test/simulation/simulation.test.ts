import { describe, expect, it } from 'vitest';
import { MAX_WAIT_MS } from '../../src/domain/delivery/lifecycle.ts';
import { parseSettings } from '../../src/settings.ts';
import { VARS } from '../domain/vars.ts';
import { type Behaviour, Endpoint, HOW, KINDS, type Kind, WELL } from './endpoint.ts';
import { type Month, rulesOf, simulate, sum, type WebhookMonth } from './month.ts';
import { SimulatedOutbox } from './outbox.ts';
import { seeded } from './random.ts';
import { report } from './report.ts';
import { lost, type Tally } from './tally.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const settings = parseSettings(VARS);
const month: Month = { seed: 7, webhooks: 200, deliveries: 100_000, days: 3 };
const plain = simulate(month, settings, false);
const circuit = simulate(month, settings, true);
const kinds = Object.keys(KINDS) as Kind[];

function ofKind(webhooks: readonly WebhookMonth[], kind: Kind): Tally {
  return sum(webhooks, (webhook) => webhook.kind === kind);
}

/** One webhook with as many deliveries an hour, evenly, for so long. */
function oneWebhook(behaviour: Partial<Behaviour>, perHour: number, days: number, withCircuit: boolean): Tally {
  return withEvents(behaviour, evenly(perHour * 24 * days, HOUR / perHour), days, withCircuit);
}

/** One webhook with events at some times. */
function withEvents(behaviour: Partial<Behaviour>, acceptedAt: number[], days = 1, withCircuit = true): Tally {
  const random = seeded(1);
  const endpoint = new Endpoint({ ...WELL, ...behaviour }, settings.deliveryTimeoutMs, random);
  return new SimulatedOutbox(endpoint, Float64Array.from(acceptedAt), rulesOf(settings, withCircuit, days * DAY, random)).run();
}

/** So many times, one every so often. */
function evenly(count: number, everyMs: number, from = 0): number[] {
  return Array.from({ length: count }, (_, n) => from + Math.floor(n * everyMs));
}

describe.each([
  ['the plain schedule', plain],
  ['the circuit', circuit],
])('three days of 200 webhooks with %s', (_rules, webhooks) => {
  it.each(kinds)('lose no delivery to an endpoint that is %s: each has ended, with its reason, or waits', (kind) => {
    expect(ofKind(webhooks, kind).deliveries).toBeGreaterThan(0);
    expect(lost(ofKind(webhooks, kind))).toBe(0);
  });

  it('have all the deliveries that were accepted', () => {
    expect(sum(webhooks)).toMatchObject({ webhooks: 200, deliveries: 100_000 });
  });

  it('attempt no delivery more than four times', () => {
    expect(sum(webhooks).mostAttempts).toBe(4);
  });

  it('deliver everything to healthy endpoints, with one attempt but for one in ten thousand', () => {
    const { deliveries, delivered, waiting, failedAttempts, attempts } = ofKind(webhooks, 'healthy');
    expect(delivered + waiting).toBe(deliveries);
    // Of those that take seconds, one answers after more than thirty now and then.
    expect(failedAttempts).toBeLessThan(deliveries / 10_000);
    expect(attempts).toBeLessThanOrEqual(deliveries + failedAttempts);
  });

  it('deliver to endpoints that are slow what does not time out four times', () => {
    const { deliveries, delivered, waiting } = ofKind(webhooks, 'slow');
    expect((delivered + waiting) / deliveries).toBeGreaterThan(0.999);
  });

  it('have half of what goes to healthy endpoints there in a quarter of a second, and 99 % in seconds', () => {
    const { arrivals } = ofKind(webhooks, 'healthy');
    expect(arrivals.quantile(0.5)).toBeLessThan(250);
    expect(arrivals.quantile(0.99)).toBeLessThan(5_000);
  });

  it('make no delivery of a healthy endpoint wait for more than seconds', () => {
    expect(ofKind(webhooks, 'healthy').longestStartMs).toBeLessThan(20_000);
  });

  it('open no circuit of an endpoint that works, however slow it is', () => {
    for (const kind of ['healthy', 'slow'] as const) expect(ofKind(webhooks, kind).openings).toBe(0);
  });

  it('attempt nothing more where an endpoint is gone, once it has said so', () => {
    const { discarded, failedAttempts, gone } = ofKind(webhooks, 'gone');
    expect(discarded).toBeGreaterThan(0);
    expect(failedAttempts).toBe(gone);
  });
});

it('the same seed gives the same month, another seed another one', () => {
  expect(simulate(month, settings, true)).toEqual(circuit);
  expect(simulate({ ...month, seed: 8 }, settings, true)).not.toEqual(circuit);
});

it('the table shows every kind of endpoint', () => {
  expect(
    report(plain, circuit, month.days)
      .split('\n')
      .filter((line) => /^\| – endpoint (?!that)/.test(line)),
  ).toHaveLength(3 * kinds.length);
});

describe('a burst of 1,000 events', () => {
  it('arrives within 5 s at an endpoint that takes 200 ms', () => {
    const burst = withEvents({ medianMs: 200 }, evenly(1_000, 0));
    expect(burst.delivered).toBe(1_000);
    expect(burst.longestArrivalMs).toBeLessThan(5_000);
    expect(burst.mostAtOnce).toBe(settings.maxConcurrency);
  });

  it('takes no longer a minute later, though the outbox has forgotten what the endpoint takes', () => {
    const bursts = withEvents({ medianMs: 200 }, [...evenly(1_000, 0), ...evenly(1_000, 0, MINUTE)]);
    expect(bursts.delivered).toBe(2_000);
    expect(bursts.longestArrivalMs).toBeLessThan(5_000);
  });
});

describe('20 events a second, for a minute', () => {
  const steady = withEvents({ medianMs: 1_000 }, evenly(1_200, 50));

  it('go out within 3 s to an endpoint that takes a second, 95 % of them', () => {
    expect(steady.delivered).toBe(1_200);
    expect(steady.arrivals.quantile(0.95)).toBeLessThan(3_000);
  });

  it('make no more attempts at a time than they need, and as much again', () => {
    expect(steady.mostAtOnce).toBeLessThan(60);
  });
});

describe.each([0.01, 0.1, 0.3])('an endpoint that rejects a record in %d', (share) => {
  const rejected = { share, seed: 1 };
  const tally = oneWebhook({ rejected }, 60, 5, true);

  it('opens no circuit', () => {
    expect(tally.openings).toBe(0);
  });

  it('gets the records that it takes within seconds', () => {
    expect(tally.longestArrivalMs).toBeLessThan(2_000);
    expect(lost(tally)).toBe(0);
    expect(tally.delivered / tally.deliveries).toBeCloseTo(1 - share, 1);
  });

  it('is asked four times to take each of the others', () => {
    expect(tally.attempts).toBe(tally.delivered + tally.failedAttempts);
    expect(tally.failedAttempts).toBeGreaterThanOrEqual(4 * tally.exhausted);
    expect(tally.failedAttempts).toBeLessThanOrEqual(4 * tally.exhausted + 3 * tally.waiting);
    expect(tally.expired).toBe(0);
  });

  it('gets what came during an outage all the same', () => {
    const outages = [{ from: 5 * HOUR, until: 7 * HOUR, how: 'answers 503' }] as const;
    const interrupted = oneWebhook({ rejected, outages }, 60, 5, true);
    expect(interrupted).toMatchObject({ delivered: tally.delivered, exhausted: tally.exhausted, openings: 1 });
  });
});

// Nothing is acknowledged within the hour here: three such records and their retries are not to look like an outage.
it('an endpoint that rejects three records in ten of twelve a day opens no circuit', () => {
  expect(oneWebhook({ rejected: { share: 0.3, seed: 1 } }, 0.5, 30, true).openings).toBe(0);
});

describe.each(HOW)('an outage of two hours, of an endpoint that %s', (how) => {
  const outages = [{ from: 5 * HOUR, until: 7 * HOUR, how }];

  it('costs no delivery with the circuit', () => {
    const tally = oneWebhook({ outages }, 240, 1, true);
    expect(tally).toMatchObject({ delivered: 240 * 24, exhausted: 0, expired: 0, openings: 1 });
  });

  it('costs deliveries with the plain schedule: hundreds, or where each attempt hangs and so one is made at a time, some', () => {
    expect(oneWebhook({ outages }, 240, 1, false).exhausted).toBeGreaterThan(how === 'hangs' ? 1 : 100);
  });
});

describe.each(HOW)('an endpoint that is dead for good and %s', (how) => {
  const outages = [{ from: HOUR, until: Number.POSITIVE_INFINITY, how }];
  const dead = oneWebhook({ outages }, 240, 5, true);

  it('is attempted as often as it is probed, whatever comes for it', () => {
    const longestMs = settings.circuitProbeMs[1];
    expect(dead.mostInDeadHour).toBeLessThanOrEqual(Math.ceil(HOUR / longestMs));
    const plainly = oneWebhook({ outages }, 240, 5, false).mostInDeadHour;
    // Its pace is all that the plain schedule knows of it: one at a time, which hang for half a minute each.
    if (how === 'hangs') expect(plainly).toBe(HOUR / settings.deliveryTimeoutMs);
    else expect(plainly).toBeGreaterThan(400);
  });

  it('has its deliveries held for three days, and then they fail as expired', () => {
    expect(lost(dead)).toBe(0);
    expect(dead.expired).toBeGreaterThan(0);
    // What waits came in the last three days, or was a probe in them: a probe's delivery goes to the end of what is due.
    const probes = MAX_WAIT_MS / settings.circuitProbeMs[1];
    expect(dead.waiting).toBeLessThanOrEqual(240 * ((MAX_WAIT_MS + settings.circuitProbeMs[1] + MINUTE) / HOUR) + probes);
    expect(dead.longestStartMs).toBeLessThanOrEqual(MAX_WAIT_MS);
  });
});
