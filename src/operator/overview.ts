import { readMeter } from '../api/platform/metrics.ts';
import { withoutParameters } from '../db/client.ts';
import { type NamedWebhook, namesOf } from '../db/platform-state.ts';
import { type FailingEndpoint, failingIn } from '../domain/service/endpoints.ts';
import { type Facts, type Finding, type Lately, lately, waitingIn } from '../domain/service/facts.ts';
import type { Minute, QueueState, Sample, Waiting } from '../domain/service/figures.ts';
import { findingsOf } from '../domain/service/verdict.ts';
import { spanText } from '../domain/service/wording.ts';
import { hostOf } from '../domain/webhook/webhook.ts';
import { logWarning } from '../log.ts';
import { stateOfQueues } from '../upkeep/sampling.ts';
import { TimedOut, within } from '../within.ts';

/** Minutes that the first page looks back. */
export const SHOWN_MINUTES = 60;
/** How long the database may take: a page that says what is broken comes without it. */
const DATABASE_TIMEOUT_MS = 3_000;
/** Longest text of what it said instead, in characters. */
const MAX_FAULT_LENGTH = 300;

/** What the first page shows. */
export interface Overview {
  findings: Finding[];
  /** The latest first; none: the Meter does not answer, or knows nothing yet. */
  minutes: readonly Minute[];
  /** Whether the Meter answers. */
  isMetered: boolean;
  now: Lately;
  hour: Lately;
  queues: Readonly<Record<string, QueueState | null>>;
  sample: Sample | null;
  waiting: Waiting | null;
  failing: readonly FailingEndpoint[];
  /** How long the database took to answer just now; null: it did not. */
  databaseMs: number | null;
  webhook(id: string): NamedWebhook | null;
  organizationName(id: string): string;
}

export async function overviewOf(env: Env, nowMs: number): Promise<Overview> {
  const [reading, queues] = await Promise.all([readMeter(env, SHOWN_MINUTES), stateOfQueues(env)]);
  const minutes = reading?.minutes ?? [];
  const [now, hour] = [lately(minutes, nowMs), lately(minutes, nowMs, SHOWN_MINUTES)];
  const [waiting, failing] = [waitingIn(minutes), failingIn(minutes, nowMs)];
  const { databaseMs, databaseFault, webhooks, organizations } = await askForNames(env, failing, now);
  const webhook = (id: string) => webhooks.get(id) ?? null;
  const organizationName = (id: string) => organizations.get(id) ?? id;
  const webhookName = (id: string): string => {
    const known = webhook(id);
    return known ? `${hostOf(known.url)} of ${known.organizationName}` : id;
  };
  const facts: Facts = {
    nowMs,
    minutes: reading?.minutes ?? null,
    // Where it was not noted the service is not new.
    meteredSince: reading?.totals.since ?? 0,
    sampledAt: reading?.totals.sampledAt ?? null,
    ...{ queues, databaseMs, databaseFault, webhookName, organizationName },
  };
  const sample = minutes.find((each) => each.sample !== null)?.sample ?? null;
  const known = { minutes, isMetered: reading !== null, now, hour, queues, sample, waiting, failing, databaseMs };
  return { findings: findingsOf(facts), ...known, webhook, organizationName };
}

/** Asks the database for the names of what is shown, and how long it takes: without it there are ids. */
async function askForNames(env: Env, failing: readonly FailingEndpoint[], { organizations }: Lately) {
  const webhookIds = failing.map(({ webhookId }) => webhookId);
  const organizationIds = organizations.map(({ id }) => id);
  const startedAt = Date.now();
  try {
    const named = await within(DATABASE_TIMEOUT_MS, namesOf(env.DB, webhookIds, organizationIds));
    return {
      databaseMs: Date.now() - startedAt,
      databaseFault: null,
      webhooks: new Map(named.webhooks.map((each) => [each.id, each])),
      organizations: new Map(named.organizations.map(({ id, name }) => [id, name])),
    };
  } catch (error) {
    const cause = withoutParameters(error);
    const fault = cause instanceof Error ? cause.message : String(cause);
    logWarning('operator.database_unavailable', { error: fault });
    const databaseFault = error instanceof TimedOut ? `nothing within ${spanText(DATABASE_TIMEOUT_MS)}` : fault.slice(0, MAX_FAULT_LENGTH);
    return { databaseMs: null, databaseFault, webhooks: new Map<string, NamedWebhook>(), organizations: new Map<string, string>() };
  }
}
