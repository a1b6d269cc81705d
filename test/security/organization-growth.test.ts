import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { WRITES } from '../../src/api/rate-limit.ts';
import { insertApiKey, revokeApiKey } from '../../src/db/api-keys.ts';
import { databaseOf } from '../../src/db/client.ts';
import { insertDashboardLink } from '../../src/db/dashboard-links.ts';
import { insertSession } from '../../src/db/dashboard-sessions.ts';
import { deleteWebhook, insertWebhook } from '../../src/db/webhooks.ts';
import { mintId } from '../../src/domain/ids.ts';
import { sweep } from '../../src/upkeep/sweep.ts';
import { createOrganization } from '../support/api.ts';

/*
 * What one organization can add to the database that all share: everything that it may write in a minute (the limit itself has its test:
 * test/api/rate-limit.test.ts), minute after minute, until it has no more rows than a while before. Then an hour adds no more, nor a day.
 */
const MINUTE = 60_000;
const START = Date.now();
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

type Write = (organizationId: string, keyId: string, now: number) => Promise<unknown>;

/** Each with the minutes after which nothing more is added: a link is kept for a quarter of an hour, and the cron erases after two minutes. */
const KINDS: [kind: string, minutes: number, write: Write][] = [
  [
    'keys, each revoked at once',
    3,
    async (organizationId, _keyId, now) => {
      const id = mintId('apiKey', now);
      const key = { id, organizationId, name: 'n'.repeat(100), keyHash: hex(), keyPrefix: 'bsk_live_000', scopes: ['admin'] };
      await insertApiKey(db, { ...key, expiresAt: null, createdAt: now }, now);
      await revokeApiKey(db, organizationId, id, now);
    },
  ],
  [
    'sign-ins',
    3,
    (organizationId, keyId, now) => {
      const made = { keyId, platformMark: null, createdAt: now, expiresAt: now + 12 * 60 * MINUTE };
      return insertSession(db, { tokenHash: hex(), organizationId, scopes: ['admin'], ...made }, null, now);
    },
  ],
  [
    'sign-in links',
    18,
    (organizationId, keyId, now) => {
      const made = { keyId, platformMark: null, createdAt: now, expiresAt: now + 15 * MINUTE };
      return insertDashboardLink(db, { tokenHash: hex(), organizationId, scope: 'admin', ...made }, now);
    },
  ],
  [
    'webhooks, each deleted at once',
    6,
    async (organizationId, _keyId, now) => {
      const id = mintId('webhook', now);
      const webhook = { url: `https://hooks.example.com/${'x'.repeat(2_000)}`, events: ['*'], enabled: true };
      await insertWebhook(db, { id, organizationId, ...webhook, healthSince: now, createdAt: now, updatedAt: now });
      await deleteWebhook(db, organizationId, id, now);
    },
  ],
];

it.each(KINDS)(
  '%s at the full rate of an organization take little of the database, however long it goes on',
  async (_kind, minutes, write) => {
    const organization = await createOrganization();
    const keyId =
      (await env.DB.prepare('SELECT id FROM api_keys WHERE organization_id = ?').bind(organization.id).first<string>('id')) ?? '';
    const before = await bytes();
    const counted: number[] = [];
    for (let minute = 0; minute < minutes; minute++) {
      const now = START + minute * MINUTE;
      for (let done = 0; done < WRITES; done += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, at) => write(organization.id, keyId, now + done + at)));
      }
      await sweep({ ...env, OUTBOX: outboxes }, now);
      counted.push(await rows());
    }
    expect(counted.at(-1)).toBeLessThanOrEqual(counted.at(-2) ?? 0);
    expect((await bytes()) - before).toBeLessThan(MAX_BYTES / KINDS.length);
  },
  120_000,
);
