import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Courier } from '../../src/attempt/courier.ts';
import { Meter as ServiceMeter } from '../../src/meter/meter.ts';
import { meterOf } from '../../src/meter/meter-object.ts';
import { NOTHING, type Operations, queueUnits } from './operations.ts';

type Method = (...args: unknown[]) => unknown;

/** A Meter that takes what isolates tell, and costs nothing. */
const SILENT = { getByName: () => ({ tell: async () => {} }) } as unknown as Env['METER'];

/** A write to D1 takes a few milliseconds here. */
const QUIET_MS = 50;

/**
 * Counts what the Worker and its outboxes do, as the platform itself reports it: the cursors of SQL statements, the `meta` of D1's
 * results. Storage and D1 are watched at their prototypes, since the objects run in this isolate, for as long as it lives.
 */
export class Meter {
  /** The Worker's environment, with its calls of queues and outboxes counted. What it queues is kept, and goes nowhere. */
  readonly env: Env;
  #counted = { ...NOTHING };
  #cursors: { rowsRead: number; rowsWritten: number }[] = [];
  #queued: Uint8Array[] = [];
  #countsFigures = false;

  private constructor() {
    const outbox = watchedNamespace(env.OUTBOX, () => this.add({ objectRequests: 1 }));
    const queue = {
      send: async (body: Uint8Array) => this.#queue([body]),
      sendBatch: async (batch: { body: Uint8Array }[]) => this.#queue(batch.map(({ body }) => body)),
    };
    this.env = { ...env, OUTBOX: outbox, EVENTS: queue as unknown as Queue, METER: SILENT };
  }

  /** From now on what isolates tell of themselves (src/meter) is counted, too. By event it is nothing, and by isolate it has a case of its own. */
  withFigures(): void {
    this.#countsFigures = true;
    this.env.METER = env.METER;
  }

  /** Begins to count. */
  static async start(): Promise<Meter> {
    const meter = new Meter();
    meter.#watchD1();
    // Called by outboxes, whose environment is their own.
    meter.#countOf(Courier.prototype, 'attempt', { objectRequests: 1 });
    // It has its table.
    await meterOf(env).read(1);
    // By outboxes of retries. However many tell, the Meter writes a row in two seconds at most: rows have a case of their own, too.
    replaceIn(ServiceMeter.prototype, 'tell', (tell) => async (...args) => {
      meter.add({ objectRequests: 1 });
      if (meter.#countsFigures) await tell(...args);
    });
    await runInDurableObject(env.OUTBOX.getByName('watched'), (_, { storage }) => meter.#watchStorage(storage));
    return meter;
  }

  /** What was queued since the last call. */
  takeQueued(): Uint8Array[] {
    return this.#queued.splice(0);
  }

  /** What was counted since the last call, with what has been left to `waitUntil`: it waits until nothing more comes. */
  async take(): Promise<Operations> {
    await this.quiet();
    this.readCursors();
    const counted = this.#counted;
    this.#counted = { ...NOTHING };
    return counted;
  }

  /** Waits until nothing more comes. */
  async quiet(): Promise<void> {
    for (let before = ''; before !== this.#state(); ) {
      before = this.#state();
      await scheduler.wait(QUIET_MS);
    }
  }

  /** Reads how far the statements' cursors have come. Those that were not read to their end tell only within their own object. */
  readCursors(): void {
    for (const { rowsRead, rowsWritten } of this.#cursors.splice(0)) this.add({ rowsRead, rowsWritten });
  }

  /** How many rows some work reads, within the object whose rows these are. */
  rowsReadBy(work: () => void): number {
    this.readCursors();
    const before = this.#counted.rowsRead;
    work();
    this.readCursors();
    return this.#counted.rowsRead - before;
  }

  #state(): string {
    return JSON.stringify([this.#counted, this.#cursors.length]);
  }

  add(operations: Partial<Operations>): void {
    for (const [name, count] of Object.entries(operations) as [keyof Operations, number][]) this.#counted[name] += count;
  }

  #queue(bodies: Uint8Array[]): void {
    this.#queued.push(...bodies);
    this.add({ queueOperations: bodies.reduce((sum, body) => sum + queueUnits(body.length), 0) });
  }

  #watchStorage(storage: DurableObjectStorage): void {
    replace(storage.sql, 'exec', (exec) => (...args) => {
      const cursor = exec(...args) as { rowsRead: number; rowsWritten: number };
      // Read later: a cursor counts while it is read.
      this.#cursors.push(cursor);
      return cursor;
    });
    // Keys are rows of a hidden table (Durable Objects: billed as rows), and each setAlarm is a row written.
    this.#count(storage.kv, 'get', { rowsRead: 1 });
    this.#count(storage.kv, 'put', { rowsWritten: 1 });
    this.#count(storage.kv, 'delete', { rowsWritten: 1 });
    this.#count(storage, 'setAlarm', { rowsWritten: 1 });
  }

  #count<T extends object>(of: T, method: keyof T & string, operations: Partial<Operations>): void {
    this.#countOf(Object.getPrototypeOf(of) as T, method, operations);
  }

  #countOf<T extends object>(prototype: T, method: keyof T & string, operations: Partial<Operations>): void {
    replaceIn(prototype, method, (original) => (...args) => {
      this.add(operations);
      return original(...args);
    });
  }

  #watchD1(): void {
    const statement = env.DB.prepare('SELECT 1');
    const execute = Object.getPrototypeOf(statement).all as (this: D1PreparedStatement) => Promise<D1Result>;
    const count = ({ meta }: D1Result): void => this.add({ d1RowsRead: meta.rows_read, d1RowsWritten: meta.rows_written });
    for (const method of ['all', 'run'] as const) {
      replace(statement, method, (original) => async (...args) => {
        const result = (await original(...args)) as D1Result;
        count(result);
        return result;
      });
    }
    // Only queries come here; what they read is not said with the rows, so that each is made once more to be told.
    replace(statement, 'raw', (original, self) => async (...args) => {
      count(await execute.call(self));
      return await original(...args);
    });
  }
}

/** Puts a method of one's own before that of an object's class, for all of its objects. */
function replace<T extends object>(of: T, name: keyof T & string, wrap: (original: Method, self: T) => Method): void {
  replaceIn(Object.getPrototypeOf(of) as T, name, wrap);
}

function replaceIn<T extends object>(prototype: T, name: keyof T & string, wrap: (original: Method, self: T) => Method): void {
  const methods = prototype as Record<string, Method>;
  const original = methods[name] as Method;
  methods[name] = function (this: T, ...args: unknown[]) {
    return wrap((...given) => original.apply(this, given), this)(...args);
  };
}

/** A namespace whose objects' methods tell of each call. */
function watchedNamespace(namespace: Pick<DurableObjectNamespace, 'getByName'>, called: () => void): Env['OUTBOX'] {
  const watched = (stub: object): object =>
    new Proxy(stub, {
      // Called as a method of the stub: anything else, `apply` too, would be taken for a name to be called remotely.
      get:
        (target, name) =>
        (...args: unknown[]) => {
          called();
          return (target as Record<string | symbol, Method | undefined>)[name]?.(...args);
        },
    });
  return { getByName: (name: string) => watched(namespace.getByName(name)) } as unknown as Env['OUTBOX'];
}
