import { acceptedBy, idsOf, lastAcceptedAt, notArrived, waitsOf } from './accepted.ts';
import { arrivalsOf } from './arrivals.ts';
import { type ComparisonPart, idAt, type Measured, type Setting } from './comparison.ts';
import { arrayText } from './event-text.ts';
import { NONE, underMs } from './goal.ts';
import { saturate } from './load.ts';
import { lostOf } from './logged.ts';
import { percentiles } from './statistics.ts';

/*
 * Arrays: many events for one webhook at once, posted in arrays one after another. Its endpoint takes as long as an ordinary one does;
 * counted is how long the last event then takes to arrive.
 */

const ARRAY_EVENTS = 100;
const ENDPOINT_MS = 200;
/** Long enough for an endpoint that gets four at a time, with the usual number of events. */
const ARRIVE_WITHIN_MS = 90_000;

interface Values {
  toLastMs: number | null;
  p50: number | null;
  notArrived: number;
}

export const arrays: ComparisonPart<Values> = {
  name: 'arrays',
  title: ({ events }) =>
    `Arrays: ${events.toLocaleString('en')} events in arrays of ${ARRAY_EVENTS}, one after another, to one webhook, whose endpoint takes ${ENDPOINT_MS} ms`,
  organizations: 1,
  // Not the webhook that is measured: it would be known as a fast one.
  warmUp: { organizations: 20, inArraysOf: ARRAY_EVENTS },
  metrics: [
    { title: 'last accept to last arrival, ms', of: ({ toLastMs }) => toLastMs, goal: underMs(5_000) },
    { title: 'accept to arrival p50, ms', of: ({ p50 }) => p50 },
    { title: `not arrived ${ARRIVE_WITHIN_MS / 1_000} s after the last`, of: ({ notArrived }) => notArrived, goal: NONE },
  ],
  measure,
};

async function measure(setting: Setting): Promise<Measured<Values>> {
  const { target, endpoints, organizations, options } = setting;
  let sent = 0;
  const next = () => {
    const first = sent;
    sent = Math.min(options.events, sent + ARRAY_EVENTS);
    return sent === first ? null : arrayText(idAt(organizations, 0), first, sent - first);
  };
  endpoints.answerAfter(ENDPOINT_MS);
  const answered = await saturate(target.ingestUrl, target.key, 1, next);
  const accepted = acceptedBy(answered);
  const arrivals = await arrivalsOf(idsOf(accepted), endpoints, ARRIVE_WITHIN_MS);
  // What is still under way gets through at once, and not into the next measurement.
  endpoints.answerAfter(0);
  const waits = waitsOf(accepted, arrivals);
  const lastArrivalAt = accepted.reduce((last, { acceptedAt }, index) => Math.max(last, acceptedAt + (waits[index] as number)), 0);
  return {
    values: {
      toLastMs: accepted.length === 0 ? null : lastArrivalAt - lastAcceptedAt(accepted),
      p50: percentiles(waits).p50,
      notArrived: notArrived(accepted, arrivals),
    },
    lost: await lostOf(setting, idsOf(accepted)),
    refusals: answered.map(({ refusal }) => refusal).filter((refusal) => refusal !== null),
  };
}
