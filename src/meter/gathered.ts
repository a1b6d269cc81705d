import {
  addCounts,
  addEndpoints,
  addFaults,
  busiest,
  type CountName,
  type Figures,
  type IsolateFigures,
} from '../domain/service/figures.ts';
import { hasFaults, takeFaults } from '../log.ts';
import { keepNewest } from '../newest.ts';
import { onceFor } from '../once-for.ts';
import { Telling } from '../telling.ts';
import { tellMeter } from './meter-object.ts';

/** Most organizations of which an isolate counts events: those seen last. */
const MAX_ORGANIZATIONS = 1_000;

/** What an isolate has yet to tell the Meter. */
export const gatheredOf = onceFor((_: Env) => new Gathered());

/**
 * What an isolate counts, until it tells the Meter in one call for all of some seconds (telling.ts). It is in memory alone, and nothing waits for
 * it: where the Meter does not answer, these figures are lost and all else goes on.
 */
export class Gathered {
  #figures: Figures = { counts: {}, faults: {} };
  #byOrganization = new Map<string, number>();
  #isEmpty = true;
  readonly #telling = new Telling();

  count(name: CountName, by = 1): void {
    if (by === 0) return;
    const { counts } = this.#figures;
    counts[name] = (counts[name] ?? 0) + by;
    this.#isEmpty = false;
  }

  /** An event is accepted of an organization. */
  event(organizationId: string): void {
    this.count('accepted');
    const events = this.#byOrganization.get(organizationId) ?? 0;
    // Anew each time: who has most of the events is seen last, too.
    this.#byOrganization.delete(organizationId);
    this.#byOrganization.set(organizationId, events + 1);
    if (this.#byOrganization.size > MAX_ORGANIZATIONS) keepNewest(this.#byOrganization, MAX_ORGANIZATIONS);
  }

  /** What others have counted: an outbox answers with it. @param figures undefined: it is of a version that does not */
  add(figures: Figures | undefined): void {
    if (!figures) return;
    addCounts(this.#figures.counts, figures.counts);
    addFaults(this.#figures.faults, figures.faults);
    if (figures.endpoints) this.#figures.endpoints = addEndpoints(this.#figures.endpoints ?? [], figures.endpoints);
    this.#isEmpty = false;
  }

  /** Takes all that is gathered, with the faults that this isolate has logged. */
  take(): IsolateFigures {
    addFaults(this.#figures.faults, takeFaults());
    const taken = { ...this.#figures, organizations: busiest(this.#byOrganization) };
    this.#figures = { counts: {}, faults: {} };
    this.#byOrganization = new Map();
    this.#isEmpty = true;
    return taken;
  }

  /** Has the Meter told soon of what is gathered, by the invocation that is under way. */
  tellSoon(env: Env, waitUntil: (work: Promise<unknown>) => void, now: number): void {
    if (this.#isEmpty && !hasFaults()) return;
    this.#telling.soon((deadline) => tellMeter(env, this.take(), (work) => deadline.bound(work)), waitUntil, now);
  }
}
