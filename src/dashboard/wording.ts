import { DAY_MS } from '../domain/day.ts';
import type { AttemptTrigger, DeliveryReason, DeliveryStatus } from '../domain/delivery.ts';
import type { Plan } from '../domain/plan.ts';

/** Numbers, times and states as people read them. */

const numbers = new Intl.NumberFormat('en-US');
const compactNumbers = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** `12,345`, and from a hundred thousand on `123.5K`. */
export function count(value: number): string {
  return value < 100_000 ? numbers.format(value) : compactNumbers.format(value);
}

/** `1 delivery`, `2 deliveries`. */
export function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `123,456`: for what a person is about to do with so many. */
export function exactly(value: number): string {
  return numbers.format(value);
}

/** `123,456 deliveries`. */
export function exactlyCounted(value: number, one: string, many: string): string {
  return `${exactly(value)} ${value === 1 ? one : many}`;
}

/** A share, 0 to 1, as a percentage that says 100 % only where all of it is meant. */
export function percent(share: number | null): string {
  if (share === null) return '–';
  const rounded = Math.floor(share * 1_000) / 10;
  return `${Number.isInteger(rounded) ? rounded : rounded.toFixed(1)} %`;
}

/** How long something took: `38 ms`, `1.24 s`, `2 min 5 s`. */
export function took(durationMs: number | null): string {
  if (durationMs === null) return '–';
  if (durationMs < SECOND_MS) return `${Math.round(durationMs)} ms`;
  if (durationMs < MINUTE_MS) return `${(durationMs / SECOND_MS).toFixed(durationMs < 10 * SECOND_MS ? 2 : 1)} s`;
  return span(durationMs);
}

/**
 * What came of a delivery's last attempt, for a column as narrow as a status: `422`, `Timeout`, `Unreachable`, and `–` where none has ended. A
 * list has no errors: what got no answer took as long as an answer may take, or could not be sent.
 * @param timeoutMs how long an endpoint has to answer
 */
export function responseWords(
  { lastResponseStatus, lastDurationMs }: { lastResponseStatus: number | null; lastDurationMs: number | null },
  timeoutMs: number,
): string {
  if (lastResponseStatus !== null) return String(lastResponseStatus);
  if (lastDurationMs === null) return '–';
  return lastDurationMs >= timeoutMs ? 'Timeout' : 'Unreachable';
}

/** A span of time in its two largest units: `2 h 5 min`. */
export function span(durationMs: number): string {
  const units = [
    [DAY_MS, 'd'],
    [HOUR_MS, 'h'],
    [MINUTE_MS, 'min'],
    [SECOND_MS, 's'],
  ] as const;
  let left = Math.max(0, Math.round(durationMs / SECOND_MS) * SECOND_MS);
  const parts: string[] = [];
  for (const [unitMs, name] of units) {
    const whole = Math.floor(left / unitMs);
    left -= whole * unitMs;
    if (whole > 0) parts.push(`${whole} ${name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ') || 'a moment';
}

/** When something was or will be, seen from now: `just now`, `4 min ago`, `in 2 h 5 min`. */
export function relative(timeMs: number, nowMs: number): string {
  const apartMs = timeMs - nowMs;
  if (apartMs > 0) return apartMs < SECOND_MS ? 'now' : `in ${span(apartMs)}`;
  if (-apartMs < 5 * SECOND_MS) return 'just now';
  // One unit is enough of the past.
  return `${span(-apartMs).split(' ').slice(0, 2).join(' ')} ago`;
}

/** `25 Nov 2026, 14:05:09 UTC`: what is read without the script that writes the reader's own time. */
export function utcTime(iso: string): string {
  const date = new Date(iso);
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
  return `${day}, ${date.toISOString().slice(11, 19)} UTC`;
}

export const STATUS_WORDS: Record<DeliveryStatus, string> = {
  pending: 'Pending',
  retrying: 'Retrying',
  delivered: 'Delivered',
  failed: 'Failed',
  discarded: 'Discarded',
};

export const REASON_WORDS: Record<DeliveryReason, string> = {
  attempts_exhausted: 'Every attempt of its schedule failed.',
  endpoint_gone: 'The endpoint answered 410 Gone: it wants no more deliveries.',
  expired: 'It could not be delivered within 3 days, or within a day more than its own retries take.',
  test_failed: 'A test event is sent once and not retried.',
  webhook_disabled: 'It fell due while the webhook was paused or disabled.',
  plan_not_eligible: 'It fell due while the plan did not include webhooks.',
  outbox_full: 'Too many deliveries were waiting already, so it was not taken. Its payload was not kept.',
  not_rendered: 'What is to be sent could not be made of it, so nothing was sent.',
  canceled: 'It was canceled while it waited.',
  person_erased: 'The person that it was about was erased while it waited. What it carried is gone.',
};

export const TRIGGER_WORDS: Record<AttemptTrigger, string> = {
  event: 'First attempt',
  schedule: 'Retry by schedule',
  manual: 'Retried by hand',
  recovery: 'Recovery',
  test: 'Test event',
  probe: 'Sent to see whether the endpoint works',
};

export const PLAN_WORDS: Record<Plan, string> = {
  free_trial: 'Free trial',
  starter: 'Starter',
  growth: 'Growth',
  scale: 'Scale',
  expansion: 'Expansion',
  enterprise: 'Enterprise',
};
