import type { DeliveryState } from '../../src/domain/delivery/lifecycle.ts';
import { Heap } from './heap.ts';

/** A delivery of the simulation. Its number is its place in the order of acceptance. */
export interface Delivery {
  readonly number: number;
  readonly acceptedAt: number;
  state: DeliveryState;
}

/** A delivery that waits in an outbox's rows, as of when it was put there. */
interface Row {
  dueAt: number;
  delivery: Delivery;
}

/**
 * What waits in an outbox's rows: the longest due first, and of those that were never attempted the newest. A delivery that begins
 * stays where it is, and is passed over from then on.
 */
export class Rows {
  readonly #rows = new Heap<Row>((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.delivery.number < b.delivery.number));
  readonly #untried = new Heap<Delivery>((a, b) => a.number > b.number);

  push(delivery: Delivery): void {
    this.#rows.push({ dueAt: delivery.state.dueAt!, delivery });
    if (delivery.state.attemptCount === 0) this.#untried.push(delivery);
  }

  /** The one that is due first. */
  first(): Delivery | undefined {
    for (let row = this.#rows.peek(); row; row = this.#rows.peek()) {
      const { dueAt, leasedAt } = row.delivery.state;
      if (leasedAt === null && dueAt === row.dueAt) return row.delivery;
      this.#rows.pop();
    }
    return undefined;
  }

  /** The one that is due first, should it be due. */
  due(now: number): Delivery | undefined {
    const delivery = this.first();
    return delivery && delivery.state.dueAt! <= now ? delivery : undefined;
  }

  /** The newest of those that were never attempted: all of them are due. */
  newestUntried(): Delivery | undefined {
    for (let delivery = this.#untried.peek(); delivery; delivery = this.#untried.peek()) {
      const { attemptCount, dueAt } = delivery.state;
      if (attemptCount === 0 && dueAt !== null) return delivery;
      this.#untried.pop();
    }
    return undefined;
  }

  /** Takes all out, to be counted. */
  *drain(): Generator<Delivery> {
    for (let delivery = this.first(); delivery; delivery = this.first()) {
      this.#rows.pop();
      yield delivery;
    }
  }
}
