import type { DeliveryPosition } from '../../domain/delivery/delivery.ts';
import { UNMARKED_TESTS_KEY } from '../books/migrations.ts';
import type { Store } from '../books/store.ts';

/** Rows looked at in one step; calls are served between two. */
const STEP_ROWS = 500;

/** The first record of a delivery, alone or in a list, begins so where it is of a test. */
const FIRST_IS_TEST = `(first_attempt GLOB '{"number":1,"trigger":"test"*' OR first_attempt GLOB '[[]{"number":1,"trigger":"test"*')`;

const SQL = {
  last: `SELECT created_at AS createdAt, id FROM deliveries WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT 1 OFFSET ${STEP_ROWS - 1}`,
  mark: `UPDATE deliveries SET
      event_id = 'evt_test_' || substr(event_id, 5),
      status = CASE status WHEN 'delivered' THEN 'delivered' ELSE 'failed' END,
      reason = CASE status WHEN 'delivered' THEN NULL ELSE 'test_failed' END,
      due_at = NULL,
      leased_at = NULL,
      finished_at = coalesce(finished_at, created_at)
    WHERE (created_at, id) > (?, ?) AND (created_at, id) <= (?, ?) AND event_id NOT GLOB 'evt_test_*' AND (trigger = 'test' OR ${FIRST_IS_TEST})`,
  forgetCounts: 'DELETE FROM hours',
} as const;

const END: DeliveryPosition = { createdAt: Number.MAX_SAFE_INTEGER, id: '' };

/**
 * Marks the tests that earlier versions have stored. They told a test by what made its latest attempt: one that had been retried or
 * recovered by hand was no test any more, and one that met 410 had another reason. Whatever became of them, they are tests, and none of
 * them waits. An outbox can hold millions of rows, so it is done in steps, once.
 */
export class PastTests {
  readonly #kv: SyncKvStorage;
  readonly #store: Store;
  /** How far it has come; null: there is nothing left to mark. Undefined: not read yet. */
  #after: DeliveryPosition | null | undefined;

  constructor(kv: SyncKvStorage, store: Store) {
    this.#kv = kv;
    this.#store = store;
  }

  get areUnmarked(): boolean {
    return this.#position() !== null;
  }

  /** Looks at the next rows. */
  step(): void {
    const after = this.#position();
    if (!after) return;
    // Known again when it is kept: what is undone with the rows has not happened.
    this.#after = undefined;
    this.#store.atomically(() => {
      const { sql } = this.#store;
      const [last] = sql.exec<{ createdAt: number; id: string }>(SQL.last, after.createdAt, after.id).toArray();
      const to = last ?? END;
      this.#store.write(SQL.mark, after.createdAt, after.id, to.createdAt, to.id);
      if (last) this.#kv.put(UNMARKED_TESTS_KEY, { ...last });
      else {
        // Counts of past hours may have some of them.
        sql.exec(SQL.forgetCounts);
        this.#kv.delete(UNMARKED_TESTS_KEY);
      }
    });
  }

  #position(): DeliveryPosition | null {
    if (this.#after === undefined && !this.#store.isEmpty) {
      // Which notes that there is something to mark.
      this.#store.bringUpToDate();
      this.#after = this.#kv.get<DeliveryPosition>(UNMARKED_TESTS_KEY) ?? null;
    }
    return this.#after ?? null;
  }
}
