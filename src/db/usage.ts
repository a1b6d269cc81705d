import { and, eq, lt, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Plan } from '../domain/plan.ts';
import { type DayRange, type OutboxUse, USAGE_DAYS, type Use } from '../domain/usage.ts';
import { type Database, databaseOf } from './client.ts';
import { organizations, usage, usageTold } from './schema.ts';

/** Of which organization the totals of all of them are. */
export const ALL_ORGANIZATIONS = '';

/** Days of outboxes told in one statement (D1: a value has at most 2 MB). */
const AT_ONCE = 5_000;

/** What an outbox was asked for before midnight comes after it. */
const STILL_TOLD_DAYS = 2;

/** What an outbox tells of its use. */
export interface ToldUse extends OutboxUse {
  organizationId: string;
}

/** What was told, a row for each day; and how much more that is than was told before. Figures of a day only grow: an answer that comes late is no news. */
const CHANGE = `
  WITH told AS (
    SELECT value ->> 0 AS source, value ->> 1 AS organization_id, value ->> 2 AS day, value ->> 3 AS events, value ->> 4 AS deliveries,
      value ->> 5 AS attempts
    FROM json_each(?1)
  ),
  change AS (
    SELECT told.organization_id AS organization_id, told.day AS day,
      sum(max(told.events - coalesce(was.events, 0), 0)) AS events,
      sum(max(told.deliveries - coalesce(was.deliveries, 0), 0)) AS deliveries,
      sum(max(told.attempts - coalesce(was.attempts, 0), 0)) AS attempts
    FROM told LEFT JOIN usage_told was ON was.day = told.day AND was.source = told.source
    GROUP BY told.organization_id, told.day
  )`;
const ADDED = `ON CONFLICT (day, organization_id) DO UPDATE SET
  events = usage.events + excluded.events, deliveries = usage.deliveries + excluded.deliveries, attempts = usage.attempts + excluded.attempts`;

const TELL = {
  addToOrganizations: `${CHANGE}
    INSERT INTO usage (day, organization_id, events, deliveries, attempts) SELECT day, organization_id, events, deliveries, attempts FROM change
    WHERE events + deliveries + attempts > 0 AND organization_id IN (SELECT id FROM organizations) ${ADDED}`,
  addToAll: `${CHANGE}
    INSERT INTO usage (day, organization_id, events, deliveries, attempts) SELECT day, '${ALL_ORGANIZATIONS}', sum(events), sum(deliveries), sum(attempts)
    FROM change WHERE events + deliveries + attempts > 0 GROUP BY day ${ADDED}`,
  keep: `${CHANGE}
    INSERT INTO usage_told (day, source, events, deliveries, attempts) SELECT day, source, events, deliveries, attempts FROM told WHERE true
    ON CONFLICT (day, source) DO UPDATE SET events = max(usage_told.events, excluded.events),
      deliveries = max(usage_told.deliveries, excluded.deliveries), attempts = max(usage_told.attempts, excluded.attempts)
    WHERE excluded.events > usage_told.events OR excluded.deliveries > usage_told.deliveries OR excluded.attempts > usage_told.attempts`,
} as const;

/**
 * Takes what outboxes tell of their use: the totals grow by what is more than they have told before, in one transaction with noting it. So it is right
 * however often the same is told, and whoever tells it first. Three statements for 5,000 days of outboxes; rows are written where something has changed.
 */
export async function tellUse(d1: D1Database, told: readonly ToldUse[]): Promise<void> {
  const rows = told.flatMap(({ source, organizationId, days }) =>
    [...days].map(([day, { events, deliveries, attempts }]) => [source, organizationId, day, events, deliveries, attempts]),
  );
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const values = JSON.stringify(rows.slice(at, at + AT_ONCE));
    await d1.batch([TELL.addToOrganizations, TELL.addToAll, TELL.keep].map((statement) => d1.prepare(statement).bind(values)));
  }
}

/**
 * Use by day as D1 has it, of an organization or of all of them (ALL_ORGANIZATIONS); and what of it came from some outboxes, by source.
 * @param live the outboxes, and the first day that can still change
 */
export async function readUse(
  db: Database,
  organizationId: string,
  { from, to }: DayRange,
  { sources, firstOpen }: { sources: readonly string[]; firstOpen: number },
): Promise<{ totals: Map<number, Use>; told: Map<string, Map<number, Use>> }> {
  const [rows, toldRows] = await db.batch([
    db
      .select()
      .from(usage)
      .where(and(isWithin(usage.day, from, to), eq(usage.organizationId, organizationId))),
    db
      .select()
      .from(usageTold)
      .where(and(isWithin(usageTold.day, Math.max(from, firstOpen), to), isOneOf(usageTold.source, sources))),
  ]);
  const told = new Map<string, Map<number, Use>>();
  for (const { source, day, ...use } of toldRows) told.set(source, (told.get(source) ?? new Map()).set(day, use));
  return { totals: new Map(rows.map(({ day, organizationId: _, ...use }) => [day, use])), told };
}

/** How many events some organizations had on a day, with their plans; those without any are missing. */
export async function listEventCounts(
  d1: D1Database,
  organizationIds: readonly string[],
  { from, to }: DayRange,
): Promise<{ organizationId: string; plan: Plan; day: number; events: number }[]> {
  return await databaseOf(d1)
    .select({ organizationId: usage.organizationId, plan: organizations.plan, day: usage.day, events: usage.events })
    .from(usage)
    .innerJoin(organizations, eq(organizations.id, usage.organizationId))
    .where(and(isWithin(usage.day, from, to), isOneOf(usage.organizationId, organizationIds)));
}

/** An organization is deleted: its use goes, and stays in the totals of all of them. */
export function deleteUse(db: Database, organizationId: string, today: number) {
  return db.delete(usage).where(and(isWithin(usage.day, today - USAGE_DAYS, today + 1), eq(usage.organizationId, organizationId)));
}

/**
 * Drops what is too old.
 * @param today the day that it is
 * @param firstOpen the first day that can still change: what outboxes have told of earlier ones is in the totals for good
 */
export async function dropOldUse(d1: D1Database, today: number, firstOpen: number): Promise<void> {
  const db = databaseOf(d1);
  await db.batch([
    db.delete(usage).where(lt(usage.day, today - USAGE_DAYS + 1)),
    db.delete(usageTold).where(lt(usageTold.day, firstOpen - STILL_TOLD_DAYS)),
  ]);
}

/** Each day is looked up: the keys of both tables begin with it. */
function isWithin(column: SQLiteColumn, from: number, to: number): SQL {
  return isOneOf(
    column,
    Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index),
  );
}

/** One bound parameter for any number of values (D1: 100 bound parameters). */
function isOneOf(column: SQLiteColumn, values: readonly (string | number)[]): SQL {
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
}
