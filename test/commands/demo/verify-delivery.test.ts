import { describe, expect, it } from 'vitest';
import { VERIFIERS } from '../../../src/commands/demo/verify-delivery.ts';
import { bullseyeSignature, importSigningKeys, standardSignature } from '../../../src/domain/webhook/signature.ts';

const BODY = Buffer.from('{"event":"visitor.identified"}');

async function deliveryOf(secret: string) {
  const keys = await importSigningKeys(secret);
  const timestamp = Math.floor(Date.now() / 1_000);
  const headers = {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': await standardSignature([keys], 'evt_1', timestamp, BODY),
    'x-bullseye-signature': await bullseyeSignature(keys, BODY),
  };
  return { headers, body: BODY };
}

describe.each(VERIFIERS)('$name', ({ verify }) => {
  it.each([
    ...['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+6/Jz8Dn4h4=', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw+6/Jz8Dn4h4', 'whsec_c2VjcmV0'],
    ...['whsec_', 'whsec_not*base64', 'whsec_abcde', 'whsec_abcd==', 'whsec_abc==', 'whsec_ab=', 'whsec_====', 'whsec_c2Vj cmV0'],
    ...['correct horse battery staple', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'Zo\u00eb'],
  ])('verifies what was signed with %j, and nothing else', async (secret) => {
    const delivery = await deliveryOf(secret);
    // Null: this machine does not have the tool.
    expect([true, null]).toContain(verify(delivery, secret));
    expect([false, null]).toContain(verify({ ...delivery, body: Buffer.from('{}') }, secret));
    expect([false, null]).toContain(verify(delivery, `${secret}BBBB`));
  });
});
