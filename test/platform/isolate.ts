import { env } from 'cloudflare:workers';
import { IoContext } from './io-context.ts';
import type { Limits } from './limits.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What it says to whoever waits for an invocation that was cut off. */
export const INVOCATION_ENDED = 'the invocation has ended';

/** An isolate of the Worker with what it keeps in memory; requests, batches and crons under way in it end with it. */
export class Isolate {
  readonly env: Env;
  readonly invocations = new Set<IoContext>();
  readonly #limits: Limits;
  readonly #time: VirtualTime;
  #count = 0;

  constructor(bindings: Partial<Env>, limits: Limits, time: VirtualTime) {
    // What it remembers it remembers by its env.
    this.env = { ...env, ...bindings };
    this.#limits = limits;
    this.#time = time;
  }

  die(): void {
    for (const invocation of [...this.invocations]) invocation.die();
  }

  /**
   * An invocation: it ends with its handler, with the isolate, or when it has taken too long. What it has handed to `waitUntil` goes on for
   * a while after the handler; what it has not ends with it, at whichever await.
   */
  async run<T>(handler: (env: Env, ctx: ExecutionContext) => Promise<T>): Promise<T> {
    const context: IoContext = new IoContext(`invocation ${++this.#count}`, this.#limits, this.#time, () => {
      this.invocations.delete(context);
    });
    this.invocations.add(context);
    const waits: Promise<unknown>[] = [];
    const ctx = {
      waitUntil: (promise: Promise<unknown>) => void waits.push(promise.catch(() => {})),
      passThroughOnException: () => {},
    } as unknown as ExecutionContext;
    const limit = this.#time.after(this.#limits.handlerMs, () => context.die());
    const death = context.death.catch(() => {
      throw new Error(INVOCATION_ENDED);
    });
    death.catch(() => {});
    try {
      return await Promise.race([context.run(() => handler(this.env, ctx)), death]);
    } finally {
      this.#time.cancel(limit);
      void this.#drain(context, waits);
    }
  }

  async #drain(context: IoContext, waits: readonly Promise<unknown>[]): Promise<void> {
    const cut = this.#time.after(this.#limits.waitUntilMs, () => context.die());
    // What is handed over meanwhile counts, too.
    for (let done = 0; done < waits.length && !context.dead; done++) await Promise.race([waits[done], context.death.catch(() => {})]);
    this.#time.cancel(cut);
    context.die();
  }
}
