import { describe, expect, it } from 'vitest';
import { MAX_WAIT_MS } from '../../src/domain/lifecycle.ts';
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
  const random = seeded(1);
  const arrivals = Float64Array.from({ length: perHour * 24 * days }, (_, n) => Math.floor((n * HOUR) / perHour));
  const endpoint = new Endpoint({ ...WELL, ...behaviour }, settings.deliveryTimeoutMs, random);
  return new SimulatedOutbox(endpoint, arrivals, rulesOf(settings, withCircuit, days * DAY, random)).run();
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

  it('deliver everything to healthy and slow endpoints, with one attempt', () => {
    for (const { deliveries, delivered, waiting, failedAttempts, attempts } of [ofKind(webhooks, 'healthy'), ofKind(webhooks, 'slow')]) {
      expect(delivered + waiting).toBe(deliveries);
      expect(failedAttempts).toBe(0);
      expect(attempts).toBeLessThanOrEqual(deliveries);
    }
  });

  it('make no delivery of a healthy endpoint wait for more than seconds', () => {
    expect(ofKind(webhooks, 'healthy').longestStartMs).toBeLessThan(10_000);
  });

  it('attempt nothing more where an endpoint is gone, once consumers know it', () => {
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
      .filter((line) => line.startsWith('| – endpoint')),
  ).toHaveLength(kinds.length);
});

describe.each(HOW)('an outage of two hours, of an endpoint that %s', (how) => {
  const outages = [{ from: 5 * HOUR, until: 7 * HOUR, how }];

  it('costs no delivery with the circuit', () => {
    const tally = oneWebhook({ outages }, 240, 1, true);
    expect(tally).toMatchObject({ delivered: 240 * 24, exhausted: 0, expired: 0, openings: 1 });
  });

  it('costs more than a hundred with the plain schedule', () => {
    expect(oneWebhook({ outages }, 240, 1, false).exhausted).toBeGreaterThan(100);
  });
});

describe.each(HOW)('an endpoint that is dead for good and %s', (how) => {
  const outages = [{ from: HOUR, until: Number.POSITIVE_INFINITY, how }];
  const dead = oneWebhook({ outages }, 240, 5, true);

  it('is attempted as often as it is probed, whatever comes for it', () => {
    const longestMs = settings.circuitProbeMs[1];
    expect(dead.mostInDeadHour).toBeLessThanOrEqual(Math.ceil(HOUR / longestMs));
    expect(oneWebhook({ outages }, 240, 5, false).mostInDeadHour).toBeGreaterThan(400);
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
