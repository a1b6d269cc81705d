/**
 * Tables that are made when they are needed and dropped as a whole: rows are billed when they are deleted, those of a dropped table are not. Each
 * has a name of its own behind a prefix.
 */
export class Tables {
  readonly #sql: () => SqlStorage;
  readonly #prefix: string;
  readonly #make: (table: string) => readonly string[];
  /** Null: not looked at yet. */
  #names: Set<string> | null = null;

  /** @param make the statements that make a table, by its full name */
  constructor(sql: () => SqlStorage, prefix: string, make: (table: string) => readonly string[]) {
    this.#sql = sql;
    this.#prefix = prefix;
    this.#make = make;
  }

  /** Which there are, without the prefix. */
  names(): ReadonlySet<string> {
    return this.#known();
  }

  /** The full name of a table, which is made where it is not there. */
  made(name: string): string {
    if (!this.#known().has(name)) for (const statement of this.#make(this.of(name))) this.#sql().exec(statement);
    this.#known().add(name);
    return this.of(name);
  }

  drop(name: string): void {
    this.#sql().exec(`DROP TABLE ${this.of(name)}`);
    this.#known().delete(name);
  }

  of(name: string): string {
    return `${this.#prefix}${name}`;
  }

  /** A change was undone, or the storage has been emptied: which there are is looked at anew. */
  reset(): void {
    this.#names = null;
  }

  #known(): Set<string> {
    this.#names ??= new Set(
      this.#sql()
        .exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '${this.#prefix}*'`)
        .toArray()
        .map(({ name }) => name.slice(this.#prefix.length)),
    );
    return this.#names;
  }
}
