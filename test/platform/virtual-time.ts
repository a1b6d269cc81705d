import { vi } from 'vitest';
import { current } from './io-context.ts';

/** More moves of the clock than any run needs. */
const MAX_MOVES = 300_000;

/** A timer of the platform's. */
export type Timer = ReturnType<typeof setTimeout>;

/**
 * Time that moves only when nothing else can happen: every wait of the code under test takes no time, and the order of what
 * happens does not depend on the machine. It is Cloudflare's clock, too: it stands still between two happenings, and in a timer's
 * callback it shows the time that the timer was set for.
 */
export class VirtualTime {
  #underWay = 0;
  #set: (callback: () => void, ms: number) => Timer = setTimeout;
  #clear: (timer: Timer) => void = clearTimeout;

  /** The clock stands at this time until it is moved. */
  start(now: number): void {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now });
    this.#set = globalThis.setTimeout;
    this.#clear = globalThis.clearTimeout;
    // Timers count for whoever sets them.
    vi.stubGlobal('setTimeout', (callback: () => void, ms = 0) => current()?.setTimeout(callback, ms) ?? this.after(ms, callback));
    vi.stubGlobal('clearTimeout', (timer: number) => (current() ? current()?.clearTimeout(timer) : this.#clear(timer as never)));
    vi.spyOn(scheduler, 'wait').mockImplementation((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      throw new Error('AbortSignal.timeout cannot be cleared: it counts, and is billed, until its time is over');
    });
  }

  /** Real time is back, and with it whatever else a run has put in the place of something global. */
  stop(): void {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.clearAllTimers();
    vi.useRealTimers();
  }

  /** A timer of the platform's own. Whoever waits for a part of a millisecond finds the clock where it was: it waits for the rest, too. */
  after(ms: number, callback: () => void): Timer {
    return this.#set(callback, Math.ceil(ms));
  }

  cancel(timer: Timer): void {
    this.#clear(timer);
  }

  /** Fulfilled when so much time has passed. */
  async passed(ms: number): Promise<void> {
    if (ms > 0) await new Promise<void>((resolve) => this.after(ms, resolve));
  }

  /** Work for which the event loop has to turn, as for a body that is read: the clock stands until it is done. */
  async standing<T>(work: Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work;
    } finally {
      this.#underWay--;
    }
  }

  /** Moves the clock from one happening to the next until `over` says so. Throws where that never comes. */
  async run(over: () => boolean): Promise<void> {
    for (let moves = 0; moves < MAX_MOVES; moves++) {
      await this.rest();
      if (over()) return;
      if (vi.getTimerCount() === 0) throw new Error('nothing will ever happen any more');
      vi.advanceTimersToNextTimer();
    }
    throw new Error(`it is not over after ${MAX_MOVES} moves of the clock`);
  }

  /** Lets everything happen that does within so much time. */
  async runFor(ms: number): Promise<void> {
    let isOver = false;
    this.after(ms, () => {
      isOver = true;
    });
    await this.run(() => isOver);
  }

  /** Until nothing happens without time passing. */
  async rest(): Promise<void> {
    // Reading a body is the quickest I/O there is: the event loop turns for it when no continuation is left.
    do await new Response(' ').text();
    while (this.#underWay > 0);
  }
}
