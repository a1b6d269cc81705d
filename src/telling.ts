import { Deadline } from './within.ts';

/**
 * How long an isolate gathers before it tells, and how long telling may take. Together less than the 30 s for which `waitUntil` goes on, after a
 * request's answer and after a batch's handler alike (Workers).
 */
const TELL_AFTER_MS = 24_000;
const TELL_TIMEOUT_MS = 5_000;
/** After this whoever was to tell has been cut off: the next one does. */
const CUT_OFF_MS = 30_000;

/**
 * When an isolate tells others what it gathers in memory: in one go for all of some seconds, since what comes by the thousand is to cost no call
 * and no row of its own. What an isolate that vanishes had gathered is lost.
 */
export class Telling {
  /** Since when somebody is about to tell. */
  #since = Number.NEGATIVE_INFINITY;

  /**
   * Has all that is gathered told soon, by the invocation that is under way; one does it for all that come meanwhile.
   * @param tell takes what is gathered by then, before its first await, and tells it by the deadline
   */
  soon(tell: (deadline: Deadline) => Promise<unknown>, waitUntil: (work: Promise<unknown>) => void, now: number): void {
    if (now - this.#since < CUT_OFF_MS) return;
    this.#since = now;
    waitUntil(this.#tell(tell));
  }

  async #tell(tell: (deadline: Deadline) => Promise<unknown>): Promise<void> {
    await scheduler.wait(TELL_AFTER_MS);
    this.#since = Number.NEGATIVE_INFINITY;
    const deadline = new Deadline(TELL_TIMEOUT_MS);
    try {
      await tell(deadline);
    } finally {
      deadline.stop();
    }
  }
}
