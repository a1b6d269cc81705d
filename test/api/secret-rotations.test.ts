import fc from 'fast-check';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { eraseFormerSecrets } from '../../src/upkeep/ended-overlaps.ts';
import { createOrganization, createWebhook, env } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { endpointInbox } from '../support/deliveries.ts';
import { bodyBytes, type ReceivedRequest } from '../support/receiver.ts';

driveDate();

/** Secrets of both forms: those of Standard Webhooks, and those that are keys as they are written. */
const SECRETS = [
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD8dzXNnb1JYw=',
  'correct horse battery staple',
  'schlüssel-鍵-🔑-of-its-own-kind',
  'whsec_bmV4dCBzZWNyZXQgb2YgdGhlIHJvdGF0aW9u',
  'another plain one of many characters',
] as const;
const HOUR = 3_600_000;

const encoder = new TextEncoder();

/** Whether one of a delivery's signatures is of a secret, as each of the published libraries sees it. */
function verifies(secret: string, headers: Record<string, string>, body: string): boolean {
  const verdicts = [StandardWebhook, SvixWebhook].map((Library) => {
    const webhook = secret.startsWith('whsec_') ? new Library(secret) : new Library(encoder.encode(secret), { format: 'raw' });
    try {
      webhook.verify(body, headers);
      return true;
    } catch {
      return false;
    }
  });
  expect(verdicts[0], 'the two libraries agree').toBe(verdicts[1]);
  return verdicts[0]!;
}

async function hexHmac(secret: string, body: Uint8Array): Promise<string> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, body));
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Which of the secrets each signature of a request is of: `webhook-signature` in its order, and `X-Bullseye-Signature`. */
async function signersOf({ headers, bodyBase64, ...rest }: ReceivedRequest): Promise<{ standard: string[]; bullseye: string | null }> {
  const bytes = bodyBytes({ headers, bodyBase64, ...rest });
  const body = new TextDecoder().decode(bytes);
  const signatures = headers['webhook-signature']?.split(' ') ?? [];
  const standard = signatures.map(
    (signature) => SECRETS.find((secret) => verifies(secret, { ...headers, 'webhook-signature': signature }, body)) ?? 'none of them',
  );
  const hexes = await Promise.all(SECRETS.map(async (secret) => [secret, await hexHmac(secret, bytes)] as const));
  const bullseye = headers['x-bullseye-signature'];
  return { standard, bullseye: bullseye === undefined ? null : (hexes.find(([, hex]) => hex === bullseye)?.[0] ?? 'none of them') };
}

async function given(secret: string | undefined) {
  const organization = await createOrganization();
  const endpoint = endpointInbox();
  const { id } = await createWebhook(organization, { url: endpoint.url, secret });
  const path = `${organization.path}/webhooks/${id}`;
  const { admin } = organization;
  return {
    id,
    rotate: (json: Record<string, unknown>) => admin.post(`${path}/secret/rotate`, json),
    reveal: async () => {
      const { headers: _, ...secrets } = (await admin.get(`${path}/secret`)).body;
      return secrets;
    },
    patch: (json: Record<string, unknown>) => admin.patch(path, json),
    end: () => admin.delete(`${path}/secret/previous`),
    /** Who signs now: a test goes through the outbox like any delivery, with the configuration of the moment. */
    signers: async () => {
      expect((await admin.post(`${path}/test`, {})).status).toBe(200);
      return await signersOf((await endpoint.requests()).at(-1)!);
    },
  };
}

const [S0, S1, S2, S3, S4] = SECRETS;

describe('rotations that overlap', () => {
  it('each keep what they have promised: the new secret signs first, the oldest makes X-Bullseye-Signature', async () => {
    const { rotate, signers, reveal } = await given(S0);
    await rotate({ secret: S1, overlapSeconds: 7_200 });
    const second = await rotate({ secret: S2, overlapSeconds: 3_600 });
    expect(await signers()).toEqual({ standard: [S2, S1, S0], bullseye: S0 });
    const now = Date.now();
    const at = (ms: number) => new Date(now + ms).toISOString();
    expect(second.body).toEqual({ secret: S2, previousSecretExpiresAt: at(HOUR), earlierSecretsExpireAt: [at(2 * HOUR)] });
    expect(await reveal()).toEqual(second.body);

    vi.setSystemTime(now + HOUR - 1);
    expect((await signers()).standard).toEqual([S2, S1, S0]);
    vi.setSystemTime(now + HOUR);
    expect(await signers()).toEqual({ standard: [S2, S0], bullseye: S0 });
    expect(await reveal()).toEqual({ secret: S2, previousSecretExpiresAt: null, earlierSecretsExpireAt: [at(2 * HOUR)] });
    vi.setSystemTime(now + 2 * HOUR);
    expect(await signers()).toEqual({ standard: [S2], bullseye: S2 });
  });

  it('are three at most; what a fourth former secret stands in the way of is 409 and changes nothing', async () => {
    const { rotate, signers, end } = await given(S0);
    for (const [hours, secret] of [
      [5, S1],
      [2, S2],
      [3, S3],
    ] as const)
      expect((await rotate({ secret, overlapSeconds: hours * 3_600 })).status).toBe(200);
    const firstEndsAt = new Date(Date.now() + 2 * HOUR).toISOString();
    expect(await rotate({ secret: S4 })).toMatchObject({
      status: 409,
      body: { code: 'rotation_in_progress', details: { limit: 3, firstEndsAt } },
    });
    expect(await signers()).toEqual({ standard: [S3, S2, S1, S0], bullseye: S0 });
    // A rotation without an overlap makes no former one.
    expect((await rotate({ secret: S4, overlapSeconds: 0 })).body).toMatchObject({ secret: S4, previousSecretExpiresAt: null });
    expect((await signers()).standard).toEqual([S4, S2, S1, S0]);
    expect((await rotate({ secret: S3 })).status).toBe(409);
    expect((await end()).status).toBe(204);
    expect(await signers()).toEqual({ standard: [S4], bullseye: S4 });
    expect((await rotate({ secret: S3 })).status).toBe(200);
  });

  it('can be asked for again: a rotation to the present secret, whatever its overlap, and a PATCH to it change nothing', async () => {
    const { rotate, patch, signers, reveal } = await given(S0);
    const first = await rotate({ secret: S1, overlapSeconds: 7_200 });
    vi.setSystemTime(Date.now() + 60_000);
    for (const overlapSeconds of [7_200, 60, 0]) expect((await rotate({ secret: S1, overlapSeconds })).body).toEqual(first.body);
    const patched = await patch({ secret: S1 });
    expect(patched).toMatchObject({ status: 200, body: { hasSecret: true } });
    vi.setSystemTime(Date.now() + 60_000);
    expect((await patch({ secret: S1 })).body.updatedAt).toBe(patched.body.updatedAt);
    expect(await patch({ secret: S1, description: 'changed' })).toMatchObject({ status: 200, body: { description: 'changed' } });
    expect(await reveal()).toEqual(first.body);
    expect(await signers()).toEqual({ standard: [S1, S0], bullseye: S0 });
  });

  it('back to a former secret take it back: who has known it all along verifies on, and the one in between signs, too', async () => {
    const { rotate, signers, end } = await given(S0);
    await rotate({ secret: S1, overlapSeconds: 7_200 });
    await rotate({ secret: S2, overlapSeconds: 7_200 });
    await rotate({ secret: S0, overlapSeconds: 3_600 });
    expect(await signers()).toEqual({ standard: [S0, S2, S1], bullseye: S0 });
    await rotate({ secret: S1, overlapSeconds: 3_600 });
    expect(await signers()).toEqual({ standard: [S1, S2, S0], bullseye: S0 });
    await end();
    expect(await signers()).toEqual({ standard: [S1], bullseye: S1 });
  });

  it('that race leave every secret that one of them replaced to its overlap', async () => {
    const { rotate, signers } = await given(S0);
    const answers = await Promise.all([S1, S2, S3].map((secret) => rotate({ secret, overlapSeconds: 3_600 })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { standard, bullseye } = await signers();
    expect(standard.toSorted()).toEqual([S0, S1, S2, S3].toSorted());
    expect(bullseye).toBe(S0);
  });

  it('that race are no more than may sign: the others are refused', async () => {
    const { rotate, signers } = await given(S0);
    const answers = await Promise.all(Array.from({ length: 8 }, () => rotate({ generateSecret: true })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    for (const { status, body } of answers) if (status !== 200) expect([status, body.code]).toEqual([409, 'rotation_in_progress']);
    expect((await signers()).standard).toHaveLength(4);
  });

  it('that are one request, sent twice at the same time, are one', async () => {
    const { rotate, signers } = await given(S0);
    const [one, other] = await Promise.all([rotate({ secret: S1 }), rotate({ secret: S1 })]);
    expect(other.body).toEqual(one.body);
    expect((await signers()).standard).toEqual([S1, S0]);
  });

  it('go on from what a version without them has stored, and keep what that one promised', async () => {
    const { id, rotate, signers } = await given(S0);
    await rotate({ secret: S1, overlapSeconds: 7_200 });
    // As it was before there was the column.
    await env.DB.prepare('UPDATE webhooks SET secret_ring = NULL WHERE id = ?').bind(id).run();
    expect(await signers()).toEqual({ standard: [S1, S0], bullseye: S0 });
    expect((await rotate({ secret: S1, overlapSeconds: 60 })).body.previousSecretExpiresAt).toBe(
      new Date(Date.now() + 2 * HOUR).toISOString(),
    );
    await rotate({ secret: S2, overlapSeconds: 3_600 });
    expect(await signers()).toEqual({ standard: [S2, S1, S0], bullseye: S0 });
  });

  it('leave a secret behind that does not open any more, which could sign nothing', async () => {
    const { id, rotate, signers } = await given(S0);
    const sealed = 'v1:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    await env.DB.prepare('UPDATE webhooks SET secret = ? WHERE id = ?').bind(sealed, id).run();
    expect((await rotate({ secret: S1 })).body).toEqual({ secret: S1, previousSecretExpiresAt: null });
    expect(await signers()).toEqual({ standard: [S1], bullseye: S1 });
  });
});

/** What DESIGN says of a webhook's secrets, in the plainest way: who signs, the oldest first. */
class Model {
  #secrets: { secret: string; endsAt: number | null }[] = [];

  constructor(secret: string | null) {
    this.set(secret);
  }

  set(secret: string | null): void {
    if (secret !== this.#present?.secret) this.#secrets = secret === null ? [] : [{ secret, endsAt: null }];
  }

  /** Whether it is taken. */
  rotate(secret: string, overlapSeconds: number): boolean {
    this.#forget();
    const present = this.#present;
    if (present?.secret === secret) return true;
    const former = this.#secrets.filter((each) => each.endsAt !== null && each.secret !== secret).length;
    if (former + (present && overlapSeconds > 0 ? 1 : 0) > 3) return false;
    if (present) present.endsAt = Date.now() + overlapSeconds * 1_000;
    const known = this.#secrets.find((each) => each.secret === secret);
    if (known) known.endsAt = null;
    else this.#secrets.push({ secret, endsAt: null });
    return true;
  }

  end(): void {
    this.#secrets = this.#secrets.filter(({ endsAt }) => endsAt === null);
  }

  signers(): { standard: string[]; bullseye: string | null } {
    this.#forget();
    const former = this.#secrets.filter(({ endsAt }) => endsAt !== null).map(({ secret }) => secret);
    const present = this.#present;
    return { standard: [...(present ? [present.secret] : []), ...former.toReversed()], bullseye: this.#secrets[0]?.secret ?? null };
  }

  get #present() {
    return this.#secrets.find(({ endsAt }) => endsAt === null);
  }

  #forget(): void {
    this.#secrets = this.#secrets.filter(({ endsAt }) => endsAt === null || endsAt > Date.now());
  }
}

type Step =
  | { does: 'rotate'; secret: string; overlapSeconds: number }
  | { does: 'patch'; secret: string | null }
  | { does: 'end' }
  | { does: 'wait'; ms: number }
  | { does: 'sweep' };

const secret = fc.constantFrom(...SECRETS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('rotate' as const), secret, overlapSeconds: fc.constantFrom(0, 60, 3_600, 86_400) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('patch' as const), secret: fc.option(secret) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('end' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.constantFrom(1, 60_000, HOUR, 20 * HOUR) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('sweep' as const) }) },
);

it('whatever is done to a secret, in whatever order, the signatures are those that were promised', async () => {
  const cases = fc.asyncProperty(fc.option(secret), fc.array(step, { minLength: 2, maxLength: 9 }), async (first, steps) => {
    const { rotate, patch, end, signers } = await given(first ?? undefined);
    const model = new Model(first);
    for (const each of steps) {
      if (each.does === 'wait') vi.setSystemTime(Date.now() + each.ms);
      else if (each.does === 'sweep') await eraseFormerSecrets(env, Date.now());
      else if (each.does === 'end') {
        await end();
        model.end();
      } else if (each.does === 'patch') {
        await patch({ secret: each.secret });
        model.set(each.secret);
      } else {
        const taken = model.rotate(each.secret, each.overlapSeconds);
        expect((await rotate({ secret: each.secret, overlapSeconds: each.overlapSeconds })).status).toBe(taken ? 200 : 409);
      }
      expect(await signers()).toEqual(model.signers());
    }
    await databaseOf(env.DB).delete(webhooks);
  });
  await fc.assert(cases, { numRuns: 20 });
}, 120_000);
