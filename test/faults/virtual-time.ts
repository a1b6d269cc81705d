import { vi } from 'vitest';

/** Continuations after which, with no edge passed meanwhile, nothing more comes of what has happened. */
const MOST_CONTINUATIONS = 150;

/** More moves of the clock than any run needs. */
const MAX_MOVES = 5_000;

/**
 * Time that moves only when nothing else can happen: every wait of the code under test takes no time, and the order of what
 * happens does not depend on the machine.
 */
export class VirtualTime {
  #steps = 0;
  #underWay = 0;

  /** The clock stands at this time until it is moved. */
  start(now: number): void {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now });
    const { setTimeout: fake } = globalThis;
    // Whoever waits for a part of a millisecond, finds the clock where it was and waits for the rest, would do so for ever.
    vi.stubGlobal('setTimeout', (callback: () => void, ms = 0) => fake(callback, Math.ceil(ms)));
    vi.spyOn(scheduler, 'wait').mockImplementation((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    // The endpoints' side of it is support for these timeouts: a real timer would know nothing of this clock.
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((timeoutMs) => Object.assign(new AbortController().signal, { timeoutMs }));
  }

  /** Real time is back, and with it whatever else a run has put in the place of something global. */
  stop(): void {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.clearAllTimers();
    vi.useRealTimers();
  }

  /** Something has happened, of which more may come. */
  step(): void {
    this.#steps++;
  }

  /** Work for which the event loop has to turn, as for a body that is read: the clock stands until it is done. */
  async standing<T>(work: Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work;
    } finally {
      this.#underWay--;
      this.step();
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

  /** Until nothing happens without time passing. */
  async rest(): Promise<void> {
    for (let seen = -1; seen !== this.#steps; ) {
      seen = this.#steps;
      for (let continuation = 0; continuation < MOST_CONTINUATIONS; continuation++) await null;
      // Reading a body is the quickest I/O there is.
      while (this.#underWay > 0) await new Response(' ').text();
    }
  }
}
