import { type Edge, type Fault, FaultPlan } from './fault-plan.ts';

/** A plan in which just this goes wrong, in this order, and every way takes as long. */
export class ScriptedPlan extends FaultPlan {
  readonly #script: { edge: Edge; fault: Fault | null }[];
  readonly #wayMs: number;

  constructor(script: readonly [Edge, Fault | null][] = [], wayMs = 1) {
    super(0);
    this.#script = script.map(([edge, fault]) => ({ edge, fault }));
    this.#wayMs = wayMs;
  }

  override next(edge: Edge): Fault | null {
    const place = this.#script.findIndex((each) => each.edge === edge);
    return place === -1 ? null : (this.#script.splice(place, 1)[0]?.fault ?? null);
  }

  override latencyMs(): [number, number] {
    return [this.#wayMs, this.#wayMs];
  }
}
