import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, createClient } from '../../src/client/client.ts';

interface Called {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: unknown;
  atMs: number;
}

type Scripted = Response | Error | 'hangs';

const json = (value: unknown, status = 200, headers: Record<string, string> = {}) => Response.json(value, { status, headers });
const refused = (status: number, code: string, headers: Record<string, string> = {}) =>
  json({ code, message: 'No.', details: { field: 'x' } }, status, headers);

/** A client whose calls are answered as a script says, and what it called. */
function given(script: Scripted[], options: { retries?: number; timeoutMs?: number } = {}) {
  const calls: Called[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { method = '', headers, body, signal } = init;
    calls.push({ url: String(url), method, headers: headers as Record<string, string>, body, atMs: Date.now() });
    const next = script.shift() ?? json({});
    if (next === 'hangs') {
      // As `fetch` does.
      return await new Promise((_, reject) => {
        signal?.throwIfAborted();
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    }
    if (next instanceof Error) throw next;
    return next;
  };
  return {
    calls,
    client: createClient({
      apiKey: 'bsk_live_1',
      baseUrl: 'https://webhooks.example.com/base/',
      fetch: fetch as typeof globalThis.fetch,
      ...options,
    }),
  };
}

/** What a call ends with, all waits passed. */
async function ended<T>(call: Promise<T>): Promise<T | ApiError> {
  const settled = call.catch((error) => error);
  await vi.runAllTimersAsync();
  return await settled;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a call', () => {
  it('goes to its route, with its key, path, query and body', async () => {
    const { client, calls } = given([json({ data: [], nextCursor: null }), json({ id: 'whk_1' }, 201)]);
    await client.listDeliveries({ organizationId: 'org/a', webhookId: 'whk_1', status: 'failed', limit: 5 });
    await client.createWebhook({ organizationId: 'org_a', body: { url: 'https://hooks.example.com/', events: ['*'] } });
    expect(calls).toMatchObject([
      {
        method: 'GET',
        url: 'https://webhooks.example.com/base/api/v1/organization/org%2Fa/webhooks/whk_1/deliveries?status=failed&limit=5',
        body: undefined,
      },
      {
        method: 'POST',
        url: 'https://webhooks.example.com/base/api/v1/organization/org_a/webhooks',
        body: '{"url":"https://hooks.example.com/","events":["*"]}',
      },
    ]);
    expect(calls[1]?.headers).toMatchObject({ 'X-API-Key': 'bsk_live_1', 'Content-Type': 'application/json' });
  });

  it('answers with the body, with nothing for a 204, and with text that is no JSON', async () => {
    const { client } = given([
      json({ id: 'whk_1' }),
      new Response(null, { status: 204 }),
      new Response('Contact: x', { headers: { 'Content-Type': 'text/plain' } }),
    ]);
    expect(await client.getWebhook({ organizationId: 'o', webhookId: 'w' })).toEqual({ id: 'whk_1' });
    expect(await client.deleteWebhook({ organizationId: 'o', webhookId: 'w' })).toBeUndefined();
    expect(await client.getSecurityTxt()).toBe('Contact: x');
  });

  it('is of the key’s own organization where none is named, which is asked for once', async () => {
    const { client, calls } = given([json({ organizationId: 'org_own' })]);
    await client.listWebhooks();
    await client.listWebhooks({ include: 'activity' });
    expect(calls.map(({ url }) => new URL(url).pathname)).toEqual([
      '/base/api/v1/key',
      '/base/api/v1/organization/org_own/webhooks',
      '/base/api/v1/organization/org_own/webhooks',
    ]);
  });

  it('says that a key of no organization needs one named, and asks again after a failure', async () => {
    const { client, calls } = given([json({ organizationId: null }), refused(401, 'invalid_api_key'), json({ organizationId: 'org_own' })]);
    await expect(client.listWebhooks()).rejects.toMatchObject({ code: 'organization_required' });
    await expect(client.listWebhooks()).rejects.toMatchObject({ code: 'invalid_api_key' });
    await client.listWebhooks();
    expect(calls).toHaveLength(4);
  });

  it('is not made where a part of its path is missing', async () => {
    const { client, calls } = given([]);
    await expect(client.getWebhook({ organizationId: 'o', webhookId: '' })).rejects.toThrow('webhookId is needed');
    expect(calls).toEqual([]);
  });
});

describe('a call that fails', () => {
  it('throws an error with code, status, details and request id', async () => {
    const { client, calls } = given([refused(404, 'not_found', { 'X-Request-Id': 'req_1' })]);
    const error = await ended(client.getKey());
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      code: 'not_found',
      status: 404,
      message: 'No.',
      details: { field: 'x' },
      requestId: 'req_1',
      retryAfterSeconds: null,
    });
    expect(calls).toHaveLength(1);
  });

  it('says of what is no answer of the API that it is not, and nothing of its text', async () => {
    const { client } = given([new Response('<html>secret', { status: 400 })]);
    expect(await ended(client.getKey())).toMatchObject({
      code: 'unexpected_answer',
      status: 400,
      message: expect.not.stringContaining('secret'),
    });
  });

  it.each<[string, Scripted]>([
    ['a fault of the network', new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })],
    ['429', refused(429, 'rate_limited')],
    ['502', new Response('', { status: 502 })],
    ['503', refused(503, 'queue_unavailable')],
    ['504', new Response('', { status: 504 })],
  ])('is tried again after %s, where nothing more is changed by that', async (_what, failure) => {
    const { client, calls } = given([failure, json({ id: 'evt_1' }, 202)]);
    expect(await ended(client.postEvents({ body: [] }))).toEqual({ id: 'evt_1' });
    expect(calls).toHaveLength(2);
    expect(calls[0]?.headers['Idempotency-Key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(calls[1]?.headers['Idempotency-Key']).toBe(calls[0]?.headers['Idempotency-Key']);
  });

  it('is not tried again where that could change something twice, but after 429', async () => {
    const { client, calls } = given([
      refused(503, 'outbox_unavailable'),
      new TypeError('fetch failed'),
      refused(429, 'rate_limited'),
      json({ count: 1 }, 202),
    ]);
    const recover = () => ended(client.recoverDeliveries({ organizationId: 'o', webhookId: 'w', body: { since: '2026-11-27T00:00:00Z' } }));
    expect(await recover()).toMatchObject({ code: 'outbox_unavailable' });
    expect(await recover()).toMatchObject({ code: 'network_error', status: 0 });
    expect(await recover()).toEqual({ count: 1 });
    expect(calls).toHaveLength(4);
  });

  it('waits as long as Retry-After says, longer each time where nothing is said, and gives up in the end', async () => {
    const { client, calls } = given([refused(503, 'a', { 'Retry-After': '7' }), refused(503, 'b'), refused(503, 'c'), refused(503, 'd')]);
    expect(await ended(client.getKey())).toMatchObject({ code: 'd' });
    const waits = calls.slice(1).map(({ atMs }, index) => atMs - (calls[index]?.atMs ?? 0));
    expect(waits).toHaveLength(3);
    expect(waits[0]).toBe(7_000);
    expect(waits[1]).toBeGreaterThanOrEqual(500);
    expect(waits[1]).toBeLessThanOrEqual(1_000);
    expect(waits[2]).toBeGreaterThanOrEqual(1_000);
    expect(waits[2]).toBeLessThanOrEqual(2_000);
  });

  it('is not waited for where the service wants to be left alone for long, or no retries are wanted', async () => {
    const patient = given([refused(429, 'rate_limited', { 'Retry-After': '3600' })]);
    expect(await ended(patient.client.getKey())).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 3_600 });
    const once = given([refused(503, 'a')], { retries: 0 });
    expect(await ended(once.client.getKey())).toMatchObject({ code: 'a' });
    expect([patient.calls.length, once.calls.length]).toEqual([1, 1]);
  });

  it('ends with its time, or where its signal ends it, in a wait as well', async () => {
    vi.useRealTimers();
    const slow = given(['hangs'], { timeoutMs: 5, retries: 0 });
    await expect(slow.client.getKey()).rejects.toMatchObject({ code: 'timeout', status: 0 });
    const reason = new Error('enough');
    const hanging = given(['hangs']);
    await expect(hanging.client.getKey({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = given([refused(503, 'a', { 'Retry-After': '60' })]);
    const call = waiting.client.getKey({}, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await expect(call).rejects.toBe(reason);
    expect(waiting.calls).toHaveLength(1);
  });
});

describe('events', () => {
  it('are posted under the key that was given, and text as it is', async () => {
    const { client, calls } = given([]);
    await client.postEvents({ body: ' {"n":1.0} ', idempotencyKey: 'k' });
    await client.postEvents({ body: new TextEncoder().encode('[]') });
    expect(calls[0]).toMatchObject({ body: ' {"n":1.0} ', headers: { 'Idempotency-Key': 'k' } });
    expect(new TextDecoder().decode(calls[1]?.body as Uint8Array)).toBe('[]');
  });
});

it('is not made without a key, or with an address that is none', () => {
  expect(() => createClient({ apiKey: '', baseUrl: 'https://a.example' })).toThrow('apiKey');
  expect(() => createClient({ apiKey: 'k', baseUrl: 'nowhere' })).toThrow();
});
