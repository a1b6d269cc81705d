/** How long what gives way waits at most before each of its steps: it comes last, and not never. */
export const MOST_WAIT_MS = 100;
/** A turn of the event loop that takes so much longer than it should says that the isolate has more to do than it can. */
export const LATE_FROM_MS = 20;

/**
 * Who goes first in an isolate, which has one thread: ordinary batches. While one of them is under way and the thread is
 * overloaded, overflow batches wait.
 */
export class RightOfWay {
  readonly #isOverloaded: () => Promise<boolean>;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  constructor(isOverloaded: () => Promise<boolean> = turnIsLate) {
    this.#isOverloaded = isOverloaded;
  }

  /** Does ordinary work. */
  async ordinary(work: () => Promise<void>): Promise<void> {
    this.#underWay++;
    try {
      await work();
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) for (const goOn of this.#waiting.splice(0)) goOn();
    }
  }

  /** Waits, for MOST_WAIT_MS at most, until the way is clear. Returns whether it is. */
  async giveWay(): Promise<boolean> {
    if (this.#underWay === 0 || !(await this.#isOverloaded())) return true;
    await this.#cleared();
    return this.#underWay === 0;
  }

  async #cleared(): Promise<void> {
    if (this.#underWay === 0) return;
    let timer: ReturnType<typeof setTimeout> | null = null;
    // A timer of one's own: the other invocation can be ended by the platform before it tells.
    await new Promise<void>((goOn) => {
      timer = setTimeout(goOn, MOST_WAIT_MS);
      this.#waiting.push(goOn);
    });
    clearTimeout(timer);
  }
}

/** Whether the event loop's next turn comes late. */
async function turnIsLate(): Promise<boolean> {
  const from = Date.now();
  await scheduler.wait(1);
  return Date.now() - from >= LATE_FROM_MS;
}
