/*
 * The schema of an outbox, as the steps that lead to it: an object applies those it lacks when it is next loaded, so that every
 * past version's stored state is understood. Steps are only ever appended, and take no column or table away: a version that is rolled back
 * to works on with what a newer one has made of it, if more slowly.
 *
 * Rows are billed when written, one for the table and one for each index entry. A delivery that arrives at the first attempt is not
 * here but in the archive (outbox/log/archive.ts), which has a table for each day. One with an Idempotency-Key that does is two rows:
 * its own, which has its first attempt and no entry in the index of what is due, and that of its key, which says where in the log it is.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE deliveries (
    created_at INTEGER NOT NULL,
    id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event TEXT NOT NULL,
    session_id TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'retrying', 'delivered', 'failed', 'discarded')),
    reason TEXT,
    attempt_count INTEGER NOT NULL CHECK (attempt_count >= 0),
    failures INTEGER NOT NULL CHECK (failures >= 0),
    expires_at INTEGER NOT NULL,
    due_at INTEGER,
    leased_at INTEGER,
    trigger TEXT NOT NULL,
    finished_at INTEGER,
    last_response_status INTEGER,
    last_duration_ms INTEGER,
    first_attempt TEXT,
    payload BLOB NOT NULL,
    PRIMARY KEY (created_at, id),
    -- What is not finished is due at some time, or nothing would ever happen to it.
    CHECK (status NOT IN ('pending', 'retrying') OR due_at IS NOT NULL),
    CHECK (leased_at IS NULL OR due_at IS NOT NULL)
  ) WITHOUT ROWID;
  -- What waits, and the attempts that run: apart, so that neither is read past to find the other.
  CREATE INDEX deliveries_waiting ON deliveries (due_at) WHERE due_at IS NOT NULL AND leased_at IS NULL;
  CREATE INDEX deliveries_expiring ON deliveries (expires_at) WHERE due_at IS NOT NULL AND leased_at IS NULL;
  CREATE INDEX deliveries_leased ON deliveries (due_at) WHERE leased_at IS NOT NULL;
  -- What the log's filters by these states, and recoveries, look for: few among many that were delivered.
  CREATE INDEX deliveries_undelivered ON deliveries (created_at, id) WHERE status <> 'delivered';
  -- Attempts after the first.
  CREATE TABLE attempts (
    delivery_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (delivery_id, number)
  ) WITHOUT ROWID;
  -- Counts of past hours (outbox/log/statistics.ts), made when somebody asks for statistics.
  CREATE TABLE hours (
    start INTEGER PRIMARY KEY,
    tally TEXT NOT NULL
  );
  -- Deliveries of events with an Idempotency-Key: their ids carry no time, so that their place in the log is looked up here.
  CREATE TABLE keyed_deliveries (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  // Counts that were kept before responses were counted: made anew when next asked for.
  'DELETE FROM hours',
  `
  -- Deliveries whose payload was erased. A table, and not a column: that would stand behind the payload, which lists would read past.
  CREATE TABLE payload_erasures (
    delivery_id TEXT PRIMARY KEY,
    erased_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- Each index entry is a billed row. What is due, a running attempt's delivery among it, is one index; what expires stands in about
  -- the same order; what runs is known to the object, and noted in one value (outbox/books/vitals.ts).
  DROP INDEX deliveries_waiting;
  DROP INDEX deliveries_expiring;
  DROP INDEX deliveries_leased;
  DROP INDEX deliveries_undelivered;
  CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
  -- What recoveries and filters by these states look for. With all that tells whether one can be recovered, so that counting them reads
  -- no row.
  CREATE INDEX deliveries_unsuccessful ON deliveries (created_at, id, status, reason, expires_at) WHERE status IN ('failed', 'discarded');
  `,
  `
  -- Statistics count no tests, and a test is told by its event's id from here on. What earlier versions have stored is marked in steps
  -- (outbox/log/past-tests.ts).
  DELETE FROM hours;
  `,
  `
  -- Of what is rendered, the event as it was accepted, and why it could not be (outbox/books/delivery-row.ts). Behind the payload: lists need neither.
  ALTER TABLE deliveries ADD COLUMN accepted BLOB;
  ALTER TABLE deliveries ADD COLUMN error TEXT;
  `,
  `
  -- Events that the webhook's filter has kept back (outbox/log/filtered.ts). What is read without the others stands first.
  CREATE TABLE filtered_days (
    day INTEGER PRIMARY KEY,
    counts TEXT NOT NULL,
    latest TEXT NOT NULL
  );
  `,
];

const VERSION_KEY = 'schemaVersion';

/** The last version of the schema that did not tell a test by its event's id. */
const TESTS_UNMARKED_VERSION = 4;
/** How far the tests of these versions have been marked: a DeliveryPosition. */
export const UNMARKED_TESTS_KEY = 'unmarkedTests';

/** Whether an outbox has a schema: one that never recorded anything, or was erased, has none. */
export function isMigrated(storage: DurableObjectStorage): boolean {
  return storage.kv.get<number>(VERSION_KEY) !== undefined;
}

/** Brings an outbox's schema up to date. */
export function migrate(storage: DurableObjectStorage): void {
  const version = storage.kv.get<number>(VERSION_KEY) ?? 0;
  // A version beyond ours is a newer one's, from before a rollback: it keeps what is ours, and its number.
  if (version >= MIGRATIONS.length) return;
  storage.transactionSync(() => {
    for (const step of MIGRATIONS.slice(version)) storage.sql.exec(step);
    storage.kv.put(VERSION_KEY, MIGRATIONS.length);
    if (version > 0 && version <= TESTS_UNMARKED_VERSION) storage.kv.put(UNMARKED_TESTS_KEY, { createdAt: 0, id: '' });
  });
}
