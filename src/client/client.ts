import { ApiError, errorOf } from './api-error.ts';
import { OPERATIONS, type Operations } from './generated/api.ts';
import { type Sent, withRetries } from './retries.ts';

export { ApiError } from './api-error.ts';
export type * from './generated/api.ts';

export interface ClientOptions {
  /** Sent as `X-API-Key`. */
  apiKey: string;
  /** Where the service is: `https://webhooks.example.com`. */
  baseUrl: string | URL;
  /** In the place of the platform's own. */
  fetch?: typeof fetch;
  /** How often a call that may be repeated is, after its first try. 3 where nothing is said. */
  retries?: number;
  /** How long one try may take, milliseconds. 30,000 where nothing is said. */
  timeoutMs?: number;
}

export interface CallOptions {
  /** Ends the call, its waits between two tries included. */
  signal?: AbortSignal;
}

type Call<Input, Output> =
  Record<never, never> extends Input
    ? (input?: Input, options?: CallOptions) => Promise<Output>
    : (input: Input, options?: CallOptions) => Promise<Output>;

/**
 * A method for each route, by its operation id. What stands in the path and in the query are fields of the input, beside `body`; an `organizationId` that is
 * left out is the key's own.
 */
export type Client = { readonly [Name in keyof Operations]: Call<Operations[Name]['input'], Operations[Name]['output']> };

interface Input {
  body?: unknown;
  idempotencyKey?: string;
  [parameter: string]: unknown;
}

const TIMEOUT_MS = 30_000;
const RETRIES = 3;
const UTF8_JSON = { 'Content-Type': 'application/json' };

/**
 * A client of the API. Each call answers with the body of the success, and throws an ApiError with a `code` for everything else. Calls that change nothing
 * more when they are repeated are tried again after faults of the network and 502 to 504, all calls after 429, and none sooner than `Retry-After` says.
 * Events are posted with an `Idempotency-Key`, the same for each try.
 */
export function createClient(options: ClientOptions): Client {
  const { apiKey, baseUrl } = options;
  if (!apiKey) throw new TypeError('apiKey is needed');
  const base = new URL(baseUrl).href.replace(/\/$/, '');
  let organization: Promise<string> | undefined;

  const ownOrganization = async (): Promise<string> => {
    const { organizationId } = await client.getKey();
    if (organizationId) return organizationId;
    throw new ApiError({
      code: 'organization_required',
      message: 'This key is of no organization: say which one is meant with `organizationId`.',
    });
  };
  const call = async (name: keyof Operations, input: Input = {}, { signal }: CallOptions = {}): Promise<unknown> => {
    const [method, path] = OPERATIONS[name];
    const values = { ...input };
    if (path.includes('{organizationId}') && values.organizationId === undefined) {
      organization ??= ownOrganization();
      // One that failed is asked for again.
      organization.catch(() => (organization = undefined));
      values.organizationId = await organization;
    }
    const { headers, body } = contentOf(name, values);
    const request = { method, headers: { 'X-API-Key': apiKey, Accept: 'application/json', ...headers }, body };
    const mayRepeat = method !== 'POST' || 'Idempotency-Key' in headers;
    return await withRetries({ retries: options.retries ?? RETRIES, mayRepeat, signal }, () =>
      send(`${base}${addressOf(path, values)}`, request, options, signal),
    );
  };

  const names = Object.keys(OPERATIONS) as (keyof Operations)[];
  const client = Object.fromEntries(
    names.map((name) => [name, (input?: Input, given?: CallOptions) => call(name, input, given)]),
  ) as unknown as Client;
  return client;
}

async function send(
  url: string,
  request: RequestInit,
  { fetch: own, timeoutMs = TIMEOUT_MS }: ClientOptions,
  signal?: AbortSignal,
): Promise<Sent> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const fetched = own ?? globalThis.fetch;
  try {
    const response = await fetched(url, { ...request, redirect: 'manual', signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    const text = await response.text();
    if (!response.ok) return { error: errorOf(response, text) };
    if (text === '') return { value: undefined };
    return { value: response.headers.get('Content-Type')?.startsWith('application/json') ? JSON.parse(text) : text };
  } catch (cause) {
    signal?.throwIfAborted();
    const [code, why] = timeout.aborted ? ['timeout', `no answer within ${timeoutMs} ms`] : ['network_error', reasonOf(cause)];
    return { error: new ApiError({ code, message: `${request.method} ${new URL(url).origin}: ${why}` }, { cause }) };
  }
}

/** What the runtime says of a fault of the network; Node says it in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { message?: string; code?: string } };
  return cause?.message || cause?.code || (error instanceof Error ? error.message : String(error));
}

function contentOf(
  name: keyof Operations,
  { body, idempotencyKey }: Input,
): { headers: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } {
  const key: Record<string, string> = name === 'postEvents' ? { 'Idempotency-Key': idempotencyKey ?? crypto.randomUUID() } : {};
  if (body === undefined) return { headers: key };
  const isWritten = name === 'postEvents' && (typeof body === 'string' || body instanceof Uint8Array);
  return { headers: { ...key, ...UTF8_JSON }, body: isWritten ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body) };
}

/** A path with its placeholders filled in; all other values are its query. */
function addressOf(path: string, { body: _, idempotencyKey: __, ...values }: Input): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && !path.includes(`{${name}}`)) query.append(name, String(value));
  }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_place, name: string) => {
    const value = values[name];
    if (value === undefined || value === '') throw new TypeError(`${name} is needed`);
    return encodeURIComponent(String(value));
  });
  return query.size > 0 ? `${filled}?${query}` : filled;
}
