import type { Edge, FaultPlan } from './fault-plan.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Whoever passes an edge: an isolate, or an outbox in one of its lives. */
export interface Life {
  dead: boolean;
  die(): void;
}

/** What never comes: the answer to somebody who has died, or one that hangs. */
export const never = (): Promise<never> => new Promise(() => {});

/** The edges of one run, each of which may fail as the run's plan says. */
export class Edges {
  readonly #plan: FaultPlan;
  readonly #time: VirtualTime;

  constructor(plan: FaultPlan, time: VirtualTime) {
    this.#plan = plan;
    this.#time = time;
  }

  /** An operation on another part: what it gives, unless this passage fails, or whoever asks has died meanwhile. */
  async pass<T>(edge: Edge, life: Life, operation: () => Promise<T>): Promise<T> {
    if (life.dead) return never();
    const fault = this.#plan.next(edge);
    this.#time.step();
    if (fault === 'throw') throw injected(edge);
    if (fault === 'hang') return never();
    if (fault === 'die') {
      life.die();
      return never();
    }
    const result = await operation();
    this.#time.step();
    if (fault === 'succeed-then-die') life.die();
    if (life.dead || fault === 'succeed-then-hang') return never();
    if (fault === 'succeed-then-throw') throw injected(edge);
    return result;
  }

  /** A synchronous operation of a life's own storage. */
  passNow<T>(edge: Edge, life: Life, operation: () => T): T {
    if (life.dead) throw new Error('the object has been reset');
    const fault = this.#plan.next(edge);
    this.#time.step();
    if (fault === 'throw') throw injected(edge);
    const result = operation();
    if (fault !== null) throw injected(edge);
    return result;
  }
}

function injected(edge: Edge): Error {
  return new Error(`${edge.startsWith('d1') ? 'D1_ERROR: ' : ''}a fault was injected at ${edge}`);
}
