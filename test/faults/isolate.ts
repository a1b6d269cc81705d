import { env } from 'cloudflare:workers';
import type { Life } from './edges.ts';

/** Queues: a consumer may run 15 minutes. */
const LIMIT_MS = 900_000;

/** An isolate of the Worker with what it keeps in memory; requests, batches and crons under way in it end with it. */
export class Isolate implements Life {
  dead = false;
  readonly env: Env;
  readonly #death: Promise<never>;
  #rejectDeath: (error: Error) => void = () => {};
  readonly #ended: () => void;

  constructor(bindings: (life: Life) => Partial<Env>, ended: () => void) {
    this.env = { ...env, ...bindings(this) };
    this.#ended = ended;
    this.#death = new Promise((_, reject) => {
      this.#rejectDeath = reject;
    });
    this.#death.catch(() => {});
  }

  die(): void {
    this.dead = true;
    this.#ended();
    this.#rejectDeath(new Error('the isolate has ended'));
  }

  /** An invocation: it ends with its handler, with the isolate, or when it has taken too long. */
  async run<T>(handler: (env: Env, ctx: ExecutionContext) => Promise<T>): Promise<T> {
    const ctx = {
      waitUntil: (promise: Promise<unknown>) => void promise.catch(() => {}),
      passThroughOnException: () => {},
    } as unknown as ExecutionContext;
    const limit = setTimeout(() => this.die(), LIMIT_MS);
    try {
      return await Promise.race([handler(this.env, ctx), this.#death]);
    } finally {
      clearTimeout(limit);
    }
  }
}
