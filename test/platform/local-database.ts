import { env } from 'cloudflare:workers';
import type { Notified } from '../../src/domain/erasure.ts';
import type { Edges } from './edges.ts';

/** An erasure as the database has it. */
export interface ErasureInD1 {
  requestedAt: number;
  finishedAt: number | null;
  webhooks: { webhookId: string; deliveries: number; notified: Notified | null }[];
}

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

  /** All erasures, the oldest first. */
  erasures(): ErasureInD1[] {
    const { sql } = this.#storage;
    type Row = { id: string; requestedAt: number; finishedAt: number | null };
    const rows = sql.exec<Row>('SELECT id, requested_at AS requestedAt, finished_at AS finishedAt FROM erasures ORDER BY id').toArray();
    return rows.map(({ id, requestedAt, finishedAt }) => {
      const query = 'SELECT webhook_id AS webhookId, deliveries, notified FROM erasure_webhooks WHERE erasure_id = ?';
      return { requestedAt, finishedAt, webhooks: sql.exec<ErasureInD1['webhooks'][number]>(query, id).toArray() };
    });
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
