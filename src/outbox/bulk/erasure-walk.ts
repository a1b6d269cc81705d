import { acceptedOf, type Contents, type DeliveryPosition, sizeOf } from '../../domain/delivery/delivery.ts';
import type { PersonErasure } from '../../domain/erasure.ts';
import { mentions, PersonMatcher } from '../../domain/event/person.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import type { Ledger } from '../books/ledger.ts';
import type { Store } from '../books/store.ts';
import { placeBefore } from '../log/archive.ts';

/** What is read and erased in one step; calls are served between two. To read as many bytes takes some tens of milliseconds. */
const STEP_BYTES = 500_000;
const STEP_ROWS = 100;
const STEP_ERASED = 200;

/**
 * How far a walk through the log has come. First the archive, then the rows: what is about to change moves from there to here, and would else be
 * passed by. What is in memory when an erasure is asked for is looked at apart.
 */
export interface Walk {
  /** The erasures that it is for. */
  ids: readonly string[];
  stage: 'archive' | 'rows' | 'repeated';
  /** The last bundle that was looked at. */
  place: number;
  position: DeliveryPosition;
  /** The last of the events that `once` has kept back: when it was accepted, and its id. */
  repeated: [at: number, eventId: string];
}

/** A delivery of a person, as it was found. */
export interface Found {
  erasure: PersonErasure;
  delivery: StoredDelivery;
  /** It runs, or its attempt ended only just now: it is to be looked at again. */
  isLeft: boolean;
}

export function beginWalk(ids: readonly string[]): Walk {
  return { ids, stage: 'archive', place: placeBefore(0), position: { createdAt: 0, id: '' }, repeated: [0, ''] };
}

/** Goes through an outbox's log for people who are to be erased, and erases what it finds of them. */
export class ErasureWalk {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #isRunning: (id: string) => boolean;

  constructor(store: Store, ledger: Ledger, isRunning: (id: string) => boolean) {
    this.#store = store;
    this.#ledger = ledger;
    this.#isRunning = isRunning;
  }

  /** One step. @returns what it has found, and how far the walk has come; null: to its end */
  step(walk: Walk, erasures: readonly PersonErasure[], now: number): { found: Found[]; walk: Walk | null } {
    const people = new People(erasures);
    if (walk.stage === 'archive') return this.#archive(walk, people, now);
    if (walk.stage === 'rows') return this.#rows(walk, people, now);
    const repeated = this.#store.repeated.forgetSubjects(walk.repeated, people.until);
    return { found: [], walk: repeated && { ...walk, repeated } };
  }

  /** Looks at one delivery that has rows or is archived; nothing is found where it is of none of these people. */
  look(delivery: StoredDelivery, erasures: readonly PersonErasure[], now: number): Found[] {
    const contents = this.#store.contents(delivery);
    return this.#erase(delivery, new People(erasures).of(delivery, contents), now);
  }

  #archive(walk: Walk, people: People, now: number): { found: Found[]; walk: Walk } {
    const found: Found[] = [];
    let bytes = 0;
    let { place } = walk;
    for (const bundle of this.#store.archive.contentsAfter(place, people.until)) {
      const owners = new Map<string, PersonErasure[]>();
      for (const { delivery, contents } of bundle.deliveries) {
        bytes += sizeOf(contents);
        const of = owners.size < STEP_ERASED ? people.of(delivery, contents) : [];
        if (of.length === 0) continue;
        owners.set(delivery.id, of);
        found.push(...of.map((erasure) => ({ erasure, delivery, isLeft: false })));
      }
      const isNamed = (id: string, sessionId: string | null) => (owners.get(id) ?? []).some((person) => names(sessionId, person));
      if (owners.size > 0) this.#ledger.eraseArchived(bundle.place, new Set(owners.keys()), isNamed, now);
      // One that has more of them is looked at once more in the next step.
      place = owners.size < STEP_ERASED ? bundle.place : bundle.place - 1;
      if (bytes >= STEP_BYTES || found.length >= STEP_ERASED) return { found, walk: { ...walk, place } };
    }
    return { found, walk: { ...walk, place, stage: 'rows' } };
  }

  #rows(walk: Walk, people: People, now: number): { found: Found[]; walk: Walk } {
    const found: Found[] = [];
    let bytes = 0;
    let { position } = walk;
    const rows = this.#store.after(position, people.until, STEP_ROWS);
    for (const delivery of rows) {
      const contents = this.#store.contents(delivery);
      found.push(...this.#erase(delivery, people.of(delivery, contents), now));
      position = { createdAt: delivery.createdAt, id: delivery.id };
      bytes += sizeOf(contents);
      if (bytes >= STEP_BYTES) return { found, walk: { ...walk, position } };
    }
    return { found, walk: { ...walk, position, stage: rows.length < STEP_ROWS ? 'repeated' : 'rows' } };
  }

  #erase(delivery: StoredDelivery, people: readonly PersonErasure[], now: number): Found[] {
    if (people.length === 0) return [];
    const isNamed = people.some((person) => names(delivery.sessionId, person));
    // An attempt that runs ends as it ends, and is then emptied.
    const isLeft = this.#isRunning(delivery.id) || !this.#ledger.erasePerson(delivery, isNamed, now);
    return people.map((erasure) => ({ erasure, delivery, isLeft }));
  }
}

/** Those whom one step looks for. */
class People {
  /** What they are of was accepted before this. */
  readonly until: number;
  readonly #matcher: PersonMatcher<PersonErasure & { value: string }>;

  constructor(erasures: readonly PersonErasure[]) {
    this.until = Math.max(...erasures.map(({ requestedAt }) => requestedAt)) + 1;
    this.#matcher = new PersonMatcher(
      erasures.flatMap((erasure) => (erasure.value === null ? [] : [{ ...erasure, value: erasure.value }])),
    );
  }

  /** Of whom a delivery is, of those whose erasure came after its event. */
  of({ createdAt, event }: StoredDelivery, contents: Contents): PersonErasure[] {
    return this.#matcher.matching(event, acceptedOf(contents)).filter(({ requestedAt }) => createdAt <= requestedAt);
  }
}

/** Whether a session's id has a person's value in it. */
function names(sessionId: string | null, { field, value }: PersonErasure): boolean {
  return value !== null && mentions(sessionId, { field, value });
}
