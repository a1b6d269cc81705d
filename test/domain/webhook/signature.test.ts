import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { Webhook as StandardWebhook, WebhookVerificationError } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { describe, expect, it } from 'vitest';
import { bullseyeSignature, importSigningKeys, standardSignature } from '../../../src/domain/webhook/signature.ts';

const ID = 'evt_01KANSGJE8XN3M7A4Q2T6V9YBC';
const TEXT = '{ "event":"visitor.identified", "visitor":{"first_name":"Zoë 😀"}, "n":12345678901234567890, "e":"\\u00e9" }\n';
const BODY = new TextEncoder().encode(TEXT);
/** Unix seconds; the libraries refuse what is more than five minutes from their clock. */
const NOW = Math.floor(Date.now() / 1_000);

const GENERATED = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+6/Jz8Dn4h4=';
const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD8dzXNnb1JYw=';
/** The Standard Webhooks libraries decode a secret without prefix, too; a plain secret is given to them as its bytes. */
const PLAIN = 'correct horse battery staple';
const INVALID_BASE64 = 'whsec_not*base64';

const LIBRARIES = [
  ['standardwebhooks', StandardWebhook],
  ['svix', SvixWebhook],
] as const;

interface Headers extends Record<string, string> {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
}

/** The headers of a delivery signed with these secrets, new first. */
async function headersOf(secrets: string[], body: Uint8Array = BODY, timestamp: number = NOW): Promise<Headers> {
  const keys = await Promise.all(secrets.map(importSigningKeys));
  return {
    'webhook-id': ID,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': await standardSignature(keys, ID, timestamp, body),
  };
}

async function bullseye(secret: string, body: Uint8Array = BODY): Promise<string> {
  return bullseyeSignature(await importSigningKeys(secret), body);
}

describe('X-Bullseye-Signature', () => {
  it.each([PLAIN, GENERATED, INVALID_BASE64, 'x', 'Zoë 😀', ' with spaces ', 'x'.repeat(256)])(
    'is the lower-case hex HMAC-SHA256 of the body with the UTF-8 bytes of the whole secret: %j',
    async (secret) => {
      expect(await bullseye(secret)).toBe(createHmac('sha256', Buffer.from(secret, 'utf8')).update(BODY).digest('hex'));
    },
  );

  it('is that of node:crypto for any secret and body', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 256, unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 500 }),
        async (secret, body) => {
          expect(await bullseye(secret, body)).toBe(createHmac('sha256', secret).update(body).digest('hex'));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is that of RFC 4231, test case 2', async () => {
    expect(await bullseye('Jefe', new TextEncoder().encode('what do ya want for nothing?'))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

  it.skipIf(!hasOpenssl)('is that of `openssl dgst -sha256 -hmac`', async () => {
    const printed = execFileSync('openssl', ['dgst', '-sha256', '-hmac', PLAIN], { input: BODY, encoding: 'utf8' });
    expect(printed.trim().split('= ')[1]).toBe(await bullseye(PLAIN));
  });
});

describe('webhook-signature', () => {
  it('is `v1,` and the base64 HMAC-SHA256 of id, timestamp and body', async () => {
    const key = Buffer.from(GENERATED.slice('whsec_'.length), 'base64');
    const mac = createHmac('sha256', key).update(`${ID}.${NOW}.`).update(BODY).digest('base64');
    expect((await headersOf([GENERATED]))['webhook-signature']).toBe(`v1,${mac}`);
  });

  it('is the one that the Standard Webhooks libraries are tested with', async () => {
    const keys = [await importSigningKeys('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')];
    const body = new TextEncoder().encode('{"test": 2432232314}');
    expect(await standardSignature(keys, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, body)).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it.each([
    ['a secret without the prefix', PLAIN],
    ['a secret without the prefix that would decode as base64', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['a secret that is not base64 after whsec_', INVALID_BASE64],
    ['a secret in base64url after whsec_', 'whsec_-_-_'],
    ['a secret of the wrong length for base64 after whsec_', 'whsec_abcde'],
    ['a secret with nothing after whsec_', 'whsec_'],
    ['a secret with a space in its base64', 'whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaSw'],
    ['a secret with a line break after its base64', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n'],
    ['a secret with padding alone after whsec_', 'whsec_=='],
    ['a secret with too much padding', 'whsec_c2VjcmV0===='],
    ['a secret with the prefix in capitals', 'WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['a secret beyond ASCII', 'whsec_Zoë'],
  ])('is made with the UTF-8 bytes of %s', async (_what, secret) => {
    const mac = createHmac('sha256', Buffer.from(secret, 'utf8')).update(`${ID}.${NOW}.`).update(BODY).digest('base64');
    expect((await headersOf([secret]))['webhook-signature']).toBe(`v1,${mac}`);
  });

  it('differs with the id and with the time', async () => {
    const keys = [await importSigningKeys(GENERATED)];
    const signature = await standardSignature(keys, ID, NOW, BODY);
    expect(await standardSignature(keys, `${ID}X`, NOW, BODY)).not.toBe(signature);
    expect(await standardSignature(keys, ID, NOW + 1, BODY)).not.toBe(signature);
  });

  it('carries both signatures while a rotation overlaps, the new one first', async () => {
    const [now] = (await headersOf([GENERATED]))['webhook-signature'].split(' ');
    const [before] = (await headersOf([PLAIN]))['webhook-signature'].split(' ');
    expect((await headersOf([GENERATED, PLAIN]))['webhook-signature']).toBe(`${now} ${before}`);
  });
});

describe.each(LIBRARIES)('the %s library', (_name, Webhook) => {
  it.each([
    ['a generated secret', GENERATED],
    ['a secret without padding', GENERATED.replace('=', '')],
    ['a short secret', 'whsec_c2VjcmV0'],
  ])('verifies a delivery signed with %s', async (_what, secret) => {
    const headers = await headersOf([secret]);
    expect(() => new Webhook(secret).verify(TEXT, headers)).not.toThrow();
    expect(() => new Webhook(secret).verify(Buffer.from(BODY), headers), 'as raw bytes').not.toThrow();
  });

  it.each([
    ['a plain secret', PLAIN],
    ['a plain secret that would decode as base64', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['a whsec_ secret that is not base64', INVALID_BASE64],
  ])('verifies a delivery signed with %s, given it as it is', async (_what, secret) => {
    const headers = await headersOf([secret]);
    expect(() => new Webhook(secret, { format: 'raw' }).verify(TEXT, headers)).not.toThrow();
  });

  it('verifies a delivery signed with a secret beyond ASCII, given its bytes', async () => {
    const headers = await headersOf(['Zoë 😀']);
    expect(() => new Webhook(new TextEncoder().encode('Zoë 😀'), { format: 'raw' }).verify(TEXT, headers)).not.toThrow();
  });

  it('verifies any body that is text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (json) => {
        const headers = await headersOf([GENERATED], new TextEncoder().encode(json));
        expect(() => new Webhook(GENERATED).verify(json, headers)).not.toThrow();
      }),
      { numRuns: 50 },
    );
  });

  it('verifies with either secret while a rotation overlaps', async () => {
    const headers = await headersOf([OTHER, GENERATED]);
    expect(() => new Webhook(OTHER).verify(TEXT, headers), 'the new secret').not.toThrow();
    expect(() => new Webhook(GENERATED).verify(TEXT, headers), 'the one before').not.toThrow();
  });

  it.each<[string, string, (headers: Headers) => [string, Record<string, string>]]>([
    ['a tampered body', GENERATED, (headers) => [TEXT.replace('visitor', 'Visitor'), headers]],
    ['a body with white space taken off', GENERATED, (headers) => [TEXT.trim(), headers]],
    ['a body that was parsed and written anew', GENERATED, (headers) => [JSON.stringify(JSON.parse(TEXT)), headers]],
    ['another event id', GENERATED, (headers) => [TEXT, { ...headers, 'webhook-id': `${ID}X` }]],
    ['another time', GENERATED, (headers) => [TEXT, { ...headers, 'webhook-timestamp': String(NOW - 1) }]],
    ['the wrong secret', OTHER, (headers) => [TEXT, headers]],
    ['no signature', GENERATED, (headers) => [TEXT, { ...headers, 'webhook-signature': '' }]],
  ])('refuses %s', async (_what, secret, tamper) => {
    const [body, headers] = tamper(await headersOf([GENERATED]));
    expect(() => new Webhook(secret).verify(body, headers)).toThrow(WebhookVerificationError);
  });

  it('refuses a delivery that was recorded and is played again later', async () => {
    const headers = await headersOf([GENERATED], BODY, NOW - 600);
    expect(() => new Webhook(GENERATED).verify(TEXT, headers)).toThrow(/too old/);
  });

  it('refuses the secret of before once the rotation is over', async () => {
    const headers = await headersOf([OTHER]);
    expect(() => new Webhook(GENERATED).verify(TEXT, headers)).toThrow(WebhookVerificationError);
  });
});
