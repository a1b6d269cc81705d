import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { Edges } from './edges.ts';
import { EventQueue } from './event-queue.ts';
import type { Edge, Fault } from './fault-plan.ts';
import { faultyNamespace, faultyQueue, faultyStorage } from './faulty-bindings.ts';
import { IoContext } from './io-context.ts';
import { INVOCATION_ENDED, Isolate } from './isolate.ts';
import { LIMITS, type Limits } from './limits.ts';
import { LocalDatabase } from './local-database.ts';
import { Mishaps } from './mishaps.ts';
import { ObjectHost, type ObjectWorld } from './object-host.ts';
import { Outbound, type Reply } from './outbound.ts';
import { OutboxHost } from './outbox-host.ts';
import { ScriptedPlan } from './scripted-plan.ts';
import { VirtualTime } from './virtual-time.ts';

const START = Date.UTC(2027, 0, 1);
const URL = 'https://endpoint.example.com/in';
const SECOND = 1_000;
const MINUTE = 60_000;

/** What the model itself enforces: one that let everything pass would find every run in order. */
describe('the platform of the fault runs', () => {
  const time = new VirtualTime();
  beforeEach(() => time.start(START));
  afterEach(() => time.stop());

  const contextWith = (limits: Partial<Limits> = {}) => new IoContext('an object', { ...LIMITS, ...limits }, time);
  const edgesWith = (script: readonly [Edge, Fault | null][] = [], mishaps = new Mishaps()) =>
    new Edges(new ScriptedPlan(script), time, mishaps);
  const outboundWith = (reply: Reply, script: readonly [Edge, Fault | null][] = []) => {
    const arrived: number[] = [];
    const serve = () => {
      arrived.push(Date.now() - START);
      return reply;
    };
    return { arrived, outbound: new Outbound(new ScriptedPlan(script), time, serve) };
  };
  /** How some work has ended, when time enough has passed for it. */
  const ended = async (work: Promise<unknown>, afterMs = MINUTE): Promise<string> => {
    let how = 'not ended';
    work.then(
      (value) => {
        how = `ended: ${value instanceof Response ? value.status : value}`;
      },
      (error: Error) => {
        how = `failed: ${error.message}`;
      },
    );
    await time.runFor(afterMs);
    return how;
  };

  describe('connections', () => {
    it('the seventh request waits until headers come to one of six', async () => {
      const context = contextWith();
      const { arrived, outbound } = outboundWith({ status: 200, afterMs: 10 * SECOND });
      for (let request = 0; request < 7; request++) void context.run(() => outbound.fetch(URL, {}));
      await time.runFor(MINUTE);
      expect(arrived).toEqual([1, 1, 1, 1, 1, 1, 10 * SECOND + 2]);
      expect(context.most.connections).toBe(7);
      expect(context.waited).toBe(1);
    });

    it('timers go on while a request waits: one that is aborted meanwhile was never sent', async () => {
      const context = contextWith();
      const { arrived, outbound } = outboundWith({ status: 200, afterMs: 10 * SECOND });
      for (let request = 0; request < 6; request++) void context.run(() => outbound.fetch(URL, {}));
      const abort = new AbortController();
      const seventh = context.run(() => {
        setTimeout(() => abort.abort(new Error('no answer in time')), 5 * SECOND);
        return outbound.fetch(URL, { signal: abort.signal });
      });
      expect(await ended(seventh)).toBe('failed: no answer in time');
      expect(arrived).toHaveLength(6);
    });

    it('a body that never ends holds no connection, and is aborted by its signal', async () => {
      const context = contextWith({ connections: 1 });
      const { arrived, outbound } = outboundWith({ status: 200, afterMs: 1, body: [{ text: 'a', afterMs: 1 }, null] });
      const abort = new AbortController();
      const read = context.run(async () => {
        const reader = (await outbound.fetch(URL, { signal: abort.signal })).body!.getReader();
        setTimeout(() => abort.abort(new Error('too slow')), 5 * SECOND);
        await reader.read();
        await reader.read();
      });
      void context.run(() => outbound.fetch(URL, {}));
      expect(await ended(read)).toBe('failed: too slow');
      expect(arrived).toHaveLength(2);
    });

    it('other objects, and later lives of the same, have connections of their own', async () => {
      const { arrived, outbound } = outboundWith({ status: 200, afterMs: 10 * SECOND });
      for (const context of [contextWith(), contextWith()]) {
        for (let request = 0; request < 6; request++) void context.run(() => outbound.fetch(URL, {}));
      }
      await time.runFor(SECOND);
      expect(arrived).toHaveLength(12);
    });
  });

  describe('subrequests', () => {
    const bindings = (edges: Edges, state: DurableObjectState) => ({
      database: new LocalDatabase(state.storage).binding(edges),
      queue: faultyQueue(() => {}, edges),
      couriers: faultyNamespace('courier.call', edges, async () => 'made') as {
        getByName(name: string): { attempt(): Promise<unknown> };
      },
    });

    it('requests, statements, sends and calls of other objects count, and beyond the budget each of them fails', async () => {
      await inObject(async (state) => {
        const { outbound } = outboundWith({ status: 200, afterMs: 1 });
        const { database, queue, couriers } = bindings(edgesWith(), state);
        const ways: Record<string, () => Promise<unknown>> = {
          request: () => outbound.fetch(URL, {}),
          statement: () => database.prepare('SELECT 1').all(),
          send: () => queue.send('message'),
          call: () => couriers.getByName('courier').attempt(),
        };
        for (const [name, way] of Object.entries(ways)) {
          const context = contextWith({ subrequests: 4 });
          for (const each of Object.values(ways)) expect(await ended(context.run(each), SECOND), name).toMatch(/^ended/);
          expect(await ended(context.run(way), SECOND), name).toBe('failed: Too many subrequests.');
          expect(context.refused, name).toBe(1);
          context.topUp();
          expect(await ended(context.run(way), SECOND), name).toMatch(/^ended/);
        }
      });
    });

    it('a call that comes in tops them up, and nothing else does', async () => {
      const host = new CounterHost(time, worldOf({ subrequests: 1 }));
      const { outbound } = outboundWith({ status: 200, afterMs: 1 });
      const twice = async () => {
        await outbound.fetch(URL, {});
        await new Promise((resolve) => setTimeout(resolve, MINUTE));
        await outbound.fetch(URL, {});
      };
      expect(await ended(host.call(twice), 2 * MINUTE)).toBe('failed: Too many subrequests.');
      expect(await ended(host.call(() => outbound.fetch(URL, {})))).toBe('ended: 200');
    });
  });

  describe('timers', () => {
    it('an object has so many at a time; one that fired or was cleared counts no more', async () => {
      const context = contextWith({ timers: 2 });
      const set = (ms: number) => context.run(() => setTimeout(() => {}, ms)) as unknown as number;
      const [first] = [set(SECOND), set(MINUTE)];
      expect(() => set(SECOND)).toThrow('exceeded the number of active timeouts');
      context.run(() => clearTimeout(first));
      set(2 * SECOND);
      await time.runFor(3 * SECOND);
      expect(context.timers).toBe(1);
      expect(context.most.timers).toBe(2);
    });

    it('they end with the object', async () => {
      const context = contextWith();
      let fired = false;
      context.run(() =>
        setTimeout(() => {
          fired = true;
        }, SECOND),
      );
      context.die();
      await time.runFor(MINUTE);
      expect(fired).toBe(false);
    });

    it('AbortSignal.timeout, which cannot be cleared, is refused', () => {
      expect(() => AbortSignal.timeout(SECOND)).toThrow('cannot be cleared');
    });
  });

  it('the clock stands still between two happenings, and in a timer it shows the time that the timer was set for', async () => {
    const context = contextWith();
    const { outbound } = outboundWith({ status: 200, afterMs: 7 });
    const seen: number[] = [];
    const look = () => seen.push(Date.now() - START);
    const work = context.run(async () => {
      look();
      for (let continuation = 0; continuation < 1_000; continuation++) await null;
      // Work of a while.
      for (let turn = 0; turn < 1e6; turn++) Math.sqrt(turn);
      look();
      setTimeout(look, 5);
      setTimeout(look, 6.5);
      await outbound.fetch(URL, {});
      look();
    });
    await ended(work);
    expect(seen).toEqual([0, 0, 5, 7, 8]);
  });

  describe('an invocation', () => {
    const isolate = () => new Isolate({}, LIMITS, time);
    const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

    it('what waitUntil was given is cut 30 s after the handler has returned', async () => {
      const done: string[] = [];
      const wakes = (what: string, ms: number) => wait(ms).then(() => done.push(what));
      await isolate().run(async (_, ctx) => {
        ctx.waitUntil(wakes('29 s', 29 * SECOND));
        ctx.waitUntil(wakes('31 s', 31 * SECOND));
      });
      await time.runFor(MINUTE);
      expect(done).toEqual(['29 s']);
    });

    it('what waitUntil was not given ends with the handler', async () => {
      const done: string[] = [];
      await isolate().run(async () => {
        void wait(1).then(() => done.push('left behind'));
      });
      await time.runFor(MINUTE);
      expect(done).toEqual([]);
    });

    it('a handler ends with its isolate, and after 15 minutes', async () => {
      const [killed, long] = [isolate(), isolate()];
      const waiting = killed.run(() => wait(MINUTE));
      killed.die();
      expect(await ended(waiting)).toBe(`failed: ${INVOCATION_ENDED}`);
      expect(
        await ended(
          long.run(() => wait(16 * MINUTE)),
          17 * MINUTE,
        ),
      ).toBe(`failed: ${INVOCATION_ENDED}`);
    });

    it('each isolate has a memory of its own', async () => {
      const [one, other] = [isolate(), isolate()];
      const envOf = (of: Isolate) => of.run(async (bindings) => bindings);
      expect(await envOf(one)).toBe(await envOf(one));
      expect(await envOf(one)).not.toBe(await envOf(other));
    });

    it('messages whose batch was cut off come again', async () => {
      const attempts: number[] = [];
      const queue = new EventQueue(
        () => 0,
        time,
        async ({ messages }) => {
          attempts.push(...messages.map((message) => message.attempts));
          if (attempts.length === 1) throw new Error(INVOCATION_ENDED);
        },
      );
      queue.enqueue(['message']);
      await time.runFor(5 * MINUTE);
      expect(attempts).toEqual([1, 2]);
      expect(queue.isEmpty).toBe(true);
    });
  });

  describe('an object', () => {
    it('is reset where its constructor lets nothing in for 30 s', async () => {
      const host = new CounterHost(time, worldOf(), () => new Promise((resolve) => setTimeout(resolve, 31 * SECOND)));
      expect(await ended(host.call((counter) => counter.add()))).toBe('failed: Network connection lost.');
    });

    it('loses its memory when it is reset, and so do its calls; some of their errors say that they may be made again', async () => {
      const world = worldOf();
      const hosts = Array.from({ length: 20 }, () => new CounterHost(time, world));
      const calls = hosts.map((host) =>
        host.call(async (counter) => {
          counter.add();
          await new Promise((resolve) => setTimeout(resolve, SECOND));
        }),
      );
      await time.rest();
      for (const host of hosts) host.kill('deploy');
      const errors = (await Promise.allSettled(calls)).map((result) => (result as PromiseRejectedResult).reason);
      expect(new Set(errors.map(({ message }) => message))).toEqual(new Set(['Durable Object reset because its code was updated.']));
      expect(new Set(errors.map(({ retryable }) => retryable === true)).size).toBe(2);
      expect(await hosts[0]!.call((counter) => counter.add())).toBe(1);
    });

    it('is thrown out of memory when it has had nothing to do for a while, unless a timer keeps it awake', async () => {
      const [idle, awake] = [new CounterHost(time, worldOf()), new CounterHost(time, worldOf())];
      await idle.call((counter) => counter.add());
      await awake.call((counter) => {
        setTimeout(() => {}, MINUTE);
        return counter.add();
      });
      await time.runFor(11 * SECOND);
      expect(await idle.call((counter) => counter.add())).toBe(1);
      expect(await awake.call((counter) => counter.add())).toBe(2);
    });

    it('storage that is full takes nothing in, and lets things be read and deleted; the fault is noted', async () => {
      await inObject(async ({ storage }) => {
        const mishaps = new Mishaps();
        let isFull = false;
        const context = contextWith();
        const alarm = { get: () => null, set: () => {} };
        const { sql, kv } = faultyStorage(storage, alarm, edgesWith([], mishaps), context, () => isFull);
        sql.exec('CREATE TABLE things (name TEXT)');
        sql.exec("INSERT INTO things VALUES ('a')");
        kv.put('key', 'value');
        isFull = true;
        expect(() => sql.exec("INSERT INTO things VALUES ('b')")).toThrow('database or disk is full: SQLITE_FULL');
        expect(() => sql.exec("UPDATE things SET name = 'b'")).toThrow('SQLITE_FULL');
        expect(() => kv.put('key', 'other')).toThrow('SQLITE_FULL');
        expect([sql.exec('SELECT name FROM things').toArray(), kv.get('key')]).toEqual([[{ name: 'a' }], 'value']);
        sql.exec('DELETE FROM things');
        kv.delete('key');
        expect(mishaps.has(['storage'], context.name, START, START, 'any')).toBe(true);
      });
    });

    it('an alarm is ended after 15 minutes, and tried again', async () => {
      await inObject(async (state) => {
        const mishaps = new Mishaps();
        const host = new OutboxHost(state, 'outbox9', time);
        const edges = edgesWith([], mishaps);
        const objectEnv = { ...env, DB: new LocalDatabase(state.storage).binding(edges) };
        const world = { ...worldOf(), name: 'whk_alarm', mishaps, env: objectEnv, edges, losesAlarm: () => false, isFull: () => false };
        host.begin({ ...world, isEvicted: () => false });
        await host.call(async (outbox) => {
          outbox.alarm = () => new Promise(() => {});
          await (outbox as unknown as { ctx: DurableObjectState }).ctx.storage.setAlarm(START + SECOND);
        });
        await time.runFor(14 * MINUTE);
        expect(host.alarmRuns).toBe(true);
        await time.runFor(2 * MINUTE);
        expect(host.alarmRuns).toBe(false);
        expect(mishaps.all).toEqual([{ kind: 'vanished', of: 'whk_alarm', at: START + SECOND + 15 * MINUTE, about: null }]);
        expect(await host.call((outbox: Outbox) => Object.hasOwn(outbox, 'alarm'))).toBe(false);
      });
    });
  });

  describe('an edge', () => {
    const outcome = async (fault: Fault) => {
      const context = contextWith();
      let isDone = false;
      const edges = edgesWith([['outbox.call', fault]]);
      const work = context.run(() =>
        edges.pass('outbox.call', async () => {
          isDone = true;
        }),
      );
      return [isDone ? 'done' : 'not done', await ended(work), context.dead].map((each) => (each === 'not done' && isDone ? 'done' : each));
    };

    it.each([
      ['throw', 'not done', /^failed: a fault/, false],
      ['hang', 'not done', /^not ended/, false],
      ['succeed-then-throw', 'done', /^failed: a fault/, false],
      ['succeed-then-hang', 'done', /^not ended/, false],
      ['die', 'not done', /^not ended/, true],
      ['succeed-then-die', 'done', /^not ended/, true],
      ['refuse', 'not done', /^failed: Too many subrequests/, false],
    ] as const)('%s', async (fault, isDone, how, isDead) => {
      expect(await outcome(fault)).toEqual([isDone, expect.stringMatching(how), isDead]);
    });

    it('a way takes its time, and what is on it arrives though the caller has vanished', async () => {
      const context = contextWith();
      const edges = new Edges(new ScriptedPlan([], 40), time, new Mishaps());
      let doneAt = 0;
      const call = context.run(() =>
        edges.pass('outbox.call', async () => {
          doneAt = Date.now() - START;
        }),
      );
      await time.runFor(20);
      context.die();
      expect(await ended(call)).toBe('not ended');
      expect(doneAt).toBe(40);
    });

    it('a send to a queue that hangs fails after a minute, and holds its connection until then', async () => {
      const context = contextWith({ connections: 1 });
      const queue = faultyQueue(() => {}, edgesWith([['queue.send', 'hang']]));
      const { arrived, outbound } = outboundWith({ status: 200, afterMs: 1 });
      const sending = context.run(() => queue.send('message'));
      void context.run(() => outbound.fetch(URL, {}));
      expect(await ended(sending, 2 * MINUTE)).toMatch(/^failed: Queue is overloaded/);
      expect(arrived).toEqual([MINUTE + 2]);
    });
  });

  function worldOf(limits: Partial<Limits> = {}): ObjectWorld {
    const plan = new ScriptedPlan();
    return { name: 'a counter', limits: { ...LIMITS, ...limits }, plan, mishaps: new Mishaps(), env, isEvicted: () => true };
  }
});

/** An object that knows something for as long as it is in memory. */
class Counter {
  #count = 0;

  add(): number {
    return ++this.#count;
  }
}

class CounterHost extends ObjectHost<Counter> {
  readonly #start: (() => Promise<unknown>) | null;

  constructor(time: VirtualTime, world: ObjectWorld, start: (() => Promise<unknown>) | null = null) {
    super(time);
    this.#start = start;
    this.enter(world);
  }

  protected make(_: IoContext, block: (work: () => Promise<unknown>) => Promise<unknown>): Counter {
    if (this.#start) void block(this.#start).catch(() => {});
    return new Counter();
  }
}

async function inObject(work: (state: DurableObjectState) => Promise<void>): Promise<void> {
  await runInDurableObject(env.OUTBOX.getByName(crypto.randomUUID()), async (_, state) => await work(state));
}
