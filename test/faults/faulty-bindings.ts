import type { Edges, Life } from './edges.ts';

/** A queue whose sends pass an edge on their way to `enqueue`, which takes a batch as a whole. */
export function faultyQueue(enqueue: (bodies: unknown[]) => void, edges: Edges, life: Life): Queue {
  const send = (bodies: unknown[]) => edges.pass('queue.send', life, async () => enqueue(bodies));
  return {
    send: (body: unknown) => send([body]),
    sendBatch: (messages: MessageSendRequest[]) => send([...messages].map(({ body }) => body)),
  } as unknown as Queue;
}

/** Statements that change something. */
const WRITE = /^\s*(insert|update|delete|create|with recursive)/i;

/** An object's storage: what it writes passes an edge, and its alarm is the run's. */
export function faultyStorage(storage: DurableObjectStorage, alarm: StoredAlarm, edges: Edges, life: Life): DurableObjectStorage {
  const write = <T>(operation: () => T) => edges.passNow('storage.write', life, operation);
  const sql = through(storage.sql, {
    exec: (query: string, ...values: unknown[]) => {
      const exec = () => storage.sql.exec(query, ...values);
      if (life.dead || WRITE.test(query)) return write(exec);
      return exec();
    },
  });
  const kv = through(storage.kv, {
    put: (key: string, value: unknown) => write(() => storage.kv.put(key, value)),
    delete: (key: string) => write(() => storage.kv.delete(key)),
  });
  return through(storage, {
    sql,
    kv,
    setAlarm: (at: number) => edges.pass('alarm.set', life, async () => alarm.set(at)),
    getAlarm: async () => alarm.get(),
    deleteAlarm: () => edges.pass('alarm.set', life, async () => alarm.set(null)),
    deleteAll: async () => write(() => storage.deleteAll()),
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
