import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { readWebhook } from '../../src/db/configuration.ts';
import { deleteOrganization } from '../../src/db/organizations.ts';
import { waiting } from '../../src/domain/delivery/lifecycle.ts';
import { Store } from '../../src/outbox/books/store.ts';
import { sweep } from '../../src/upkeep/sweep.ts';
import { client, createKey, createOrganization, createWebhook, env, eventually, expectStatus, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox, outboxOf, runAlarm } from '../support/deliveries.ts';
import { inOutbox, newDelivery } from '../support/outbox.ts';
import type { Inbox } from '../support/receiver.ts';

driveDate();

/** After this the cron erases once more, and forgets the deletion. */
const ERASED_AGAIN_AFTER_MS = 121_000;

/** What an outbox has stored: its tables, its key-value pairs, and whether an alarm is set. */
function storageOf(webhookId: string): Promise<unknown[]> {
  return runInDurableObject(outboxOf(webhookId), async (_, { storage }) => {
    const tables = storage.sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    );
    const alarm = await storage.getAlarm();
    return [
      ...tables.toArray().map(({ name }) => name),
      ...[...storage.kv.list()].map(([key]) => key),
      ...(alarm === null ? [] : ['alarm']),
    ];
  });
}

/** Rows of the configuration database that have anything to do with an organization or its webhooks. */
async function rowsOf(organizationId: string, webhookIds: readonly string[]): Promise<string[]> {
  const { results: tables } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'd1\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ).all<{ name: string }>();
  const found: string[] = [];
  for (const { name } of tables) {
    const { results } = await env.DB.prepare(`SELECT * FROM "${name}"`).all();
    const text = JSON.stringify(results);
    if ([organizationId, ...webhookIds].some((id) => text.includes(id))) found.push(name);
  }
  return found;
}

/** An organization with two webhooks, one whose log has a delivery and one in which a delivery waits, and two keys. */
async function given() {
  const organization = await createOrganization();
  const key = await createKey(organization.id, ['read']);
  const [working, failing] = [endpointInbox(), endpointInbox()];
  await failing.script([{ status: 500 }]);
  const ids: string[] = [];
  for (const { url } of [working, failing]) ids.push((await createWebhook(organization, { url, generateSecret: true })).id);
  await consume([aMessage([anEvent(organization.id), anEvent(organization.id)])]);
  await vi.waitUntil(async () => (await deliveriesOf(ids[1]!)).length === 2 && (await deliveriesOf(ids[0]!)).every((d) => d.finishedAt));
  return { organization, key, ids, failing };
}

async function expectGone({ organization, key, ids }: Awaited<ReturnType<typeof given>>): Promise<void> {
  for (const id of ids) expect(await storageOf(id)).toEqual([]);
  expect(await rowsOf(organization.id, ids)).toEqual([]);
  // What an isolate knows of a key is 3 s old at most.
  vi.setSystemTime(Date.now() + 5_000);
  for (const each of [key, organization.key]) expect(await client(each).get('/event-types')).toMatchObject({ status: 401 });
}

describe('deleting an organization', () => {
  it('empties the outboxes of its webhooks at once, and leaves no row of it anywhere once the cron has come by', async () => {
    const all = await given();
    for (const id of all.ids) expect(await storageOf(id)).toContain('deliveries');

    await expectStatus(platform.delete(all.organization.path), 204);

    for (const id of all.ids) await eventually(async () => (await storageOf(id)).length === 0);
    expect(await rowsOf(all.organization.id, all.ids)).toContain('outbox_erasures');
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    // Of what waited D1 had a note; its next look at the outbox clears it.
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    await expectGone(all);
  });

  it('is finished by the cron where the service dies right after the database was told', async () => {
    const all = await given();
    expect(await deleteOrganization(databaseOf(env.DB), all.organization.id, Date.now())).toHaveLength(2);
    for (const id of all.ids) expect(await storageOf(id)).toContain('deliveries');

    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    await expectGone(all);
  });

  it('is tried again with the next sweep where an outbox cannot be reached', async () => {
    const all = await given();
    await deleteOrganization(databaseOf(env.DB), all.organization.id, Date.now());
    const gone = {
      erase: () => Promise.reject(new Error('the outbox is gone')),
      poke: () => Promise.reject(new Error('the outbox is gone')),
    };
    const OUTBOX = { getByName: (id: string) => (id === all.ids[0] ? gone : outboxOf(id)) } as unknown as Env['OUTBOX'];
    await sweep({ ...env, OUTBOX }, Date.now() + ERASED_AGAIN_AFTER_MS);
    expect(await storageOf(all.ids[0]!)).toContain('deliveries');
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    await expectGone(all);
  });

  it('stands though deliveries are under way: what they record is erased again, and is not attempted', async () => {
    const all = await given();
    const [first, second] = all.ids as [string, string];
    const stale = (await readWebhook(env.DB, second))!;
    const readAt = Date.now();
    const sent = (await all.failing.requests()).length;
    await expectStatus(platform.delete(all.organization.path), 204);
    await eventually(async () => (await storageOf(first)).length === 0 && (await storageOf(second)).length === 0);

    // Consumers whose configuration is of a moment before, and too old to attempt by.
    vi.setSystemTime(readAt + 5_000);
    await outboxOf(second).deliver(stale, [newDelivery(second)], readAt);
    await eventually(async () => (await storageOf(second)).length === 0);

    // What waits in rows is erased when it falls due.
    await inOutbox(second, (_, storage) => new Store(storage).insert(newDelivery(second), waiting(Date.now()), null));
    expect(await storageOf(second)).toContain('deliveries');
    await inOutbox(second, (outbox) => outbox.alarm());
    expect(await storageOf(second)).toEqual([]);

    // One that ended in the meantime waits for nothing: the second erasure is for it.
    const disabled = { ...stale, webhook: { ...stale.webhook, enabled: false } };
    await outboxOf(second).deliver(disabled, [newDelivery(second)], readAt);
    expect(await storageOf(second)).toContain('deliveries');
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    expect(await all.failing.requests()).toHaveLength(sent);
    await expectGone(all);
  });

  it('is not undone by an attempt that was being made', async () => {
    const organization = await createOrganization();
    const endpoint: Inbox = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200, delayMs: 300 }]);
    const { id } = await createWebhook(organization, { url: endpoint.url });
    await consume([aMessage([anEvent(organization.id)])]);
    vi.setSystemTime(Date.now() + 70_000);
    const attempting = runAlarm(id);
    await endpoint.arrived(2);
    await expectStatus(platform.delete(organization.path), 204);
    await attempting;
    await eventually(async () => (await storageOf(id)).length === 0);
  });

  it('touches nobody else', async () => {
    const [doomed, bystander] = [await given(), await given()];
    await expectStatus(platform.delete(doomed.organization.path), 204);
    await sweep(env, Date.now() + ERASED_AGAIN_AFTER_MS);
    for (const id of bystander.ids) expect(await deliveriesOf(id)).toHaveLength(2);
    expect(await bystander.organization.admin.get(`${bystander.organization.path}/webhooks`)).toMatchObject({ status: 200 });
  });
});
