import { UsageError } from './session.ts';

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as people write it: so long ago (`90m`, `2h`, `3d`), or ISO 8601, which is passed on as it is. */
export function timeOf(text: string, nowMs = Date.now()): string {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (number !== undefined) return new Date(nowMs - Number(number) * (UNITS_MS[unit] ?? 0)).toISOString();
  // The parser takes more for a time than ISO 8601; whether it is exactly that is the service's to say.
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(Date.parse(text)))
    throw new UsageError(`"${text}" is no time: say how long ago (90m, 2h, 3d), or write 2026-11-27T14:00:00Z.`);
  return text;
}

/** A time of an answer on this machine's clock. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
