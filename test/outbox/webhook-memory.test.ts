import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { type OutboxConfig, readWebhook } from '../../src/db/configuration.ts';
import { webhooks } from '../../src/db/schema.ts';
import { WebhookMemory } from '../../src/outbox/webhook-memory.ts';
import { givenOrganization, givenWebhook, outboxOf } from '../support/deliveries.ts';

const NOW = 1_800_000_000_000;

/** A webhook's memory in its outbox's storage, beside the real database. */
async function withMemory(work: (memory: WebhookMemory, config: OutboxConfig, kv: SyncKvStorage) => Promise<void>): Promise<void> {
  const id = await givenWebhook(await givenOrganization(), { url: 'https://old.example/' });
  const config = (await readWebhook(env.DB, id)) as OutboxConfig;
  await runInDurableObject(outboxOf(id), (_, { storage: { kv } }) => work(new WebhookMemory(kv, env.DB, id), config, kv));
}

/** The owner points the webhook elsewhere. */
async function change({ webhook: { id } }: OutboxConfig): Promise<void> {
  await databaseOf(env.DB).update(webhooks).set({ url: 'https://new.example/' }).where(eq(webhooks.id, id));
}

describe("what an outbox knows of its webhook's configuration", () => {
  it('is what the consumer read, while that is seconds old, and costs the database nothing', async () => {
    await withMemory(async (memory, config) => {
      memory.offer(config, NOW - 1_000);
      await change(config);
      expect((await memory.read(NOW))?.webhook.url).toBe('https://old.example/');
      expect((await memory.read(NOW + 3_000))?.webhook.url).toBe('https://old.example/');
      expect((await memory.read(NOW + 3_001))?.webhook.url).toBe('https://new.example/');
    });
  });

  it('is not what the consumer read before the owner changed something, nor is that kept for an outage', async () => {
    await withMemory(async (memory, config, kv) => {
      memory.offer(config, NOW - 2_000);
      await change(config);
      memory.refresh(NOW);
      expect((await memory.read(NOW))?.webhook.url).toBe('https://new.example/');
      memory.offer(config, NOW - 1_000);
      expect((await memory.read(NOW + 1))?.webhook.url).toBe('https://new.example/');
      expect(WebhookMemory.lastKnown(kv)?.webhook.url).toBe('https://new.example/');
    });
  });

  it('is kept for an outage however old it is, where nothing else is known', async () => {
    await withMemory(async (memory, config, kv) => {
      memory.offer(config, 0);
      expect(WebhookMemory.lastKnown(kv)).toEqual(config);
    });
  });

  it('is not what was being read while the owner changed it', async () => {
    await withMemory(async (memory, config) => {
      const before = memory.read(NOW);
      memory.refresh(NOW);
      await before;
      await change(config);
      expect((await memory.read(NOW + 1))?.webhook.url).toBe('https://new.example/');
    });
  });
});
