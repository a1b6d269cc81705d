import type { FaultPlan } from './fault-plan.ts';
import { IoContext, outside } from './io-context.ts';
import type { Limits } from './limits.ts';
import type { Mishaps } from './mishaps.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Why an object is reset, as its callers are told. */
const RESET = {
  kill: 'Network connection lost.',
  deploy: 'Durable Object reset because its code was updated.',
} as const;

/** What an object needs of the run that it is part of. */
export interface ObjectWorld {
  name: string;
  limits: Limits;
  plan: FaultPlan;
  mishaps: Mishaps;
  env: Env;
  /** Whether one that has nothing to do is thrown out of memory now: it happens some time. */
  isEvicted(): boolean;
}

/** An object from its loading to its end: what it holds in memory is gone with it, and so are its calls under way. */
interface Life<O> {
  context: IoContext;
  object: O;
  /** Fulfilled when its constructor lets calls in. */
  ready: Promise<unknown>;
}

/** An object's place on the platform: the real class, loaded by the first call and anew by the next after it has vanished, at any await. */
export abstract class ObjectHost<O> {
  protected readonly time: VirtualTime;
  protected world!: ObjectWorld;
  /** Of all of its lives. */
  readonly contexts: IoContext[] = [];
  #life: Life<O> | null = null;
  #resetBy: keyof typeof RESET = 'kill';

  constructor(time: VirtualTime) {
    this.time = time;
  }

  /** It becomes an object of a run, which nobody has called yet. */
  protected enter(world: ObjectWorld): void {
    this.#life = null;
    this.contexts.length = 0;
    this.world = world;
  }

  /** Calls the object, which is loaded where it is not. */
  async call<T>(work: (object: O) => T): Promise<Awaited<T>> {
    return await outside(() => this.#call(work));
  }

  /** It vanishes, wherever it is. */
  kill(by: keyof typeof RESET = 'kill'): void {
    this.#resetBy = by;
    this.#life?.context.die();
  }

  /** What it is now; null where it is not loaded. */
  get context(): IoContext | null {
    return this.#life?.context ?? null;
  }

  /** Makes the object. What it does until its constructor has let calls in is `ready`. */
  protected abstract make(context: IoContext, block: (work: () => Promise<unknown>) => Promise<unknown>): O;

  async #call<T>(work: (object: O) => T): Promise<Awaited<T>> {
    const idleForMs = this.#life?.context.idleForMs() ?? 0;
    if (this.#life && idleForMs >= this.world.limits.idleMs && this.world.isEvicted()) this.#unload(this.#life);
    this.#life ??= this.#load();
    const { context, object, ready } = this.#life;
    context.topUp();
    const lost = context.death.catch(() => {
      throw this.world.plan.platformError(RESET[this.#resetBy]);
    });
    lost.catch(() => {});
    const working = context.working(ready.then(() => context.run(() => work(object))) as Promise<Awaited<T>>);
    working.catch(() => {});
    return await Promise.race([working, lost]);
  }

  /** Nothing of it is under way: it is no mishap. */
  #unload(life: Life<O>): void {
    this.#life = null;
    life.context.die();
  }

  #load(): Life<O> {
    const { name, limits, mishaps } = this.world;
    const context: IoContext = new IoContext(name, limits, this.time, () => {
      if (this.#life?.context !== context) return;
      this.#life = null;
      mishaps.note('vanished', name);
    });
    this.contexts.push(context);
    let ready: Promise<unknown> = Promise.resolve();
    const block = (work: () => Promise<unknown>) => {
      const limit = this.time.after(limits.blockedMs, () => context.die());
      ready = context.working(work()).finally(() => this.time.cancel(limit));
      ready.catch(() => context.die());
      return ready;
    };
    const object = context.run(() => this.make(context, block));
    return { context, object, ready };
  }
}
