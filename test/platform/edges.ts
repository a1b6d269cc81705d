import type { Edge, FaultPlan } from './fault-plan.ts';
import { current, type IoContext, never, outside, tooManySubrequests } from './io-context.ts';
import type { Mishaps } from './mishaps.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Queues: a send can hang for so long before it fails. */
const HUNG_SEND_MS = 60_000;

/** The edges of one run, each of which may fail as the run's plan says. The test itself passes them unharmed. */
export class Edges {
  readonly #plan: FaultPlan;
  readonly #time: VirtualTime;
  readonly #mishaps: Mishaps;

  constructor(plan: FaultPlan, time: VirtualTime, mishaps: Mishaps) {
    this.#plan = plan;
    this.#time = time;
    this.#mishaps = mishaps;
  }

  /**
   * An operation on another part: what it gives, unless this passage fails, or whoever asks has vanished meanwhile. It is a subrequest, and
   * takes its time both ways.
   * @param about the delivery that it is about, if it is about one
   */
  async pass<T>(edge: Edge, operation: () => Promise<T>, about: string | null = null): Promise<T> {
    const context = current();
    if (!context) return await operation();
    return await context.working(this.#pass(edge, context, operation, about));
  }

  /** The same through one of the connections that wait for response headers. */
  async passConnected<T>(edge: Edge, operation: () => Promise<T>): Promise<T> {
    const context = current();
    if (!context) return await operation();
    return await context.working(context.connected(null, () => this.#pass(edge, context, operation)));
  }

  async #pass<T>(edge: Edge, context: IoContext, operation: () => Promise<T>, about: string | null = null): Promise<T> {
    if (context.dead) return never();
    const fault = this.#plan.next(edge);
    if (edge !== 'alarm.set') {
      if (fault === 'refuse') throw tooManySubrequests();
      context.spend();
    }
    const [thereMs, backMs] = edge === 'alarm.set' ? [0, 0] : this.#plan.latencyMs();
    if (edge === 'courier.call' && fault !== null) this.#mishaps.note('unanswered', context.name, about);
    if (fault === 'die') {
      // Nothing vanishes in the middle of a turn: what it writes is kept as a whole, and what it sends waits for that.
      await null;
      context.die();
      return never();
    }
    await this.#time.passed(thereMs);
    if (fault === 'throw') throw this.#injected(edge);
    if (fault === 'hang') return await this.#hang(edge, context);
    const result = await outside(operation);
    if (fault === 'succeed-then-die') context.die();
    if (fault === 'succeed-then-hang') return await this.#hang(edge, context);
    await this.#time.passed(backMs);
    if (context.dead) return never();
    if (fault === 'succeed-then-throw') throw this.#injected(edge);
    return result;
  }

  /** A synchronous write to an object's own storage. */
  writeNow<T>(context: IoContext, isFull: boolean, operation: () => T): T {
    if (context.dead) throw new Error('the object has been reset');
    const fault = this.#plan.next('storage.write');
    if (isFull || fault !== null) this.#mishaps.note('storage', context.name);
    if (isFull) throw new Error('database or disk is full: SQLITE_FULL');
    if (fault === 'throw') throw this.#injected('storage.write');
    const result = operation();
    if (fault !== null) throw this.#injected('storage.write');
    return result;
  }

  async #hang(edge: Edge, context: IoContext): Promise<never> {
    if (edge !== 'queue.send') {
      context.abandon();
      return await never();
    }
    await this.#time.passed(HUNG_SEND_MS);
    throw new Error('Queue is overloaded. Please back off.');
  }

  #injected(edge: Edge): Error {
    const message = `a fault was injected at ${edge}`;
    if (edge === 'outbox.call' || edge === 'courier.call') return this.#plan.platformError(message);
    return new Error(`${edge.startsWith('d1') ? 'D1_ERROR: ' : ''}${message}`);
  }
}
