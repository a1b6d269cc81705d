import type { Edges } from './edges.ts';
import type { IoContext } from './io-context.ts';

/** A queue whose sends pass an edge on their way to `enqueue`, which takes a batch as a whole. */
export function faultyQueue(enqueue: (bodies: unknown[]) => void, edges: Edges): Queue {
  const send = (bodies: unknown[]) => edges.passConnected('queue.send', async () => enqueue(bodies));
  return {
    send: (body: unknown) => send([body]),
    sendBatch: (messages: MessageSendRequest[]) => send([...messages].map(({ body }) => body)),
  } as unknown as Queue;
}

/** A namespace of objects, each by its name. A call is made as RPC makes it: what is passed is a copy. */
export function faultyNamespace(edge: 'outbox.call' | 'courier.call', edges: Edges, call: CallObject): unknown {
  const stub = (name: string) =>
    new Proxy({} as DurableObjectStub, {
      get:
        (_, method: string) =>
        (...args: unknown[]) =>
          edges.pass(edge, async () => structuredClone(await call(name, method, structuredClone(args))), aboutOf(args)),
    });
  return { getByName: stub };
}

/** The delivery that a courier is called about. */
function aboutOf([, sending]: unknown[]): string | null {
  return (sending as { delivery?: { id: string } } | undefined)?.delivery?.id ?? null;
}

export type CallObject = (name: string, method: string, args: unknown[]) => Promise<unknown>;

/** Statements that need room, and those that change something without. */
const NEEDS_ROOM = /^\s*(insert|update|create|alter|with recursive)/i;
const FREES_ROOM = /^\s*(delete|drop)/i;

/** An object's storage: what it writes passes an edge, and its alarm is the run's. */
export function faultyStorage(
  storage: DurableObjectStorage,
  alarm: StoredAlarm,
  edges: Edges,
  context: IoContext,
  isFull: () => boolean,
): DurableObjectStorage {
  const write = <T>(operation: () => T) => edges.writeNow(context, isFull(), operation);
  const remove = <T>(operation: () => T) => edges.writeNow(context, false, operation);
  const sql = through(storage.sql, {
    exec: (query: string, ...values: unknown[]) => {
      const exec = () => storage.sql.exec(query, ...values);
      if (context.dead || NEEDS_ROOM.test(query)) return write(exec);
      return FREES_ROOM.test(query) ? remove(exec) : exec();
    },
  });
  const kv = through(storage.kv, {
    put: (key: string, value: unknown) => write(() => storage.kv.put(key, value)),
    delete: (key: string) => remove(() => storage.kv.delete(key)),
  });
  return through(storage, {
    sql,
    kv,
    setAlarm: (at: number) => edges.pass('alarm.set', async () => alarm.set(at)),
    getAlarm: async () => alarm.get(),
    deleteAlarm: () => edges.pass('alarm.set', async () => alarm.set(null)),
    deleteAll: async () => remove(() => storage.deleteAll()),
  });
}

/** The alarm as the platform keeps it. */
export interface StoredAlarm {
  get(): number | null;
  set(at: number | null): void;
}

/** An object as it is, but for some of its members. */
export function through<T extends object>(target: T, members: Record<string, unknown>): T {
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(members, name)) return members[name];
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
