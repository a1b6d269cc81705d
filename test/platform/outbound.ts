import type { FaultPlan } from './fault-plan.ts';
import { current, type IoContext, never, tooManySubrequests } from './io-context.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What comes back to a request. */
export interface Reply {
  /** Null: the connection is closed without an answer. */
  status: number | null;
  afterMs: number;
  retryAfter?: string;
  /** Parts of the body, each with how long it takes; null: never another one. None where there is no body. */
  body?: readonly ({ text: string; afterMs: number } | null)[];
}

/** Who sent a request, and when. */
export interface Sent {
  by: string;
  at: number;
}

/** Where a request arrives. */
export type Serve = (url: string, init: RequestInit, sent: Sent) => Reply;

/**
 * `fetch` as Cloudflare has it: a subrequest, through one of six connections as long as no headers have come; who waits for a connection
 * has sent nothing. What was sent arrives, though whoever sent it has vanished.
 */
export class Outbound {
  readonly #plan: FaultPlan;
  readonly #time: VirtualTime;
  readonly #serve: Serve;

  constructor(plan: FaultPlan, time: VirtualTime, serve: Serve) {
    this.#plan = plan;
    this.#time = time;
    this.#serve = serve;
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    const context = current();
    if (!context) throw new Error('the platform itself fetches nothing');
    return await context.working(this.#fetch(context, url, init));
  }

  async #fetch(context: IoContext, url: string, init: RequestInit): Promise<Response> {
    if (context.dead) return never();
    const fault = this.#plan.next('fetch');
    if (fault === 'refuse') throw tooManySubrequests();
    context.spend();
    const signal = init.signal ?? null;
    return await context.connected(signal, () => unlessAborted(signal, this.#exchange(context, fault, url, init)));
  }

  async #exchange(context: IoContext, fault: string | null, url: string, init: RequestInit): Promise<Response> {
    const sent: Sent = { by: context.name, at: Date.now() };
    const [thereMs] = this.#plan.latencyMs();
    if (fault === 'die') {
      // Not in the middle of a turn.
      await null;
      context.die();
    }
    await this.#time.passed(thereMs);
    if (fault === 'throw') throw connectionLost();
    if (fault === 'hang') return never();
    const reply = this.#serve(url, init, sent);
    if (fault === 'succeed-then-hang') return never();
    await this.#time.passed(reply.afterMs);
    if (fault === 'succeed-then-die') context.die();
    if (context.dead) return never();
    if (fault === 'succeed-then-throw' || reply.status === null) throw connectionLost();
    return this.#responseOf(context, reply, init.signal ?? null);
  }

  #responseOf(context: IoContext, { status, retryAfter, body }: Reply, signal: AbortSignal | null): Response {
    const response = new Response(null, { status: status as number, headers: retryAfter ? { 'retry-after': retryAfter } : {} });
    if (!body) return response;
    // A real one would be read as fast as the machine likes.
    const parts = body.values();
    const read = async () => {
      const { done, value: part } = parts.next();
      if (done) return { done };
      const reading = part === null ? never() : this.#time.passed(part.afterMs);
      await context.working(unlessAborted(signal, reading));
      return context.dead ? await never() : { done: false, value: new TextEncoder().encode(part?.text) };
    };
    return Object.defineProperty(response, 'body', { value: { getReader: () => ({ read, cancel: async () => {} }) } });
  }
}

/** Some work's result; or, where the signal is aborted before, its reason. */
async function unlessAborted<T>(signal: AbortSignal | null, work: Promise<T>): Promise<T> {
  if (!signal) return await work;
  work.catch(() => {});
  signal.throwIfAborted();
  return await new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    work.then(resolve, reject);
  });
}

function connectionLost(): Error {
  return new Error('Network connection lost.');
}
