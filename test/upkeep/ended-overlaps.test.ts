import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { listEndedOverlaps } from '../../src/db/sealed-secrets.ts';
import worker from '../../src/index.ts';
import { WebhookMemory } from '../../src/outbox/webhook-memory.ts';
import { eraseFormerSecrets } from '../../src/upkeep/ended-overlaps.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { aMessage, anEvent, consume, endpointInbox, givenOrganization, givenWebhook, outboxOf } from '../support/deliveries.ts';

driveDate();

afterEach(async () => {
  await databaseOf(env.DB).delete(webhooks);
});

const MINUTE = 60_000;
const rowOf = async (id: string) => (await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, id)))[0]!;

/** A webhook whose secrets end after 1, 2 and 3 minutes: the first, the third and the second that it had. */
async function given() {
  const endpoint = endpointInbox();
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, secret: 'the first' });
  const rotate = (secret: string, overlapSeconds: number) =>
    platform.post(`/organization/${organization}/webhooks/${webhook}/secret/rotate`, { secret, overlapSeconds });
  await rotate('the second', 60);
  await rotate('the third', 180);
  await rotate('the fourth', 120);
  return { endpoint, organization, webhook };
}

describe('a former secret whose overlap has ended', () => {
  it('is erased by the next minute’s sweep, each at its own end, and nothing else changes', async () => {
    const { webhook } = await given();
    const before = await rowOf(webhook);
    const [first, second, third] = before.secretRing!.map(({ sealed }) => sealed);
    const sweepAt = async (ms: number) => {
      await worker.scheduled({ scheduledTime: Date.now() + ms } as ScheduledController, env);
      return await rowOf(webhook);
    };
    expect(await sweepAt(MINUTE - 1)).toEqual(before);
    for (const [ms, gone, left] of [
      [MINUTE, [first], 3],
      [2 * MINUTE, [first, third], 2],
      [3 * MINUTE, [first, second, third], null],
    ] as const) {
      const row = await sweepAt(ms);
      for (const sealed of gone) expect(JSON.stringify(row)).not.toContain(sealed);
      expect(row.secretRing?.length ?? null).toBe(left);
      expect(row).toMatchObject({ secret: before.secret, updatedAt: before.updatedAt });
    }
    expect(await rowOf(webhook)).toMatchObject({ previousSecret: null, previousSecretExpiresAt: null });
    expect(await listEndedOverlaps(env.DB, Date.now() + 10 * MINUTE, 10)).toEqual([]);
  });

  it('of a version that kept one alone is erased as well', async () => {
    const { webhook } = await given();
    await env.DB.prepare('UPDATE webhooks SET secret_ring = NULL WHERE id = ?').bind(webhook).run();
    await eraseFormerSecrets(env, Date.now() + MINUTE);
    expect(await rowOf(webhook)).toMatchObject({ previousSecret: null, previousSecretExpiresAt: null, secretRing: null });
  });

  it('goes from what its outbox keeps, too; an outbox that does not answer keeps nobody from their turn', async () => {
    const { endpoint, organization, webhook } = await given();
    await consume([aMessage([anEvent(organization)])]);
    await endpoint.arrived(1);
    const kept = async () =>
      (await runInDurableObject(outboxOf(webhook), (_, { storage }) => WebhookMemory.lastKnown(storage.kv)))!.webhook;
    const { sealed } = (await kept()).secretRing![0]!;
    const other = await given();
    const gone = { resealed: () => Promise.reject(new Error('the outbox is gone')) };
    const OUTBOX = { getByName: (id: string) => (id === other.webhook ? gone : outboxOf(id)) } as unknown as Env['OUTBOX'];
    await eraseFormerSecrets({ ...env, OUTBOX }, Date.now() + MINUTE);
    expect(JSON.stringify(await kept())).not.toContain(sealed);
    expect((await rowOf(other.webhook)).secretRing).toHaveLength(3);
  });

  it('is found by its index, not by a look at every webhook', async () => {
    const plan = await env.DB.prepare(
      'EXPLAIN QUERY PLAN SELECT id FROM webhooks WHERE previous_secret_expires_at <= ? ORDER BY previous_secret_expires_at LIMIT 200',
    )
      .bind(Date.now())
      .all<{ detail: string }>();
    expect(plan.results.map(({ detail }) => detail).join()).toContain('webhooks_overlaps');
  });
});
