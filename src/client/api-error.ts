interface ErrorParts {
  code: string;
  message: string;
  details?: Record<string, unknown>;
  status?: number;
  requestId?: string | null;
  retryAfterSeconds?: number | null;
}

/** A call that did not succeed. Branch on `code`. */
export class ApiError extends Error {
  override name = 'ApiError';
  /**
   * Of the API, such as `not_found`, or of the client: `network_error`, `timeout`, `organization_required` (a key of no organization, and none was named), and
   * `unexpected_answer` for what is no answer of the API.
   */
  readonly code: string;
  /** More about it, by code: `field` and `issues` name what is wrong with a request. */
  readonly details: Record<string, unknown>;
  /** Of the answer; 0 where there was none. */
  readonly status: number;
  /** What the operator finds the call by. */
  readonly requestId: string | null;
  /** How long the service wants to be left alone; null: it did not say. */
  readonly retryAfterSeconds: number | null;

  constructor({ code, message, details = {}, status = 0, requestId = null, retryAfterSeconds = null }: ErrorParts, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
    this.status = status;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What an answer other than a success says. */
export function errorOf({ status, headers }: Response, text: string): ApiError {
  const retryAfter = headers.get('Retry-After') ?? '';
  const about = {
    status,
    requestId: headers.get('X-Request-Id'),
    retryAfterSeconds: /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : null,
  };
  const { code, message, details } = read(text);
  if (typeof code !== 'string' || typeof message !== 'string') {
    return new ApiError({ code: 'unexpected_answer', message: `The answer was ${status}, and is not one of the API.`, ...about });
  }
  return new ApiError({ code, message, details: details as Record<string, unknown> | undefined, ...about });
}

function read(text: string): { code?: unknown; message?: unknown; details?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
