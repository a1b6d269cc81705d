/** Some work has taken longer than it may. */
export class TimedOut extends Error {
  override name = 'TimedOut';
}

/** A time within which several pieces of work are to be done, with one timer for all of them. Whoever makes one stops it. */
export class Deadline {
  readonly #passed: Promise<never>;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(timeoutMs: number) {
    const { promise, reject } = Promise.withResolvers<never>();
    // Nobody may be waiting for it when it passes.
    promise.catch(() => {});
    this.#passed = promise;
    this.#timer = setTimeout(() => reject(new TimedOut(`no answer within ${timeoutMs} ms`)), timeoutMs);
  }

  /** The result of some work, or TimedOut where the time is over before. The work itself goes on: it cannot be cancelled. */
  async bound<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#passed]);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** The result of some work, or TimedOut where it takes longer. The work itself goes on: it cannot be cancelled. */
export async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const deadline = new Deadline(timeoutMs);
  try {
    return await deadline.bound(work);
  } finally {
    deadline.stop();
  }
}
