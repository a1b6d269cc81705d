import { DrizzleQueryError, type SQL, sql } from 'drizzle-orm';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import { onceFor } from '../once-for.ts';
import * as schema from './schema.ts';

export type Database = DrizzleD1Database<typeof schema>;

/** Several statements that belong together could not be done. Drizzle wraps what fails of single ones alone. */
class BatchFailed extends Error {
  override name = 'BatchFailed';
}

/** The configuration database, made once for a binding. Several statements that belong together go through `batch`: D1 refuses BEGIN. */
export const databaseOf: (d1: D1Database) => Database = onceFor((d1) => {
  const db = drizzle(d1, { schema, casing: 'snake_case' });
  const batch = db.batch.bind(db);
  const wrapped: typeof batch = async (statements) => {
    try {
      return await batch(statements);
    } catch (error) {
      throw new BatchFailed(error instanceof Error ? error.message : String(error), { cause: error });
    }
  };
  return Object.assign(db, { batch: wrapped });
});

/** A whole number to divide by or to count with: as it is bound it is a REAL (D1), and SQLite would divide it with fractions. */
export const whole = (number: number): SQL => sql`CAST(${number} AS INTEGER)`;

/** Whether an error means that D1 could not do its work. A broken constraint is a bug of ours, not an outage. */
export function isDatabaseFailure(error: unknown): boolean {
  let failed = false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes('constraint failed')) return false;
    failed ||= cause instanceof DrizzleQueryError || cause instanceof BatchFailed || cause.message.startsWith('D1_');
  }
  return failed;
}

/** What failed beneath drizzle's wrapping, whose message quotes the parameters (sealed secrets, hashes): those are not for logs. */
export function withoutParameters(error: unknown): unknown {
  return error instanceof DrizzleQueryError && error.cause ? error.cause : error;
}
