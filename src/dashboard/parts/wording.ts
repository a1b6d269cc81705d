import { ATTEMPT_TRIGGERS, DELIVERY_REASONS, DELIVERY_STATUSES } from '../../domain/delivery/delivery.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { numberFormat } from '../words/formats.ts';
import { t } from '../words/words.tsx';

/** Numbers, times and states as people read them, in the language of the page. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** `12,345`, and from a hundred thousand on `123.5K`. */
export function count(value: number): string {
  return value < 100_000 ? exactly(value) : numberFormat({ notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** `1 delivery`, `2 deliveries`. English alone: texts of words/ have their own plurals. */
export function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `123,456`: for what a person is about to do with so many. */
export function exactly(value: number): string {
  return numberFormat().format(value);
}

/** A share, 0 to 1, as a percentage that says 100 % only where all of it is meant. */
export function percent(share: number | null): string {
  if (share === null) return '–';
  const rounded = Math.floor(share * 1_000) / 10;
  const digits = Number.isInteger(rounded) ? 0 : 1;
  return t('numbers.percent', { share: numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(rounded) });
}

/** How long something took: `38 ms`, `1.24 s`, `2 min 5 s`. */
export function took(durationMs: number | null): string {
  if (durationMs === null) return '–';
  if (durationMs < SECOND_MS) return t('time.milliseconds', { count: Math.round(durationMs) });
  if (durationMs >= MINUTE_MS) return span(durationMs);
  const digits = durationMs < 10 * SECOND_MS ? 2 : 1;
  const seconds = numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(durationMs / SECOND_MS);
  return t('time.exactSeconds', { seconds });
}

/**
 * What came of a delivery's last attempt, for a column as narrow as a status: `422`, `Timeout`, `Unreachable`, and `–` where none has ended. A
 * list has no errors: what got no answer took as long as an answer may take, or could not be sent.
 * @param timeoutMs how long an endpoint has to answer
 */
export function responseWords(
  { lastResponseStatus, lastDurationMs }: { lastResponseStatus: number | null; lastDurationMs: number | null },
  timeoutMs: number,
): string {
  if (lastResponseStatus !== null) return String(lastResponseStatus);
  if (lastDurationMs === null) return '–';
  return lastDurationMs >= timeoutMs ? t('response.timeout') : t('response.unreachable');
}

const UNITS = [
  [DAY_MS, 'time.days'],
  [HOUR_MS, 'time.hours'],
  [MINUTE_MS, 'time.minutes'],
  [SECOND_MS, 'time.seconds'],
] as const;

/** A span of time in its two largest units: `2 h 5 min`. */
export function span(durationMs: number): string {
  return unitsOf(durationMs, 2);
}

function unitsOf(durationMs: number, most: 1 | 2): string {
  let left = Math.max(0, Math.round(durationMs / SECOND_MS) * SECOND_MS);
  const parts: string[] = [];
  for (const [unitMs, key] of UNITS) {
    const whole = Math.floor(left / unitMs);
    left -= whole * unitMs;
    if (whole > 0) parts.push(t(key, { count: whole }));
    else if (parts.length > 0) break;
    if (parts.length === most) break;
  }
  return parts.join(' ') || t('time.moment');
}

/** When something was or will be, seen from now: `just now`, `4 min ago`, `in 2 h 5 min`. */
export function relative(timeMs: number, nowMs: number): string {
  const apartMs = timeMs - nowMs;
  if (apartMs > 0) return apartMs < SECOND_MS ? t('time.now') : t('time.in', { span: span(apartMs) });
  if (-apartMs < 5 * SECOND_MS) return t('time.justNow');
  // One unit is enough of the past.
  return t('time.ago', { span: unitsOf(-apartMs, 1) });
}

/** Words by name, each made when it is asked for: in the language of the page. */
function byName<Name extends string>(names: readonly Name[], wordOf: (name: Name) => string): Readonly<Record<Name, string>> {
  const words = {} as Record<Name, string>;
  for (const name of names) Object.defineProperty(words, name, { enumerable: true, get: () => wordOf(name) });
  return words;
}

export const STATUS_WORDS = byName(DELIVERY_STATUSES, (status) => t(`status.${status}`));

export const REASON_WORDS = byName(DELIVERY_REASONS, (reason) => t(`reason.${reason}`));

export const TRIGGER_WORDS = byName(ATTEMPT_TRIGGERS, (trigger) => t(`trigger.${trigger}`));
