/** What a time has to be, in words. */
export const TIME_FORMS =
  'an ISO 8601 time in one of these forms: 2026-11-23, 2026-11-23T14:05Z, 2026-11-23T14:05:09Z, 2026-11-23T14:05:09.123+01:00';

/** A calendar date; a time of day, to minutes, seconds or fractions of them; an offset. */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(\.\d+)?)?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d)?)?)?$/;

/**
 * An ISO 8601 time as milliseconds since the epoch; null where the text is none. The whole text counts: Date.parse finds a year
 * in "week 5", and takes 2026-02-31 for a day in March. A time without an offset is UTC. What is finer than a millisecond is cut.
 */
export function parseIsoTime(text: string): number | null {
  const parts = ISO_TIME.exec(text);
  if (!parts) return null;
  const [, date = '', hours = '0', minutes = '0', seconds = '0', fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = parts;
  const day = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) return null;
  const timeOfDay = (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1_000;
  const milliseconds = Number(fraction.slice(1, 4).padEnd(3, '0'));
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  return day + timeOfDay + milliseconds - (sign === '-' ? -offset : offset);
}
