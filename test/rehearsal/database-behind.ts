/** A database that does something before each statement: it waits, or throws. */
export function databaseBehind(database: D1Database, before: () => Promise<void>): D1Database {
  const after = async <T>(work: () => Promise<T>): Promise<T> => {
    await before();
    return await work();
  };
  const statement = (of: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(of, {
      get: (target, name) => {
        if (name === 'bind') return (...values: unknown[]) => statement(target.bind(...values));
        const member = Reflect.get(target, name);
        return typeof member === 'function' ? (...args: unknown[]) => after(() => member.apply(target, args)) : member;
      },
    });
  return {
    prepare: (query: string) => statement(database.prepare(query)),
    batch: (statements: D1PreparedStatement[]) => after(() => database.batch(statements)),
  } as unknown as D1Database;
}
