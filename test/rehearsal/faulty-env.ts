import type { NewDelivery } from '../../src/domain/delivery/delivery.ts';
import { onceFor } from '../../src/once-for.ts';
import { databaseBehind } from './database-behind.ts';
import { type Fault, POISON } from './faults.ts';

/** Longer than anything waits for D1 but the cron. */
const SLOW_MS = 6_000;

/** The faults that there are now, in all of the Worker: its objects share its isolate in the local runtime. */
export const faults = new Set<Fault>();

/** The Worker's bindings, with the faults that there are. */
export const faultyEnv = onceFor((env: Env): Env => {
  return { ...env, DB: databaseBehind(env.DB, beforeStatement), OUTBOX: faultyOutboxes(env.OUTBOX) };
});

async function beforeStatement(): Promise<void> {
  if (faults.has('database-gone')) throw new Error('D1_ERROR: the database is gone');
  if (faults.has('database-slow')) await scheduler.wait(SLOW_MS);
}

type Method = (...args: unknown[]) => unknown;

/** Outboxes that a bug has throw, whenever they are brought what is poison. */
function faultyOutboxes(outboxes: Env['OUTBOX']): Env['OUTBOX'] {
  const faulty = (stub: object) =>
    new Proxy(stub, {
      // Called as a method of the stub: anything else would be taken for a name to be called remotely.
      get:
        (target, name) =>
        (...args: unknown[]) => {
          if (name === 'deliver') refusePoison(args[1] as readonly NewDelivery[]);
          return (target as Record<string | symbol, Method | undefined>)[name]?.(...args);
        },
    });
  return { getByName: (name: string) => faulty(outboxes.getByName(name)) } as unknown as Env['OUTBOX'];
}

function refusePoison(deliveries: readonly NewDelivery[]): void {
  if (!faults.has('poison-message') || !deliveries.some(({ sessionId }) => sessionId === POISON)) return;
  throw new TypeError("Cannot read properties of undefined (reading 'email')");
}
