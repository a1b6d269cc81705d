import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type LocalWorker, startLocalWorker } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { configCopy } from '../support/config-copy.ts';
import { type Customer, Producers, signUpCustomers } from './customers.ts';
import { type Fault, POISON, SWITCH_PATH } from './faults.ts';

const MINUTE_MS = 60_000;
/** How often each customer has an event. */
const EVENT_EVERY_MS = 3_000;
const FLOOD_EVERY_MS = 1_000;
/** Events in a request: as many as one takes. */
const FLOOD_EVENTS = 100;

/** The service on this machine, with customers, their events and a cron, and with faults that can be switched on. */
export interface Rehearsal {
  worker: LocalWorker;
  /** Switches faults on, and off those that are not named. Returns of each the name of the customer that has it, where it is of a customer. */
  fail(...faults: Fault[]): Promise<ReadonlyMap<Fault, string>>;
  /** Runs the cron, which also runs each minute. */
  runCron(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one. @param folder of its state @param vars settings that differ */
export async function startRehearsal(folder: string, vars: Readonly<Record<string, string>> = {}): Promise<Rehearsal> {
  const config = configCopy(folder, (text) => text, join(PROJECT_ROOT, 'test', 'rehearsal', 'worker.ts'));
  const worker = await startLocalWorker({ persistTo: join(folder, 'state'), config, vars });
  const { customers, close } = await signUpCustomers(worker);
  const producers = new Producers(worker);
  for (const customer of customers) producers.every(EVENT_EVERY_MS, customer);
  const runCron = async () => {
    const response = await fetch(`${worker.origin}/cdn-cgi/handler/scheduled`);
    await response.body?.cancel();
  };
  const cron = everyMinute(runCron);
  let endFlood = () => {};
  /** What follows from a fault of a customer outside the Worker. */
  const begin = async (fault: Fault, customer: Customer): Promise<boolean> => {
    if (fault === 'endpoint-silent') customer.endpoint = 'silent';
    else if (fault === 'endpoint-errors') customer.endpoint = 'errors';
    else if (fault === 'poison-message') await producers.post(customer, 1, POISON);
    else if (fault === 'flood') endFlood = producers.every(FLOOD_EVERY_MS, customer, FLOOD_EVENTS);
    else return false;
    return true;
  };
  return {
    worker,
    runCron,
    fail: async (...faults) => {
      endFlood();
      for (const customer of customers) customer.endpoint = 'answers';
      await fetch(`${worker.origin}${SWITCH_PATH}`, { method: 'PUT', body: JSON.stringify(faults) });
      const first = randomInt(customers.length);
      const whose = new Map<Fault, string>();
      for (const [at, fault] of faults.entries()) {
        // Each has another one.
        const customer = customers[(first + at) % customers.length] as Customer;
        if (await begin(fault, customer)) whose.set(fault, customer.name);
      }
      return whose;
    },
    stop: async () => {
      cron.stop();
      producers.stop();
      close();
      await worker.stop();
    },
  };
}

/** Calls something at each full minute, as a cron does: the next call does not wait for the one before. */
function everyMinute(work: () => Promise<void>): { stop(): void } {
  let timer: ReturnType<typeof setTimeout>;
  const plan = () => {
    timer = setTimeout(
      () => {
        plan();
        work().catch(() => {});
      },
      MINUTE_MS - (Date.now() % MINUTE_MS),
    );
  };
  plan();
  return { stop: () => clearTimeout(timer) };
}
