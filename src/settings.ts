import { isLoopback } from './domain/endpoint/loopback.ts';
import { type Jurisdiction, parseJurisdiction } from './domain/jurisdiction.ts';
import { parseQuotas, type Quotas } from './domain/quota.ts';
import { type Colour, parseColour } from './domain/text/colour.ts';
import { parseDuration, parseDurations } from './domain/text/duration.ts';
import { MAX_CONCURRENT } from './domain/webhook/webhook.ts';
import { onceFor } from './once-for.ts';

/** Most queues that events can be spread over. */
const MAX_EVENT_QUEUES = 64;
/** An endpoint gets a second at least; and an attempt that waits longer than a minute keeps a connection from others. */
const DELIVERY_TIMEOUT_MS = [1_000, 60_000] as const;

/** The vars and secrets of wrangler.toml, parsed. A value that does not parse is a deployment fault: it throws, naming the var. */
export interface Settings {
  /** Waits between an attempt's end and the next attempt, in milliseconds; one per retry. */
  retryScheduleMs: readonly number[];
  /** How long an attempt may wait for the response's headers. */
  deliveryTimeoutMs: number;
  retentionMs: number;
  /** What organizations may use, by plan. */
  quotas: Quotas;
  /** Failed attempts in a row that open a webhook's circuit. */
  circuitThreshold: number;
  /** First and longest wait between probes. */
  circuitProbeMs: readonly [first: number, longest: number];
  /** Nothing but failures for so long disables a webhook. */
  disableAfterMs: number;
  /** Which attempts leave a line in the Worker's log: each is in its webhook's log anyway, and a line costs as much as a delivery does. */
  logAttempts: 'failed' | 'all';
  /** How many queues events are spread over. */
  eventQueues: number;
  /** The most attempts at a time of one webhook; its owner's `maxConcurrent` counts where that is lower. */
  maxConcurrency: number;
  /** Admits `http://127.0.0.1` endpoints, where the Worker itself is served from loopback. */
  allowInsecureEndpoints: boolean;
  /** The service's own origin, where it is not that of the request. */
  publicUrl: URL | null;
  /** Where objects are made and run, and stay; null: near whoever asks for them first. */
  jurisdiction: Jurisdiction | null;
  /** Where whoever finds a vulnerability can say so (/.well-known/security.txt), as URIs. None: nothing is said there. */
  securityContacts: readonly string[];
  /** The sender of alerts by e-mail; null: none are sent. */
  alertsFrom: string | null;
  /** How the dashboard looks, and who may frame it. */
  dashboard: DashboardSettings;
  /** One, or two while the key is rotated. */
  platformKeys: readonly string[];
  /** The first seals, any opens: two while the key is rotated. */
  masterKeys: readonly string[];
}

export interface DashboardSettings {
  /** The product that the pages belong to. */
  name: string;
  /** Its logo; null: the name alone. */
  logoUrl: URL | null;
  accent: Colour;
  /** Where an organization moves to a higher plan; null: nothing is linked. */
  upgradeUrl: URL | null;
  /** Origins that may show the pages in a frame. */
  frameAncestors: readonly string[];
}

/** The settings of an environment, parsed once for it. */
export const settingsOf: (env: Env) => Settings = onceFor(parseSettings);

type Vars = Pick<
  Env,
  | 'RETRY_SCHEDULE'
  | 'DELIVERY_TIMEOUT'
  | 'RETENTION_DAYS'
  | 'QUOTAS'
  | 'CIRCUIT_THRESHOLD'
  | 'CIRCUIT_PROBE'
  | 'DISABLE_AFTER'
  | 'EVENT_QUEUES'
  | 'MAX_CONCURRENCY'
  | 'LOG_ATTEMPTS'
  | 'ALLOW_INSECURE_ENDPOINTS'
  | 'PUBLIC_URL'
  | 'JURISDICTION'
  | 'SECURITY_CONTACT'
  | 'ALERTS_FROM'
  | 'DASHBOARD_NAME'
  | 'DASHBOARD_LOGO_URL'
  | 'DASHBOARD_ACCENT'
  | 'DASHBOARD_UPGRADE_URL'
  | 'DASHBOARD_FRAME_ANCESTORS'
  | 'PLATFORM_API_KEY'
  | 'MASTER_KEY'
>;

export function parseSettings(vars: Vars): Settings {
  const retentionDays = read('RETENTION_DAYS', vars.RETENTION_DAYS, (text) => wholeNumber(text, 1, 3_650));
  return {
    retryScheduleMs: read('RETRY_SCHEDULE', vars.RETRY_SCHEDULE, parseDurations),
    deliveryTimeoutMs: read('DELIVERY_TIMEOUT', vars.DELIVERY_TIMEOUT, deliveryTimeout),
    retentionMs: retentionDays * 86_400_000,
    quotas: vars.QUOTAS ? read('QUOTAS', vars.QUOTAS, (text) => parseQuotas(text, retentionDays)) : {},
    circuitThreshold: read('CIRCUIT_THRESHOLD', vars.CIRCUIT_THRESHOLD, (text) => wholeNumber(text, 1, 1_000)),
    circuitProbeMs: read('CIRCUIT_PROBE', vars.CIRCUIT_PROBE, (text) => {
      const [first, longest, ...rest] = parseDurations(text);
      if (first === undefined || longest === undefined || rest.length > 0) throw new RangeError('two durations are needed');
      if (first > longest) throw new RangeError('of the two durations the first is the shorter one');
      return [moreThanNothing(first), longest] as const;
    }),
    disableAfterMs: read('DISABLE_AFTER', vars.DISABLE_AFTER, (text) => moreThanNothing(parseDuration(text))),
    logAttempts: read('LOG_ATTEMPTS', vars.LOG_ATTEMPTS, (text) => {
      if (text !== 'failed' && text !== 'all') throw new RangeError('"failed" or "all" is needed');
      return text;
    }),
    eventQueues: read('EVENT_QUEUES', vars.EVENT_QUEUES, (text) => wholeNumber(text, 1, MAX_EVENT_QUEUES)),
    maxConcurrency: read('MAX_CONCURRENCY', vars.MAX_CONCURRENCY, (text) => wholeNumber(text, 1, MAX_CONCURRENT)),
    allowInsecureEndpoints: vars.ALLOW_INSECURE_ENDPOINTS === 'true',
    publicUrl: vars.PUBLIC_URL ? read('PUBLIC_URL', vars.PUBLIC_URL, publicUrl) : null,
    jurisdiction: vars.JURISDICTION ? read('JURISDICTION', vars.JURISDICTION, parseJurisdiction) : null,
    securityContacts: vars.SECURITY_CONTACT ? read('SECURITY_CONTACT', vars.SECURITY_CONTACT, contacts) : [],
    alertsFrom: vars.ALERTS_FROM ? read('ALERTS_FROM', vars.ALERTS_FROM, mailAddress) : null,
    dashboard: {
      name: read('DASHBOARD_NAME', vars.DASHBOARD_NAME, (text) => text),
      logoUrl: vars.DASHBOARD_LOGO_URL ? read('DASHBOARD_LOGO_URL', vars.DASHBOARD_LOGO_URL, webUrl) : null,
      accent: read('DASHBOARD_ACCENT', vars.DASHBOARD_ACCENT, parseColour),
      upgradeUrl: vars.DASHBOARD_UPGRADE_URL ? read('DASHBOARD_UPGRADE_URL', vars.DASHBOARD_UPGRADE_URL, webUrl) : null,
      frameAncestors: vars.DASHBOARD_FRAME_ANCESTORS ? read('DASHBOARD_FRAME_ANCESTORS', vars.DASHBOARD_FRAME_ANCESTORS, origins) : [],
    },
    platformKeys: read('PLATFORM_API_KEY', vars.PLATFORM_API_KEY, secretValues),
    masterKeys: read('MASTER_KEY', vars.MASTER_KEY, secretValues),
  };
}

/** Parses one var; the error names the var, and never quotes a secret. */
function read<T>(name: string, value: string | undefined, parse: (text: string) => T): T {
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  try {
    return parse(value);
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`a whole number from ${least} to ${most} is needed`);
  return value;
}

function deliveryTimeout(text: string): number {
  const [least, most] = DELIVERY_TIMEOUT_MS;
  const durationMs = parseDuration(text);
  if (durationMs < least || durationMs > most) throw new RangeError(`a duration from ${least / 1_000}s to ${most / 1_000}s is needed`);
  return durationMs;
}

function moreThanNothing(durationMs: number): number {
  if (durationMs === 0) throw new RangeError('a duration longer than 0 is needed');
  return durationMs;
}

/** `example.com:443` is a URL, too: its scheme is `example.com`. */
function webUrl(text: string): URL {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new RangeError('a URL with https or http is needed');
  return url;
}

/** Off loopback it is an https one: requests by plain http are refused there, and links would lead to them. */
function publicUrl(text: string): URL {
  const url = webUrl(text);
  if (url.protocol === 'http:' && !isLoopback(url)) throw new RangeError('a URL with https is needed');
  return url;
}

/** As RFC 9116 wants them: an address for mail as `mailto:…`, a page with https. */
function contacts(text: string): string[] {
  return text.split(',').map((value) => {
    const url = URL.parse(value.trim());
    const isContact = url !== null && ['mailto:', 'https:', 'tel:'].includes(url.protocol);
    if (!isContact) throw new RangeError('URIs such as mailto:security@example.com are needed, separated by commas');
    return url.href;
  });
}

/** The address alone: its name is the product's. */
function mailAddress(text: string): string {
  if (!/^[^\s@<>",;:]+@[^\s@<>",;:]+$/.test(text)) throw new RangeError('an address such as alerts@example.com is needed');
  return text;
}

/** Origins alone: what else a value of a Content-Security-Policy could hold would widen it, or end it. */
function origins(text: string): string[] {
  return text.split(',').map((value) => {
    const url = webUrl(value.trim());
    if (url.origin !== value.trim()) throw new RangeError('origins such as https://app.example.com are needed, separated by commas');
    return url.origin;
  });
}

function secretValues(text: string): string[] {
  const values = text
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
  if (values.length === 0 || values.length > 2) throw new RangeError('one value is needed, or two separated by a comma');
  return values;
}
