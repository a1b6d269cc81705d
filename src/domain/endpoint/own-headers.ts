import { type Issue, mismatch } from '../issue.ts';
import { isObject } from '../json-schema/parts.ts';

/** Most headers of a webhook's own, and the longest of their names and values, in characters. */
export const MAX_HEADERS = 20;
export const MAX_HEADER_NAME_LENGTH = 100;
export const MAX_HEADER_VALUE_LENGTH = 1_000;

/** A webhook's own headers, by their names as its owner writes them. Two that differ in case alone would be one. */
export type HeaderValues = Record<string, string>;

/** What becomes of some of them; null: it is removed. */
export type HeaderChanges = Record<string, string | null>;

/** A token (RFC 9110, 5.6.2), of those characters alone that nginx lets through, and what is like it: Cloudflare may drop other names. */
const NAME = /^[A-Za-z0-9_-]+$/;
const VALUE = new RegExp(`^[\\x20-\\x7e]{1,${MAX_HEADER_VALUE_LENGTH}}$`);

/**
 * Those that each request has already (attempt/attempt.ts, and what Cloudflare adds), that say where it comes from, or that steer the connection
 * and what comes back over it.
 */
const TAKEN = new RegExp(
  `^(?:${[
    ...['content-.*', 'user-agent', 'webhook-.*', 'x-bullseye-.*', 'cf-.*', 'cdn-loop', 'accept-encoding', 'date'],
    ...['forwarded', 'x-forwarded-.*', 'x-real-ip', 'true-client-ip', 'via', 'max-forwards'],
    ...['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'expect', 'http2-settings', 'proxy-.*'],
    ...['cookie', 'cookie2', 'set-cookie', 'set-cookie2', 'sec-.*'],
  ].join('|')})$`,
  'i',
);

/** What is wrong with changes of a webhook's headers. No message has a word of a value. */
export function headerFlaws(changes: unknown): Issue[] {
  if (!isObject(changes)) return [{ field: 'headers', message: mismatch('`headers`', changes, 'an object of names and values') }];
  const seen = new Set<string>();
  return Object.entries(changes).flatMap(([name, value]) => {
    const folded = name.toLowerCase();
    const message = seen.has(folded) ? 'is there more than once: names are compared without regard to case' : flawOf(name, value);
    seen.add(folded);
    return message === null ? [] : [{ field: `headers.${name}`, message: `\`${name}\` ${message}` }];
  });
}

function flawOf(name: string, value: unknown): string | null {
  if (name.length > MAX_HEADER_NAME_LENGTH) return `is longer than ${MAX_HEADER_NAME_LENGTH} characters`;
  if (!NAME.test(name)) return 'is not the name of a header: these have letters, digits, - and _';
  if (value === null) return null;
  if (TAKEN.test(name)) return 'is a header that each request has already, or that steers the connection';
  if (typeof value !== 'string') return 'has a value that is not a string; null would remove it';
  if (value.trim() !== value) return 'has a value that begins or ends with white space';
  return VALUE.test(value) ? null : `has a value that is not 1 to ${MAX_HEADER_VALUE_LENGTH} printable ASCII characters`;
}

/** A webhook's headers after a change. One that is set anew keeps its place, and has its name as it is written now. */
export function changedHeaders(before: HeaderValues, changes: HeaderChanges): HeaderValues {
  const after = new Map(Object.entries(before).map(([name, value]) => [name.toLowerCase(), [name, value] as const]));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) after.delete(name.toLowerCase());
    else after.set(name.toLowerCase(), [name, value]);
  }
  return Object.fromEntries(after.values());
}
