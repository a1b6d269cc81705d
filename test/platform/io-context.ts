import { AsyncLocalStorage } from 'node:async_hooks';
import type { Limits } from './limits.ts';
import type { Timer, VirtualTime } from './virtual-time.ts';

const contexts = new AsyncLocalStorage<IoContext | null>();

/** Whose code runs now: an invocation's, or an object's. Null: the platform's own, or the test's. */
export function current(): IoContext | null {
  return contexts.getStore() ?? null;
}

/** Runs the platform's own work, whoever asks for it. */
export function outside<T>(work: () => T): T {
  return contexts.run(null, work);
}

/** What never comes: the answer to somebody who has vanished, or one that hangs. */
export const never = (): Promise<never> => new Promise(() => {});

export const tooManySubrequests = (): Error => new Error('Too many subrequests.');

/**
 * What the platform gives one invocation, or one object from its loading to its end: connections, subrequests, timers, and an end that can
 * come at any await. Whose code runs is known by async context, so that `fetch` and `setTimeout` count for whoever calls them.
 */
export class IoContext {
  readonly name: string;
  dead = false;
  /** Rejected when it ends. Those who call it learn so. */
  readonly death: Promise<never>;
  /** The most that it has had at a time. */
  readonly most = { connections: 0, timers: 0, subrequests: 0 };
  /** Requests that had to wait for a connection. */
  waited = 0;
  /** Subrequests that it was refused because it had none left. */
  refused = 0;
  /** What a timer's callback threw. */
  uncaught: unknown;
  readonly #limits: Limits;
  readonly #time: VirtualTime;
  readonly #ended: () => void;
  readonly #timers = new Map<number, Timer>();
  readonly #line: (() => void)[] = [];
  #rejectDeath: (error: Error) => void = () => {};
  #lastTimer = 0;
  #connections = 0;
  #subrequestsLeft: number;
  #work = 0;
  #idleSince: number | null = null;

  constructor(name: string, limits: Limits, time: VirtualTime, ended: () => void = () => {}) {
    this.name = name;
    this.#limits = limits;
    this.#time = time;
    this.#ended = ended;
    this.#subrequestsLeft = limits.subrequests;
    this.death = new Promise((_, reject) => {
      this.#rejectDeath = reject;
    });
    // Nobody may be waiting for it when it ends.
    this.death.catch(() => {});
  }

  /** Runs some of its code. */
  run<T>(work: () => T): T {
    return contexts.run(this, work);
  }

  /** It ends, wherever it is: its timers with it, and nothing that it waits for ever comes. */
  die(): void {
    if (this.dead) return;
    this.dead = true;
    for (const timer of this.#timers.values()) this.#time.cancel(timer);
    this.#timers.clear();
    this.#ended();
    this.#rejectDeath(new Error('it has ended'));
  }

  /** A call or an alarm has come in. */
  topUp(): void {
    this.#subrequestsLeft = this.#limits.subrequests;
  }

  /** It makes a subrequest. Throws where it has none left. */
  spend(): void {
    this.most.subrequests = Math.max(this.most.subrequests, this.#limits.subrequests - this.#subrequestsLeft + 1);
    if (this.#subrequestsLeft-- > 0) return;
    this.refused++;
    throw tooManySubrequests();
  }

  /** Holds a connection while something waits for response headers; as long as all are in use it waits for one, and its signal may end that. */
  async connected<T>(signal: AbortSignal | null | undefined, exchange: () => Promise<T>): Promise<T> {
    this.most.connections = Math.max(this.most.connections, this.#connections + this.#line.length + 1);
    if (this.#connections < this.#limits.connections) this.#connections++;
    else {
      this.waited++;
      await this.#inLine(signal);
    }
    try {
      return await exchange();
    } finally {
      const next = this.#line.shift();
      if (next) next();
      else this.#connections--;
    }
  }

  setTimeout(callback: () => void, ms: number): number {
    if (this.dead) return 0;
    if (this.#timers.size >= this.#limits.timers) throw new Error('You have exceeded the number of active timeouts you may set.');
    const id = ++this.#lastTimer;
    const fire = () => {
      this.#timers.delete(id);
      try {
        this.run(callback);
      } catch (error) {
        this.uncaught ??= error;
      }
      this.#rests();
    };
    this.#timers.set(id, this.#time.after(ms, fire));
    this.most.timers = Math.max(this.most.timers, this.#timers.size);
    return id;
  }

  clearTimeout(id: number): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    this.#time.cancel(timer);
    this.#timers.delete(id);
    this.#rests();
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Work that the platform knows of: a call, an alarm, a subrequest, a waitUntil. */
  async working<T>(work: Promise<T>): Promise<T> {
    this.#work++;
    try {
      return await work;
    } finally {
      this.#work--;
      this.#rests();
    }
  }

  /** Some work will never be done, and whoever asked for it has other things to do. */
  abandon(): void {
    this.#work--;
    this.#rests();
  }

  /** Whether the platform knows of something that it does. Timers keep an object awake: see idleForMs. */
  get isAtWork(): boolean {
    return this.#work > 0;
  }

  /** For how long it has had nothing to do, timers included; 0 while it has. */
  idleForMs(): number {
    this.#rests();
    return this.#idleSince === null ? 0 : Date.now() - this.#idleSince;
  }

  #rests(): void {
    if (this.#work > 0 || this.#timers.size > 0) this.#idleSince = null;
    else this.#idleSince ??= Date.now();
  }

  async #inLine(signal: AbortSignal | null | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const given = () => resolve();
      this.#line.push(given);
      signal?.addEventListener('abort', () => {
        const place = this.#line.indexOf(given);
        if (place !== -1) this.#line.splice(place, 1);
        reject(signal.reason);
      });
    });
  }
}
