import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { listEntries } from '../../src/db/audit-log.ts';
import { databaseOf } from '../../src/db/client.ts';
import { disableWebhook, saveHealth } from '../../src/db/outboxes.ts';
import { webhooks } from '../../src/db/schema.ts';
import { updateWebhook, type WebhookChanges } from '../../src/db/webhooks.ts';
import { givenOrganization, givenWebhook } from '../support/deliveries.ts';

const db = databaseOf(env.DB);
const url = 'https://hooks.example.com/in';

describe('a webhook that the service disables', () => {
  let organization: string;
  let webhook: string;
  let decidedAt: number;
  beforeEach(async () => {
    organization = await givenOrganization();
    webhook = await givenWebhook(organization, { url });
    decidedAt = (await rowOf()).healthSince + 1_000;
  });

  const rowOf = async () => (await db.select().from(webhooks).where(eq(webhooks.id, webhook)))[0]!;
  const change = async (changes: WebhookChanges, at: number) => updateWebhook(db, await rowOf(), changes, at, null);
  const disable = (changes: Partial<Parameters<typeof disableWebhook>[2]> = {}) =>
    disableWebhook(env.DB, webhook, { url, reason: 'endpoint_gone', decidedAt, ...changes });

  it('is disabled by the decision, and still is where the answer was lost and it is told again', async () => {
    expect(await disable()).toBe(true);
    const disabled = await rowOf();
    expect(disabled).toMatchObject({ enabled: false, disabledReason: 'endpoint_gone', updatedAt: decidedAt });
    expect(await disable()).toBe(true);
    expect(await rowOf()).toEqual(disabled);
  });

  it('has one entry in the audit log of that, the doing of the service, however often it is told', async () => {
    const entries = () => listEntries(db, organization, { limit: 10 });
    await disable({ decidedAt: 1 });
    expect(await entries(), 'its owner has enabled it since').toEqual([]);
    const { freshSince } = await rowOf();
    await disable({ freshSince });
    await disable({ freshSince });
    await disable({ reason: 'endpoint_failing' });
    expect(await entries()).toEqual([
      {
        ...{
          id: expect.stringMatching(/^aud_/),
          organizationId: organization,
          at: decidedAt,
          actor: { type: 'service', id: null, name: null },
        },
        ...{ network: null, action: 'webhook.disabled', target: { type: 'webhook', id: webhook } },
        changes: { enabled: { from: true, to: false }, disabledReason: { from: null, to: 'endpoint_gone' } },
      },
    ]);
  });

  it('is not disabled by another decision that comes afterwards', async () => {
    await disable();
    const disabled = await rowOf();
    expect(await disable({ decidedAt: decidedAt + 1 })).toBe(false);
    expect(await disable({ reason: 'endpoint_failing' })).toBe(false);
    expect(await rowOf()).toEqual(disabled);
  });

  it('stays as its owner has set it since: enabled anew, pointed elsewhere, or disabled', async () => {
    await change({ enabled: false }, decidedAt - 10);
    expect(await disable()).toBe(false);
    expect(await rowOf()).toMatchObject({ enabled: false, disabledReason: null });
    await change({ enabled: true }, decidedAt + 10);
    expect(await disable()).toBe(false);
    await change({ url: 'https://elsewhere.example.com/in' }, decidedAt + 20);
    expect(await disable({ decidedAt: decidedAt + 30 })).toBe(false);
    expect(await rowOf()).toMatchObject({ enabled: true, disabledReason: null, updatedAt: decidedAt + 20 });
  });

  it('is enabled again by its owner, which the lost answer’s repetition does not undo', async () => {
    await disable();
    await change({ enabled: true }, decidedAt + 10);
    expect(await disable()).toBe(false);
    expect(await rowOf()).toMatchObject({ enabled: true, disabledReason: null });
  });

  it('is not disabled for what speaks of it before its owner enabled it, or pointed it elsewhere and back', async () => {
    const before = await rowOf();
    for (const changes of [{ url: `${url}/2` }, { url }, { enabled: false }, { enabled: true }, { url: `${url}/3` }, { url }])
      await change(changes, before.healthSince);
    const after = await rowOf();
    expect(after.freshSince).toBeGreaterThan(before.freshSince);
    expect(await disable({ freshSince: before.freshSince })).toBe(false);
    expect(await rowOf()).toEqual(after);
    await saveHealth(env.DB, webhook, { health: 'open', since: decidedAt, freshSince: before.freshSince });
    expect(await rowOf()).toEqual(after);
    expect(await disable({ freshSince: after.freshSince })).toBe(true);
  });

  it('is disabled by its decision where the answer was lost, whatever else its owner has changed since', async () => {
    const { freshSince } = await rowOf();
    expect(await disable({ freshSince })).toBe(true);
    await change({ description: 'x', maxPerSecond: 3 }, decidedAt + 10);
    const edited = await rowOf();
    expect(await disable({ freshSince })).toBe(true);
    expect(await rowOf()).toEqual(edited);
    await change({ enabled: false }, decidedAt + 20);
    await change({ url: `${url}/2` }, decidedAt + 30);
    expect(await disable({ freshSince })).toBe(false);
  });

  it('has another fresh start each time, though the clock stands still or goes back, and none by any other change', async () => {
    const starts: number[] = [];
    for (const changes of [
      { url: `${url}/2` },
      { url },
      { enabled: false },
      { description: 'x' },
      { url },
      { enabled: true },
      { enabled: true },
    ]) {
      await change(changes, decidedAt - starts.length);
      starts.push((await rowOf()).freshSince);
    }
    expect(starts).toEqual([0, 1, 1, 1, 1, 2, 2].map((more) => decidedAt + more));
  });

  it('has no reason of the service’s any more once it is pointed elsewhere, and is disabled all the same', async () => {
    for (const changes of [{ description: 'x' }, { url }, { enabled: false }]) {
      await disable();
      await change(changes, decidedAt + 10);
      expect(await rowOf()).toMatchObject({ enabled: false, disabledReason: 'endpoint_gone' });
    }
    await change({ url: `${url}/2` }, decidedAt + 20);
    expect(await rowOf()).toMatchObject({ enabled: false, disabledReason: null, health: 'healthy' });
  });

  it('may be gone', async () => {
    await db.delete(webhooks).where(eq(webhooks.id, webhook));
    expect(await disable()).toBe(false);
  });
});
