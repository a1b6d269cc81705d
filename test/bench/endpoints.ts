import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Arrival, Behaviour, Order, Report } from './endpoints-process.ts';

/** Endpoints in a process of their own: every path of `origin` is one. */
export interface Endpoints {
  origin: string;
  /** From now on they answer like this. */
  behave(behaviour: Behaviour): void;
  /** From now on those that answer 200 take so long, each request by itself: any number are under way at once. */
  answerAfter(delayMs: number): void;
  arrivals(): Promise<Arrival[]>;
  /** How many requests have arrived: asking for them all would itself be work for the process that takes them. */
  arrivedCount(): Promise<number>;
  forgetArrivals(): void;
  stop(): void;
}

export async function startEndpoints(): Promise<Endpoints> {
  const child = fork(join(import.meta.dirname, 'endpoints-process.ts'));
  const listening = await reported(child, 'listening');
  const order = (given: Order) => void child.send(given);
  return {
    origin: listening.origin,
    behave: (behaviour) => order({ kind: 'behave', behaviour }),
    answerAfter: (delayMs) => order({ kind: 'answer-after', delayMs }),
    forgetArrivals: () => order({ kind: 'forget' }),
    async arrivals() {
      const answer = reported(child, 'arrivals');
      order({ kind: 'report' });
      return (await answer).arrivals;
    },
    async arrivedCount() {
      const answer = reported(child, 'counted');
      order({ kind: 'count' });
      return (await answer).count;
    },
    stop: () => child.disconnect(),
  };
}

/** The next report of a kind; an error where the process ends instead. */
async function reported<K extends Report['kind']>(child: ChildProcess, kind: K): Promise<Extract<Report, { kind: K }>> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(() => Promise.reject(new Error('The process of the endpoints has ended.')));
  const next = async (): Promise<Extract<Report, { kind: K }>> => {
    for (;;) {
      const [report] = (await once(child, 'message', { signal })) as [Report];
      if (report.kind === kind) return report as Extract<Report, { kind: K }>;
    }
  };
  try {
    return await Promise.race([next(), ended]);
  } finally {
    // Whichever still listens stops; its AbortError is nobody's.
    ended.catch(() => {});
    settled.abort();
  }
}
