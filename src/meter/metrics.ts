import { ATTEMPT_ENDS, type CountName, type Counts, FLOWS, type Sample } from '../domain/service/figures.ts';
import type { Metric, Series } from '../domain/service/prometheus.ts';
import type { Reading } from './meter.ts';

/** Over so many minutes it is looked whose events come. */
export const BUSIEST_OVER_MINUTES = 5;

/** What `GET /platform/metrics` is made of. */
export interface MetricSources {
  /** The latest minutes. Null: the Meter did not answer. */
  reading: Reading | null;
  version: string;
  nowMs: number;
}

/**
 * The metrics of the whole service. Their number does not grow with organizations or webhooks: nothing is told of one alone. What is not known is
 * left out, so that an alert on a missing metric says so.
 */
export function metricsOf({ reading, version, nowMs }: MetricSources): Metric[] {
  const sample = reading?.minutes.find((minute) => minute.sample !== null)?.sample ?? null;
  const sizes = reading?.totals.sizes;
  const counts = reading?.totals.counts ?? {};
  return [
    gauge('bullseye_info', 'The version of the service that answers; always 1.', [{ labels: { version }, value: 1 }]),
    gauge('bullseye_meter_up', 'Whether the Meter answers, which all other figures are from.', [{ value: reading ? 1 : 0 }]),
    ...(reading ? [...countersOf(counts), ...faultsOf(reading), shareOf(reading)] : []),
    ...(sample ? gaugesOf(sample, nowMs) : []),
    gauge('bullseye_organizations', 'Organizations there are, to the hour.', one(sizes?.organizations)),
    gauge('bullseye_webhooks', 'Webhooks there are, to the hour.', one(sizes?.webhooks)),
    gauge(
      'bullseye_webhooks_disabled',
      'Webhooks that are disabled, by their owners or by the service, to the hour.',
      one(sizes?.disabled),
    ),
  ];
}

function countersOf(counts: Counts): Metric[] {
  const seriesOf = (label: string, names: readonly CountName[]) =>
    names.map((name): Series => ({ labels: { [label]: name }, value: counts[name] ?? 0 }));
  return [
    counter(
      'bullseye_events_total',
      'Events accepted, those of them that nobody wanted (dropped), and deliveries that filters kept back.',
      seriesOf('what', ['accepted', 'dropped', 'kept_back']),
    ),
    counter(
      'bullseye_deliveries_total',
      'Deliveries that outboxes took over, that ended delivered or failed, and that are tried again after a failed attempt.',
      seriesOf(
        'what',
        FLOWS.filter((name) => name !== 'accepted' && name !== 'dropped' && name !== 'kept_back'),
      ),
    ),
    counter(
      'bullseye_attempts_total',
      'Attempts that ended, by how: succeeded, interrupted, or why they failed.',
      seriesOf('end', ATTEMPT_ENDS),
    ),
  ];
}

/** Faults that an alert asks for by name (docs/alerts.yml): they are told before they come, so that the first one is seen to come. */
const ALERTED_FAULTS = ['api.queue_unavailable', 'outbox.full'];

function faultsOf({ totals }: Reading): Metric[] {
  const byEvent = { ...Object.fromEntries(ALERTED_FAULTS.map((event) => [event, 0])), ...totals.faults };
  const series = Object.entries(byEvent).map(([event, value]) => ({ labels: { event }, value }));
  const all = series.reduce((sum, { value }) => sum + value, 0);
  return [
    counter('bullseye_faults_total', 'Log lines that tell of a fault of ours, by their event.', series),
    counter('bullseye_faults_all_total', 'All of these together.', [{ value: all }]),
  ];
}

/** How much of what comes is of the one organization that most is of. */
function shareOf({ minutes }: Reading): Metric {
  const latest = minutes.slice(0, BUSIEST_OVER_MINUTES);
  const all = latest.reduce((sum, { figures }) => sum + (figures.counts.accepted ?? 0), 0);
  const sums = new Map<string, number>();
  for (const { figures } of latest) for (const { id, events } of figures.organizations) sums.set(id, (sums.get(id) ?? 0) + events);
  const share = all === 0 ? 0 : Math.max(0, ...sums.values()) / all;
  return gauge('bullseye_busiest_organization_ratio', 'The share of the events of the last minutes that one organization has, 0 to 1.', [
    { value: share },
  ]);
}

function gaugesOf({ at, databaseMs, queues, waiting, parked }: Sample, nowMs: number): Metric[] {
  const seconds = (ms: number | null | undefined) => (ms === null || ms === undefined ? undefined : Math.max(0, ms) / 1_000);
  const since = (time: number | null | undefined) => (time === null || time === undefined ? 0 : (seconds(nowMs - time) ?? 0));
  const ofQueues = (figureOf: (state: NonNullable<Sample['queues'][string]>) => number) =>
    Object.entries(queues).flatMap(([queue, state]) => (state ? [{ labels: { queue }, value: figureOf(state) }] : []));
  return [
    gauge('bullseye_sample_age_seconds', 'Seconds since the cron last looked; more than 180: it does not run.', one(seconds(nowMs - at))),
    gauge('bullseye_database_seconds', 'How long the database took to answer the cron.', one(seconds(databaseMs))),
    gauge('bullseye_database_up', 'Whether the database answered the cron.', [{ value: databaseMs === null ? 0 : 1 }]),
    gauge(
      'bullseye_queue_messages',
      'Messages that wait in a queue.',
      ofQueues(({ messages }) => messages),
    ),
    gauge(
      'bullseye_queue_bytes',
      'Bytes of the messages that wait in a queue; it holds 25 GB.',
      ofQueues(({ bytes }) => bytes),
    ),
    gauge(
      'bullseye_queue_oldest_seconds',
      'Seconds for which the oldest message of a queue has waited; 0: there is none, or the platform does not say.',
      ofQueues(({ oldestAt }) => since(oldestAt)),
    ),
    gauge('bullseye_outboxes_waiting', 'Outboxes in which deliveries wait.', one(waiting?.outboxes)),
    gauge('bullseye_deliveries_waiting', 'Deliveries that wait in outboxes; at least so many.', one(waiting?.deliveries)),
    gauge(
      'bullseye_deliveries_late_seconds',
      'Seconds for which a delivery is due that has not gone out though its endpoint does not fail.',
      waiting ? [{ value: since(waiting.lateSince) }] : [],
    ),
    gauge('bullseye_endpoints_failing', 'Webhooks whose endpoint fails while deliveries wait.', one(waiting?.failing)),
    gauge('bullseye_endpoints_open', 'Webhooks whose circuit is open while deliveries wait.', one(waiting?.open)),
    gauge('bullseye_parked_messages', 'Messages that could not be processed and wait for a person.', one(parked?.messages)),
  ];
}

const one = (value: number | undefined): Series[] => (value === undefined ? [] : [{ value }]);
const gauge = (name: string, help: string, series: readonly Series[]): Metric => ({ name, type: 'gauge', help, series });
const counter = (name: string, help: string, series: readonly Series[]): Metric => ({ name, type: 'counter', help, series });
