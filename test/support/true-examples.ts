import type { Route } from '../../src/api/route.ts';

/** What the reference shows of an operation, as a real Worker was asked and has answered. */
export interface TrueExample {
  /** The body of the request. */
  request?: unknown;
  /** The body of the answer. */
  answer?: unknown;
  /** The body of the other success that the route has. */
  other?: unknown;
  /** Errors that say something else here than their code's common example. */
  errors?: Record<string, { message: string; details: unknown }>;
}

const ULID = '01JDCQ7Z8W5M3KXN4R2T6V9YBA';
const TIME = '2026-11-23T14:05:09.000Z';
/** What differs from run to run, by how it looks, and what the reference shows in its place. */
const REPLACEMENTS: readonly [RegExp, string][] = [
  [/\bdlv_[0-9A-HJKMNP-TV-Z]{26,32}\b/g, `dlv_${ULID}6V9YBA`],
  [/\b(evt_test|evt|whk|key|req|aud|ers)_[0-9A-HJKMNP-TV-Z]{26}\b/g, `$1_${ULID}`],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, TIME],
  [/"events":\d+,"deliveries":\d+,"attempts":\d+/g, '"events":1240,"deliveries":2480,"attempts":2511'],
  [/\b\d{4}-\d\d-\d\d,\d+,\d+,\d+/g, '2026-11-23,1240,2480,2511'],
  [/"\d{4}-\d\d-\d\d"/g, '"2026-11-23"'],
  [/whsec_[A-Za-z0-9+/=]{20,}/g, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='],
  [/\bbsk_(live|ingest|metrics)_[0-9a-f]{32}\b/g, 'bsk_$1_0123456789abcdef0123456789abcdef'],
  [/"bsk_live_[0-9a-f]{3}"/g, '"bsk_live_012"'],
  [/"bsk_ingest_[0-9a-f]{6}"/g, '"bsk_ingest_012345"'],
  [/\bv1,[A-Za-z0-9+/]{43}=/g, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='],
  [/"[0-9a-f]{64}"/g, '"8f14e45fceea167a5a36dedd4bea2543f6e4a1b7d3c2a1908f7e6d5c4b3a2918"'],
  [/"webhook-timestamp":"\d+"/g, '"webhook-timestamp":"1795442709"'],
  [/\/link\/[\w-]+/g, '/link/q0Jx2b4Zr8'],
  [/"(durationMs|lastDurationMs|latencyP50Ms|latencyP95Ms)":[\d.]+/g, '"$1":87'],
  [/"createdAt":\d{13}/g, '"createdAt":1795442709000'],
  [/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"0b6f3c52-4a1d-4c8e-9a57-2f1d8e6b7c90"'],
  [/"nextCursor":"[^"]+"/g, '"nextCursor":"MTc5NTQ0MjcwOTAwMC5kbHY"'],
  [/"(id|changes\.session)":"[0-9a-f]{16}"/g, '"$1":"9f86d081884c7d65"'],
];

/** An answer's body, or a request's, without what differs from run to run. @param own what is of this run alone, and what takes its place */
export function settled(text: string, own: readonly [string, string][]): unknown {
  let told = text;
  for (const [from, to] of own) told = told.replaceAll(from, to);
  for (const [pattern, to] of REPLACEMENTS) told = told.replaceAll(pattern, to);
  try {
    return short(JSON.parse(told));
  } catch {
    return told;
  }
}

/** Of a list of things the first one is enough to show. */
function short(value: unknown): unknown {
  if (Array.isArray(value)) return (value.every((item) => typeof item === 'object') ? value.slice(0, 1) : value).map(short);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, short(part)]));
}

/** A way to ask that is refused. */
interface Probe {
  key: string | null;
  query?: string;
  text?: string | undefined;
  headers?: Record<string, string>;
  /** With ids that lead nowhere. */
  astray?: boolean;
}

/** Ways to ask an operation that lead to the errors which every such operation has. @param keys of the organization, of the platform, and that open little */
export function probesOf(route: Route, keys: { all: string; read: string; ingest: string }): Probe[] {
  const hasBody = route.body !== undefined || route.rawBody !== undefined;
  const text = hasBody ? '{}' : undefined;
  if (route.access === 'public') return [];
  const probes: Probe[] = [
    { key: null, text },
    { key: `bsk_live_${'0'.repeat(32)}`, text },
    { key: keys.read, text },
    { key: keys.ingest, text },
    { key: keys.all, text, query: '?colour=red' },
  ];
  if (route.path.includes('{')) probes.push({ key: keys.all, text, astray: true });
  if (!hasBody) return probes;
  return [
    ...probes,
    { key: keys.all, text: '{ "colour": ' },
    { key: keys.all, text: '{ "colour": "red" }' },
    { key: keys.all, text: '{}', headers: { 'Content-Type': 'text/plain' } },
    { key: keys.all, text: '{}', headers: { 'Content-Encoding': 'gzip' } },
    { key: keys.all, text: JSON.stringify({ colour: 'r'.repeat(400_000) }) },
  ];
}
