import { env } from 'cloudflare:workers';
import type { Edges } from './edges.ts';

/**
 * The configuration database on the storage of the object that the test runs in. D1 is SQLite in an object, too: what a statement
 * does is the same, and without the way to it two thousand runs take a minute.
 */
export class LocalDatabase {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    for (const { queries } of env.MIGRATIONS) for (const query of queries) storage.sql.exec(query);
  }

  /** Its binding, whose statements pass an edge; none where everything works. */
  binding(edges: Edges | null = null): D1Database {
    const pass = async <T>(edge: 'd1.read' | 'd1.write', operation: () => T): Promise<T> =>
      edges ? await edges.pass(edge, async () => operation()) : operation();
    const statement = (query: string, values: unknown[] = []) => {
      const edge = /^\s*select\b/i.test(query) ? 'd1.read' : 'd1.write';
      const exec = () => this.#storage.sql.exec(query, ...values);
      const all = () => ({ success: true, results: exec().toArray(), meta: {} });
      return {
        bind: (...bound: unknown[]) => statement(query, bound),
        now: all,
        all: () => pass(edge, all),
        run: () => pass(edge, all),
        raw: () => pass(edge, () => [...exec().raw()]),
      };
    };
    return {
      prepare: (query: string) => statement(query),
      batch: (statements: ReturnType<typeof statement>[]) =>
        pass('d1.write', () => this.#storage.transactionSync(() => statements.map((each) => each.now()))),
    } as unknown as D1Database;
  }
}
