import { isUnreached } from './edge-answer.ts';
import { isNoAnswerInTime } from './outcome.ts';

/**
 * How the last attempt of a delivery that has ended was answered: by the class of the status, or `timeout` (no answer in time) or
 * `unreachable` (no connection, or none that held). Of an attempt that was interrupted nobody knows.
 */
export const RESPONSE_KINDS = ['2xx', '3xx', '4xx', '5xx', 'timeout', 'unreachable'] as const;

export type ResponseKind = (typeof RESPONSE_KINDS)[number];

/** A kind, or one status. */
export type ResponseFilter = ResponseKind | number;

/** Cloudflare's own: it reached the endpoint's address, or the endpoint, and waited in vain. */
const TIMED_OUT: ReadonlySet<number> = new Set([522, 524]);

/** What somebody has written: a kind, or a status of three digits. Null: it is neither. */
export function parseResponse(text: string): ResponseFilter | null {
  if (/^[1-9]\d\d$/.test(text)) return Number(text);
  return RESPONSE_KINDS.find((kind) => kind === text) ?? null;
}

/** Whether a filter is about what endpoints acknowledged. */
export function isAboutSuccess(filter: ResponseFilter): boolean {
  return filter === '2xx' || (typeof filter === 'number' && filter >= 200 && filter < 300);
}

/**
 * Whether the last attempt of a delivery was answered so.
 * @param status what came; null: nothing, or no attempt has ended
 * @param error asked for where nothing came: why, as the attempt has it; null where no attempt has ended, or nobody knows
 */
export function answeredSo(filter: ResponseFilter, status: number | null, error: () => string | null): boolean {
  if (typeof filter === 'number') return filter === status;
  if (status !== null) return filter === kindOf(status);
  if (filter !== 'timeout' && filter !== 'unreachable') return false;
  const why = error();
  return why !== null && (filter === 'timeout') === isNoAnswerInTime(why);
}

/** Servers may answer with any number of three digits: those beyond 5xx say no more than that it did not work. */
function kindOf(status: number): ResponseKind {
  if (TIMED_OUT.has(status)) return 'timeout';
  if (isUnreached(status)) return 'unreachable';
  if (status < 300) return '2xx';
  if (status < 400) return '3xx';
  return status < 500 ? '4xx' : '5xx';
}
