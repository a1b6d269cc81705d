import { env } from 'cloudflare:workers';
import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { addEntry, addEntryIfChanged, writeEntry } from '../../src/db/audit-log.ts';
import { databaseOf } from '../../src/db/client.ts';
import { auditLog, organizations } from '../../src/db/schema.ts';
import type { AuditEntry } from '../../src/domain/access/audit-log.ts';
import { mintId } from '../../src/domain/ids.ts';
import { givenOrganization } from '../support/deliveries.ts';

const db = databaseOf(env.DB);

describe('an entry that goes with a change', () => {
  let organizationId: string;
  beforeEach(async () => {
    organizationId = await givenOrganization();
  });

  const anEntry = (): AuditEntry => ({
    id: mintId('auditEntry', Date.now()),
    organizationId,
    at: Date.now(),
    actor: { type: 'api_key', id: 'key_1', name: "Robert'); DROP TABLE audit_log;--" },
    network: '192.0.2.1',
    action: 'organization.updated',
    target: { type: 'organization', id: organizationId },
    changes: { name: { from: 'Before', to: 'After' }, plan: { from: null, to: ['a', 1, { b: null }] } },
  });
  const entries = () => db.select().from(auditLog).where(eq(auditLog.organizationId, organizationId));
  const rename = (from: string) => db.update(organizations).set({ name: 'After' }).where(eq(organizations.name, from)).returning();
  const isThis = eq(organizations.id, '');

  it('is written where the statement before it has changed a row, with all that it says', async () => {
    await db.update(organizations).set({ name: 'Before' }).where(eq(organizations.id, organizationId));
    const entry = anEntry();
    const { actor, target, ...rest } = entry;
    await db.batch([db.select().from(organizations).where(isThis), rename('Before'), addEntryIfChanged(db, entry)]);
    const row = { ...rest, actorType: actor.type, actorId: actor.id, actorName: actor.name, targetType: target.type, targetId: target.id };
    expect(await entries()).toEqual([row]);
  });

  it('is not written where that statement has changed nothing, whatever others before it have changed', async () => {
    const other = db.update(organizations).set({ name: 'Other' }).where(eq(organizations.id, organizationId));
    await db.batch([other, rename('a name that nobody has'), addEntryIfChanged(db, anEntry())]);
    expect(await entries()).toEqual([]);
  });

  it('is told by a deletion with what it returns, and by an insertion that finds nothing to insert', async () => {
    const again = { id: organizationId, name: 'Again', plan: 'scale', createdAt: 1, updatedAt: 1 } as const;
    const [refused] = await db.batch([
      db.insert(organizations).values(again).onConflictDoNothing().returning(),
      addEntryIfChanged(db, anEntry()),
    ]);
    expect([refused, await entries()]).toEqual([[], []]);
    const other = await givenOrganization();
    const deleted = db.delete(organizations).where(eq(organizations.id, other)).returning({ id: organizations.id });
    await db.batch([deleted, addEntryIfChanged(db, anEntry())]);
    expect(await entries()).toHaveLength(1);
  });

  it('is taken back with the change where a later statement of the batch fails', async () => {
    await db.update(organizations).set({ name: 'Before' }).where(eq(organizations.id, organizationId));
    const broken = db.update(organizations).set({ plan: sql`'no plan'` }).where(eq(organizations.id, organizationId));
    await expect(db.batch([rename('Before'), addEntryIfChanged(db, anEntry()), broken])).rejects.toThrow();
    expect(await entries()).toEqual([]);
  });

  it('is one, also where it is written again', async () => {
    const entry = anEntry();
    await db.batch([addEntry(db, entry), addEntry(db, entry)]);
    expect(await entries()).toHaveLength(1);
  });

  it('is not written by itself where its organization is gone, and what it tells of is not to be done', async () => {
    expect(await writeEntry(db, anEntry())).toBe(true);
    expect(await entries()).toHaveLength(1);
    await db.delete(organizations).where(eq(organizations.id, organizationId));
    expect(await writeEntry(db, anEntry())).toBe(false);
  });

  it('can take random characters of the database for its id', async () => {
    expect(await db.get<[string]>(sql`select upper(hex(randomblob(8)))`)).toEqual({
      'upper(hex(randomblob(8)))': expect.stringMatching(/^[0-9A-F]{16}$/),
    });
  });
});
