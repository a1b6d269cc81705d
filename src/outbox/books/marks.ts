/** The column of a mark: 1, or null where there is none. */
export const MARK = 'counted_elsewhere';

const SQL = {
  find: (table: string) => `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '${table}' AND instr(sql, '${MARK}') > 0`,
  make: (table: string) => `ALTER TABLE ${table} ADD COLUMN ${MARK} INTEGER`,
} as const;

/**
 * Which tables can say of a row that another webhook counts its event as used (domain/usage.ts). A table gets the column with its first such row: most
 * outboxes never have one, since their organizations have one webhook. It stands behind whatever else there is: SQLite reads no page for a value that
 * takes no bytes, as null and 1 do. Versions before name their columns, and leave it alone.
 */
export class Marks {
  readonly #sql: () => SqlStorage;
  readonly #known = new Map<string, boolean>();

  constructor(sql: () => SqlStorage) {
    this.#sql = sql;
  }

  /** Whether rows of a table can have marks: none has where they cannot. */
  areIn(table: string): boolean {
    const known = this.#known.get(table) ?? this.#sql().exec(SQL.find(table)).toArray().length > 0;
    this.#known.set(table, known);
    return known;
  }

  /** The mark of a row that is selected. */
  selectedFrom(table: string): string {
    return this.areIn(table) ? MARK : `NULL AS ${MARK}`;
  }

  /** Sees to it that rows of a table can have marks. */
  make(table: string): void {
    if (!this.areIn(table)) this.#sql().exec(SQL.make(table));
    this.#known.set(table, true);
  }

  /** A change was undone, or the storage has been emptied: it is looked at anew. */
  reset(): void {
    this.#known.clear();
  }
}
