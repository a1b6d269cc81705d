/** Jobs that are kept, the ended ones included. */
const MAX_KEPT = 20;
/** Jobs of a kind that can be under way at a time: each step writes all of them. */
export const MAX_UNFINISHED = 20;

/** Something that is asked of many deliveries, and done in steps. Times are milliseconds since the epoch. */
export interface Job {
  requestedAt: number;
  finishedAt: number | null;
}

/** Jobs of one kind, each kept with how far it has come, so that it goes on where it was when the object vanished. */
export class Jobs<T extends Job> {
  readonly #kv: SyncKvStorage;
  readonly #key: string;
  readonly #formerKey: string | null;
  #known: T[] | null = null;

  /** @param formerKey where versions before keep theirs: one that is rolled back to does not know what these ask for */
  constructor(kv: SyncKvStorage, key: string, formerKey: string | null = null) {
    this.#kv = kv;
    this.#key = key;
    this.#formerKey = formerKey;
  }

  /** Newest first. */
  list(): T[] {
    // Asked for with every batch: read once, since only this object writes it.
    const stored = (key: string | null) => (key === null ? undefined : this.#kv.get<T[]>(key));
    this.#known ??= stored(this.#key) ?? stored(this.#formerKey) ?? [];
    return this.#known;
  }

  /** Whether one has not come to its end. */
  get areUnfinished(): boolean {
    return this.unfinished.length > 0;
  }

  /** Whether one more can be asked for. */
  get haveRoom(): boolean {
    return this.unfinished.length < MAX_UNFINISHED;
  }

  /** The one whose turn it is; undefined: all have come to their ends. */
  next(): T | undefined {
    return this.list().findLast(({ finishedAt }) => finishedAt === null);
  }

  /** Keeps a new one: it is durable when this returns. What is unfinished stays, since it was promised. */
  add(job: T): void {
    this.#put([job, ...this.list().filter(({ finishedAt }, index) => finishedAt === null || index < MAX_KEPT - 1)]);
  }

  /** Those that have not come to their end. */
  get unfinished(): T[] {
    return this.list().filter(({ finishedAt }) => finishedAt === null);
  }

  /** One has come further. */
  replace(job: T, further: T): void {
    this.#put(this.list().map((each) => (each === job ? further : each)));
  }

  /** The storage has been emptied, or a change was undone. */
  reset(): void {
    this.#known = null;
  }

  #put(jobs: T[]): void {
    // Known again when it is kept: what could not be, or is undone with the rows, has not happened.
    this.#known = null;
    this.#kv.put(this.#key, jobs);
  }
}
