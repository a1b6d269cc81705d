import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AttemptRequest, type AttemptResult, MAX_RESPONSE_BODY_BYTES, makeAttempt } from '../../src/attempt/attempt.ts';
import { importSigningKeys } from '../../src/domain/webhook/signature.ts';
import { endpointInbox } from '../support/deliveries.ts';
import type { Reply } from '../support/receiver.ts';
import { watchTimers } from '../support/timers.ts';

function aRequest(url: string): AttemptRequest {
  return {
    url,
    keys: [],
    oldestKey: undefined,
    deliveryId: 'dlv_1',
    eventId: 'evt_1',
    event: 'visitor.identified',
    payload: new TextEncoder().encode('{"event":"visitor.identified"}'),
    number: 1,
    trigger: 'event',
  };
}

function attempt(request: AttemptRequest, limits: { timeoutMs?: number } = {}): Promise<AttemptResult> {
  const { timeoutMs = 10_000 } = limits;
  return makeAttempt(request, { fetch: (url, init) => fetch(url, init), now: () => Date.now(), timeoutMs });
}

async function attemptAgainst(reply: Reply, limits: { timeoutMs?: number } = {}): Promise<AttemptResult> {
  const endpoint = endpointInbox();
  await endpoint.script([reply]);
  return attempt(aRequest(endpoint.url), limits);
}

describe('an attempt', () => {
  it('posts the headers that the documentation lists, signed where there is a secret', async () => {
    const endpoint = endpointInbox();
    const [current, previous] = [await importSigningKeys('new secret'), await importSigningKeys('old secret')];
    const { record } = await attempt({ ...aRequest(endpoint.url), keys: [current, previous], oldestKey: previous, number: 3 });
    const [received] = await endpoint.requests();
    expect(received).toMatchObject({
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^Bullseye-Webhooks\/\d+\.\d+\.\d+$/),
        'x-bullseye-event': 'visitor.identified',
        'x-bullseye-delivery': 'dlv_1',
        'x-bullseye-attempt': '3',
        'x-bullseye-signature': expect.stringMatching(/^[0-9a-f]{64}$/),
        'webhook-id': 'evt_1',
        'webhook-timestamp': String(Math.floor(record.startedAt / 1_000)),
        'webhook-signature': expect.stringMatching(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/),
      },
    });
  });

  it('has no signature where there is no secret', async () => {
    const endpoint = endpointInbox();
    await attempt(aRequest(endpoint.url));
    const [received] = await endpoint.requests();
    expect(Object.keys(received!.headers).filter((name) => name.includes('signature'))).toEqual([]);
  });

  it('succeeds with any 2xx, and with nothing else', async () => {
    for (const [status, outcome] of [
      [200, 'succeeded'],
      [201, 'succeeded'],
      [204, 'succeeded'],
      [299, 'succeeded'],
      [300, 'failed'],
      [304, 'failed'],
      [400, 'failed'],
      [404, 'failed'],
      [500, 'failed'],
      [599, 'failed'],
    ] as const) {
      expect((await attemptAgainst({ status })).record, String(status)).toMatchObject({ outcome, responseStatus: status });
    }
  });

  it('does not follow a redirect', async () => {
    const target = endpointInbox();
    const { record } = await attemptAgainst({ status: 307, headers: { location: target.url } });
    expect(record).toMatchObject({
      outcome: 'failed',
      responseStatus: 307,
      error: 'The endpoint answered 307: redirects are not followed',
    });
    expect(record.responseHeaders).toMatchObject({ location: target.url });
    expect(await target.requests()).toEqual([]);
  });

  it('fails without an answer in time, and says so', async () => {
    const { record } = await attemptAgainst({ hang: true }, { timeoutMs: 100 });
    expect(record).toMatchObject({ outcome: 'failed', responseStatus: null, error: 'No response within 0.1 s' });
  });

  it('fails where the connection breaks or cannot be made, and says so', async () => {
    const words = 'The connection was refused or broken off, or what came back was not valid HTTP';
    expect((await attemptAgainst({ reset: true })).record).toMatchObject({ outcome: 'failed', error: words });
    // Port 9 (discard): nothing listens there.
    expect((await attempt(aRequest('http://127.0.0.1:9/'))).record).toMatchObject({ outcome: 'failed', error: words });
  });

  it('fails where Cloudflare answers in the stead of an endpoint that it cannot reach, or that its firewall shields, and says so', async () => {
    const unreached = await attemptAgainst({ status: 530, body: 'error code: 1016' });
    expect(unreached.record).toMatchObject({ outcome: 'failed', responseStatus: 530, responseBody: 'error code: 1016' });
    expect(unreached.record.error).toMatch(/could not be reached .* does not resolve/);
    const challenged = await attemptAgainst({ status: 403, headers: { 'cf-mitigated': 'challenge' }, body: '<html>Just a moment…</html>' });
    expect(challenged.record.error).toMatch(/bot protection/);
    const own = await attemptAgainst({ status: 403, body: 'error code: 1016' });
    expect(own.record.error).toMatch(/answered 403/);
  });

  it('asks for a later retry only with 429 and 503', async () => {
    const headers = { 'retry-after': '120' };
    expect((await attemptAgainst({ status: 429, headers })).retryAfterMs).toBe(120_000);
    expect((await attemptAgainst({ status: 503, headers })).retryAfterMs).toBe(120_000);
    expect((await attemptAgainst({ status: 500, headers })).retryAfterMs).toBeNull();
    expect((await attemptAgainst({ status: 429 })).retryAfterMs).toBeNull();
  });
});

describe('what is kept of a response', () => {
  it('is its body as text', async () => {
    const { record } = await attemptAgainst({ body: 'grüezi' });
    expect(record).toMatchObject({ responseBody: 'grüezi', responseBodyEncoding: 'utf-8', responseBodyTruncated: false });
  });

  it('is base64 where it is not text', async () => {
    const { record } = await attemptAgainst({ bodyBase64: '/wD+' });
    expect(record).toMatchObject({ responseBody: '/wD+', responseBodyEncoding: 'base64' });
  });

  it('is whole at the limit, and cut beyond it, without half a character', async () => {
    const whole = await attemptAgainst({ body: 'x'.repeat(MAX_RESPONSE_BODY_BYTES) });
    expect(whole.record.responseBody).toHaveLength(MAX_RESPONSE_BODY_BYTES);
    expect(whole.record.responseBodyTruncated).toBe(false);
    const cut = await attemptAgainst({ body: `x${'é'.repeat(MAX_RESPONSE_BODY_BYTES)}` });
    expect(cut.record.responseBody).toBe(`x${'é'.repeat(MAX_RESPONSE_BODY_BYTES / 2 - 1)}`);
    expect(cut.record.responseBodyTruncated).toBe(true);
  });

  it('is bounded in time: a body that drips on is left, and a 2xx stays a success', async () => {
    const { record } = await attemptAgainst({ status: 200, endless: { chunk: 'drip', everyMs: 20 } }, { timeoutMs: 1_000 });
    expect(record).toMatchObject({ outcome: 'succeeded', responseBodyTruncated: true });
    expect(record.responseBody).toMatch(/^(drip)+$/);
  });

  it.each<[string, Reply]>([
    ['drips on', { status: 200, endless: { chunk: 'drip', everyMs: 20 } }],
    ['has a length, and does not come', { status: 202, headers: { 'content-length': '10' }, endless: { chunk: '', everyMs: 1_000 } }],
  ])('is what comes at once of an acknowledgement, which its headers decide: a body that %s is not waited for', async (_what, reply) => {
    // Beside one that is no acknowledgement, whose body is waited for: whatever the machine is busy with delays both.
    const acknowledged = attemptAgainst(reply, { timeoutMs: 30_000 });
    const refused = attemptAgainst({ ...reply, status: 500 }, { timeoutMs: 30_000 });
    expect(await Promise.race([acknowledged, refused])).toMatchObject({ record: { outcome: 'succeeded', error: null } });
    expect(await refused).toMatchObject({ record: { outcome: 'failed', responseStatus: 500 } });
  });

  it('is bounded in size: a body that floods is left', async () => {
    const { record } = await attemptAgainst({ status: 500, endless: { chunk: 'x'.repeat(64_000), everyMs: 1 } });
    expect(record).toMatchObject({ outcome: 'failed', responseStatus: 500, responseBodyTruncated: true });
    expect(record.responseBody).toHaveLength(MAX_RESPONSE_BODY_BYTES);
  });

  it('is a bounded number of headers, each bounded', async () => {
    const headers = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`x-${index}`, 'v'.repeat(index === 0 ? 5_000 : 10)]));
    const { record } = await attemptAgainst({ status: 200, headers });
    const kept = Object.entries(record.responseHeaders!);
    expect(kept.length).toBeLessThanOrEqual(50);
    expect(kept.every(([, value]) => value.length <= 1_001)).toBe(true);
  });
});

describe('an attempt that is over', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each<[string, Reply]>([
    ['was answered at once', { status: 200, body: 'ok' }],
    ['failed', { status: 500 }],
    ['lost its connection', { reset: true }],
    ['was answered with a body that floods', { status: 200, endless: { chunk: 'x'.repeat(64_000), everyMs: 1 } }],
  ])('leaves no timer behind, whose number is limited and which would keep the object awake, where it %s', async (_what, reply) => {
    const endpoint = endpointInbox();
    await endpoint.script([reply]);
    const signal = vi.spyOn(AbortSignal, 'timeout');
    const timers = watchTimers();
    await attempt(aRequest(endpoint.url), { timeoutMs: 30_000 });
    expect(timers.size).toBe(0);
    // One of these cannot be cleared.
    expect(signal).not.toHaveBeenCalled();
  });

  it('has not been where the platform let nothing out: that is a fault of ours, and no failure of the endpoint', async () => {
    for (const message of [
      'Too many subrequests by single Worker invocation.',
      'You have exceeded the number of active timeouts you may set.',
    ]) {
      const refuse = () => Promise.reject(new Error(message));
      await expect(makeAttempt(aRequest('https://hooks.example.com/'), { fetch: refuse, now: Date.now, timeoutMs: 1_000 })).rejects.toThrow(
        message,
      );
    }
  });
});
