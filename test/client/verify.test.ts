import fc from 'fast-check';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeAttempt } from '../../src/attempt/attempt.ts';
import { verify, WebhookVerificationError } from '../../src/client/verify.ts';
import { importSigningKeys } from '../../src/domain/webhook/signature.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
const OTHER = 'whsec_b3RoZXItc2VjcmV0LW9mLXRoZS10ZXN0cy0zMi1ieXRlcw==';
const EVENT = {
  event: 'visitor.identified',
  timestamp: '2026-11-27T10:00:00Z',
  organization_id: 'org_a',
  session_id: 's',
  visitor: { email: 'zoë@example.com' },
};
const BODY = JSON.stringify(EVENT);

/** The headers and the body that the service really sends, signed with these secrets, the newest first. */
async function sent(secrets: readonly string[] = [SECRET], body = BODY): Promise<{ headers: Record<string, string>; body: string }> {
  const keys = await Promise.all(secrets.map(importSigningKeys));
  const ids = { deliveryId: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified' };
  const request = {
    url: 'https://hooks.example.com/',
    keys,
    oldestKey: keys.at(-1),
    ...ids,
    payload: new TextEncoder().encode(body),
    number: 1,
    trigger: 'event',
  } as const;
  const { record } = await makeAttempt(request, { fetch: async () => new Response(), now: Date.now, timeoutMs: 1_000 });
  return { headers: record.requestHeaders, body };
}

const without = (headers: Record<string, string>, ...names: string[]) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())));

/** Why a delivery is refused; null: it is not. */
async function codeOf(delivery: unknown): Promise<string | null> {
  try {
    await verify(delivery as Parameters<typeof verify>[0]);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(WebhookVerificationError);
    return (error as WebhookVerificationError).code;
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a delivery of ours', () => {
  it.each([SECRET, 'whsec_abcd==', 'whsec_', 'correct horse battery staple', 'schlüssel-鍵-🔑'])(
    'verifies with the secret %j, by either header',
    async (secret) => {
      const { headers, body } = await sent([secret]);
      expect(await verify({ headers, body, secrets: secret })).toEqual(EVENT);
      expect(await verify({ headers: without(headers, 'x-bullseye-signature'), body, secrets: secret })).toEqual(EVENT);
      expect(await verify({ headers: without(headers, 'webhook-signature'), body, secrets: secret })).toEqual(EVENT);
      expect(await codeOf({ headers, body, secrets: `${secret}AAAA` })).toBe('no_matching_signature');
      expect(await codeOf({ headers: without(headers, 'webhook-signature'), body, secrets: `${secret}AAAA` })).toBe(
        'no_matching_signature',
      );
    },
  );

  it('is an event whose type says what it has', async () => {
    const event = await verify({ ...(await sent()), secrets: SECRET });
    if (event.event !== 'visitor.identified') throw new Error('it is another');
    expect(event.visitor?.email satisfies string | null | undefined).toBe('zoë@example.com');
  });

  it('verifies however the headers and the body are held', async () => {
    const { headers, body } = await sent();
    const bytes = new TextEncoder().encode(body);
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const lists = Object.fromEntries(Object.entries(lower).map(([name, value]) => [name, [value]]));
    for (const held of [headers, lower, lists, new Headers(headers), new Map(Object.entries(lower))]) {
      for (const raw of [body, bytes, bytes.buffer, Buffer.from(bytes), new Uint8Array([1, ...bytes]).subarray(1)]) {
        expect(await codeOf({ headers: held, body: raw, secrets: [SECRET] })).toBeNull();
      }
    }
  });

  it('verifies while a secret is rotated, with the old one, the new one or both', async () => {
    const { headers, body } = await sent([OTHER, SECRET]);
    for (const secrets of [SECRET, OTHER, [SECRET, OTHER], ['another', OTHER]]) expect(await codeOf({ headers, body, secrets })).toBeNull();
    expect(await codeOf({ headers, body, secrets: ['another', 'one more'] })).toBe('no_matching_signature');
    expect(await codeOf({ headers, body, secrets: ['another', SECRET] })).toBeNull();
  });
});

describe('what is refused', () => {
  it('is another body, another id, another time', async () => {
    const { headers, body } = await sent();
    expect(await codeOf({ headers, body: `${body} `, secrets: SECRET })).toBe('no_matching_signature');
    for (const [name, value] of [
      ['webhook-id', 'evt_2'],
      ['webhook-timestamp', String(Number(headers['webhook-timestamp']) + 1)],
    ] as const) {
      expect(await codeOf({ headers: { ...headers, [name]: value }, body, secrets: SECRET })).toBe('no_matching_signature');
    }
  });

  it('is what has no signature, or not what it is of', async () => {
    const { headers, body } = await sent();
    expect(await codeOf({ headers: without(headers, 'webhook-signature', 'x-bullseye-signature'), body, secrets: SECRET })).toBe(
      'missing_signature',
    );
    for (const name of ['webhook-id', 'webhook-timestamp'])
      expect(await codeOf({ headers: without(headers, name), body, secrets: SECRET })).toBe('missing_signature');
    expect(await codeOf({ headers: { ...headers, 'webhook-signature': 'v1a,abc v2,def' }, body, secrets: SECRET })).toBe(
      'no_matching_signature',
    );
    expect(await codeOf({ headers: { 'X-Bullseye-Signature': 'ABC' }, body, secrets: SECRET })).toBe('no_matching_signature');
  });

  it('is what is further from now than the tolerance, on either side', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
    const { headers, body } = await sent();
    const at = async (seconds: number, toleranceSeconds?: number) => {
      vi.setSystemTime(1_800_000_000_000 + seconds * 1_000);
      return await codeOf({ headers, body, secrets: SECRET, toleranceSeconds });
    };
    expect([await at(300), await at(301), await at(-300), await at(-301)]).toEqual([null, 'timestamp_too_old', null, 'timestamp_too_new']);
    expect([await at(10, 10), await at(11, 10), await at(1, 0), await at(1e6, Number.POSITIVE_INFINITY)]).toEqual([
      null,
      'timestamp_too_old',
      'timestamp_too_old',
      null,
    ]);
    expect(await codeOf({ headers: { ...headers, 'webhook-timestamp': 'soon' }, body, secrets: SECRET })).toBe('malformed_header');
    for (const toleranceSeconds of [Number.NaN, -1, 'a' as never]) {
      await expect(verify({ headers, body, secrets: SECRET, toleranceSeconds })).rejects.toThrow(TypeError);
    }
  });

  it('is, where it is asked for, what has no time that is signed', async () => {
    const { headers, body } = await sent();
    const old = without(headers, 'webhook-signature');
    expect(await codeOf({ headers: old, body, secrets: SECRET })).toBeNull();
    expect(await codeOf({ headers: old, body, secrets: SECRET, requireTimestamp: true })).toBe('missing_signature');
    expect(await codeOf({ headers, body, secrets: SECRET, requireTimestamp: true })).toBeNull();
    // Nor does a right signature of the body alone make up for a wrong one with a time.
    expect(await codeOf({ headers: { ...headers, 'webhook-timestamp': '1' }, body, secrets: SECRET })).toBe('timestamp_too_old');
  });

  it.each([[undefined], [''], [[]], [['']], [[undefined]], [[SECRET, '']], [null], [5]])(
    'is everything where the secret is %j',
    async (secrets) => {
      expect(await codeOf({ ...(await sent()), secrets })).toBe('no_secret');
    },
  );

  it('is a body that was parsed already, and one that is no JSON though it is signed', async () => {
    expect(await codeOf({ ...(await sent()), body: EVENT, secrets: SECRET })).toBe('body_not_raw');
    expect(await codeOf({ ...(await sent([SECRET], 'plain text')), secrets: SECRET })).toBe('body_not_json');
  });
});

describe('published libraries', () => {
  const libraries = [StandardWebhook, SvixWebhook] as const;
  const secrets = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`);

  it('sign what this verifies, and nothing that was changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...libraries),
        secrets,
        fc.jsonValue(),
        fc.string({ minLength: 1 }),
        fc.nat(),
        async (Library, secret, value, tail, place) => {
          const body = JSON.stringify(value);
          const now = new Date();
          const signature = new Library(secret).sign('evt_1', now, body);
          const headers = {
            'webhook-id': 'evt_1',
            'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
            'webhook-signature': signature,
          };
          expect(await verify<unknown>({ headers, body, secrets: secret })).toEqual(JSON.parse(body));
          expect(await codeOf({ headers, body: body + tail, secrets: secret })).toBe('no_matching_signature');
          const at = 3 + (place % 42);
          const changed = `${signature.slice(0, at)}${signature[at] === 'A' ? 'B' : 'A'}${signature.slice(at + 1)}`;
          expect(await codeOf({ headers: { ...headers, 'webhook-signature': changed }, body, secrets: secret })).toBe(
            'no_matching_signature',
          );
          expect(
            await codeOf({ headers: { ...headers, 'webhook-signature': `${changed} v1a,xyz ${signature}` }, body, secrets: secret }),
          ).toBeNull();
        },
      ),
    );
  });

  it('agree with it about anything that a header can say', async () => {
    const { headers, body } = await sent();
    const signature = headers['webhook-signature'] ?? '';
    const value = signature.slice(3);
    const pieces = fc.constantFrom(
      signature,
      value,
      'v1,',
      'v1',
      `v2,${value}`,
      `v1a,${value}`,
      '',
      'v1,AAAA',
      `V1,${value}`,
      `v1,${value.slice(1)}`,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(pieces, { maxLength: 6 }).map((parts) => parts.join(' ')),
        async (header) => {
          const given = { ...headers, 'webhook-signature': header };
          const isTheirs = passes(() => new StandardWebhook(SECRET).verify(body, given));
          const isOurs = (await codeOf({ headers: without(given, 'x-bullseye-signature'), body, secrets: SECRET })) === null;
          expect([header, isOurs]).toEqual([header, isTheirs]);
        },
      ),
    );
  });
});

function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
