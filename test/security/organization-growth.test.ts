import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { WRITES } from '../../src/api/access/rate-limit.ts';
import { insertApiKey, revokeApiKey } from '../../src/db/api-keys.ts';
import { databaseOf } from '../../src/db/client.ts';
import { insertDashboardLink } from '../../src/db/dashboard-links.ts';
import { insertSession } from '../../src/db/dashboard-sessions.ts';
import { deleteWebhook, insertWebhook } from '../../src/db/webhooks.ts';
import { mintId } from '../../src/domain/ids.ts';
import { sweep } from '../../src/upkeep/sweep.ts';
import { createOrganization } from '../support/api.ts';
import { anEntry } from '../support/audit.ts';

/*
 * What one organization can add to the database that all share: everything that it may write in a minute (the limit itself has its test:
 * test/api/access/rate-limit.test.ts), minute after minute, until it has no more rows than the minute before. Then an hour adds no more, nor a day.
 */
const MINUTE = 60_000;
const MAX_BYTES = 10_000_000;
const db = databaseOf(env.DB);
const hex = () => (crypto.randomUUID() + crypto.randomUUID()).replaceAll('-', '');

const outboxes = { getByName: () => ({ poke: async () => false, erase: async () => {} }) } as unknown as Env['OUTBOX'];

async function rows(): Promise<number> {
  const tables = ['api_keys', 'dashboard_links', 'dashboard_sessions', 'webhooks', 'outbox_erasures', 'busy_outboxes'];
  const counts = await Promise.all(tables.map((table) => env.DB.prepare(`SELECT count(*) AS rows FROM ${table}`).first<number>('rows')));
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

/** The database never gives back what it has once taken: this is the most that it has had. */
const bytes = async () => (await env.DB.prepare('SELECT 1').run()).meta.size_after;

/** As many at once as are kept, and half as many again. */
const times = (kept: number, write: () => Promise<unknown>) => Promise.all(Array.from({ length: 1.5 * kept }, write));

/** What an organization writes in a minute. */
type WriteForAMinute = (organizationId: string, keyId: string, now: number) => Promise<unknown>;

/** Each with the minutes after which nothing more is added: a link is kept for a quarter of an hour, and the cron erases after two minutes. */
const KINDS: [kind: string, minutes: number, write: WriteForAMinute][] = [
  [
    'keys, each revoked at once',
    5,
    (organizationId, _keyId, now) =>
      times(200, async () => {
        const id = mintId('apiKey', now);
        const key = { id, organizationId, name: 'n'.repeat(100), keyHash: hex(), keyPrefix: 'bsk_live_000', scopes: ['admin'] };
        await insertApiKey(db, { ...key, expiresAt: null, createdAt: now }, now, anEntry(organizationId));
        await revokeApiKey(db, organizationId, id, now, anEntry(organizationId));
      }),
  ],
  [
    'sign-ins',
    3,
    (organizationId, keyId, now) =>
      times(50, () => {
        const made = { keyId, platformMark: null, createdAt: now, expiresAt: now + 12 * 60 * MINUTE };
        return insertSession(
          db,
          { tokenHash: hex(), organizationId, scopes: ['admin'], ...made },
          null,
          anEntry(organizationId, { at: now }),
        );
      }),
  ],
  [
    'sign-in links',
    18,
    async (organizationId, keyId, now) => {
      const made = { keyId, platformMark: null, createdAt: now, expiresAt: now + 15 * MINUTE };
      const tokenHash = hex();
      await insertDashboardLink(db, { tokenHash, organizationId, scope: 'admin', ...made }, now, anEntry(organizationId));
      // The others of the minute, each as long as this one.
      await env.DB.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO dashboard_links (token_hash, organization_id, scope, key_id, platform_mark, expires_at, used_at, created_at)
         SELECT lower(hex(randomblob(32))), organization_id, scope, key_id, platform_mark, expires_at, used_at, created_at
         FROM n, dashboard_links WHERE token_hash = ?2`,
      )
        .bind(WRITES, tokenHash)
        .run();
    },
  ],
  [
    'webhooks, each deleted at once',
    6,
    async (organizationId, _keyId, now) => {
      const id = mintId('webhook', now);
      const webhook = { url: `https://hooks.example.com/${'x'.repeat(2_000)}`, events: ['*'], enabled: true };
      const row = { id, organizationId, ...webhook, healthSince: now, createdAt: now, updatedAt: now };
      const inserted = await insertWebhook(db, row, anEntry(organizationId));
      if (inserted) await deleteWebhook(db, inserted, now, anEntry(organizationId));
      await env.DB.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO outbox_erasures (webhook_id, requested_at) SELECT ?2 || hex(randomblob(4)), ?3 FROM n`,
      )
        .bind(WRITES, id, now)
        .run();
    },
  ],
];

it.each(KINDS)(
  '%s at the full rate of an organization take little of the database, however long it goes on',
  async (...[, minutes, write]) => {
    const organization = await createOrganization();
    const keyId = await env.DB.prepare('SELECT id FROM api_keys WHERE organization_id = ?').bind(organization.id).first<string>('id');
    const before = await bytes();
    const start = Date.now();
    const counted: number[] = [];
    for (let minute = 0; minute < minutes; minute++) {
      await write(organization.id, keyId ?? '', start + minute * MINUTE);
      await sweep({ ...env, OUTBOX: outboxes }, start + minute * MINUTE);
      counted.push(await rows());
    }
    expect(counted[0]).toBeGreaterThan(50);
    expect(counted.at(-1)).toBeLessThanOrEqual(counted.at(-2) ?? 0);
    expect((await bytes()) - before).toBeLessThan(MAX_BYTES / 2);
  },
  // Thousands of writes a minute that it plays.
  240_000,
);
