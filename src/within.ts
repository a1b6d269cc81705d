/** The result of some work, or an error where it takes longer. The work itself goes on: it cannot be cancelled. */
export async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let stop = (): void => {};
  const timeout = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    stop = () => clearTimeout(timer);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    stop();
  }
}

/** The same for many pieces of work with one end of their time: one timer, where each of them would have its own. */
export class Deadline {
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #passed: Promise<never>;

  constructor(timeoutMs: number) {
    let fail = (_: Error): void => {};
    this.#passed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    // Nobody may be waiting when it passes.
    this.#passed.catch(() => {});
    this.#timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  }

  /** The result of some work, or an error where the time ends before. */
  within<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#passed]);
  }

  /** Nothing waits any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
