import { acceptedBy, idsOf, notArrived, waitsOf } from './accepted.ts';
import { arrivalsOf, untilArrived } from './arrivals.ts';
import { type ComparisonPart, idAt, type Measured, type Setting } from './comparison.ts';
import { eventText } from './event-text.ts';
import { atLeastFloorTimes, atMostFloorTimes, underMs } from './goal.ts';
import { saturate } from './load.ts';
import { lostOf } from './logged.ts';
import { nowMs, percentiles } from './statistics.ts';

/*
 * Throughput: so many events over a number of webhooks as fast as they are accepted, from the first request to the last arrival. Ours
 * keeps its log of every delivery meanwhile; afterwards it must have all of them.
 */

/** Requests at a time. */
const CONNECTIONS = 16;

interface Values {
  perSecond: number | null;
  acceptedPerSecond: number;
  p50: number | null;
  cpuSecondsPerThousand: number | null;
}

function throughputPart(name: string, webhooks: number, ofFloor: number): ComparisonPart<Values> {
  return {
    name,
    title: ({ events }) =>
      `Throughput: ${events.toLocaleString('en')} events over ${webhooks} webhooks, posted as fast as they are accepted`,
    organizations: webhooks,
    metrics: [
      { title: 'delivered events/s, to the last arrival', of: ({ perSecond }) => perSecond, goal: atLeastFloorTimes(ofFloor) },
      { title: 'accepted events/s meanwhile', of: ({ acceptedPerSecond }) => acceptedPerSecond },
      { title: 'accept to arrival p50, ms', of: ({ p50 }) => p50, goal: underMs(400) },
      { title: 'CPU seconds per 1,000 events', of: ({ cpuSecondsPerThousand }) => cpuSecondsPerThousand, goal: atMostFloorTimes(1.4) },
    ],
    measure,
  };
}

export const throughput20 = throughputPart('throughput-20', 20, 0.7);
/** The more webhooks, the fewer events of each come together: ours calls an outbox for nearly each one. */
export const throughput = throughputPart('throughput', 100, 0.6);

async function measure(setting: Setting): Promise<Measured<Values>> {
  const { target, endpoints, organizations, options } = setting;
  let sent = 0;
  const cpuBefore = target.cpuSeconds();
  const startedAt = nowMs();
  const next = () => (sent < options.events ? eventText(idAt(organizations, sent), sent++) : null);
  const answered = await saturate(target.ingestUrl, target.key, CONNECTIONS, next);
  const acceptedAt = nowMs();
  const accepted = acceptedBy(answered);
  await untilArrived(accepted.length, endpoints);
  const arrivals = await arrivalsOf(idsOf(accepted), endpoints);
  const cpuAfter = target.cpuSeconds();
  const lastAt = accepted.reduce((last, { eventId }) => Math.max(last, arrivals.first.get(eventId) ?? 0), 0);
  const perSecondTo = (at: number) => (accepted.length * 1_000) / (at - startedAt);
  return {
    values: {
      perSecond: notArrived(accepted, arrivals) === 0 ? perSecondTo(lastAt) : null,
      acceptedPerSecond: perSecondTo(acceptedAt),
      p50: percentiles(waitsOf(accepted, arrivals)).p50,
      cpuSecondsPerThousand: cpuBefore === null || cpuAfter === null ? null : ((cpuAfter - cpuBefore) * 1_000) / accepted.length,
    },
    lost: await lostOf(setting, idsOf(accepted)),
    refusals: answered.map(({ refusal }) => refusal).filter((refusal) => refusal !== null),
  };
}
