import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { importSigningKeys, standardSignature } from '../../../src/domain/webhook/signature.ts';
import { trimmedSecret, warningsOf, whyRefused } from '../../../src/domain/webhook/webhook-secret.ts';

const BASE64 = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SECRET = `whsec_${BASE64}`;
const PLAIN = 'correct horse battery staple';

describe('a secret is refused, with the reason', () => {
  it.each([
    ['a line break at the end', `${SECRET}\n`, /begins or ends with white space/],
    ['a carriage return at the end', `${PLAIN}\r\n`, /begins or ends with white space/],
    ['a space in front', ` ${SECRET}`, /begins or ends with white space/],
    ['a tab at the end', `${PLAIN}\t`, /begins or ends with white space/],
    ['a no-break space at the end', `${PLAIN}\u00A0`, /begins or ends with white space/],
    ['a narrow no-break space in front', `\u202F${SECRET}`, /begins or ends with white space/],
    ['an ideographic space at the end', `${SECRET}\u3000`, /begins or ends with white space/],
    ['a zero-width space at the end', `${SECRET}\u200B`, /begins or ends with white space/],
    ['a word joiner in front', `\u2060${PLAIN}`, /begins or ends with white space/],
    ['a byte order mark in front', `\uFEFF${SECRET}`, /begins or ends with white space/],
    ['a mark of direction at the end', `${SECRET}\u200E`, /begins or ends with white space/],
    ['a braille blank at the end', `${PLAIN}\u2800`, /begins or ends with white space/],
    ['nothing but spaces', '   ', /begins or ends with white space/],
    ['a line break inside', 'correct horse\nbattery staple', /line break/],
    ['a line separator inside', 'correct horse\u2028battery staple', /line break/],
    ['a tab inside', 'correct\thorse battery staple', /control character/],
    ['a NUL inside', 'correct\0horse battery staple', /control character/],
    ['a zero-width space inside', 'correct horse\u200Bbattery staple', /zero-width/],
    ['a soft hyphen inside', 'correct horse bat\u00ADtery staple', /zero-width/],
    ['straight quotes round it', `"${SECRET}"`, /quotes/],
    ['single quotes round it', `'${PLAIN}'`, /quotes/],
    ['back quotes round it', `\`${SECRET}\``, /quotes/],
    ['typographic quotes round it', `“${SECRET}”`, /quotes/],
    ['German quotes round it', `„${PLAIN}“`, /quotes/],
    ['French quotes round it', `«${SECRET}»`, /quotes/],
    ['nothing but quotes', '""', /quotes/],
    ['v1, in front', `v1,${SECRET}`, /begins with `v1,`/],
    ['v1a, in front', `v1a,${BASE64}`, /begins with `v1,`/],
    ['V1, in front', `V1,${BASE64}`, /begins with `v1,`/],
    ['an asymmetric private key', `whsk_${BASE64}`, /asymmetric/],
    ['an asymmetric public key', `whpk_${BASE64}`, /asymmetric/],
    ["an organization's API key", `bsk_live_${'0a'.repeat(16)}`, /API key/],
    ["a producer's key", `bsk_ingest_${'0a'.repeat(16)}`, /API key/],
    ['the prefix in capitals', `WHSEC_${BASE64}`, /lower case/],
    ['the prefix with a capital', `Whsec_${BASE64}`, /lower case/],
    ['a hyphen for the underscore', `whsec-${BASE64}`, /underscore/],
    ['a colon for the underscore', `whsec:${BASE64}`, /underscore/],
    ['a name in front', `WEBHOOK_SECRET=${SECRET}`, /before `whsec_`/],
    ['another scheme in front', `Bearer ${SECRET}`, /before `whsec_`/],
    ['the prefix twice', `whsec_${SECRET}`, /before `whsec_`/],
    ['a quote in front', `"${SECRET}`, /before `whsec_`/],
    ['the prefix alone', 'whsec_', /Nothing follows/],
    ['base64url', 'whsec_-_-_MfKQ9r8GKYqrTwjU', /base64url/],
    ['base64url with one of its characters', 'whsec_MfKQ9r8GKYqrTwjU-D8I', /base64url/],
    ['what is no base64', 'whsec_not*base64', /not base64/],
    ['a length that no base64 has', 'whsec_abcde', /not base64/],
    ['a space in the base64', 'whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaSw', /not base64/],
    ['a comma after it', `${SECRET},`, /not base64/],
    ['too much padding', 'whsec_c2VjcmV0====', /not base64/],
    ['hex with a mark', 'whsec_0x0a:0b', /not base64/],
  ])('that has %s', (_what, secret, reason) => {
    expect(whyRefused(secret)).toMatch(reason);
  });

  it.each([
    ['of the standard form', SECRET],
    ['without its padding', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+6/Jz8Dn4h4'],
    ['of plain words', PLAIN],
    ['with a no-break space inside', 'correct\u00A0horse battery staple'],
    ['beyond ASCII', 'schlüssel-鍵-🔑'],
    ['with joined emoji inside', 'family 👨‍👩‍👧 of three'],
    ['of one character', 's'],
    ['with a quote at one end', '"quoted'],
    ['with different quotes at its ends', `"quoted'`],
    ['with commas', 'v2,something'],
    ['of another product', 'sk_test_4eC39HqLyjWDarjtT1zdp7dc'],
    ['that begins with the letters of the prefix', 'whsecret-of-mine'],
  ])('and not one %s', (_what, secret) => {
    expect(whyRefused(secret)).toBeNull();
  });
});

/** The library with a secret; null where it says that it cannot read it: it wants the bits after the last byte to be zeros. */
function readBy(secret: string): Webhook | null {
  try {
    return new Webhook(secret);
  } catch {
    return null;
  }
}

it('a secret with the prefix that is not refused is the key that the published library makes of it', async () => {
  const body = '{"a":1}';
  const likely = fc.oneof(
    fc.base64String({ maxLength: 60 }),
    fc.string({ maxLength: 40, unit: fc.constantFrom(...'abcXYZ019+/=-_ ,"\n') }),
    fc.string({ maxLength: 20, unit: 'grapheme' }),
  );
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(likely, async (rest) => {
      const secret = `whsec_${rest}`;
      if (whyRefused(secret) !== null) return;
      const library = readBy(secret);
      if (library === null) return;
      taken++;
      const now = Math.floor(Date.now() / 1_000);
      const signature = await standardSignature([await importSigningKeys(secret)], 'evt_1', now, new TextEncoder().encode(body));
      expect(() =>
        library.verify(body, { 'webhook-id': 'evt_1', 'webhook-timestamp': String(now), 'webhook-signature': signature }),
      ).not.toThrow();
    }),
    { numRuns: 1_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

it('no reason quotes the secret', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 8, maxLength: 30, unit: fc.constantFrom(...'XYZ019+/=-_ ,"\n') }), (rest) => {
      for (const secret of [`whsec_${rest}`, `v1,${rest}`, `"${rest}"`, rest]) expect(whyRefused(secret) ?? '').not.toContain(rest);
    }),
  );
});

it('what a person pastes is taken without what is not to be seen at its ends, and with all that is inside', () => {
  expect(trimmedSecret(`\uFEFF \u200B${SECRET}\u00A0\r\n`)).toBe(SECRET);
  expect(trimmedSecret(`\t${PLAIN} `)).toBe(PLAIN);
  expect(trimmedSecret('🔑 a b 🔑')).toBe('🔑 a b 🔑');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => whyRefused(trimmedSecret(text)) !== whyRefused(' x')));
});

it('a secret of fewer than 24 characters is taken with a warning', () => {
  expect(warningsOf('x'.repeat(23))).toEqual([expect.stringMatching(/fewer than 24 characters/)]);
  expect(warningsOf('🔑'.repeat(23))).toHaveLength(1);
  for (const fine of ['x'.repeat(24), '🔑'.repeat(24), null, undefined]) expect(warningsOf(fine)).toEqual([]);
});
