import { relative, utcTime } from './wording.ts';

/** A moment: in UTC as it is sent, in the reader's zone once the script has run, the exact instant on hover. */
export function Time({ at }: { at: string }) {
  return (
    <time datetime={at} title={at} data-local="">
      {utcTime(at)}
    </time>
  );
}

/** A moment as seen from now, which is the same in every zone. */
export function RelativeTime({ at, nowMs }: { at: string; nowMs: number }) {
  return (
    <time datetime={at} title={at}>
      {relative(Date.parse(at), nowMs)}
    </time>
  );
}
