import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiClient } from '../../src/commands/api-client.ts';
import { eventText } from '../bench/event-text.ts';
import type { SomeWorker } from '../support/worker.ts';

/** A customer of the rehearsal, whose endpoint answers as it is told to. */
export interface Customer {
  organizationId: string;
  name: string;
  endpoint: 'answers' | 'silent' | 'errors';
}

const NAMES = ['Acme Analytics', 'Globex', 'Initech', 'Tyrell', 'Wayne Enterprises'];
/** How long a healthy endpoint takes. */
const ANSWERS_AFTER_MS = 40;

/** Signs the customers up, each with a webhook at an endpoint of its own. */
export async function signUpCustomers(worker: SomeWorker): Promise<{ customers: Customer[]; close(): void }> {
  const customers = NAMES.map((name): Customer => ({ organizationId: idOf(name), name, endpoint: 'answers' }));
  const { origin, close } = await startEndpoints(customers);
  const platform = new ApiClient(worker.origin, worker.platformKey);
  for (const { organizationId, name } of customers) {
    await platform.put(`/organization/${organizationId}`, { name, plan: 'scale' });
    await platform.post(`/organization/${organizationId}/webhooks`, {
      url: `${origin}/${organizationId}`,
      events: ['*'],
      generateSecret: true,
    });
  }
  return { customers, close };
}

const idOf = (name: string): string => `org_${name.toLowerCase().replaceAll(/\W+/g, '_')}`;

/** One server for all of them: the path says whose endpoint is meant. */
async function startEndpoints(customers: readonly Customer[]): Promise<{ origin: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume();
    const { endpoint } = customers.find(({ organizationId }) => request.url === `/${organizationId}`) ?? { endpoint: 'errors' };
    if (endpoint === 'silent') return;
    setTimeout(() => response.writeHead(endpoint === 'errors' ? 500 : 200).end(), ANSWERS_AFTER_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** Posts events of the customers, as producers do, and does not mind where one is refused. */
export class Producers {
  readonly #platform: ApiClient;
  readonly #timers = new Set<ReturnType<typeof setInterval>>();
  #posted = 0;

  constructor({ origin, platformKey }: SomeWorker) {
    this.#platform = new ApiClient(origin, platformKey);
  }

  /** Posts so many events of a customer, now. @param sessionId of all of them; absent: each has its own */
  async post({ organizationId }: Customer, count: number, sessionId?: string): Promise<void> {
    const events = Array.from({ length: count }, () => {
      const event = JSON.parse(eventText(organizationId, this.#posted++));
      return sessionId === undefined ? event : { ...event, session_id: sessionId };
    });
    await this.#platform.post('/events', count === 1 ? events[0] : events).catch(() => {});
  }

  /** The same every so often; what is returned ends it. */
  every(ms: number, customer: Customer, count = 1): () => void {
    const timer = setInterval(() => void this.post(customer, count), ms);
    this.#timers.add(timer);
    return () => {
      clearInterval(timer);
      this.#timers.delete(timer);
    };
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
  }
}
