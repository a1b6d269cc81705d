import { getCookie } from 'hono/cookie';
import { createContext, useContext } from 'hono/jsx';
import { localTime, UTC, zoneOf } from '../../domain/text/zone.ts';
import type { PageContext } from '../frame/visit.ts';
import { currentLanguage } from '../words/language.ts';

/** Where the pages' script keeps the name of the reader's time zone (dashboard-start.js). Nothing is decided by it but how times are written. */
const ZONE_COOKIE = 'bullseye_zone';

/** How a page writes times: in its reader's zone, in its own language. */
export interface Clock {
  /** An IANA name. */
  zone: string;
  /** A BCP 47 tag. */
  language: string;
}

/** Until it is known where the reader is. */
const UNKNOWN: Clock = { zone: UTC, language: 'en' };

/** The clock of the page that is being rendered. */
export const ClockContext = createContext<Clock>(UNKNOWN);

export function useClock(): Clock {
  return useContext(ClockContext);
}

/** The clock of a request: of the zone that the browser has named, else of where the request comes from, else UTC. */
export function clockOf(c: PageContext): Clock {
  const place = (c.req.raw as { cf?: { timezone?: unknown } }).cf?.timezone;
  const zone = zoneOf(getCookie(c, ZONE_COOKIE)) ?? zoneOf(typeof place === 'string' ? place : undefined);
  return { zone: zone ?? UTC, language: currentLanguage() };
}

type Shape = Intl.DateTimeFormatOptions;

const SHAPES = {
  moment: { dateStyle: 'medium', timeStyle: 'medium' },
  day: { month: 'short', day: 'numeric' },
  time: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
} as const satisfies Record<string, Shape>;

/** How many of them are kept: one takes a while to make. */
const MAX_FORMATS = 200;
const formats = new Map<string, Intl.DateTimeFormat>();

/** The day before the month, and no a.m. or p.m., which readers of English everywhere understand. */
const LOCALES: Readonly<Record<string, string>> = { en: 'en-GB' };

function format({ zone, language }: Clock, shape: keyof typeof SHAPES): Intl.DateTimeFormat {
  const key = `${shape} ${language} ${zone}`;
  const known = formats.get(key);
  if (known) return known;
  if (formats.size >= MAX_FORMATS) formats.clear();
  const made = new Intl.DateTimeFormat(LOCALES[language] ?? language, { ...SHAPES[shape], timeZone: zone });
  formats.set(key, made);
  return made;
}

/** `25 Nov 2026, 15:05:09`; in UTC it says so, since nobody lives by that. @param at milliseconds since the epoch */
export function momentText(clock: Clock, at: number): string {
  const text = format(clock, 'moment').format(at);
  return clock.zone === UTC ? `${text} UTC` : text;
}

/** `25 Nov`. */
export function dayText(clock: Clock, at: number): string {
  return format(clock, 'day').format(at);
}

/** `15:05`. */
export function timeText(clock: Clock, at: number): string {
  return format(clock, 'time').format(at);
}

/** `25 Nov, 15:05`. */
export function dayTimeText(clock: Clock, at: number): string {
  return `${dayText(clock, at)}, ${timeText(clock, at)}`;
}

/** As the value of an `<input type="datetime-local">`. */
export function inputValue({ zone }: Clock, at: number): string {
  return localTime(at, zone);
}

/** Names that browsers still give, of places that are called otherwise by now. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Godthab': 'America/Nuuk',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Europe/Kiev': 'Europe/Kyiv',
};

/** A zone as people read it: `Europe/Berlin`, `America/New York`. */
export function zoneName({ zone }: Clock): string {
  return (FORMER_NAMES[zone] ?? zone).replaceAll('_', ' ');
}
