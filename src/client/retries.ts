import type { ApiError } from './api-error.ts';

/** The first wait between two tries; each further one is twice as long. */
const FIRST_WAIT_MS = 500;
/** The longest wait that is not the service's own wish. */
const LONGEST_WAIT_MS = 10_000;
/** Whoever is told to come back later than this is told so, and decides. */
const LONGEST_RETRY_AFTER_SECONDS = 120;

/** What came of a try. */
export type Sent = { value: unknown; error?: undefined } | { error: ApiError };

export interface RetryPolicy {
  /** How many tries follow the first. */
  retries: number;
  /** Whether doing it twice is as good as doing it once. */
  mayRepeat: boolean;
  signal?: AbortSignal | undefined;
}

/** The value of the first try that succeeds; throws the error of the last. */
export async function withRetries({ retries, mayRepeat, signal }: RetryPolicy, send: () => Promise<Sent>): Promise<unknown> {
  for (let tried = 0; ; tried++) {
    const sent = await send();
    if (sent.error === undefined) return sent.value;
    const waitMs = tried < retries && isPassing(sent.error, mayRepeat) ? waitFor(sent.error, tried) : null;
    if (waitMs === null) throw sent.error;
    await wait(waitMs, signal);
  }
}

/** Whether the same call may succeed soon, and does no harm. 429: nothing was done. */
function isPassing({ status }: ApiError, mayRepeat: boolean): boolean {
  if (status === 429) return true;
  return mayRepeat && (status === 0 || (status >= 502 && status <= 504));
}

/** How long to wait before the next try; null: longer than a call should take. */
function waitFor({ retryAfterSeconds }: ApiError, tried: number): number | null {
  if (retryAfterSeconds !== null && retryAfterSeconds > LONGEST_RETRY_AFTER_SECONDS) return null;
  // Half of it by chance: those who failed together do not come back together.
  const ownMs = Math.min(FIRST_WAIT_MS * 2 ** tried, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
  return Math.max(ownMs, (retryAfterSeconds ?? 0) * 1_000);
}

async function wait(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, waitMs);
    signal?.addEventListener('abort', end, { once: true });
  });
}
