import type { Context, Hono } from 'hono';
import { type Database, databaseOf } from '../db/client.ts';
import type { AuditAction, AuditChanges, AuditEntry, AuditTarget } from '../domain/access/audit-log.ts';
import { networkOf } from '../domain/access/client-address.ts';
import { mintId } from '../domain/ids.ts';
import { fieldAt } from '../domain/issue.ts';
import { illFormedPlace } from '../domain/text/well-formed.ts';
import { type Settings, settingsOf } from '../settings.ts';
import { type Access, actorOf, authenticate, authorize, type Caller } from './access/auth.ts';
import { countRequest, countsOfKey, countsOfWrite, RateLimited, requireCount } from './access/rate-limit.ts';
import type { RateLimitState } from './access/rate-limiter.ts';
import { readBody, readJson, requireContent } from './body.ts';
import { type ErrorCode, type Issue, invalid } from './errors.ts';
import type { z } from './zod.ts';

/** What Hono keeps of a request. */
export interface ApiEnv {
  Bindings: Env;
  Variables: { requestId: string; rateLimit?: RateLimitState; strictTransport?: string };
}

/** A request as a handler gets it: authenticated, authorized and validated. */
export interface ApiRequest<P, Q, H, B> {
  params: P;
  query: Q;
  headers: H;
  body: B;
  /** The body's bytes; none where a page calls the handler. */
  bytes: Uint8Array;
  /** The body as it comes, of a route with a `streamedBody`. */
  stream: ReadableStream<Uint8Array> | null;
  caller: Caller;
  /** The network it comes from (domain/access/client-address.ts); null where that is nobody's. */
  network: string | null;
  env: Env;
  settings: Settings;
  db: Database;
  url: URL;
  nowMs: number;
  /** An entry of the organization's audit log that tells of what this request does. */
  entry(action: AuditAction, target: AuditTarget, changes?: AuditChanges): AuditEntry;
  /** Lets work go on after the answer. */
  waitUntil(promise: Promise<unknown>): void;
}

type Nothing = z.ZodObject<Record<never, never>>;

/** One route: what registers it, what guards it, and what describes it in /openapi.json. */
export interface RouteDeclaration<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  H extends z.ZodObject,
  B extends z.ZodType,
  S extends z.ZodType,
> {
  method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/api/v1/organization/{organizationId}`. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  tag: string;
  access: Access;
  /** Whether it adds to the database that all organizations share, or changes it: an organization does so a limited number of times a minute. */
  writes?: boolean;
  params?: P;
  query?: Q;
  /** Request headers by their names; validated like everything else. */
  headers?: H;
  /** A JSON body of at most MAX_CONFIG_BODY_BYTES, if nothing else is said. */
  body?: B;
  maxBodyBytes?: number;
  /** Bodies as clients send them, by what they are for. */
  examples?: Readonly<Record<string, unknown>>;
  /** Whether an absent body counts as `{}`. */
  bodyOptional?: boolean;
  /** A JSON body that the handler reads itself, byte for byte; the schema only describes it. */
  rawBody?: { schema: z.ZodType; maxBytes: number };
  /** A body too large to be held whole, which the handler reads, and bounds, as it comes. */
  streamedBody?: { contentType: string; description: string };
  success: {
    status: 200 | 201 | 202 | 204;
    description: string;
    schema?: S;
    /** Several, where the request chooses. */
    contentType?: string | readonly string[];
    /** What else is a success, where the handler can also answer with OtherSuccess. */
    other?: { status: 200 | 201; description: string };
  };
  /** Beyond those that its access, parameters and body bring with them. */
  errors?: readonly ErrorCode[];
  /** The body of the success; or a whole Response, where that is not JSON. */
  handler(
    request: ApiRequest<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>,
  ): Promise<z.input<S> | OtherSuccess<z.input<S>> | Response> | z.input<S> | Response;
}

/** The other success of a route: of a PUT to which nothing was there before, or of what is only counted. */
export class OtherSuccess<T> {
  readonly body: T;

  constructor(body: T) {
    this.body = body;
  }
}

/** A route whose own types no longer matter to those who hold it. */
export type Route = Omit<RouteDeclaration<z.ZodObject, z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>, 'handler'> & {
  // biome-ignore lint/suspicious/noExplicitAny: each handler takes what its own schemas make.
  handler(request: ApiRequest<any, any, any, any>): unknown;
};

/** A route whose types still matter: to a page, which calls it without HTTP (see `perform`). */
export type TypedRoute<P, Q, B, S> = Route & {
  /** For the compiler alone; there is no such value. */
  readonly types?: { params: P; query: Q; body: B; success: S };
};

/** Declares a route; the handler's types follow from the schemas. */
export function route<
  P extends z.ZodObject = Nothing,
  Q extends z.ZodObject = Nothing,
  H extends z.ZodObject = Nothing,
  B extends z.ZodType = z.ZodUndefined,
  S extends z.ZodType = z.ZodVoid,
>(declaration: RouteDeclaration<P, Q, H, B, S>): TypedRoute<z.input<P>, z.input<Q>, z.input<B>, z.input<S>> {
  // Its handler takes only what its own schemas make, which those who hold a Route cannot tell: see there.
  return declaration as unknown as Route;
}

/** Registers routes with Hono, in their order. A path that another one's placeholder could stand for takes its own methods alone. */
export function register(app: Hono<ApiEnv>, routes: readonly Route[]): void {
  for (const [path, declared] of Map.groupBy(routes, (each) => each.path)) {
    if (!routes.some((other) => covers(other.path, path))) continue;
    const methods = declared.map(({ method }) => method.toUpperCase());
    app.use(honoPath(path), async (c, next) => {
      const { method } = c.req;
      return methods.includes(method === 'HEAD' ? 'GET' : method) ? await next() : c.notFound();
    });
  }
  for (const declared of routes) app.on(declared.method.toUpperCase(), honoPath(declared.path), (c) => answer(declared, c));
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** Whether a path with placeholders is also one for another path. */
function covers(path: string, other: string): boolean {
  const [steps, others] = [path.split('/'), other.split('/')];
  return path !== other && steps.length === others.length && steps.every((step, at) => step === others[at] || step.startsWith('{'));
}

/** Who makes a request, and what it runs in. */
export type Surroundings = Pick<ApiRequest<never, never, never, never>, 'caller' | 'network' | 'env' | 'url' | 'nowMs' | 'waitUntil'>;

/** Who asks, whether they may, how often; then what they ask; then the handler. */
async function answer(declared: Route, c: Context<ApiEnv>): Promise<Response> {
  const { caller, network, nowMs, waitUntil } = await admit(declared, c);
  refuseIdempotencyKey(declared, c);
  const url = new URL(c.req.url);
  const inputs = { ...readRequest(declared, c, url), ...(await readBodyOf(declared, c.req.raw)) };
  const result = await handle(declared, inputs, { caller, env: c.env, url, nowMs, network, waitUntil });
  if (result instanceof Response) return result;
  if (result instanceof OtherSuccess) return Response.json(result.body, { status: declared.success.other?.status });
  const { status } = declared.success;
  return status === 204 ? new Response(null, { status }) : Response.json(result, { status });
}

/**
 * Does what a request to a route would do, without HTTP: the caller is authorized, the inputs are validated, and refusals are
 * the same ApiErrors. For the dashboard: what its pages can do is what the API can.
 * @param inputs as a client would send them
 */
export async function perform<P, Q, B, S>(
  declared: TypedRoute<P, Q, B, S>,
  inputs: { params: P; query?: Q; body?: B },
  surroundings: Surroundings,
): Promise<S> {
  const { organizationId } = inputs.params as { organizationId?: string };
  authorize(surroundings.caller, declared.access, organizationId);
  const checked = {
    params: declared.params ? check(declared.params, inputs.params) : {},
    query: declared.query ? check(declared.query, inputs.query ?? {}) : {},
    headers: {},
    body: declared.body ? check(declared.body, inputs.body ?? {}) : undefined,
    bytes: new Uint8Array(),
    stream: null,
  };
  const result = await handle(declared, checked, surroundings);
  return (result instanceof OtherSuccess ? result.body : result) as S;
}

type Inputs = Record<'params' | 'query' | 'headers' | 'body', unknown> & Pick<ApiRequest<never, never, never, never>, 'bytes' | 'stream'>;

async function handle(declared: Route, inputs: Inputs, surroundings: Surroundings): Promise<unknown> {
  const { env, caller, nowMs } = surroundings;
  if (declared.writes && caller.kind === 'organization') await requireCount(env, caller.organizationId, countsOfWrite(caller.keyId), nowMs);
  const { organizationId } = inputs.params as { organizationId?: string };
  const entry = (action: AuditAction, target: AuditTarget, changes: AuditChanges = {}): AuditEntry => {
    if (organizationId === undefined) throw new Error("an audit log is an organization's");
    const id = mintId('auditEntry', nowMs);
    return { id, organizationId, at: nowMs, actor: actorOf(caller), network: surroundings.network, action, target, changes };
  };
  return await declared.handler({ ...inputs, ...surroundings, entry, settings: settingsOf(env), db: databaseOf(env.DB) });
}

type Admitted = Pick<Surroundings, 'caller' | 'network' | 'nowMs' | 'waitUntil'> & { db: Database };

/** Lets a request in where its key may use a route and has not been used too often; else it throws the refusal. */
export async function admit({ access }: Pick<Route, 'access'>, c: Context<ApiEnv>): Promise<Admitted> {
  const nowMs = Date.now();
  const network = networkOf(c.req.raw.headers);
  const waitUntil = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise);
  const admitted = { network, nowMs, waitUntil, db: databaseOf(c.env.DB) };
  if (access === 'public') return { ...admitted, caller: { kind: 'anonymous' } };
  const caller = await authenticate(c.req.header('X-API-Key'), { env: c.env, nowMs, network, waitUntil });
  if (caller.kind === 'organization') {
    const state = await countRequest(c.env, caller.organizationId, countsOfKey(caller.keyId));
    if (state) c.set('rateLimit', state);
    if (state && !state.allowed) throw new RateLimited(state, nowMs);
  }
  authorize(caller, access, c.req.param('organizationId'));
  return { ...admitted, caller };
}

/** A POST that would be done again by its repetition says so, rather than take a key that it would not look at. */
function refuseIdempotencyKey({ method, headers }: Route, c: Context<ApiEnv>): void {
  const name = 'Idempotency-Key';
  if (method !== 'post' || headers?.shape[name] || c.req.header(name) === undefined) return;
  throw invalid([
    { field: name, message: 'Only `POST /api/v1/events` takes an `Idempotency-Key`: this request would be done again by its repetition.' },
  ]);
}

function readRequest(declared: Route, c: Context<ApiEnv>, url: URL) {
  const names = Object.keys(declared.headers?.shape ?? {});
  return {
    params: declared.params ? check(declared.params, c.req.param()) : {},
    query: readQuery(declared, url.searchParams),
    headers: declared.headers ? check(declared.headers, Object.fromEntries(names.map((name) => [name, c.req.header(name)]))) : {},
  };
}

async function readBodyOf(
  { body, bodyOptional, maxBodyBytes, rawBody, streamedBody }: Route,
  request: Request,
): Promise<Pick<Inputs, 'body' | 'bytes' | 'stream'>> {
  const none = { body: undefined, bytes: new Uint8Array(), stream: null };
  if (body) {
    const { value, bytes } = await readJson(request, { optional: bodyOptional, maxBytes: maxBodyBytes });
    return { ...none, body: check(body, value), bytes };
  }
  if (streamedBody) {
    requireContent(request, streamedBody.contentType);
    return { ...none, stream: request.body };
  }
  if (!rawBody) return none;
  requireContent(request);
  return { ...none, bytes: await readBody(request, rawBody.maxBytes) };
}

/**
 * The parameters of a query: those that the route declares, once each. A mistyped filter that is passed over answers another question. To
 * public routes, which take none, monitors and caches add their own.
 */
function readQuery({ access, query }: Route, given: URLSearchParams): unknown {
  if (access === 'public') return {};
  const known = Object.keys(query?.shape ?? {});
  const values = new Map<string, string>();
  const issues: Issue[] = [];
  for (const [field, value] of given) {
    if (!known.includes(field)) issues.push({ field, message: unknownParameter(field, known) });
    else if (values.has(field)) issues.push({ field, message: `\`${field}\` is there more than once.` });
    values.set(field, value);
  }
  if (issues.length > 0) throw invalid(issues);
  return query ? check(query, Object.fromEntries(values)) : {};
}

function unknownParameter(name: string, known: readonly string[]): string {
  const taken = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
  return `\`${name}\` is not a parameter of this route: ${taken}.`;
}

/** The value as the schema makes it, or a 422 that names its fields. */
function check(schema: z.ZodType, value: unknown): unknown {
  const illFormed = illFormedPlace(value);
  if (illFormed) throw invalid([{ field: fieldAt(illFormed), message: 'This is not well-formed Unicode.' }]);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap(toIssues));
}

function toIssues(issue: z.core.$ZodIssue): Issue[] {
  // What the domain reads itself names a place in a list with its brackets: `fields` and `[1]`.
  if (issue.code !== 'unrecognized_keys') return [{ field: fieldAt(issue.path), message: issue.message }];
  const fields = issue.keys.map((key) => fieldAt([...issue.path, key]));
  return fields.map((field) => ({ field, message: `\`${field}\` is not a field of this request` }));
}

/** Every error code a route can answer with, those of its access and its inputs included. */
export function errorCodesOf(declared: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>(declared.errors ?? []);
  const add = (...more: ErrorCode[]) => {
    for (const code of more) codes.add(code);
  };
  // Off loopback alone (off-loopback.ts).
  add('insecure_deployment');
  if (declared.access !== 'public') {
    add('https_required', 'validation_failed');
    add('missing_api_key', 'invalid_api_key', 'rate_limited', 'internal_error', 'configuration_unavailable');
    if (declared.access !== 'any') add('insufficient_scope');
    if (['platform', 'ingest', 'metrics'].includes(declared.access)) add('platform_key_required');
    if (declared.path.includes('{')) add('not_found');
  }
  if (declared.body || declared.rawBody || declared.streamedBody) {
    add('malformed_json', 'unsupported_content_type', 'unsupported_content_encoding', 'payload_too_large');
  }
  return [...codes];
}
