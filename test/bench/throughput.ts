import { setTimeout as wait } from 'node:timers/promises';
import { arrivalsOf, untilArrived } from './arrivals.ts';
import { type ComparisonPart, idAt, type Measured, type Setting } from './comparison.ts';
import { eventText } from './event-text.ts';
import { saturate } from './load.ts';
import { nowMs } from './statistics.ts';
import type { Target } from './target.ts';

/*
 * Throughput: so many events over a hundred webhooks as fast as they are accepted, from the first request to the last arrival. Ours
 * keeps its log of every delivery meanwhile; afterwards it must have all of them.
 */

const WEBHOOKS = 100;
/** Requests at a time. */
const CONNECTIONS = 16;
/** How long the log may take to have everything, after the last arrival. */
const LOGGED_WITHIN_MS = 30_000;

interface Values {
  perSecond: number | null;
  acceptedPerSecond: number;
  cpuSecondsPerThousand: number | null;
}

export const throughput: ComparisonPart<Values> = {
  name: 'throughput',
  title: ({ events }) => `Throughput: ${events.toLocaleString('en')} events over ${WEBHOOKS} webhooks, posted as fast as they are accepted`,
  organizations: WEBHOOKS,
  metrics: [
    {
      title: 'delivered events/s, to the last arrival',
      of: ({ perSecond }) => perSecond,
      goal: { text: 'at least 0.6 × the floor’s', holds: (ours, floor) => ours >= 0.6 * floor },
    },
    { title: 'accepted events/s meanwhile', of: ({ acceptedPerSecond }) => acceptedPerSecond },
    { title: 'CPU seconds per 1,000 events', of: ({ cpuSecondsPerThousand }) => cpuSecondsPerThousand },
  ],
  measure,
};

async function measure({ target, endpoints, organizations, options }: Setting): Promise<Measured<Values>> {
  let sent = 0;
  const cpuBefore = target.cpuSeconds();
  const startedAt = nowMs();
  const next = () => (sent < options.events ? eventText(idAt(organizations, sent), sent++) : null);
  const answered = await saturate(target.ingestUrl, target.key, CONNECTIONS, next);
  const acceptedAt = nowMs();
  const eventIds = answered.flatMap((each) => each.eventIds);
  await untilArrived(eventIds.length, endpoints);
  const { first } = await arrivalsOf(eventIds, endpoints);
  const lastAt = eventIds.reduce((last, id) => Math.max(last, first.get(id) ?? 0), 0);
  const cpuAfter = target.cpuSeconds();
  const notArrived = eventIds.filter((id) => !first.has(id)).length;
  const perSecondTo = (at: number) => (eventIds.length * 1_000) / (at - startedAt);
  return {
    values: {
      perSecond: notArrived === 0 ? perSecondTo(lastAt) : null,
      acceptedPerSecond: perSecondTo(acceptedAt),
      cpuSecondsPerThousand: cpuBefore === null || cpuAfter === null ? null : ((cpuAfter - cpuBefore) * 1_000) / eventIds.length,
    },
    lost: notArrived + (await notLogged(target, organizations, eventIds)),
    refusals: answered.map(({ refusal }) => refusal).filter((refusal) => refusal !== null),
  };
}

/** How many events the log does not have as delivered, once it has had time to. */
async function notLogged(target: Target, organizations: Setting['organizations'], eventIds: readonly string[]): Promise<number> {
  if (!target.log) return 0;
  const deadline = nowMs() + LOGGED_WITHIN_MS;
  for (;;) {
    const delivered = new Set<string>();
    for (const { id } of organizations)
      for (const { eventId, status } of await target.log(id)) if (status === 'delivered') delivered.add(eventId);
    const missing = eventIds.filter((id) => !delivered.has(id)).length;
    if (missing === 0 || nowMs() > deadline) return missing;
    await wait(1_000);
  }
}
