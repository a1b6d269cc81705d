import { CAUSES, type Cause } from '../delivery/failure.ts';
import type { Health } from '../webhook/webhook.ts';

/*
 * How the whole service is doing, over all organizations: what isolates count in memory and tell the Meter (meter/meter.ts), and what the cron
 * looks at once a minute. Figures are for operators to see where a fault is, and are not exact: an isolate or an object that vanishes takes its last
 * seconds along. What is billed is counted elsewhere.
 */

/**
 * What is counted.
 * - `accepted`: events, when they are first taken from the queue or dropped at the door. Not the service's own.
 * - `dropped`: those of them that no webhook wanted, so that they were never queued.
 * - `kept_back`: deliveries that there are not, since a webhook's filter kept the event back.
 * - `handed_over`: deliveries that outboxes have taken over from the queue.
 * - `delivered`, `failed`: deliveries that have ended so after an attempt; `retried`: those that failed and are attempted again. No tests.
 * - the others: attempts that ended, by how. No tests.
 */
export const FLOWS = ['accepted', 'dropped', 'kept_back', 'handed_over', 'delivered', 'failed', 'retried'] as const;
export const ATTEMPT_ENDS = ['succeeded', 'interrupted', ...CAUSES] as const;

export type CountName = (typeof FLOWS)[number] | (typeof ATTEMPT_ENDS)[number];

/** Counts by their names; what is missing is 0. */
export type Counts = Partial<Record<CountName, number>>;

/** A kind of line in the log that tells of a fault of ours, and how often it came. */
export interface Fault {
  count: number;
  /** When it came last; milliseconds since the epoch. */
  at: number;
  /** What it said then, as the log has it. */
  error: string;
}

/** By the names of their log events (docs/runbook.md). */
export type Faults = Record<string, Fault>;

/** What is counted somewhere and not told yet. */
export interface Figures {
  counts: Counts;
  faults: Faults;
  /** Endpoints whose attempts have failed, or no longer do. Missing: there is nothing new, or it is of a version that does not tell. */
  endpoints?: EndpointState[];
}

/** How a webhook's endpoint stands, as its outbox tells it beside its counts. */
export interface EndpointState {
  webhookId: string;
  /** When it was so; milliseconds since the epoch. */
  at: number;
  health: Health;
  /** Since when its attempts fail; null: they do not. */
  failingSince: number | null;
  /** Why the last one failed, and with which status; null: it is not known, or there was no answer. */
  cause: Cause | null;
  status: number | null;
}

/** What an isolate tells: its figures, and whose events these were. */
export interface IsolateFigures extends Figures {
  /** Accepted events by organization: those with the most of them. */
  organizations: OrganizationEvents[];
}

export interface OrganizationEvents {
  id: string;
  events: number;
}

/** Most kinds of faults, organizations, and endpoints that fail, that are kept of a minute. */
const MAX_FAULTS = 100;
export const MAX_ORGANIZATIONS = 20;
const MAX_ENDPOINTS = 20;
/** Longest text of a fault, in characters. */
const MAX_ERROR_LENGTH = 300;

export function addCounts(to: Counts, counts: Counts): void {
  for (const [name, count] of Object.entries(counts) as [CountName, number][]) to[name] = (to[name] ?? 0) + count;
}

export function addFaults(to: Faults, faults: Faults): void {
  for (const [event, fault] of Object.entries(faults)) {
    const known = to[event];
    if (!known && Object.keys(to).length >= MAX_FAULTS) continue;
    const latest = known && known.at > fault.at ? known : fault;
    to[event] = { count: (known?.count ?? 0) + fault.count, at: latest.at, error: latest.error.slice(0, MAX_ERROR_LENGTH) };
  }
}

/** Those with the most events, the most first. */
export function busiest(events: ReadonlyMap<string, number>): OrganizationEvents[] {
  return [...events]
    .sort(([, a], [, b]) => b - a)
    .slice(0, MAX_ORGANIZATIONS)
    .map(([id, count]) => ({ id, events: count }));
}

export function addOrganizations(to: readonly OrganizationEvents[], more: readonly OrganizationEvents[]): OrganizationEvents[] {
  const sums = new Map(to.map(({ id, events }) => [id, events]));
  for (const { id, events } of more) sums.set(id, (sums.get(id) ?? 0) + events);
  return busiest(sums);
}

/** How endpoints stand, by the latest that is known of each: those that fail first, and the latest of them first. */
export function addEndpoints(to: readonly EndpointState[], more: readonly EndpointState[]): EndpointState[] {
  const latest = new Map<string, EndpointState>();
  for (const each of [...more, ...to].sort((a, b) => b.at - a.at)) if (!latest.has(each.webhookId)) latest.set(each.webhookId, each);
  const fails = ({ failingSince }: EndpointState) => Number(failingSince !== null);
  return [...latest.values()].sort((a, b) => fails(b) - fails(a)).slice(0, MAX_ENDPOINTS);
}

/** What waits in a queue. */
export interface QueueState {
  messages: number;
  bytes: number;
  /** When the oldest was sent; milliseconds since the epoch. Null: there is none, or the platform does not say. */
  oldestAt: number | null;
}

/** An outbox in which deliveries wait, as it answers the cron. */
export interface WaitingOutbox extends Omit<EndpointState, 'at'> {
  /** Deliveries that wait, up to MAX_POKED_WAITING. */
  waiting: number;
  /** When the first of them was due; milliseconds since the epoch. In the future: none is late. */
  dueAt: number;
}

/** Deliveries that an outbox counts for the cron: each is a row that is read. */
export const MAX_POKED_WAITING = 1_000;

/** What waits in all outboxes that the cron has asked. */
export interface Waiting {
  /** Outboxes in which something waits. */
  outboxes: number;
  failing: number;
  open: number;
  /** Deliveries; at least so many, where an outbox has counted up to its limit. */
  deliveries: number;
  isAtLeast: boolean;
  /** Since when the first delivery is due that has not gone out, though its endpoint does not fail. Null: there is none. */
  lateSince: number | null;
  /** The worst: those that fail, by how much waits. */
  worst: WaitingOutbox[];
}

export function waitingOf(outboxes: readonly WaitingOutbox[]): Waiting {
  const isFailing = ({ failingSince, health }: WaitingOutbox) => failingSince !== null || health !== 'healthy';
  const late = outboxes.filter((each) => !isFailing(each)).map(({ dueAt }) => dueAt);
  const worst = outboxes.filter(isFailing).sort((a, b) => b.waiting - a.waiting || (a.failingSince ?? 0) - (b.failingSince ?? 0));
  return {
    outboxes: outboxes.length,
    failing: outboxes.filter(({ health }) => health === 'failing').length,
    open: outboxes.filter(({ health }) => health === 'open').length,
    deliveries: outboxes.reduce((sum, { waiting }) => sum + waiting, 0),
    isAtLeast: outboxes.some(({ waiting }) => waiting >= MAX_POKED_WAITING),
    lateSince: late.length > 0 ? Math.min(...late) : null,
    worst: worst.slice(0, MAX_ENDPOINTS),
  };
}

/** What the cron sees in a minute. Null: it could not be had. */
export interface Sample {
  /** When the cron began; milliseconds since the epoch. */
  at: number;
  /** How long the database took to answer; null: it did not. */
  databaseMs: number | null;
  /** By the names of their bindings. */
  queues: Record<string, QueueState | null>;
  waiting: Waiting | null;
  parked: ParkedState | null;
  /** Once an hour; else null. */
  sizes: Sizes | null;
}

/** How many there are. */
export interface Sizes {
  organizations: number;
  webhooks: number;
  /** Webhooks that are disabled, by their owners or by the service. */
  disabled: number;
}

/** What could not be processed, and waits for a person. */
export interface ParkedState {
  messages: number;
  /** Of the newest of them; null where there are none. */
  newest: { at: number; reason: string } | null;
}

/** The minute of a moment, counted from the epoch as `Minute` has it. @param ms milliseconds since the epoch */
export const minuteAt = (ms: number): number => Math.floor(ms / 60_000);

/** What is known of a minute. */
export interface Minute {
  /** Minutes since the epoch. */
  minute: number;
  figures: IsolateFigures;
  sample: Sample | null;
}
