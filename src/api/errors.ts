import { isDatabaseFailure, withoutParameters } from '../db/client.ts';
import { type Issue, MAX_ISSUES } from '../domain/issue.ts';
import { logError } from '../log.ts';
import { z } from './zod.ts';

export type { Issue };

/** Every error code of the API with its status. A code keeps its meaning for good: clients branch on it. */
export const ERROR_STATUSES = {
  malformed_json: 400,
  missing_api_key: 401,
  invalid_api_key: 401,
  https_required: 403,
  insufficient_scope: 403,
  platform_key_required: 403,
  plan_upgrade_required: 403,
  webhook_quota_reached: 403,
  fresh_sign_in_required: 403,
  not_found: 404,
  method_not_allowed: 405,
  webhook_limit_reached: 409,
  api_key_limit_reached: 409,
  built_in_event_type: 409,
  message_unreadable: 409,
  attempt_in_progress: 409,
  attempt_limit_reached: 409,
  rotation_in_progress: 409,
  delivery_not_finished: 409,
  delivery_finished: 409,
  payload_erased: 409,
  webhook_disabled: 409,
  email_not_available: 409,
  import_conflict: 409,
  payload_too_large: 413,
  unsupported_content_type: 415,
  unsupported_content_encoding: 415,
  validation_failed: 422,
  unknown_event_type: 422,
  rate_limited: 429,
  internal_error: 500,
  insecure_deployment: 503,
  queue_unavailable: 503,
  configuration_unavailable: 503,
  outbox_unavailable: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUSES;

/** When to come back after a 503, in seconds: outages of D1 and Queues last seconds to a minute. */
const RETRY_AFTER_SECONDS = 5;

/** Longest text of an issue, in characters. */
const MAX_TEXT_LENGTH = 500;

/** The body of every error. `details` is empty where there is nothing to add. */
export const errorBody = z
  .object({
    code: z.enum(Object.keys(ERROR_STATUSES) as [ErrorCode, ...ErrorCode[]]),
    message: z.string().openapi({ description: 'For people; it can change.' }),
    details: z.record(z.string(), z.unknown()).openapi({
      description:
        'More about it, by code: `field` and `issues` name what is wrong with a request, `line` and `column` where in a template.',
    }),
  })
  .openapi('Error');

/** An expected refusal, as the client gets it. Everything else that is thrown is a bug. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, retryAfterSeconds: number | null = null) {
    super(message);
    this.code = code;
    this.details = details;
    this.retryAfterSeconds = ERROR_STATUSES[code] === 503 ? RETRY_AFTER_SECONDS : retryAfterSeconds;
  }

  get status(): (typeof ERROR_STATUSES)[ErrorCode] {
    return ERROR_STATUSES[this.code];
  }
}

/** A 404 that says the same whether a thing does not exist or belongs to somebody else. */
export function notFound(what: string): ApiError {
  return new ApiError('not_found', `There is no such ${what}.`);
}

/** A 422 that names the first wrong field, and lists the first MAX_ISSUES. */
export function invalid(issues: readonly Issue[], code: ErrorCode = 'validation_failed'): ApiError {
  const [first = { field: '', message: 'The request is not valid.' }] = issues;
  const place = first.index === undefined ? '' : `Event ${first.index}: `;
  const message = `${place}${first.field && !first.message.includes(first.field) ? `${first.field}: ` : ''}${first.message}`;
  return refusal(code, message, issues);
}

/** An error whose details name the first wrong field at the top, and list the first MAX_ISSUES. */
export function refusal(code: ErrorCode, message: string, issues: readonly Issue[]): ApiError {
  const told = issues.slice(0, MAX_ISSUES).map((issue) => ({ ...issue, field: cut(issue.field), message: cut(issue.message) }));
  const [first] = told;
  if (!first) return new ApiError(code, cut(message));
  const where = first.index === undefined ? { field: first.field } : { field: first.field, index: first.index };
  return new ApiError(code, cut(message), { ...where, issues: told });
}

/** A name that is not known is the client's own, and can be as long as its body. */
function cut(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH).toWellFormed()}…` : text;
}

/** What the client is told of anything thrown. What it is not told (a bug, an outage's cause) is logged. */
export function toApiError(error: unknown, requestId: string, where: { method: string; path: string }): ApiError {
  if (error instanceof ApiError) return error;
  if (isDatabaseFailure(error)) {
    logError('api.configuration_unavailable', withoutParameters(error), { requestId, ...where });
    return new ApiError('configuration_unavailable', 'The configuration cannot be reached right now. Please try again shortly.');
  }
  logError('api.internal_error', withoutParameters(error), { requestId, ...where });
  return new ApiError('internal_error', 'Something went wrong on our side. Please quote the request id.', { requestId });
}

/** The headers that an error has, whatever its body: when to come back, and what would have been taken. */
export function errorHeaders(error: ApiError): Headers {
  const headers = new Headers();
  if (error.retryAfterSeconds !== null) headers.set('Retry-After', String(error.retryAfterSeconds));
  if (error.status === 401) headers.set('WWW-Authenticate', 'ApiKey header="X-API-Key"');
  if (error.code === 'method_not_allowed') headers.set('Allow', [error.details.allowed].flat().join(', '));
  if (error.code === 'unsupported_content_type') headers.set('Accept', String(error.details.accepted));
  if (error.code === 'unsupported_content_encoding') headers.set('Accept-Encoding', 'identity');
  return headers;
}

/** The answer of an error, in the documented shape. */
export function errorResponse(error: ApiError): Response {
  const { code, message, details } = error;
  return Response.json({ code, message, details }, { status: error.status, headers: errorHeaders(error) });
}
