import { logError } from '../log.ts';
import type { AttemptResult } from './attempt.ts';
import type { Task, WebhookWork } from './fan-out.ts';
import { LATE_FROM_MS } from './lateness.ts';

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

/** For one more turn of the event loop. */
const TURN_MS = 1;

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
   * Records that attempt 1 runs in the webhook's outbox, and that it is this invocation's to record when its outcome comes. Does not
   * throw.
   */
  lease(work: WebhookWork, task: Task, leased: LeasedAttempt): void;
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

/** An attempt that the run does not wait for any longer. */
export interface LeasedAttempt {
  startedAt: number;
  outcome: Promise<AttemptResult>;
  /** Whether that is the endpoint's doing; else the run's time was over, and some of it went by while this isolate was late. */
  isSlow: boolean;
}

/** An attempt while the run waits for it. */
interface Attempt {
  lane: Lane;
  task: Task;
  startedAt: number;
  patienceMs: number;
  /** When it counts as slow. */
  leaseAt: number;
  /** How late it was looked at, in all. */
  lateMs: number;
  /** Its patience is over, and it has one more turn of the event loop. */
  lastTurn: boolean;
  outcome: Promise<AttemptResult>;
  /** Fulfilled when its end is noted; never rejected. */
  ended: Promise<void>;
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

/**
 * The run's one timer. It is not set anew when what it was set for has happened: it fires then, once, for nothing. A timer for
 * each attempt took a tenth of a delivery's CPU.
 */
class RunAlarm {
  readonly #deps: Pick<FastPathDeps, 'now'>;
  #set: { at: number; fired: Promise<void>; timer: ReturnType<typeof setTimeout> } | undefined;

  constructor(deps: Pick<FastPathDeps, 'now'>) {
    this.#deps = deps;
  }

  /** Fulfilled at a moment, or before it. */
  at(at: number): Promise<void> {
    if (this.#set && this.#set.at <= at) return this.#set.fired;
    this.stop();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const fired = new Promise<void>((resolve) => {
      timer = setTimeout(
        () => {
          this.#set = undefined;
          resolve();
        },
        Math.ceil(at - this.#deps.now()),
      );
    });
    this.#set = { at, fired, timer: timer as ReturnType<typeof setTimeout> };
    return fired;
  }

  stop(): void {
    if (this.#set) clearTimeout(this.#set.timer);
    this.#set = undefined;
  }
}

export class FastPath {
  readonly #deps: FastPathDeps;
  readonly #lanes: Lane[];
  readonly #startedAt: number;
  readonly #slots: number;
  /** Slots in use, by leased attempts too: their connections are still open. */
  #slotsInUse = 0;
  /** The attempts that run and are not leased. */
  readonly #watched = new Set<Attempt>();
  #nextLane = 0;

  /** @param slots attempts to wait for at a time, SLOTS at most */
  constructor(works: readonly WebhookWork[], deps: FastPathDeps, slots = SLOTS) {
    this.#deps = deps;
    this.#slots = slots;
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
    const alarm = new RunAlarm(this.#deps);
    for (;;) {
      this.#fill();
      for (const lane of this.#lanes) if (lane.closed || lane.waiting.length === 0) this.#finish(lane);
      if (this.#watched.size === 0) break;
      const watched = [...this.#watched];
      const leaseAt = Math.min(...watched.map((attempt) => attempt.leaseAt));
      await Promise.race([alarm.at(leaseAt), ...watched.map((attempt) => attempt.ended)]);
      this.#leaseSlow();
    }
    alarm.stop();
    for (const lane of this.#lanes) this.#finish(lane);
  }

  /** Tells of a lane that begins nothing more, once nothing of it runs that is not leased. */
  #finish(lane: Lane): void {
    if (lane.finished || lane.watched > 0) return;
    lane.finished = true;
    this.#deps.finished(lane.work, { ended: lane.ended, handedOver: lane.waiting });
  }

  #fill(): void {
    while (this.#watched.size < this.#slots && this.#slotsInUse < SLOTS && this.#deps.now() - this.#startedAt < BEGIN_BY_MS) {
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
    const startedAt = this.#deps.now();
    const patienceMs = this.#deps.patienceMs(lane.work);
    const leaseAt = Math.min(startedAt + patienceMs, this.#leaseBy());
    const outcome = this.#deps.attempt(lane.work, task);
    const attempt: Attempt = { lane, task, startedAt, patienceMs, leaseAt, lateMs: 0, lastTurn: false, outcome, ended: Promise.resolve() };
    attempt.ended = this.#watch(attempt);
    this.#watched.add(attempt);
  }

  /** Follows an attempt to its end, and notes it in the run where it is not leased by then. */
  async #watch(attempt: Attempt): Promise<void> {
    const { lane, task, outcome } = attempt;
    try {
      const result = await outcome;
      lane.spentMs += this.#tell(attempt, result);
      if (!this.#watched.has(attempt)) return;
      lane.ended.push({ task, result });
      if (result.record.outcome !== 'succeeded') lane.closed = true;
    } catch (error) {
      // Leased, it is told of where it is recorded.
      if (!this.#watched.has(attempt)) return;
      logError('attempt.not_sent', error, { delivery: task.delivery.id });
      lane.closed = true;
      lane.waiting.unshift(task);
    } finally {
      this.#slotsInUse--;
      lane.running--;
      this.#unwatch(attempt);
    }
  }

  #unwatch(attempt: Attempt): void {
    if (this.#watched.delete(attempt)) attempt.lane.watched--;
  }

  /**
   * Leases the attempts that are slow. A look that comes late tells that this isolate has more to do than it can: the answer may be
   * here, and nobody has got round to it. So long is waited once more, or an overload would lease everything and hand over the
   * rest, which costs more than attempting it. While the run has time, the look that leases is a second one, a turn of the event
   * loop later: in between, what has arrived is read.
   */
  #leaseSlow(): void {
    const now = this.#deps.now();
    for (const attempt of this.#watched) {
      const lateMs = now - attempt.leaseAt;
      if (lateMs < 0) continue;
      const isLate = lateMs >= LATE_FROM_MS;
      if (isLate) attempt.lateMs += lateMs;
      const isOver = now >= this.#leaseBy();
      // Its patience twice over, lateness not counted, is enough: a hanging endpoint is found out in an overload, too.
      const goesOn = isLate && now - attempt.startedAt - attempt.lateMs < 2 * attempt.patienceMs;
      if (!isOver && (goesOn || !attempt.lastTurn)) {
        attempt.lastTurn = !goesOn;
        attempt.leaseAt = Math.min(now + (goesOn ? lateMs : TURN_MS), this.#leaseBy());
        continue;
      }
      attempt.lane.closed = true;
      this.#unwatch(attempt);
      const { lane, task, startedAt, outcome } = attempt;
      this.#deps.lease(lane.work, task, { startedAt, outcome, isSlow: !isOver || attempt.lateMs === 0 });
    }
  }

  #leaseBy(): number {
    return this.#startedAt + LEASE_BY_MS;
  }

  /** Tells how long an attempt took, without what this isolate was late by; returns it. */
  #tell({ lane, startedAt, lateMs }: Attempt, { record }: AttemptResult): number {
    const tookMs = Math.max(0, this.#deps.now() - startedAt - lateMs);
    this.#deps.ended(lane.work, tookMs, record.outcome === 'succeeded');
    return tookMs;
  }
}
