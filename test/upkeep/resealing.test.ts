import { createExecutionContext, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { Sender } from '../../src/attempt/sender.ts';
import { databaseOf } from '../../src/db/client.ts';
import { readWebhook } from '../../src/db/configuration.ts';
import { webhooks } from '../../src/db/schema.ts';
import { replaceSealedSecrets } from '../../src/db/sealed-secrets.ts';
import { masterKeyId, openSecret, sealSecret } from '../../src/db/secret-box.ts';
import { columnsOf } from '../../src/domain/webhook/secret-rotation.ts';
import worker from '../../src/index.ts';
import { WebhookMemory } from '../../src/outbox/webhook-memory.ts';
import { settingsOf } from '../../src/settings.ts';
import { eraseFormerSecrets } from '../../src/upkeep/ended-overlaps.ts';
import { resealSecrets } from '../../src/upkeep/resealing.ts';
import { ORIGIN, PLATFORM_KEY, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { aMessage, anEvent, consume, endpointInbox, givenOrganization, givenWebhook, outboxOf } from '../support/deliveries.ts';
import { bodyBytes, type Inbox } from '../support/receiver.ts';

driveDate();

/** The tests' own key is the former one; a rotation puts a new one before it. */
const FORMER = env.MASTER_KEY;
const CURRENT = 'the-new-master-key';
const rotating: Env = { ...env, MASTER_KEY: `${CURRENT},${FORMER}` };
const rotated: Env = { ...env, MASTER_KEY: CURRENT };
const SECRET = 'whsec_b2xkIHNlY3JldCBvZiBhIHdlYmhvb2shISEhIQ==';

afterEach(async () => {
  await databaseOf(env.DB).delete(webhooks);
});

const rowOf = async (id: string) => (await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, id)))[0]!;

/** How far the rotation has come, as the platform sees it. */
async function progress(environment: Env): Promise<unknown> {
  const request = new Request(`${ORIGIN}/api/v1/platform/sealed-secrets`, { headers: { 'X-API-Key': PLATFORM_KEY } });
  return await (await app.fetch(request, environment, createExecutionContext())).json();
}

async function given(script: Parameters<Inbox['script']>[0] = [{ status: 200 }]) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, secret: SECRET });
  return { endpoint, organization, webhook, path: `/organization/${organization}/webhooks/${webhook}` };
}

describe('while the master key is rotated', () => {
  it('the cron seals every secret under the new key, after which the old one is not needed', async () => {
    const { webhook, path } = await given();
    const { body } = await platform.post(`${path}/secret/rotate`, { overlapSeconds: 3_600 });
    expect(await progress(rotating)).toEqual({ current: 0, former: 2, unknown: 0 });

    await worker.scheduled({ scheduledTime: Date.now() } as ScheduledController, rotating);

    expect(await progress(rotating)).toEqual({ current: 2, former: 0, unknown: 0 });
    expect(await progress(rotated)).toEqual({ current: 2, former: 0, unknown: 0 });
    const { secret, previousSecret } = await rowOf(webhook);
    expect(await openSecret([CURRENT], webhook, secret!)).toBe(body.secret);
    expect(await openSecret([CURRENT], webhook, previousSecret!)).toBe(SECRET);
  });

  it('every former secret is sealed anew, too, and all sign as before', async () => {
    const { endpoint, webhook, path } = await given();
    const [second, third] = ['whsec_c2Vjb25kIHNlY3JldCBvZiBhIHdlYmhvb2shISEh', 'the third, of plain words and many'];
    for (const secret of [second, third]) await platform.post(`${path}/secret/rotate`, { secret, overlapSeconds: 3_600 });
    const former = await rowOf(webhook);
    expect(await progress(rotating)).toEqual({ current: 0, former: 3, unknown: 0 });
    await resealSecrets(rotating, Date.now());
    expect(await progress(rotating)).toEqual({ current: 3, former: 0, unknown: 0 });
    const row = await rowOf(webhook);
    expect(JSON.stringify(row)).not.toContain(`:${await masterKeyId(FORMER)}:`);
    const opened = await Promise.all(row.secretRing!.map(({ sealed }) => openSecret([CURRENT], webhook, sealed)));
    expect(opened).toEqual([SECRET, second, third]);
    expect(row.secretRing!.map(({ endsAt }) => endsAt)).toEqual(former.secretRing!.map(({ endsAt }) => endsAt));

    const { webhook: config } = (await readWebhook(env.DB, webhook))!;
    const delivery = { id: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified' };
    const sending = { delivery, payload: new TextEncoder().encode('{}'), number: 1, trigger: 'event' } as const;
    await new Sender(settingsOf(rotated)).send(config, sending);
    const { headers } = (await endpoint.requests()).at(-1)!;
    for (const secret of [SECRET, second]) expect(new Webhook(secret).verify('{}', headers)).toEqual({});
    expect(headers['webhook-signature']!.split(' ')).toHaveLength(3);
  });

  it('one that a former key sealed is found, wherever it is kept', async () => {
    const { webhook, path } = await given();
    for (const secret of ['the second, of plain words', 'the third, of plain words', 'the fourth, of plain words'])
      await platform.post(`${path}/secret/rotate`, { secret, overlapSeconds: 3_600 });
    const { secretRing } = await rowOf(webhook);
    // All but the second are sealed anew already.
    const anew = await Promise.all(
      secretRing!.map(async (kept, index) =>
        index === 1 ? kept : { ...kept, sealed: await sealSecret([CURRENT], webhook, await openSecret([FORMER], webhook, kept.sealed)) },
      ),
    );
    await databaseOf(env.DB).update(webhooks).set(columnsOf(anew)).where(eq(webhooks.id, webhook));
    expect(await progress(rotating)).toEqual({ current: 3, former: 1, unknown: 0 });
    await resealSecrets(rotating, Date.now());
    expect(await progress(rotating)).toEqual({ current: 4, former: 0, unknown: 0 });
  });

  it('what an outbox keeps for an outage of D1 opens with the new key alone, and signs with the same secret', async () => {
    const { endpoint, organization, webhook } = await given([{ status: 500 }, { status: 200 }]);
    await consume([aMessage([anEvent(organization)])]);
    await resealSecrets(rotating, Date.now());
    const kept = await runInDurableObject(outboxOf(webhook), (_, { storage }) => WebhookMemory.lastKnown(storage.kv));
    expect(kept).toEqual(await readWebhook(env.DB, webhook));

    const delivery = { id: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified' };
    const sending = { delivery, payload: new TextEncoder().encode('{}'), number: 2, trigger: 'schedule' } as const;
    await new Sender(settingsOf(rotated)).send(kept!.webhook, sending);
    const received = (await endpoint.requests()).at(-1)!;
    expect(received.headers['x-bullseye-attempt']).toBe('2');
    expect(new Webhook(SECRET).verify(new TextDecoder().decode(bodyBytes(received)), received.headers)).toEqual({});
  });

  it('a webhook’s own headers are sealed anew and counted as a secret is, with one or without, and sent as before', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200 }]);
    const organization = await givenOrganization();
    const headers = { Authorization: 'Bearer 3f9a07c2' };
    const options = { url: endpoint.url, headers, format: 'flat' as const };
    const signed = await givenWebhook(organization, { ...options, secret: SECRET });
    const unsigned = await givenWebhook(organization, options);
    await consume([aMessage([anEvent(organization)])]);
    await endpoint.arrived(2);
    expect(await progress(rotating)).toEqual({ current: 0, former: 3, unknown: 0 });
    await resealSecrets(rotating, Date.now());
    expect(await progress(rotating)).toEqual({ current: 3, former: 0, unknown: 0 });
    expect(await progress(rotated)).toEqual({ current: 3, former: 0, unknown: 0 });
    for (const webhook of [signed, unsigned]) {
      expect(JSON.parse(await openSecret([CURRENT], webhook, (await rowOf(webhook)).headers!))).toEqual(headers);
      // So is what its outbox keeps for an outage of D1.
      const kept = await runInDurableObject(outboxOf(webhook), (_, { storage }) => WebhookMemory.lastKnown(storage.kv));
      expect(kept).toEqual(await readWebhook(env.DB, webhook));
      const delivery = { id: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified' };
      const sending = { delivery, payload: new TextEncoder().encode('{}'), number: 1, trigger: 'event' } as const;
      await new Sender(settingsOf(rotated)).send(kept!.webhook, sending);
      expect((await endpoint.requests()).at(-1)!.headers.authorization).toBe(headers.Authorization);
    }
  });

  it('headers alone that a former key sealed are found, and those that their owner changes at the same moment stand', async () => {
    const { webhook, path } = await given();
    await resealSecrets(rotating, Date.now());
    // As before, but for headers that come now, under the former key.
    await platform.patch(path, { headers: { 'X-A': 'a' } });
    expect(await progress(rotating)).toEqual({ current: 1, former: 1, unknown: 0 });
    const before = (await readWebhook(env.DB, webhook))!.webhook;
    await platform.patch(path, { headers: { 'X-B': 'b' } });
    const { headers } = await rowOf(webhook);
    expect(await replaceSealedSecrets(env.DB, before, before, await sealSecret([CURRENT], webhook, '{"X-A":"a"}'))).toBe(false);
    expect((await rowOf(webhook)).headers).toBe(headers);
    await resealSecrets(rotating, Date.now());
    expect(await progress(rotating)).toEqual({ current: 2, former: 0, unknown: 0 });
    expect(JSON.parse(await openSecret([CURRENT], webhook, (await rowOf(webhook)).headers!))).toEqual({ 'X-A': 'a', 'X-B': 'b' });
  });

  it('headers stay as they are where a former secret is erased whose overlap has ended', async () => {
    const { webhook, path } = await given();
    await platform.patch(path, { headers: { 'X-A': 'a' } });
    await platform.post(`${path}/secret/rotate`, { overlapSeconds: 60 });
    const before = await rowOf(webhook);
    await eraseFormerSecrets(env, Date.now() + 60_000);
    expect(await rowOf(webhook)).toMatchObject({ previousSecret: null, headers: before.headers, headerNames: ['X-A'] });
  });

  it('an outbox that keeps nothing is left without anything', async () => {
    const { webhook } = await given();
    await resealSecrets(rotating, Date.now());
    expect(await runInDurableObject(outboxOf(webhook), (_, { storage }) => [...storage.kv.list()])).toEqual([]);
  });

  it('a secret whose overlap has ended is dropped rather than sealed', async () => {
    const { webhook, path } = await given();
    await platform.post(`${path}/secret/rotate`, { overlapSeconds: 60 });
    await resealSecrets(rotating, Date.now() + 60_000);
    expect(await rowOf(webhook)).toMatchObject({ previousSecret: null, previousSecretExpiresAt: null });
    expect(await progress(rotating)).toEqual({ current: 1, former: 0, unknown: 0 });
  });

  it('a secret that its owner sets at the same moment stands', async () => {
    const { webhook, path } = await given();
    const before = await rowOf(webhook);
    await platform.patch(path, { secret: 'set by its owner meanwhile' });
    await replaceSealedSecrets(env.DB, before, { ...before, secret: await sealSecret([CURRENT], webhook, SECRET) });
    expect(await openSecret([FORMER], webhook, (await rowOf(webhook)).secret!)).toBe('set by its owner meanwhile');
  });

  it('one that does not open, or whose outbox is not reached, does not hold the others up', async () => {
    const [broken, unreachable, fine] = [await given(), await given(), await given()];
    const { secret } = await rowOf(broken.webhook);
    const tampered = `${secret!.slice(0, -4)}AAAA`;
    await databaseOf(env.DB).update(webhooks).set({ secret: tampered }).where(eq(webhooks.id, broken.webhook));
    const gone = { resealed: () => Promise.reject(new Error('the outbox is gone')) };
    const OUTBOX = { getByName: (id: string) => (id === unreachable.webhook ? gone : outboxOf(id)) } as unknown as Env['OUTBOX'];

    await resealSecrets({ ...rotating, OUTBOX }, Date.now());

    expect(await progress(rotating)).toEqual({ current: 1, former: 2, unknown: 0 });
    expect(await openSecret([CURRENT], fine.webhook, (await rowOf(fine.webhook)).secret!)).toBe(SECRET);
    // With the next sweep its turn comes again.
    await resealSecrets(rotating, Date.now());
    expect(await progress(rotating)).toEqual({ current: 2, former: 1, unknown: 0 });
  });

  it('takes a bounded number in a sweep, and goes on with the next', async () => {
    const organization = await givenOrganization();
    for (let made = 0; made < 7; made++) await givenWebhook(organization, { url: 'https://example.com/', secret: SECRET });
    await resealSecrets(rotating, Date.now(), 5);
    expect(await progress(rotating)).toEqual({ current: 5, former: 2, unknown: 0 });
    await resealSecrets(rotating, Date.now(), 5);
    expect(await progress(rotating)).toEqual({ current: 7, former: 0, unknown: 0 });
  });
});

describe('secrets that cannot be sealed anew', () => {
  it('do not keep those behind them from their turn, be they as many as a sweep takes', async () => {
    const organization = await givenOrganization();
    const all: string[] = [];
    for (let made = 0; made < 8; made++) all.push(await givenWebhook(organization, { url: 'https://example.com/', secret: SECRET }));
    // More than two sweeps take, and first of all.
    const failing = all.slice(0, 5);
    const called: string[] = [];
    const getByName = (id: string) => ({
      resealed: async () => {
        called.push(id);
        if (failing.includes(id)) throw new Error('the outbox is gone');
      },
    });
    const environment = { ...rotating, OUTBOX: { getByName } as unknown as Env['OUTBOX'] };
    for (let minute = 0; minute < 5; minute++) await resealSecrets(environment, Date.now() + minute * 60_000, 2);
    expect(await progress(rotating)).toEqual({ current: 3, former: 5, unknown: 0 });
    expect(new Set(called)).toEqual(new Set(all));
  });
});

describe('without a rotation', () => {
  it('nothing is sealed anew, and what no configured key opens is counted', async () => {
    const { webhook } = await given();
    const before = await rowOf(webhook);
    await resealSecrets(env, Date.now());
    expect(await rowOf(webhook)).toEqual(before);
    expect(await progress(env)).toEqual({ current: 1, former: 0, unknown: 0 });
    expect(await progress(rotated)).toEqual({ current: 0, former: 0, unknown: 1 });
  });
});
