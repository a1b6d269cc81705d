import { MIGRATIONS } from '../../src/outbox/books/migrations.ts';
import { through } from './faulty-bindings.ts';

const schema = MIGRATIONS.join();

/** An outbox's tables, of whichever version. */
export const TABLES: readonly string[] = [...schema.matchAll(/CREATE TABLE (\w+)/g)].map(([, name]) => name as string);

const INDEXES = [...schema.matchAll(/CREATE (?:UNIQUE )?INDEX (\w+)/g)].map(([, name]) => name as string);
const NAMES = new RegExp(`\\b(${[...TABLES, ...INDEXES].join('|')})\\b`, 'g');

/**
 * A share of an object's storage that is an outbox's whole storage to whoever has it: tables and keys of its own. All outboxes of
 * a run are in one object, because a test's continuations run in the object that resolves them, and storage is the object's own.
 */
export function partOfStorage(storage: DurableObjectStorage, part: string): DurableObjectStorage {
  const { sql, kv } = storage;
  const own = (query: string) =>
    query
      .replaceAll(NAMES, `${part}_$1`)
      // These are made by the day, and found again by their names.
      .replaceAll(/\b(archive|repeated|once)_(?=[\d*])/g, `${part}_$1_`)
      .replace('SELECT name FROM sqlite_master', `SELECT substr(name, ${part.length + 2}) AS name FROM sqlite_master`);
  const exec = (query: string, ...values: unknown[]) => sql.exec(own(query), ...values);
  const keys = (prefix = '') => [...kv.list({ prefix: `${part}:${prefix}` })].map(([key]) => key);
  return through(storage, {
    sql: through(sql, { exec }),
    kv: through(kv, {
      get: (key: string) => kv.get(`${part}:${key}`),
      put: (key: string, value: unknown) => kv.put(`${part}:${key}`, value),
      delete: (key: string) => kv.delete(`${part}:${key}`),
      list: ({ prefix }: { prefix?: string } = {}) => keys(prefix).map((key) => [key.slice(part.length + 1), kv.get(key)]),
    }),
    deleteAll: async () => {
      const tables = sql.exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, ?) = ?",
        part.length + 1,
        `${part}_`,
      );
      for (const { name } of tables.toArray()) sql.exec(`DROP TABLE ${name}`);
      for (const key of keys()) kv.delete(key);
    },
  });
}
