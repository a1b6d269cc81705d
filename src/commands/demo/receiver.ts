import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { ReceivedDelivery } from './verify-delivery.ts';

/** A delivery as it arrived, and how it was answered. */
export interface Arrival extends ReceivedDelivery {
  path: string;
  atMs: number;
  status: number;
}

/** A customer's server: it answers each path as it is told to, and keeps what arrived. */
export interface DemoReceiver {
  origin: string;
  /** Statuses that a path answers with, in order; then 200. */
  answers(path: string, statuses: readonly number[]): void;
  /** The nth arrival on a path, 1 being the first; an error where it has not come within the time. */
  arrival(path: string, nth: number, withinMs: number): Promise<Arrival>;
  close(): void;
}

export async function startDemoReceiver(): Promise<DemoReceiver> {
  const arrivals: Arrival[] = [];
  const answers = new Map<string, number[]>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = request.url ?? '';
    const status = answers.get(path)?.shift() ?? 200;
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    arrivals.push({ path, headers, body: Buffer.concat(chunks), atMs: Date.now(), status });
    response.writeHead(status, { 'content-type': 'text/plain' }).end(status === 200 ? 'thank you' : 'down for maintenance');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers: (path, statuses) => void answers.set(path, [...statuses]),
    async arrival(path, nth, withinMs) {
      const deadline = Date.now() + withinMs;
      for (;;) {
        const found = arrivals.filter((arrival) => arrival.path === path)[nth - 1];
        if (found) return found;
        if (Date.now() > deadline) throw new Error(`Attempt ${nth} did not arrive at ${path} within ${withinMs / 1_000} s.`);
        await wait(10);
      }
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
