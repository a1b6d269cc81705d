import { env } from 'cloudflare:workers';
import { describe, expect, inject, it } from 'vitest';
import { type AttemptRequest, type AttemptResult, MAX_RESPONSE_BODY_BYTES, makeAttempt } from '../../src/attempt/attempt.ts';
import { Sender } from '../../src/attempt/sender.ts';
import { parseSettings } from '../../src/settings.ts';
import { endpointInbox } from '../support/deliveries.ts';
import type { BehaviourName, Seen } from '../support/hostile-endpoints.ts';

/*
 * Endpoints that mean harm, on real sockets. Whatever they do, an attempt is over in bounded time (the test's own limit stands for it),
 * keeps a bounded record, leaves the connection, and says in words what was wrong.
 */

/** More than fits into the buffers on the way: nobody has taken it who has not read it. */
const PAYLOAD = new Uint8Array(100_000).fill(0x20);
/** What an endpoint gets rid of at most before it is left: what is read, and the buffers on the way. */
const MAX_TAKEN_BYTES = 8_000_000;

const NO_CONNECTION = 'The connection was refused or broken off, or what came back was not valid HTTP';
const TOO_LATE = 'No response within 0.5 s';

function aRequest(url: string): AttemptRequest {
  const ids = { deliveryId: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified' };
  return { url, keys: [], oldestKey: undefined, ...ids, payload: PAYLOAD, number: 1, trigger: 'event' };
}

/** Where nothing else ends an attempt its timeout does, and then it is short. */
const SHORT = { timeoutMs: 500 };
const LONG = { timeoutMs: 15_000 };

/** What would only end with the timeout. */
const LIMITS: Partial<Record<BehaviourName, typeof SHORT>> = {
  'dripping-headers': SHORT,
  'dripping-status-line': SHORT,
  'endless-informational': SHORT,
};

async function attemptAt(url: string, limits: typeof SHORT): Promise<AttemptResult> {
  return await makeAttempt(aRequest(url), { fetch: (to, init) => fetch(to, init), now: () => Date.now(), ...limits });
}

/** One attempt against a behaviour, and what the endpoint saw of it once it was left. */
async function attempt(behaviour: BehaviourName): Promise<AttemptResult & { seen: Seen }> {
  const id = crypto.randomUUID();
  const origin = inject('hostileOrigin');
  const result = await attemptAt(`${origin}/${behaviour}/${id}`, LIMITS[behaviour] ?? LONG);
  for (;;) {
    // What the runtime pools of a connection that the endpoint has broken fails once.
    const seen = await fetch(`${origin}/seen/${id}`).then(
      (answer): Promise<Seen | null> => answer.json(),
      () => null,
    );
    if (seen?.closed) return { ...result, seen };
    await scheduler.wait(20);
  }
}

type Expected = Partial<AttemptResult['record']>;
const refused: Expected = { outcome: 'failed', responseStatus: null, responseHeaders: null, responseBody: null, error: NO_CONNECTION };
const timedOut: Expected = { ...refused, error: TOO_LATE };
const cut: Expected = { outcome: 'succeeded', responseStatus: 200, responseBodyTruncated: true, error: null };
const accepted: Expected = { outcome: 'succeeded', responseStatus: 200, responseBodyTruncated: false, error: null };
const answered = (status: number): Expected => ({
  outcome: 'failed',
  responseStatus: status,
  error: `The endpoint answered ${status}; only a 2xx acknowledges a delivery`,
});
const redirected = (status: number): Expected => ({
  outcome: 'failed',
  responseStatus: status,
  error: `The endpoint answered ${status}: redirects are not followed`,
});

const EXPECTED: Record<BehaviourName, Expected> = {
  'endless-body': cut,
  'endless-chunks': cut,
  'dripping-body': cut,
  'dripping-headers': timedOut,
  'dripping-status-line': timedOut,
  'endless-headers': refused,
  'endless-header-value': refused,
  'endless-informational': timedOut,
  'many-informational': { ...accepted, responseBody: 'at last' },
  'gzip-bomb': { ...cut, responseBody: '\0'.repeat(MAX_RESPONSE_BODY_BYTES) },
  'brotli-bomb': { ...cut, responseBody: '\0'.repeat(MAX_RESPONSE_BODY_BYTES) },
  'broken-gzip': { ...cut, responseBody: '' },
  'unknown-encoding': { ...accepted, responseBody: 'uryyb' },
  'cookie-storm': { ...accepted, responseBody: 'crumbs' },
  'header-storm': accepted,
  'odd-headers': { ...accepted, responseBody: 'odd' },
  'null-in-header': refused,
  'bare-line-feeds': { ...accepted, responseBody: 'ok' },
  'long-status-line': accepted,
  'no-http': refused,
  binary: refused,
  nothing: refused,
  'status-99': refused,
  'status-600': answered(600),
  'status-1000': refused,
  'switching-protocols': {
    ...answered(101),
    error: 'The endpoint answered 101, which is not a final answer; only a 2xx acknowledges a delivery',
  },
  'not-modified': answered(304),
  'multiple-choices': answered(300),
  'redirect-nowhere': answered(302),
  'bad-header-line': refused,
  'negative-length': refused,
  'two-lengths': refused,
  'length-and-chunks': { ...accepted, responseBody: '' },
  'huge-length': refused,
  'bad-chunk': cut,
  'cut-body': { ...cut, responseBody: 'only this' },
  'reset-in-body': { ...cut, responseBody: 'only this' },
  'reset-in-headers': refused,
  'early-answer': { ...accepted, responseBody: 'early' },
  'early-refusal': { ...answered(413), responseBody: 'too large' },
  'redirect-301': redirected(301),
  'redirect-302': redirected(302),
  'redirect-303': redirected(303),
  'redirect-307': redirected(307),
  'redirect-308': redirected(308),
  'redirect-to-itself': answered(302),
  'script-in-everything': { ...answered(500), responseBody: '<script>alert(1)</script>' },
};

describe('an attempt at a hostile endpoint is bounded, left, and described', () => {
  it.each(Object.entries(EXPECTED) as [BehaviourName, Expected][])('%s', async (behaviour, expected) => {
    const { record, seen } = await attempt(behaviour);
    expect(record).toMatchObject(expected);
    expect(record.responseBody?.length ?? 0).toBeLessThanOrEqual(MAX_RESPONSE_BODY_BYTES);
    const headers = Object.values(record.responseHeaders ?? {});
    expect(headers.length).toBeLessThanOrEqual(50);
    for (const value of headers) expect(value.length).toBeLessThanOrEqual(1_001);
    expect(seen.sentBytes).toBeLessThan(MAX_TAKEN_BYTES);
  });

  it.each([
    ['a certificate that nobody vouches for', 'untrustedOrigin', 'https:', /^No connection could be made: .*TLS certificate/],
    ['plain HTTP where TLS is spoken', 'untrustedOrigin', 'http:', /^The connection was refused or broken off/],
    ['TLS where plain HTTP is spoken', 'hostileOrigin', 'https:', /^No response within 0.5 s/],
  ] as const)('%s', async (_what, endpoint, protocol, says) => {
    const origin = inject(endpoint).replace(/^https?:/, protocol);
    const { record } = await attemptAt(`${origin}/early-answer/${crypto.randomUUID()}`, endpoint === 'hostileOrigin' ? SHORT : LONG);
    expect(record).toMatchObject({ outcome: 'failed', responseStatus: null, error: expect.stringMatching(says) });
  });
});

describe('the delivery timeout', () => {
  const sender = (timeout: string) => new Sender(parseSettings({ ...env, DELIVERY_TIMEOUT: timeout }));
  const sending = {
    delivery: { id: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified' },
    payload: PAYLOAD,
    number: 1,
    trigger: 'event',
  } as const;

  async function webhookThatAnswersAfter(delayMs: number) {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200, delayMs, body: 'here I am' }]);
    const unsigned = { secret: null, previousSecret: null, previousSecretExpiresAt: null, secretRing: null };
    const usual = { events: ['*'], enabled: true, health: 'healthy', healthSince: 0, maxPerSecond: null, maxConcurrent: null } as const;
    return { id: 'whk_1', organizationId: 'org_1', url: endpoint.url, ...usual, events: ['*'], ...unsigned };
  }

  it('is DELIVERY_TIMEOUT: an answer before it counts, one after it does not', async () => {
    const webhook = await webhookThatAnswersAfter(1_500);
    const { record } = await sender('20s').send(webhook, sending);
    expect(record).toMatchObject({ outcome: 'succeeded', responseStatus: 200, responseBody: 'here I am' });
    const late = await sender('1s').send(webhook, sending);
    expect(late.record).toMatchObject({ outcome: 'failed', responseStatus: null, responseBody: null, error: 'No response within 1 s' });
  });
});
