import { env, exports } from 'cloudflare:workers';
import type { Plan } from '../../src/domain/plan.ts';

export const PLATFORM_KEY = 'bsk_platform_of_the_tests';
export const ORIGIN = 'http://localhost';

/** Secrets that are good enough for a deployment, which those of the tests are not: for requests to other hosts than ORIGIN's. */
export const DEPLOYED = { PLATFORM_API_KEY: `${PLATFORM_KEY}_deployed`, MASTER_KEY: 'master-key-of-a-deployment-of-the-tests' } as const;

/** An answer, with its body read. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

export interface Call {
  key?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  raw?: BodyInit;
}

/** One request to the Worker; paths that do not start at the root's own pages stand under /api/v1. */
export async function call(method: string, path: string, { key, headers = {}, json, raw }: Call = {}): Promise<Answer> {
  // As bytes: with a string the request would say it is text/plain.
  const text = json === undefined ? raw : JSON.stringify(json);
  const body = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const type = json === undefined ? undefined : { 'Content-Type': 'application/json' };
  const sent = { ...type, ...(key && { 'X-API-Key': key }), ...headers };
  const request = new Request(`${ORIGIN}${path}`, { method, body, headers: sent, redirect: 'manual' });
  return await read(await exports.default.fetch(request));
}

export async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}

/** Calls under /api/v1 with one key. */
export function client(key: string | undefined) {
  const at = (method: string) => (path: string, json?: unknown) => call(method, `/api/v1${path}`, { key, json });
  return { get: at('GET'), put: at('PUT'), post: at('POST'), patch: at('PATCH'), delete: at('DELETE') };
}

export type Client = ReturnType<typeof client>;

export const platform = client(PLATFORM_KEY);

/** An organization with an admin key of its own, ready to use. */
export interface TestOrganization {
  id: string;
  path: string;
  admin: Client;
  key: string;
}

let organizations = 0;

export async function createOrganization(plan: Plan = 'scale'): Promise<TestOrganization> {
  const id = `org_${++organizations}_${crypto.randomUUID().slice(0, 8)}`;
  const path = `/organization/${id}`;
  await expectStatus(platform.put(path, { name: 'Test organization', plan }), 201);
  const key = await createKey(id, ['admin']);
  return { id, path, admin: client(key), key };
}

/** Mints an organization key and answers with it. */
export async function createKey(organizationId: string, scopes: string[]): Promise<string> {
  const { body } = await expectStatus(platform.post(`/organization/${organizationId}/api-keys`, { name: scopes.join(' '), scopes }), 201);
  return body.plainKey;
}

/** Mints a producer's key and answers with it. */
export async function createProducerKey(): Promise<string> {
  return (await expectStatus(platform.post('/platform/keys', { name: 'producer' }), 201)).body.plainKey;
}

/** Creates a webhook and answers with it. */
export async function createWebhook(organization: TestOrganization, input: Record<string, unknown> = {}) {
  const json = { url: 'https://hooks.example.com/in', events: ['visitor.identified'], ...input };
  return (await expectStatus(organization.admin.post(`${organization.path}/webhooks`, json), 201)).body;
}

/** The answer, or an error that shows it where its status is another. */
export async function expectStatus(answering: Promise<Answer>, status: number): Promise<Answer> {
  const answer = await answering;
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}

/** Waits for what `waitUntil` left to do, as long as it takes within the test's own limit. */
export async function eventually<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export { env };
