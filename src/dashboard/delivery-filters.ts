import { DAY_MS } from '../domain/day.ts';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../domain/delivery.ts';
import type { Problems } from './field.tsx';

const DAYS = ['from', 'to'] as const;
const FILTERS = ['status', 'event', 'q', 'from', 'to'] as const;

/** As a query, or a form, has them: the API judges all but the days. */
export type Filters = { status?: DeliveryStatus } & Partial<Record<(typeof FILTERS)[number], string>>;

/** The filters that are given. */
export function filtersFrom(value: (name: string) => string | undefined): Filters {
  const given = FILTERS.map((name) => [name, value(name)?.trim()] as const).filter(([, text]) => text);
  return Object.fromEntries(given);
}

/** What is wrong with the days of the filters, by the name of the field. */
export function dayProblems(filters: Filters): Problems {
  const wrong = DAYS.filter((name) => filters[name] !== undefined && startOf(filters[name]) === null);
  return new Map(wrong.map((name) => [name, 'Enter a day such as 2026-11-23.']));
}

/** Whether a status is one that there is. */
export function isStatus(text: string | undefined): boolean {
  return (DELIVERY_STATUSES as readonly (string | undefined)[]).includes(text);
}

/** The moment a day begins; null where the text is no day of the years 1000 to 2999, after which there is always another. */
export function startOf(text: string): number | null {
  if (!/^[12]\d{3}-\d\d-\d\d$/.test(text)) return null;
  const startMs = Date.parse(`${text}T00:00:00Z`);
  // A parser may take February 30 for a day of March.
  return !Number.isNaN(startMs) && new Date(startMs).toISOString().startsWith(text) ? startMs : null;
}

/** The moment after a day, so that the day itself is included; what is no day has been refused. */
export function endOf(text: string): number {
  return (startOf(text) ?? 0) + DAY_MS;
}
