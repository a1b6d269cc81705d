/** Some work has taken longer than it may. */
export class TimedOut extends Error {
  override name = 'TimedOut';
}

/** The result of some work, or TimedOut where it takes longer. The work itself goes on: it cannot be cancelled. */
export async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let stop = (): void => {};
  const timeout = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new TimedOut(`no answer within ${timeoutMs} ms`)), timeoutMs);
    stop = () => clearTimeout(timer);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    stop();
  }
}
