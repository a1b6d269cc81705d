import { migrate } from '../../src/outbox/books/migrations.ts';
import { Outbox } from '../../src/outbox/outbox.ts';
import type { Edges } from './edges.ts';
import { faultyStorage, type StoredAlarm } from './faulty-bindings.ts';
import { current, type IoContext } from './io-context.ts';
import { ObjectHost, type ObjectWorld } from './object-host.ts';
import { partOfStorage, TABLES } from './part-of-storage.ts';
import type { Timer, VirtualTime } from './virtual-time.ts';

/** Durable Objects: a throwing alarm is tried six times more, with exponential backoff from 2 s. */
const ALARM_RETRIES = 6;
const FIRST_BACKOFF_MS = 2_000;

/** What an outbox needs of the run that it is part of. */
export interface OutboxWorld extends ObjectWorld {
  edges: Edges;
  /** Whether the platform holds the alarm that is just set, and will never fire it: such alarms have been reported. */
  losesAlarm(): boolean;
  /** Whether its storage is full, so that nothing can be added to it. */
  isFull(): boolean;
}

/** An outbox's place on the platform: the real class on real rows. Its alarm is kept here as the platform keeps it. */
export class OutboxHost extends ObjectHost<Outbox> {
  readonly #state: DurableObjectState;
  readonly #storage: DurableObjectStorage;
  #outboxWorld!: OutboxWorld;
  #alarmAt: number | null = null;
  #alarmTimer: Timer | undefined;
  #alarmRuns = false;

  /**
   * @param state of the object that the test runs in
   * @param part the share of its storage that is this outbox's
   */
  constructor(state: DurableObjectState, part: string, time: VirtualTime) {
    super(time);
    this.#state = state;
    this.#storage = partOfStorage(state.storage, part);
  }

  /** It becomes the outbox of a webhook, with nothing in it. */
  begin(world: OutboxWorld): void {
    this.enter(world);
    this.#outboxWorld = world;
    this.#alarmAt = null;
    this.#alarmRuns = false;
    const { sql, kv } = this.#storage;
    // Which run is the first on this storage must make no difference to it. Emptied: making the tables anew takes longer than a run.
    migrate(this.#storage);
    for (const table of TABLES) sql.exec(`DELETE FROM ${table}`);
    for (const prefix of ['archive', 'repeated', 'once']) {
      const select = `SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '${prefix}_*'`;
      for (const { name } of sql.exec<{ name: string }>(select).toArray()) sql.exec(`DROP TABLE ${name}`);
    }
    for (const [key] of kv.list()) if (key !== 'schemaVersion') kv.delete(key);
  }

  get alarmRuns(): boolean {
    return this.#alarmRuns;
  }

  /** Whether anything of it waits or runs, by its rows. */
  waits(): boolean {
    const { sql } = this.#storage;
    if (sql.exec('SELECT 1 FROM deliveries WHERE due_at IS NOT NULL LIMIT 1').toArray().length > 0) return true;
    const days = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'archive_*'").toArray();
    return days.some(({ name }) => sql.exec(`SELECT 1 FROM ${name} WHERE place < 0 LIMIT 1`).toArray().length > 0);
  }

  protected make(context: IoContext, block: (work: () => Promise<unknown>) => Promise<unknown>): Outbox {
    const alarm: StoredAlarm = { get: () => this.#alarmAt, set: (at) => this.#setAlarm(at) };
    const { name, edges, isFull } = this.#outboxWorld;
    const members = {
      id: { name },
      storage: faultyStorage(this.#storage, alarm, edges, context, isFull),
      // The real state is the next life's, too: whose promise it is tells the context. The real object must not be kept waiting by it.
      waitUntil: (promise: Promise<unknown>) =>
        void current()
          ?.working(promise)
          .catch(() => {}),
      blockConcurrencyWhile: block,
    };
    // The base class takes nothing but the real state.
    for (const [key, value] of Object.entries(members)) Object.defineProperty(this.#state, key, { value, configurable: true });
    const outbox = new Outbox(this.#state, this.world.env);
    // A life keeps its own: the real state is the next one's.
    Object.defineProperty(outbox, 'ctx', { value: members });
    return outbox;
  }

  #setAlarm(at: number | null): void {
    this.#alarmAt = at;
    if (!this.#alarmRuns) this.#schedule();
  }

  #schedule(): void {
    if (this.#alarmTimer) this.time.cancel(this.#alarmTimer);
    if (this.#alarmAt === null || this.#outboxWorld.losesAlarm()) return;
    this.#alarmTimer = this.time.after(Math.max(0, this.#alarmAt - Date.now()), () => void this.#fire(0));
  }

  async #fire(retries: number): Promise<void> {
    this.#alarmRuns = true;
    this.#alarmAt = null;
    const limit = this.time.after(this.world.limits.alarmMs, () => this.kill());
    const done = await this.call((outbox) => outbox.alarm()).then(
      () => true,
      () => false,
    );
    this.time.cancel(limit);
    this.#alarmRuns = false;
    if (done || this.#alarmAt !== null) this.#schedule();
    else if (retries < ALARM_RETRIES)
      this.#alarmTimer = this.time.after(FIRST_BACKOFF_MS * 2 ** retries, () => void this.#fire(retries + 1));
  }
}
