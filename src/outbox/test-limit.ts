/** Tests of one webhook in any minute: each is a request to an address that nobody has proved to own. */
export const TESTS_A_MINUTE = 60;
const MINUTE_MS = 60_000;

const KEY = 'tests';

/** Counts a webhook's tests. All of them go through its outbox, so the limit is exact; the count is kept when the object is loaded anew. */
export class TestLimit {
  readonly #kv: SyncKvStorage;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  /** Counts a test, if there may be one; else returns in how many milliseconds there may. */
  take(now: number): number {
    // A clock that went back makes none last longer.
    const latest = (this.#kv.get<number[]>(KEY) ?? []).filter((at) => now - at < MINUTE_MS && at <= now);
    const [first] = latest;
    if (first !== undefined && latest.length >= TESTS_A_MINUTE) return first + MINUTE_MS - now;
    this.#kv.put(KEY, [...latest, now]);
    return 0;
  }
}
