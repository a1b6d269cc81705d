import { t } from '../words/words.tsx';
import { momentText, useClock } from './clock.ts';
import { relative } from './wording.ts';

/** A moment in the reader's zone, the exact instant in UTC on hover. */
export function Time({ at }: { at: string }) {
  return (
    <time datetime={at} title={at} data-local="">
      {momentText(useClock(), Date.parse(at))}
    </time>
  );
}

/** What keeps deliveries back: `held` while the circuit is open, `stopped` while the webhook or its plan sends nothing. */
export type Hold = 'held' | 'stopped' | null;

/** When a delivery's next attempt comes. What is due already waits its turn, or is held; of what is stopped none comes. */
export function NextAttempt({ at, hold, nowMs }: { at: string; hold: Hold; nowMs: number }) {
  if (hold === 'stopped') return <>{t('time.noNext')}</>;
  if (Date.parse(at) > nowMs) return <RelativeTime at={at} nowMs={nowMs} />;
  return <>{hold === 'held' ? t('time.held') : t('time.dueNow')}</>;
}

/** A moment as seen from now, which is the same in every zone. */
export function RelativeTime({ at, nowMs }: { at: string; nowMs: number }) {
  return (
    <time datetime={at} title={at}>
      {relative(Date.parse(at), nowMs)}
    </time>
  );
}
