import { Outbox } from '../../src/delivery/outbox.ts';
import { migrate } from '../../src/delivery/outbox-migrations.ts';
import type { Edges, Life } from './edges.ts';
import { faultyStorage, type StoredAlarm } from './faulty-bindings.ts';
import { partOfStorage, TABLES } from './part-of-storage.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Durable Objects: a throwing alarm is tried six times more, with exponential backoff from 2 s; it may run 15 minutes. */
const ALARM_RETRIES = 6;
const FIRST_BACKOFF_MS = 2_000;
const ALARM_LIMIT_MS = 900_000;
/** Durable Objects: an object that lets nothing in for longer is reset. */
const BLOCKED_LIMIT_MS = 30_000;

/** What an outbox needs of the run that it is part of. */
export interface OutboxWorld {
  webhookId: string;
  edges: Edges;
  /** The bindings of an outbox in one of its lives. */
  envOf(life: Life): Env;
  /** Whether the platform holds the alarm that is just set, and will never fire it: such alarms have been reported. */
  losesAlarm(): boolean;
}

/** An outbox from its loading to its end: what it holds in memory is gone with it, and so are its calls under way. */
class OutboxLife implements Life {
  dead = false;
  outbox!: Outbox;
  /** Fulfilled when its constructor lets calls in. */
  ready: Promise<unknown> = Promise.resolve();
  readonly death: Promise<never>;
  die: () => void = () => {};

  constructor(ended: () => void) {
    this.death = new Promise((_, reject) => {
      this.die = () => {
        this.dead = true;
        ended();
        reject(new Error('the object has been reset'));
      };
    });
    // Nobody may be calling it when it ends.
    this.death.catch(() => {});
  }
}

/**
 * An outbox's place on the platform: the real class on real rows, loaded by the first call and anew by the next after it has
 * vanished, which can be at any await. Its alarm is kept here as the platform keeps it.
 */
export class OutboxHost {
  readonly #state: DurableObjectState;
  readonly #storage: DurableObjectStorage;
  readonly #time: VirtualTime;
  #world!: OutboxWorld;
  #life: OutboxLife | null = null;
  #alarmAt: number | null = null;
  #alarmTimer: ReturnType<typeof setTimeout> | undefined;
  #alarmRuns = false;

  /**
   * @param state of the object that the test runs in
   * @param part the share of its storage that is this outbox's
   */
  constructor(state: DurableObjectState, part: string, time: VirtualTime) {
    this.#state = state;
    this.#storage = partOfStorage(state.storage, part);
    this.#time = time;
  }

  /** It becomes the outbox of a webhook, with nothing in it. */
  begin(world: OutboxWorld): void {
    this.#life = null;
    this.#world = world;
    this.#alarmAt = null;
    this.#alarmRuns = false;
    const { sql, kv } = this.#storage;
    // Which run is the first on this storage must make no difference to it. Emptied: making the tables anew takes longer than a run.
    migrate(this.#storage);
    for (const table of TABLES) sql.exec(`DELETE FROM ${table}`);
    const archived = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'archive_*'").toArray();
    for (const { name } of archived) sql.exec(`DROP TABLE ${name}`);
    for (const [key] of kv.list()) if (key !== 'schemaVersion') kv.delete(key);
  }

  /** Calls the outbox, which is loaded where it is not. */
  async call<T>(work: (outbox: Outbox) => T): Promise<Awaited<T>> {
    this.#life ??= this.#load();
    const life = this.#life;
    try {
      return await Promise.race([life.ready.then(() => work(life.outbox)), life.death]);
    } finally {
      this.#time.step();
    }
  }

  /** It vanishes, wherever it is. */
  kill(): void {
    this.#life?.die();
  }

  get alarmRuns(): boolean {
    return this.#alarmRuns;
  }

  /** Whether anything of it waits or runs, by its rows. */
  waits(): boolean {
    return this.#storage.sql.exec('SELECT 1 FROM deliveries WHERE due_at IS NOT NULL LIMIT 1').toArray().length > 0;
  }

  #load(): OutboxLife {
    const life: OutboxLife = new OutboxLife(() => {
      if (this.#life === life) this.#life = null;
    });
    const alarm: StoredAlarm = { get: () => this.#alarmAt, set: (at) => this.#setAlarm(at) };
    const members = {
      id: { name: this.#world.webhookId },
      storage: faultyStorage(this.#storage, alarm, this.#world.edges, life),
      // One that is waited for must not keep the real object waiting.
      waitUntil: (promise: Promise<unknown>) => void promise.catch(() => {}),
      blockConcurrencyWhile: (work: () => Promise<unknown>) => {
        const limit = setTimeout(() => life.die(), BLOCKED_LIMIT_MS);
        life.ready = work().finally(() => clearTimeout(limit));
        life.ready.catch(() => life.die());
        return life.ready;
      },
    };
    // The base class takes nothing but the real state.
    for (const [name, value] of Object.entries(members)) Object.defineProperty(this.#state, name, { value, configurable: true });
    life.outbox = new Outbox(this.#state, this.#world.envOf(life));
    // A life keeps its own: the real state is the next one's.
    Object.defineProperty(life.outbox, 'ctx', { value: members });
    return life;
  }

  #setAlarm(at: number | null): void {
    this.#alarmAt = at;
    if (!this.#alarmRuns) this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#alarmTimer);
    if (this.#alarmAt !== null && !this.#world.losesAlarm())
      this.#alarmTimer = setTimeout(() => void this.#fire(0), Math.max(0, this.#alarmAt - Date.now()));
  }

  async #fire(retries: number): Promise<void> {
    this.#alarmRuns = true;
    this.#alarmAt = null;
    const limit = setTimeout(() => this.kill(), ALARM_LIMIT_MS);
    const done = await this.call((outbox) => outbox.alarm()).then(
      () => true,
      () => false,
    );
    clearTimeout(limit);
    this.#alarmRuns = false;
    if (done || this.#alarmAt !== null) this.#schedule();
    else if (retries < ALARM_RETRIES) this.#alarmTimer = setTimeout(() => void this.#fire(retries + 1), FIRST_BACKOFF_MS * 2 ** retries);
  }
}
