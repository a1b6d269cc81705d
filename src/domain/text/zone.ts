import { DAY_MS } from './day.ts';

/*
 * Time zones by their IANA names. What a clock on the wall shows is a text such as 2026-11-23T14:05 here, and a moment milliseconds since the
 * epoch. Where clocks are set forward some texts stand for no moment, and where they are set back some stand for two.
 */

export const UTC = 'UTC';

/** Longest name that is looked at; the longest there is has 32 characters. */
const MAX_NAME_LENGTH = 64;
/** Zones whose formatters are kept: each takes a while to make. */
const MAX_KEPT = 100;

/** A day of the years 1000 to 2999, with or without a time of day, as `<input type="date">` and `datetime-local` write them. */
const LOCAL_TIME = /^([12]\d{3}-\d\d-\d\d)(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,3})?)?)?$/;

const kept = new Map<string, Intl.DateTimeFormat>();

/** The zone of a name that somebody has sent, as it was sent; null where it is none. Names that mean UTC give `UTC`. */
export function zoneOf(name: string | undefined): string | null {
  if (name === undefined || name.length > MAX_NAME_LENGTH || !/^[A-Za-z0-9+\-_:/]+$/.test(name)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return /^(Etc\/)?(UTC|GMT|UCT|Zulu|Universal|Greenwich)$/i.test(timeZone) ? UTC : name;
  } catch {
    return null;
  }
}

/** How far a zone's clocks are ahead of UTC at a moment, in milliseconds. @param zone one that zoneOf has given */
export function offsetMs(at: number, zone: string): number {
  if (zone === UTC) return 0;
  const wholeSecond = Math.floor(at / 1_000) * 1_000;
  const parts = new Map(
    clockOf(zone)
      .formatToParts(wholeSecond)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - wholeSecond;
}

/** What a zone's clocks show at a moment: `2026-11-23T14:05`. */
export function localTime(at: number, zone: string): string {
  return new Date(at + offsetMs(at, zone)).toISOString().slice(0, 16);
}

/**
 * The moment at which a zone's clocks show a time; of a day alone, its first moment. Null where the text is no time, or no day of the calendar.
 * Of a time that the clocks leave out, it is as long after the gap's beginning as the time says.
 * @param which of two such moments
 */
export function momentOf(text: string, zone: string, which: 'first' | 'last' = 'first'): number | null {
  const [, day, hours = '00', minutes = '00', seconds = '00'] = LOCAL_TIME.exec(text) ?? [];
  if (day === undefined) return null;
  const shown = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`);
  // A parser may take February 30 for a day of March.
  if (Number.isNaN(shown) || !new Date(shown).toISOString().startsWith(day)) return null;
  const before = offsetMs(shown - DAY_MS, zone);
  const after = offsetMs(shown + DAY_MS, zone);
  const moments = [shown - before, shown - after].filter((at) => at + offsetMs(at, zone) === shown);
  if (moments.length === 0) return shown - before;
  return which === 'first' ? Math.min(...moments) : Math.max(...moments);
}

/** The moment at which what a text says is over: a whole day, or the minute that it names. Null where the text is no time. */
export function endOf(text: string, zone: string): number | null {
  const isDay = !text.includes('T');
  const start = momentOf(text, zone, 'last');
  if (start === null || !isDay) return start;
  const next = new Date(Date.parse(`${text}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  // After December 31, 2999 no day is one of LOCAL_TIME.
  return momentOf(next, zone) ?? start + DAY_MS;
}

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = kept.get(zone);
  if (known) return known;
  if (kept.size >= MAX_KEPT) kept.clear();
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    calendar: 'gregory',
    numberingSystem: 'latn',
    ...numeric,
  });
  kept.set(zone, made);
  return made;
}
