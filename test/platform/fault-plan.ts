import { betweenMagnitudes, type Random, seeded } from '../simulation/random.ts';

/**
 * Where the delivery path meets something that can fail.
 * - `d1.read`, `d1.write`: a statement of the configuration database.
 * - `queue.send`: a message, or a batch of them, to a queue.
 * - `outbox.call`: a call of an outbox.
 * - `courier.call`: an outbox's call of one of its couriers.
 * - `alarm.set`: an outbox sets its alarm.
 * - `storage.write`: an outbox writes to its own storage, rows and values alike.
 * - `fetch`: the POST to the endpoint.
 */
export const EDGES = ['d1.read', 'd1.write', 'queue.send', 'outbox.call', 'courier.call', 'alarm.set', 'storage.write', 'fetch'] as const;

export type Edge = (typeof EDGES)[number];

/**
 * What goes wrong there.
 * - `throw`: nothing is done, and the caller is told.
 * - `hang`: nothing is done, and there is never an answer.
 * - `succeed-then-throw`: it is done, and the caller is told that it is not.
 * - `succeed-then-hang`: it is done, and there is never an answer.
 * - `die`: whoever asks (the outbox, its courier, or the isolate) vanishes before it is done.
 * - `succeed-then-die`: whoever asks vanishes when it is done, before anything is made of the answer.
 * - `refuse`: the platform lets no further subrequest out, and says so.
 */
export const FAULTS = ['throw', 'hang', 'succeed-then-throw', 'succeed-then-hang', 'die', 'succeed-then-die', 'refuse'] as const;

export type Fault = (typeof FAULTS)[number];

/** Storage is synchronous: it cannot hang, and what a turn wrote is kept or lost as a whole when the object vanishes. */
const STORAGE_FAULTS: readonly Fault[] = ['throw', 'succeed-then-throw'];

/** An object's own alarm is no subrequest. */
const ALARM_FAULTS: readonly Fault[] = FAULTS.filter((fault) => fault !== 'refuse');

/** How likely an edge fails. In most runs most edges work: else nothing gets far enough to be harmed by the others. */
const RATES = [0, 0, 0, 0.04, 0.15, 0.5];
/** The same where an edge is passed a thousand times. */
const CROWD_RATES = [0, 0, 0, 0.002, 0.01, 0.05];

/** How long a call or a statement takes; now and then it takes longer. */
const LATENCY_MS = [0.5, 80] as const;
const LONG_LATENCY_MS = [80, 900] as const;
const LONG_SHARE = 0.03;

/** The faults that an edge can have. */
export function faultsOf(edge: Edge): readonly Fault[] {
  if (edge === 'storage.write') return STORAGE_FAULTS;
  return edge === 'alarm.set' ? ALARM_FAULTS : FAULTS;
}

/** Which passages of which edges fail, and how: it follows from the seed alone, whatever order the edges are passed in. */
export class FaultPlan {
  /** What has gone wrong so far. */
  readonly met: { edge: Edge; fault: Fault }[] = [];
  readonly #edges = new Map<Edge, { random: Random; rate: number }>();
  readonly #latency: Random;
  readonly #errors: Random;
  #on = true;

  constructor(seed: number, isCrowd = false) {
    for (const [place, edge] of EDGES.entries()) {
      const random = seeded(seed, 100 + place);
      this.#edges.set(edge, { random, rate: pick(random, isCrowd ? CROWD_RATES : RATES) });
    }
    this.#latency = seeded(seed, 200);
    this.#errors = seeded(seed, 201);
  }

  /** What goes wrong when an edge is passed now; null where it works. */
  next(edge: Edge): Fault | null {
    const { random, rate } = this.#edges.get(edge) as { random: Random; rate: number };
    const fault = random() < rate ? pick(random, faultsOf(edge)) : null;
    if (!this.#on || fault === null) return null;
    this.met.push({ edge, fault });
    return fault;
  }

  /** How long the way to another part takes, and the way back, in whole milliseconds. */
  latencyMs(): [there: number, back: number] {
    const [least, most] = this.#latency() < LONG_SHARE ? LONG_LATENCY_MS : LATENCY_MS;
    const ms = betweenMagnitudes(this.#latency, least, most);
    return [Math.round(ms / 2), Math.round(ms / 2)];
  }

  /** An error of the platform's, which says to some that they may try again, and to some that they had better not. */
  platformError(message: string): Error {
    const error = new Error(message);
    const random = this.#errors();
    if (random < 0.5) return Object.assign(error, { retryable: true });
    return random < 0.7 ? Object.assign(error, { retryable: true, overloaded: true }) : error;
  }

  /** From now on everything works. */
  end(): void {
    this.#on = false;
  }
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

/** A whole number from `least` to `most`. */
export function whole(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}
