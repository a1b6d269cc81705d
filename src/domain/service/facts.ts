import {
  addCounts,
  addFaults,
  addOrganizations,
  type Counts,
  type Faults,
  type Minute,
  minuteAt,
  type OrganizationEvents,
  type QueueState,
  type Waiting,
} from './figures.ts';

/** Whose fault something is. `nobody`: it is no fault, or somebody should look at it by day. */
export type Whose = 'us' | 'them' | 'nobody';

export interface Finding {
  whose: Whose;
  /** Without “it is us”. */
  sentence: string;
  /** A heading of docs/runbook.md, as its address has it. */
  runbook: string;
}

/** What is known when somebody asks. */
export interface Facts {
  nowMs: number;
  /** The latest first. Null: the Meter does not answer. */
  minutes: readonly Minute[] | null;
  /** Since when the Meter is told, or asked. */
  meteredSince: number;
  /** When the cron last told what it saw, however long ago; null: it never has. */
  sampledAt: number | null;
  /** By their bindings, as of now. Null: a queue does not say. */
  queues: Readonly<Record<string, QueueState | null>>;
  /** How long the database took to answer just now; null: it did not. */
  databaseMs: number | null;
  /** What there was in the place of its answer. */
  databaseFault: string | null;
  /** How people call a webhook: its endpoint's host, and whose it is. */
  webhookName(id: string): string;
  organizationName(id: string): string;
}

/** What happened “of late”. */
export const LATE_MINUTES = 5;

/** What happened in some minutes, together. */
export interface Lately {
  counts: Counts;
  faults: Faults;
  organizations: OrganizationEvents[];
}

export function lately(minutes: readonly Minute[], nowMs: number, count = LATE_MINUTES): Lately {
  const since = minuteAt(nowMs) - count;
  const sum: Lately = { counts: {}, faults: {}, organizations: [] };
  for (const { minute, figures } of minutes) {
    if (minute <= since) continue;
    addCounts(sum.counts, figures.counts);
    addFaults(sum.faults, figures.faults);
    sum.organizations = addOrganizations(sum.organizations, figures.organizations);
  }
  return sum;
}

export function waitingIn(minutes: readonly Minute[]): Waiting | null {
  return minutes.find(({ sample }) => sample?.waiting)?.sample?.waiting ?? null;
}
