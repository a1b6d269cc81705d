import { relative, utcTime } from './wording.ts';

/** A moment: in UTC as it is sent, in the reader's zone once the script has run, the exact instant on hover. */
export function Time({ at }: { at: string }) {
  return (
    <time datetime={at} title={at} data-local="">
      {utcTime(at)}
    </time>
  );
}

/**
 * When a delivery's next attempt comes. What is due already waits its turn, or, while the circuit is open, is held.
 */
export function NextAttempt({ at, held, nowMs }: { at: string; held: boolean; nowMs: number }) {
  if (Date.parse(at) > nowMs) return <RelativeTime at={at} nowMs={nowMs} />;
  return <>{held ? 'held' : 'due now'}</>;
}

/** A moment as seen from now, which is the same in every zone. */
export function RelativeTime({ at, nowMs }: { at: string; nowMs: number }) {
  return (
    <time datetime={at} title={at}>
      {relative(Date.parse(at), nowMs)}
    </time>
  );
}
