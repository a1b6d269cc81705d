import { OpenAPIHono } from '@hono/zod-openapi';
import { TIME_FORMS } from '../../domain/text/iso-time.ts';
import { VERSION } from '../../version.ts';
import { ERROR_STATUSES, type ErrorCode, errorBody } from '../errors.ts';
import { errorCodesOf, type Route } from '../route.ts';
import { z } from '../zod.ts';
import { ERROR_EXAMPLES } from './error-examples.ts';
import { describeWebhooks, RECEIVED_TAG } from './openapi-webhooks.ts';
import trueExamples from './true-examples.json' with { type: 'json' };

const SECURITY_SCHEME = 'apiKey';

const INTRODUCTION = `Signed, retried, isolated webhook delivery.

Every route except the public ones needs an API key in \`X-API-Key\`: an organization's (\`bsk_live_…\`, which opens only that
organization), a producer's (\`bsk_ingest_…\`, which posts events), a monitor's (\`bsk_metrics_…\`,
which reads metrics), or the platform's. An organization's key may make 1,000 requests a minute, and all of
its keys together 10,000. A key may make or change webhooks, keys and sign-in links 250 times a minute, and an organization 500 times.

Errors are \`{ code, message, details }\`: let your program look at \`code\`. Times in answers are ISO 8601 in UTC. A time in a request is
${TIME_FORMS}.

\`POST /api/v1/events\` takes an \`Idempotency-Key\`. Every other POST refuses one with 422, since it would do its work again.

Bodies are \`application/json\` in UTF-8, uncompressed (otherwise 415); a byte order mark is ignored. A field or a query parameter that a route does not
know, or a parameter that comes twice, is 422. Another method is 405 with \`Allow\`. HEAD works for every GET. There is no CORS: keys are not for
browsers.`;

const integer = (description: string) => ({ description, schema: { type: 'integer' as const } });

/** On answers to organization keys. */
const rateLimitHeaders = {
  'X-RateLimit-Limit': integer('Requests an organization key may make in a minute.'),
  'X-RateLimit-Remaining': integer('Requests it has left in this window.'),
  'X-RateLimit-Reset': integer('When the window ends, Unix seconds.'),
};

const retryAfterHeader = { 'Retry-After': integer('Seconds to wait before the next try.') };

/** The OpenAPI 3.1 document of some routes, made of the declarations that register them. */
export function describeApi(routes: readonly Route[]): object {
  // Only its registry and generator are used: our own registration validates, so that every error has the one shape.
  const described = new OpenAPIHono();
  const { name } = described.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
  });
  described.openAPIRegistry.register('Error', errorBody);
  for (const declared of routes) {
    const { method, path, operationId, summary, description, tag, access } = declared;
    described.openAPIRegistry.registerPath({
      method,
      path,
      operationId,
      summary,
      description: [description, access === 'public' ? '' : `Access: ${access}.`].filter(Boolean).join('\n\n'),
      tags: [tag],
      security: access === 'public' ? [] : [{ [name]: [] }],
      // The reference shows the operator's routes on a page of their own (docs/reference-start.js).
      ...((access === 'platform' || access === 'metrics') && { 'x-audience': 'operator' }),
      request: requestOf(declared),
      responses: responsesOf(declared),
    });
  }
  describeWebhooks(described.openAPIRegistry);
  return described.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Bullseye Webhooks', version: VERSION, description: INTRODUCTION, license: { name: 'MIT' } },
    servers: [{ url: '/' }],
    tags: [...new Set([...routes.map(({ tag }) => tag), RECEIVED_TAG])].map((tag) => ({ name: tag })),
  });
}

/** What a real Worker was asked and has answered, by operation (test/e2e/true-examples.test.ts writes the file). */
interface Recorded {
  request?: unknown;
  answer?: unknown;
  other?: unknown;
  errors?: Record<string, { message: string; details: unknown }>;
}

function recordedOf({ operationId }: Route): Recorded {
  return (trueExamples as Record<string, Recorded>)[operationId] ?? {};
}

function requestOf(declared: Route) {
  const { params, query, headers, body, bodyOptional, rawBody, streamedBody } = declared;
  if (streamedBody) {
    const schema = z.string().openapi({ description: streamedBody.description });
    return { params, query, headers, body: { required: true, content: { [streamedBody.contentType]: { schema } } } };
  }
  const schema = body ?? rawBody?.schema;
  const { request } = recordedOf(declared);
  const examples = declared.examples ?? (request === undefined ? undefined : { 'As it was sent': request });
  const shown =
    examples && Object.fromEntries(Object.entries(examples).map(([summary, value], at) => [`example${at + 1}`, { summary, value }]));
  const content = { 'application/json': { schema, ...(shown && { examples: shown }) } };
  return { params, query, headers, ...(schema && { body: { required: !bodyOptional, content } }) };
}

function responsesOf(declared: Route) {
  const { status, description, schema, contentType = 'application/json', other } = declared.success;
  const headers = declared.access === 'public' ? undefined : rateLimitHeaders;
  const recorded = recordedOf(declared);
  const types = [contentType].flat();
  // One example of a route that answers in several forms: JSON, or text of another kind.
  const isOf = (type: string, example: unknown) => types.length === 1 || type.includes('json') === (typeof example !== 'string');
  const contentWith = (example: unknown) =>
    schema && Object.fromEntries(types.map((type) => [type, { schema, ...(example !== undefined && isOf(type, example) && { example }) }]));
  const errors = Map.groupBy(errorCodesOf(declared), (code) => ERROR_STATUSES[code]);
  return {
    [status]: { description, headers, content: contentWith(recorded.answer) },
    ...(other && { [other.status]: { description: other.description, headers, content: contentWith(recorded.other) } }),
    ...Object.fromEntries([...errors].map(([errorStatus, codes]) => [errorStatus, errorResponseOf(errorStatus, codes, recorded)])),
  };
}

function errorResponseOf(status: number, codes: readonly ErrorCode[], { errors = {} }: Recorded) {
  const exampleOf = (code: ErrorCode) => ({ value: { code, ...(errors[code] ?? ERROR_EXAMPLES[code]) } });
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers: status === 429 || status === 503 ? retryAfterHeader : undefined,
    content: { 'application/json': { schema: errorBody, examples: Object.fromEntries(codes.map((code) => [code, exampleOf(code)])) } },
  };
}
