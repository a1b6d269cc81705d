import type { AttemptRecord } from './delivery.ts';
import { edgeAnswerOf } from './edge-answer.ts';

/**
 * Why a webhook's attempts fail, as its owner would say it.
 * - `rejects`: the endpoint answers, and does not take what it is sent: 4xx, and redirects, which are not followed.
 * - `has_errors`: it answers 5xx, or something that is no answer.
 * - `does_not_answer`: the time for an answer was over.
 * - `unreachable`: there was no connection: DNS, TLS, refused, reset.
 * - `blocked`: a firewall, or bot protection, answered in its stead.
 */
export const CAUSES = ['rejects', 'has_errors', 'does_not_answer', 'unreachable', 'blocked'] as const;

export type Cause = (typeof CAUSES)[number];

/** The attempt of a webhook that failed last, as pages tell of it. */
export interface LastFailure {
  deliveryId: string;
  /** Of the attempt. */
  number: number;
  /** When it began; milliseconds since the epoch. */
  at: number;
  cause: Cause;
  /** Null: there was no answer. */
  status: number | null;
  /** What went wrong, in words for the endpoint's owner. */
  error: string | null;
  /** The beginning of the answer's body, in one line. Null: it had none that can be read, or it was erased. */
  excerpt: string | null;
}

/** How much of an answer a page quotes, in characters. */
const MAX_EXCERPT_LENGTH = 200;
/** How much of a body is looked at: an answer of HTML begins with what nobody reads. */
const SEARCHED_CHARACTERS = 4_000;

/** How domain/delivery/outcome.ts says that there was no answer in time. */
const NO_ANSWER_IN_TIME = /^No response within /;
/** Cloudflare had a connection, and waited in vain. */
const TOOK_IT_AND_DID_NOT_ANSWER = 524;

/**
 * Answers of firewalls and bot protection other than Cloudflare's, where the status says that somebody was refused. Headers that they add to the
 * endpoint's own answers as well (`x-iinfo`, `x-datadome`) say nothing.
 */
const REFUSING_STATUSES: ReadonlySet<number> = new Set([403, 405, 406, 429, 503]);
const FIREWALL_HEADERS: readonly [name: string, value: RegExp][] = [
  ['x-amzn-waf-action', /./],
  ['x-sucuri-block', /./],
  ['server', /^akamaighost$/i],
];
/** A page that asks for a browser: an endpoint that means it has no such words. */
const CHALLENGE_PAGE =
  /\b(cf-chl|challenge-platform|attention required! \| cloudflare|just a moment\.\.\.|_incapsula_resource|captcha-delivery|g-recaptcha|hcaptcha)/i;

type Answered = Pick<AttemptRecord, 'responseStatus' | 'responseHeaders' | 'responseBody' | 'error'>;

/** Why an attempt has failed. */
export function causeOf({ responseStatus: status, responseHeaders, responseBody, error }: Answered): Cause {
  if (status === null) return NO_ANSWER_IN_TIME.test(error ?? '') ? 'does_not_answer' : 'unreachable';
  const [headers, body] = [responseHeaders ?? {}, (responseBody ?? '').slice(0, SEARCHED_CHARACTERS)];
  const edge = edgeAnswerOf(status, headers, body);
  if (edge?.kind === 'refused' || isFirewall(status, headers, body)) return 'blocked';
  if (status === TOOK_IT_AND_DID_NOT_ANSWER) return 'does_not_answer';
  if (edge) return 'unreachable';
  return status >= 300 && status < 500 ? 'rejects' : 'has_errors';
}

function isFirewall(status: number, headers: Readonly<Record<string, string>>, body: string): boolean {
  if (!REFUSING_STATUSES.has(status)) return false;
  return FIREWALL_HEADERS.some(([name, value]) => value.test(headers[name] ?? '')) || CHALLENGE_PAGE.test(body);
}

/** What pages tell of an attempt that has failed. */
export function lastFailureOf(deliveryId: string, attempt: AttemptRecord): LastFailure {
  const { number, startedAt, responseStatus, error } = attempt;
  return { deliveryId, number, at: startedAt, cause: causeOf(attempt), status: responseStatus, error, excerpt: excerptOf(attempt) };
}

/** The beginning of an answer's text in one line; of HTML what a browser would show. */
export function excerptOf({
  responseBody,
  responseBodyEncoding,
}: Pick<AttemptRecord, 'responseBody' | 'responseBodyEncoding'>): string | null {
  if (responseBody === null || responseBodyEncoding === 'base64') return null;
  const beginning = responseBody.slice(0, SEARCHED_CHARACTERS);
  const text = /^\s*</.test(beginning) ? withoutTags(beginning) : beginning;
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  if (line === '') return null;
  return line.length > MAX_EXCERPT_LENGTH ? `${line.slice(0, MAX_EXCERPT_LENGTH).toWellFormed()}…` : line;
}

/** It is read by people, and is escaped like any text: no tag has to be found for safety's sake. */
function withoutTags(html: string): string {
  return html.replace(/<(script|style)\b[^>]*>.*?(<\/\1\s*>|$)/gis, ' ').replace(/<[^>]*(>|$)/g, ' ');
}
