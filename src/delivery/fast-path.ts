import { logError } from '../log.ts';
import type { AttemptResult } from './attempt.ts';
import type { Task, WebhookWork } from './fan-out.ts';

/**
 * First attempts straight from the queue, so that a healthy endpoint's delivery costs no object more than its log line.
 *
 * Invariant: a run ends within LEASE_BY_MS of its start whatever endpoints do, so that a consumer's invocation returns within
 * about 3 s. What has no answer by then is leased: its webhook's outbox knows that attempt 1 runs, and it goes on beside the
 * batch. What was not begun is handed over: the outbox attempts it.
 */

/** Attempts at a time in an invocation. Workers: six connections waiting for headers; one is left for the outboxes' RPCs. */
export const SLOTS = 5;
/** Attempts at a time to one webhook while others have some to begin: one endpoint does not take all slots. */
export const SLOTS_PER_WEBHOOK = 2;
/**
 * After this much of a run only webhooks go on that have used their slots for less than this in all: it is for many endpoints with
 * a little each that a run may be long, not for one whose answers are slow and many.
 */
export const WEBHOOK_MS = 1_000;
/** No attempt begins later than this after the run's start. */
export const BEGIN_BY_MS = 2_000;
/** Whatever runs is leased this long after the run's start. */
export const LEASE_BY_MS = 2_500;

/** A timer that is so late says that the isolate is overloaded; less is a matter of course. */
const LATE_FROM_MS = 20;

/** What the fast path needs of the world. */
export interface FastPathDeps {
  now(): number;
  /** Whether the webhook's first attempts are made here at all; else everything is handed over. */
  takes(work: WebhookWork): boolean;
  /** How long an attempt may be without an answer before it is leased. */
  patienceMs(work: WebhookWork): number;
  /** Makes attempt 1; rejects only where the fault is ours. */
  attempt(work: WebhookWork, task: Task): Promise<AttemptResult>;
  /**
   * Records that attempt 1 has run since `startedAt` in the webhook's outbox, and that it is this invocation's to record when
   * `outcome` comes. Does not throw.
   */
  lease(work: WebhookWork, task: Task, startedAt: number, outcome: Promise<AttemptResult>): void;
  /** An attempt has ended, leased or not, after so long. */
  ended(work: WebhookWork, tookMs: number, succeeded: boolean): void;
  /** A webhook's part of the run is over, as early as that is certain: it does not wait for other endpoints. Does not throw. */
  finished(work: WebhookWork, result: FastPathResult): void;
}

/** What a run did with a webhook's tasks, but for those it leased. */
export interface FastPathResult {
  ended: { task: Task; result: AttemptResult }[];
  /** Not begun, or prevented by a fault of ours: the outbox attempts them. */
  handedOver: Task[];
}

/** An attempt while the run waits for it. */
interface Attempt {
  lane: Lane;
  task: Task;
  startedAt: number;
  outcome: Promise<AttemptResult>;
  /** How late its timers fired, in all. */
  lateMs: number;
}

interface Lane {
  work: WebhookWork;
  waiting: Task[];
  /** Slots in use, by leased attempts too. */
  running: number;
  /** Attempts that run and are not leased. */
  watched: number;
  /** What its attempts have taken in all. */
  spentMs: number;
  /** Nothing more begins here: an attempt failed or is slow, and the rest are the outbox's to pace. */
  closed: boolean;
  finished: boolean;
  ended: FastPathResult['ended'];
}

export class FastPath {
  readonly #deps: FastPathDeps;
  readonly #lanes: Lane[];
  readonly #startedAt: number;
  /** Slots in use, by leased attempts too: their connections are still open. */
  #slotsInUse = 0;
  /** One promise for each attempt that is not leased yet: fulfilled when it has ended or was leased. */
  readonly #watched = new Set<Promise<void>>();
  #nextLane = 0;

  constructor(works: readonly WebhookWork[], deps: FastPathDeps) {
    this.#deps = deps;
    this.#startedAt = deps.now();
    this.#lanes = works.map((work) => ({
      work,
      waiting: [...work.tasks],
      running: 0,
      watched: 0,
      spentMs: 0,
      closed: !deps.takes(work),
      finished: false,
      ended: [],
    }));
  }

  /** Runs until every task has ended, is leased or is handed over. */
  async run(): Promise<void> {
    for (;;) {
      this.#fill();
      for (const lane of this.#lanes) if (lane.closed || lane.waiting.length === 0) this.#finish(lane);
      if (this.#watched.size === 0) break;
      await Promise.race(this.#watched);
    }
    for (const lane of this.#lanes) this.#finish(lane);
  }

  /** Tells of a lane that begins nothing more, once nothing of it runs that is not leased. */
  #finish(lane: Lane): void {
    if (lane.finished || lane.watched > 0) return;
    lane.finished = true;
    this.#deps.finished(lane.work, { ended: lane.ended, handedOver: lane.waiting });
  }

  #fill(): void {
    while (this.#slotsInUse < SLOTS && this.#deps.now() - this.#startedAt < BEGIN_BY_MS) {
      const lane = this.#next();
      if (!lane) return;
      this.#begin(lane, lane.waiting.shift() as Task);
    }
  }

  /**
   * The next webhook in turn with something to begin and a slot of its own: turns, so that a busy one does not come first. One that
   * is alone, and whose endpoint has answered in this run, has all slots: the sooner it is through, the sooner the next batch begins.
   */
  #next(): Lane | undefined {
    let alone: Lane | undefined;
    let full = 0;
    for (let tried = 0; tried < this.#lanes.length; tried++) {
      const lane = this.#lanes[this.#nextLane++ % this.#lanes.length] as Lane;
      if (lane.closed || lane.waiting.length === 0) continue;
      if (this.#mayUse(lane, SLOTS_PER_WEBHOOK)) return lane;
      alone = lane;
      full++;
    }
    return full === 1 && alone?.ended.length && this.#mayUse(alone, SLOTS) ? alone : undefined;
  }

  /** Whether a webhook may use one more of so many slots. */
  #mayUse(lane: Lane, slots: number): boolean {
    return lane.running < slots && (this.#deps.now() - this.#startedAt < WEBHOOK_MS || lane.spentMs < WEBHOOK_MS);
  }

  #begin(lane: Lane, task: Task): void {
    this.#slotsInUse++;
    lane.running++;
    lane.watched++;
    const attempt = { lane, task, startedAt: this.#deps.now(), outcome: this.#deps.attempt(lane.work, task), lateMs: 0 };
    const watched = this.#watch(attempt).finally(() => this.#watched.delete(watched));
    this.#watched.add(watched);
  }

  async #watch(attempt: Attempt): Promise<void> {
    const { lane, task, outcome } = attempt;
    const free = (): void => {
      this.#slotsInUse--;
      lane.running--;
    };
    try {
      const result = await this.#patiently(attempt);
      if (result === 'slow') {
        lane.closed = true;
        outcome.then((late) => this.#tell(attempt, late)).then(free, free);
        this.#deps.lease(lane.work, task, attempt.startedAt, outcome);
        return;
      }
      free();
      lane.spentMs += this.#tell(attempt, result);
      lane.ended.push({ task, result });
      if (result.record.outcome !== 'succeeded') lane.closed = true;
    } catch (error) {
      logError('attempt.not_sent', error, { delivery: task.delivery.id });
      free();
      lane.closed = true;
      lane.waiting.unshift(task);
    } finally {
      lane.watched--;
    }
  }

  /**
   * The attempt's result, or that it is slow. A timer that fires late tells that this isolate has more to do than it can: the answer may
   * be here, and nobody has got round to it. So long is waited once more, or an overload would lease everything and hand over the
   * rest, which costs more than attempting it.
   */
  async #patiently(attempt: Attempt): Promise<AttemptResult | 'slow'> {
    const leaseBy = this.#startedAt + LEASE_BY_MS;
    let leaseAt = Math.min(attempt.startedAt + this.#deps.patienceMs(attempt.lane.work), leaseBy);
    for (;;) {
      const result = await inTime(attempt.outcome, leaseAt - this.#deps.now());
      if (result !== 'slow') return result;
      const now = this.#deps.now();
      const lateMs = now - leaseAt;
      attempt.lateMs += lateMs;
      if (lateMs < LATE_FROM_MS || now >= leaseBy) return 'slow';
      leaseAt = Math.min(now + lateMs, leaseBy);
    }
  }

  /** Tells how long an attempt took, without what this isolate was late by; returns it. */
  #tell({ lane, startedAt, lateMs }: Attempt, { record }: AttemptResult): number {
    const tookMs = Math.max(0, this.#deps.now() - startedAt - lateMs);
    this.#deps.ended(lane.work, tookMs, record.outcome === 'succeeded');
    return tookMs;
  }
}

/** A promise's value, or 'slow' where it takes longer. */
async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T | 'slow'> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const slow = new Promise<'slow'>((resolve) => {
    timer = setTimeout(() => resolve('slow'), timeoutMs);
  });
  try {
    return await Promise.race([promise, slow]);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
  }
}
