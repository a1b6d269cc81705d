import { DELIVERY_STATUSES, type DeliveryFilter, type DeliveryStatus } from '../../domain/delivery/delivery.ts';
import { parseResponse } from '../../domain/delivery/response-filter.ts';
import { parseIsoTime } from '../../domain/text/iso-time.ts';
import { endOf, momentOf, UTC, zoneOf } from '../../domain/text/zone.ts';
import type { Problems } from '../parts/field.tsx';
import { t } from '../words/words.tsx';

/** Ranges, and their lengths in milliseconds. They stay relative, in a link as well: what is seen by it changes with time. */
const RANGES_MS = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
} as const;

export type Range = keyof typeof RANGES_MS;

export const RANGE_NAMES = Object.keys(RANGES_MS) as Range[];

const ENDS = ['from', 'to'] as const;
const FILTERS = ['status', 'event', 'response', 'minAttempts', 'q', 'range', 'from', 'to', 'zone'] as const;

/** More than any of them may have: a page repeats them in its links. */
const MAX_LENGTH = 300;

/**
 * As a query, or a form, has them: the API judges all but the times. `from` and `to` are days or times of the zone that `zone` names, or moments
 * with a Z: whoever a link is sent to, it is about the same deliveries. They win over `range`.
 */
export type Filters = { status?: DeliveryStatus } & Partial<Record<(typeof FILTERS)[number], string>>;

/** The filters that are given. @param zone of the reader: of times that come without one */
export function filtersFrom(value: (name: string) => string | undefined, zone = UTC): Filters {
  const {
    range,
    zone: given,
    ...others
  } = Object.fromEntries(
    FILTERS.map((name) => [name, value(name)?.trim().slice(0, MAX_LENGTH)] as const).filter(([, text]) => text),
  ) as Filters;
  if (others.from !== undefined || others.to !== undefined) return { ...others, zone: zoneOf(given) ?? zone };
  return isRange(range) ? { ...others, range } : others;
}

function isRange(text: string | undefined): text is Range {
  return text !== undefined && Object.hasOwn(RANGES_MS, text);
}

/** What is wrong with the times of the filters, by the name of the field. */
export function dayProblems(filters: Filters): Problems {
  const wrong = ENDS.filter((name) => filters[name] !== undefined && edgeOf(filters, name) === null);
  return new Map(wrong.map((name) => [name, t('deliveryFilter.noTime')]));
}

/** Whether a status is one that there is. */
export function isStatus(text: string | undefined): boolean {
  return (DELIVERY_STATUSES as readonly (string | undefined)[]).includes(text);
}

/** The moment that a span begins or ends with, milliseconds since the epoch; null where the text is no time. */
function edgeOf(filters: Filters, name: (typeof ENDS)[number]): number | null {
  const text = filters[name] ?? '';
  if (text.endsWith('Z')) return parseIsoTime(text);
  const zone = filters.zone ?? UTC;
  return name === 'from' ? momentOf(text, zone) : endOf(text, zone);
}

/** The time that filters are about: from a moment on, and before another. What is no time has been refused. */
export function spanOf(filters: Filters, nowMs: number): { from?: number; to?: number } {
  const { range } = filters;
  if (isRange(range)) return { from: nowMs - RANGES_MS[range] };
  const [from, to] = ENDS.map((name) => (filters[name] === undefined ? null : edgeOf(filters, name)));
  return { ...(from != null && { from }), ...(to != null && { to }) };
}

/** The filters as the API takes them. */
export function apiQuery(filters: Filters, nowMs: number): Record<string, string> {
  const { range: _range, zone: _zone, from: _from, to: _to, ...others } = filters;
  const span = Object.entries(spanOf(filters, nowMs)).map(([name, at]) => [name, new Date(at).toISOString()]);
  return { ...others, ...Object.fromEntries(span) };
}

/** The filters as an outbox takes them; null where it would not. */
export function outboxFilter(filters: Filters, nowMs: number): DeliveryFilter | null {
  const { status, event, q, response, minAttempts } = filters;
  const parsed = response === undefined ? undefined : parseResponse(response);
  const attempts = minAttempts === undefined ? undefined : Number(minAttempts);
  if (parsed === null || Number.isNaN(attempts) || dayProblems(filters).size > 0 || (status !== undefined && !isStatus(status)))
    return null;
  const given = { status, event, q, response: parsed, minAttempts: attempts, ...spanOf(filters, nowMs) };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
