import { isOperational } from './event/operational-event.ts';
import { isTestEvent } from './ids.ts';
import { DAY_MS, dayOf } from './text/day.ts';

/** For so many days usage is kept and can be asked for, today included. */
export const USAGE_DAYS = 400;
/** The days that are answered where nobody says which, today included. */
export const DEFAULT_USAGE_DAYS = 30;

/** Longer than a delivery can wait: a schedule has 7 days at most, and a day on top (DESIGN 3a). Attempts come that late where less is kept. */
const LONGEST_WAIT_MS = 8 * DAY_MS;
/** An outbox looks twice a day for what it need not keep any more, and the cron asks it once: what it tells of is told for so much longer. */
const SLACK_DAYS = 3;

/**
 * What was used. Tests, and the service's own events, are nobody's use.
 * - `events`: accepted events that at least one webhook subscribed to, each once, however many webhooks it went to, and also where filters or
 *   `once` kept it back.
 * - `deliveries`: one event for one webhook, whatever became of it.
 * - `attempts`: those begun, retries by hand included, on the day on which the event was accepted.
 */
export interface Use {
  events: number;
  deliveries: number;
  attempts: number;
}

/** What an outbox has counted of its days. */
export interface OutboxUse {
  /** Tells it from an outbox before it with the webhook's id, which was erased; null: nothing was ever counted there. */
  source: string | null;
  /** By the day of acceptance (domain/day.ts); days without any are missing. */
  days: Map<number, Use>;
}

/** Days, both ends included. */
export interface DayRange {
  from: number;
  to: number;
}

/** What is counted of a delivery. */
export interface CountedDelivery {
  eventId: string;
  event: string;
  attemptCount: number;
  /** Another webhook's delivery of the event counts it. */
  isCountedElsewhere: boolean;
}

export function noUse(): Use {
  return { events: 0, deliveries: 0, attempts: 0 };
}

export function addUse(into: Use, { events, deliveries, attempts }: Use): void {
  into.events += events;
  into.deliveries += deliveries;
  into.attempts += attempts;
}

export function isUsed({ events, deliveries, attempts }: Use): boolean {
  return events > 0 || deliveries > 0 || attempts > 0;
}

/** Counts a delivery in. */
export function countUse(into: Use, { eventId, event, attemptCount, isCountedElsewhere }: CountedDelivery): void {
  if (isTestEvent(eventId) || isOperational(event)) return;
  if (!isCountedElsewhere) into.events++;
  into.deliveries++;
  into.attempts += attemptCount;
}

/**
 * Of the webhooks that have to do with an event the one that counts it: the one that was made first (ids sort by that), so that none that is made while
 * the queue redelivers an event counts it again.
 */
export function countingWebhook<T extends { id: string }>(webhooks: readonly T[]): T | null {
  return webhooks.reduce<T | null>((first, each) => (first === null || each.id < first.id ? each : first), null);
}

/** The first day that can still change: what outboxes say of it, and of later ones, counts; what D1 has of earlier ones is final. */
export function firstOpenDay(now: number, retentionMs: number): number {
  return dayOf(now - Math.max(retentionMs, LONGEST_WAIT_MS)) - SLACK_DAYS;
}

/** A day as the API writes it: `2026-11-27`. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The day that a text names; null where it names none. */
export function parseDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const at = Date.parse(`${text}T00:00:00Z`);
  // `2026-02-30` would be a day of March.
  return Number.isNaN(at) || dayText(dayOf(at)) !== text ? null : dayOf(at);
}

/** The use of each day of a range, those without any included. */
export function everyDay({ from, to }: DayRange, uses: ReadonlyMap<number, Use>): [day: number, use: Use][] {
  return Array.from({ length: to - from + 1 }, (_, index) => [from + index, uses.get(from + index) ?? noUse()]);
}

/**
 * The use of some days, of what D1 was told and what outboxes say now.
 * @param totals by day, as D1 has them
 * @param told what of these came from each outbox, by source and day
 * @param live what these outboxes say now
 */
export function mergedUse(
  totals: ReadonlyMap<number, Use>,
  told: ReadonlyMap<string, ReadonlyMap<number, Use>>,
  live: readonly OutboxUse[],
): Map<number, Use> {
  const merged = new Map([...totals].map(([day, use]) => [day, { ...use }]));
  for (const { source, days } of live) {
    for (const [day, use] of days) {
      const sum = merged.get(day) ?? noUse();
      merged.set(day, sum);
      addUse(sum, growth(told.get(source ?? '')?.get(day) ?? noUse(), use));
    }
  }
  return merged;
}

/** Figures of a day only grow. What D1 has can be newer than what was read before it. */
function growth(before: Use, now: Use): Use {
  return {
    events: Math.max(0, now.events - before.events),
    deliveries: Math.max(0, now.deliveries - before.deliveries),
    attempts: Math.max(0, now.attempts - before.attempts),
  };
}
