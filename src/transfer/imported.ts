import { leastIdAt } from '../domain/ids.ts';
import type { Issue } from '../domain/issue.ts';
import { KIND_NAMES, type KindName } from './kinds.ts';
import { countOf, DIFFERENT, decide, IMPOSSIBLE, KEEP_OUTBOXES, named, noteChanged, TELL, write } from './statements.ts';

/** What came of the things of a kind. */
export interface Counts {
  added: number;
  changed: number;
  unchanged: number;
}

export type Outcome = { applied: true; things: Record<KindName, Counts> } | { applied: false; conflicts: Issue[] };

/** What is taken over, and how. */
export interface Application {
  importId: string;
  nowMs: number;
  /** Whether what is there and differs becomes what the import has. Otherwise it is a conflict. */
  replace: boolean;
  network: string | null;
}

/**
 * Takes over what an import has brought, in one transaction: all of it, or, where something conflicts, nothing. The number of statements does
 * not depend on how much there is; D1 has 30 seconds for them.
 */
export async function apply(d1: D1Database, application: Application): Promise<Outcome> {
  const asked = (sql: string) => bound(d1, sql, application);
  const conflicting = [...IMPOSSIBLE, ...(application.replace ? [] : DIFFERENT)];
  const looks = [...KIND_NAMES.map(countOf), ...conflicting.map(({ select }) => named(select))];
  const changes = [decide(), noteChanged(), ...KIND_NAMES.map(write), TELL, KEEP_OUTBOXES];
  const isApplied = 'SELECT applied_at AS appliedAt FROM imports WHERE id = ?1';
  const results = await d1.batch<Record<string, unknown>>([...looks, ...changes, isApplied].map(asked));
  if (results.at(-1)?.results[0]?.appliedAt === null) {
    const conflicts = conflicting.flatMap(({ what }, at) =>
      (results[KIND_NAMES.length + at]?.results ?? []).map(({ name }) => ({ field: String(name), message: what })),
    );
    return { applied: false, conflicts };
  }
  const things = KIND_NAMES.map((name, at) => [name, countsOf(results[at]?.results[0])] as const);
  return { applied: true, things: Object.fromEntries(things) as Record<KindName, Counts> };
}

function countsOf(row: Record<string, unknown> = {}): Counts {
  const [total, added, changed] = [row.total, row.added, row.changed].map(Number) as [number, number, number];
  return { added, changed, unchanged: total - added - changed };
}

/** D1 takes as many values as the statement's highest number. */
function bound(d1: D1Database, sql: string, { importId, nowMs, replace, network }: Application): D1PreparedStatement {
  const values = [importId, nowMs, Number(replace), leastIdAt('auditEntry', nowMs), network];
  const most = Math.max(0, ...Array.from(sql.matchAll(/\?(\d)/g), ([, number]) => Number(number)));
  return d1.prepare(sql).bind(...values.slice(0, most));
}
