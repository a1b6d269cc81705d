import { Courier } from '../../src/attempt/courier.ts';
import { ObjectHost, type ObjectWorld } from './object-host.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A courier's place on the platform: an object of its own, with connections of its own, that stores nothing. */
export class CourierHost extends ObjectHost<Courier> {
  readonly #state: DurableObjectState;

  /** @param state of the object that the test runs in: the base class takes nothing but a real one, and a courier uses nothing of it */
  constructor(state: DurableObjectState, world: ObjectWorld, time: VirtualTime) {
    super(time);
    this.#state = state;
    this.enter(world);
  }

  protected make(): Courier {
    return new Courier(this.#state, this.world.env);
  }
}
