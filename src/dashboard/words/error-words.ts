import type { ApiError, ErrorCode } from '../../api/errors.ts';
import { span } from '../parts/wording.ts';
import { t } from './words.tsx';

/** Refusals that people meet on the pages, and that have a text there. What else is refused is said in the API's own words, in English. */
const CODES = [
  'not_found',
  'missing_api_key',
  'invalid_api_key',
  'plan_upgrade_required',
  'webhook_quota_reached',
  'webhook_limit_reached',
  'attempt_in_progress',
  'attempt_limit_reached',
  'delivery_finished',
  'delivery_not_finished',
  'payload_erased',
  'webhook_disabled',
  'email_not_available',
  'unknown_event_type',
  'payload_too_large',
  'internal_error',
  'configuration_unavailable',
  'outbox_unavailable',
] as const satisfies readonly ErrorCode[];

/** What a person is told of a refusal, in the language of the page. */
export function errorText(error: ApiError): string {
  if (error.code === 'rate_limited') return t('errors.code.rate_limited', { wait: span((error.retryAfterSeconds ?? 60) * 1_000) });
  const code = CODES.find((each) => each === error.code);
  return code === undefined ? error.message : t(`errors.code.${code}`);
}
