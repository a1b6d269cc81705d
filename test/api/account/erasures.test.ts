import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../../src/db/client.ts';
import { insertParkedMessage } from '../../../src/db/parked-messages.ts';
import { decodeEventMessage, encodeEventMessage } from '../../../src/domain/event/event-message.ts';
import { advanceErasures } from '../../../src/upkeep/erasures.ts';
import {
  client,
  createKey,
  createOrganization,
  createWebhook,
  eventually,
  expectStatus,
  platform,
  type TestOrganization,
} from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { alarmOf, aMessage, anEvent, consume, deliveriesOf, endpointInbox, runAlarm } from '../../support/deliveries.ts';
import { storedIn, storedInD1 } from '../../support/stored.ts';

driveDate(Date.now() + 86_400_000);

const ADA = 'ada.lovelace@example.com';
const body = { field: 'visitor.email', value: ADA };
const about = (organization: TestOrganization, email: string) => anEvent(organization.id, { visitor: { email } });

async function given(webhooks: Record<string, unknown>[]) {
  const organization = await createOrganization();
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 200 }]);
  const ids: string[] = [];
  for (const input of webhooks) ids.push((await createWebhook(organization, { url: endpoint.url, ...input })).id);
  return { organization, endpoint, ids, path: `${organization.path}/erasures` };
}

/** An erasure once it is done: alarms are run by hand. */
async function done(organization: TestOrganization, webhookIds: readonly string[], id: string) {
  return await eventually(async () => {
    for (const webhookId of webhookIds) if ((await alarmOf(webhookId)) !== null) await runAlarm(webhookId);
    const { body: erasure } = await expectStatus(organization.admin.get(`${organization.path}/erasures/${id}`), 200);
    return erasure.status === 'done' && erasure;
  });
}

describe('POST /erasures', () => {
  it('erases a person from the logs of all webhooks, and says how far it has come', async () => {
    const { organization, ids, path } = await given([{}, { events: ['visitor.*'] }, { events: ['webhook.failing'] }]);
    await consume([aMessage([about(organization, ADA), about(organization, 'bob@example.com')])]);
    await vi.waitFor(async () => expect(await deliveriesOf(ids[1]!)).toHaveLength(2));
    vi.setSystemTime(Date.now() + 1);
    const begun = await expectStatus(organization.admin.post(path, body), 202);
    expect(begun.body).toEqual({
      id: expect.stringMatching(/^ers_/),
      field: 'visitor.email',
      status: 'running',
      requestedAt: new Date().toISOString(),
      finishedAt: null,
      webhooks: [],
    });
    const erasure = await done(organization, ids, begun.body.id);
    expect(erasure.webhooks.map(({ webhookId, deliveries }: { webhookId: string; deliveries: number }) => [webhookId, deliveries])).toEqual(
      [
        [ids[0], 1],
        [ids[1], 1],
      ],
    );
    // The second one is being told; that ends apart.
    const told = await eventually(async () => {
      if ((await alarmOf(ids[1]!)) !== null) await runAlarm(ids[1]!);
      const { webhooks } = (await organization.admin.get(`${path}/${begun.body.id}`)).body;
      return webhooks[1].notified === 'delivered' && webhooks;
    });
    expect(told.map(({ notified }: { notified: string }) => notified)).toEqual(['not_subscribed', 'delivered']);
    expect((await organization.admin.get(path)).body).toMatchObject({ data: [{ id: begun.body.id, status: 'done' }], nextCursor: null });
    for (const stored of [...(await Promise.all(ids.map(storedIn))), await storedInD1()]) expect(stored).not.toContain(ADA);
    const { results } = await env.DB.prepare(
      "SELECT action, target_type, changes FROM audit_log WHERE organization_id = ? AND action = 'person.erased'",
    )
      .bind(organization.id)
      .all();
    expect(results).toEqual([
      { action: 'person.erased', target_type: 'person', changes: JSON.stringify({ field: { from: null, to: 'visitor.email' } }) },
    ]);
  });

  it('takes their events out of parked messages, of the organization alone', async () => {
    const { organization, path } = await given([]);
    const other = await createOrganization();
    const park = async (id: string, message: Uint8Array) =>
      await insertParkedMessage(databaseOf(env.DB), { id, reason: 'test', body: message, parkedAt: Date.now() }, 1_000);
    const message = (...events: ReturnType<typeof anEvent>[]) => encodeEventMessage({ acceptedAt: Date.now() - 1, events });
    const [hers, his, theirs] = [about(organization, ADA), about(organization, 'bob@example.com'), about(other, ADA)];
    const prefix = crypto.randomUUID();
    await park(`${prefix}_1`, message(hers, his, theirs));
    await park(`${prefix}_2`, message(hers));
    await park(`${prefix}_3`, new TextEncoder().encode('nothing that can be read'));
    const begun = await expectStatus(organization.admin.post(path, body), 202);
    await eventually(async () => {
      await advanceErasures(env, Date.now());
      return (await organization.admin.get(`${path}/${begun.body.id}`)).body.status === 'done';
    });
    const parked = async (id: string) => (await platform.get(`/platform/parked-messages/${prefix}_${id}`)).body.bodyBase64;
    const left = decodeEventMessage(Uint8Array.from(atob(await parked('1')), (character) => character.charCodeAt(0)));
    expect(left.events.map(({ id }) => id)).toEqual([his.id, theirs.id]);
    expect(await parked('2')).toBeUndefined();
    expect(await parked('3')).toBeDefined();
  });

  it('takes their events out of what is parked only later, and out of what is sent again, also in another webhook', async () => {
    const { organization, endpoint, path } = await given([]);
    const hers = about(organization, ADA);
    const his = about(organization, 'bob@example.com');
    const message = encodeEventMessage({ acceptedAt: Date.now() - 1, events: [hers, his] });
    const begun = await expectStatus(organization.admin.post(path, body), 202);
    await eventually(async () => (await organization.admin.get(`${path}/${begun.body.id}`)).body.status === 'done');
    // Its redeliveries are used up while the erasure goes on, and after it.
    const only = encodeEventMessage({ acceptedAt: Date.now() - 1, events: [hers] });
    const messages = [message, only].map((each) => ({ id: crypto.randomUUID(), timestamp: Date.now(), attempts: 1, body: each }));
    expect((await consume(messages, env, 'bullseye-events-dead')).acknowledged).toHaveLength(2);
    expect((await platform.get(`/platform/parked-messages/${messages[1]!.id}`)).status).toBe(404);
    const left = (await platform.get(`/platform/parked-messages/${messages[0]!.id}`)).body.bodyText;
    expect(left).toContain('bob@example.com');
    expect(left).not.toContain(ADA);
    // One that a version before has parked as it was.
    await env.DB.prepare('UPDATE parked_messages SET body = ? WHERE id = ?').bind(message, messages[0]!.id).run();
    const bodies: string[] = [];
    const queue = Object.getPrototypeOf(env.EVENTS);
    for (const method of ['send', 'sendBatch']) {
      vi.spyOn(queue, method).mockImplementation(async (...sent: unknown[]) => {
        const [first] = [sent[0]].flat() as [Uint8Array | { body: Uint8Array }];
        bodies.push(new TextDecoder().decode('body' in first ? first.body : first));
      });
    }
    await expectStatus(platform.post(`/platform/parked-messages/${messages[0]!.id}/redrive`), 202);
    vi.restoreAllMocks();
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).toContain('bob@example.com');
    expect(bodies[0]).not.toContain(ADA);
    // A webhook that is made later gets nothing that was accepted long before it.
    vi.setSystemTime(Date.now() + 120_000);
    const { id } = await createWebhook(organization, { url: endpoint.url });
    await consume([{ id: crypto.randomUUID(), timestamp: Date.now(), attempts: 1, body: only }]);
    expect(await deliveriesOf(id)).toEqual([]);
  });

  it('that cannot go on does not keep others from their turn', async () => {
    const { organization, path } = await given([]);
    const insert = env.DB.prepare(
      "INSERT INTO erasures (id, organization_id, field, value, requested_at) VALUES (?, ?, 'visitor.email', 'sealed by nobody', 1)",
    );
    await insert.bind(`ers_stuck_${organization.id}`, organization.id).run();
    const { Outbox } = await import('../../../src/outbox/outbox.ts');
    vi.spyOn(Outbox.prototype, 'erasePerson').mockResolvedValue();
    const begun = await expectStatus(organization.admin.post(path, body), 202);
    await eventually(async () => {
      await advanceErasures(env, Date.now());
      return (await organization.admin.get(`${path}/${begun.body.id}`)).body.status === 'done';
    });
    await env.DB.prepare('DELETE FROM erasures WHERE organization_id = ?').bind(organization.id).run();
    vi.restoreAllMocks();
  });

  it('is dropped from the list 400 days after it was done', async () => {
    const { organization, path } = await given([]);
    const insert = env.DB.prepare(
      "INSERT INTO erasures (id, organization_id, field, requested_at, finished_at) VALUES (?, ?, 'visitor.email', 1, ?)",
    );
    const now = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
    await insert.bind(`ers_1_${organization.id}`, organization.id, now - 401 * 86_400_000).run();
    await insert.bind(`ers_2_${organization.id}`, organization.id, now - 399 * 86_400_000).run();
    await advanceErasures(env, now);
    expect((await organization.admin.get(path)).body.data).toMatchObject([{ id: `ers_2_${organization.id}` }]);
  });

  it('goes on where the outboxes could not be asked: the cron asks them', async () => {
    const { organization, ids, path } = await given([{}]);
    await consume([aMessage([about(organization, ADA)])]);
    await vi.waitFor(async () => expect(await deliveriesOf(ids[0]!)).toHaveLength(1));
    vi.setSystemTime(Date.now() + 1);
    const { Outbox } = await import('../../../src/outbox/outbox.ts');
    const erasePerson = vi.spyOn(Outbox.prototype, 'erasePerson').mockRejectedValue(new Error('the object was reset'));
    const begun = await expectStatus(organization.admin.post(path, body), 202);
    await vi.waitFor(() => expect(erasePerson).toHaveBeenCalled());
    vi.restoreAllMocks();
    await advanceErasures(env, Date.now());
    expect((await done(organization, ids, begun.body.id)).webhooks).toMatchObject([{ deliveries: 1 }]);
  });

  it('is done of a webhook that is deleted meanwhile', async () => {
    const { organization, ids, path } = await given([{}]);
    const { Outbox } = await import('../../../src/outbox/outbox.ts');
    vi.spyOn(Outbox.prototype, 'erasePerson').mockRejectedValue(new Error('the object was reset'));
    const begun = await expectStatus(organization.admin.post(path, body), 202);
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${ids[0]}`), 204);
    await advanceErasures(env, Date.now());
    await advanceErasures(env, Date.now());
    vi.restoreAllMocks();
    expect((await organization.admin.get(`${path}/${begun.body.id}`)).body).toMatchObject({ status: 'done', webhooks: [] });
  });

  it('is for admins, and of nobody else’s organization', async () => {
    const [{ organization, path }, other] = [await given([]), await createOrganization()];
    const writer = client(await createKey(organization.id, ['write']));
    expect((await expectStatus(writer.post(path, body), 403)).body.code).toBe('insufficient_scope');
    expect((await expectStatus(writer.get(path), 403)).body.code).toBe('insufficient_scope');
    await expectStatus(other.admin.post(path, body), 404);
    const begun = await expectStatus(organization.admin.post(path, body), 202);
    await expectStatus(other.admin.get(`${other.path}/erasures/${begun.body.id}`), 404);
    await expectStatus(platform.post('/organization/org_nobody/erasures', body), 404);
  });

  it.each([
    [{ field: 'visitor.email' }, 'value'],
    [{ value: ADA }, 'field'],
    [{ field: 'visitor..email', value: ADA }, 'field'],
    [{ field: 'visitors[0].email', value: ADA }, 'field'],
    [{ field: 'visitor.email', value: '  ' }, 'value'],
    [{ field: 'visitor.email', value: 42 }, 'value'],
    [{ field: 'visitor.email', value: ADA, since: '2020-01-01T00:00:00Z' }, 'since'],
  ])('refuses %j and names the field', async (given, field) => {
    const organization = await createOrganization();
    const answer = await expectStatus(organization.admin.post(`${organization.path}/erasures`, given), 422);
    expect(answer.body).toMatchObject({ code: 'validation_failed', details: { field } });
    // What was to be forgotten is not quoted.
    expect(JSON.stringify(answer.body)).not.toContain(ADA);
  });

  it('takes so many at a time', async () => {
    const { organization, path } = await given([{}]);
    const { Outbox } = await import('../../../src/outbox/outbox.ts');
    vi.spyOn(Outbox.prototype, 'erasePerson').mockResolvedValue();
    const row = (at: number) =>
      env.DB.prepare(
        "INSERT INTO erasures (id, organization_id, field, value, requested_at) VALUES (?, ?, 'visitor.email', 'sealed', ?)",
      ).bind(`ers_${organization.id}_${at}`, organization.id, Date.now() + 1_000_000);
    await env.DB.batch(Array.from({ length: 100 }, (_, at) => row(at)));
    const answer = await expectStatus(organization.admin.post(path, body), 429);
    expect(answer.body).toMatchObject({ code: 'rate_limited', details: { limit: 100 } });
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    await env.DB.prepare('DELETE FROM erasures WHERE organization_id = ?').bind(organization.id).run();
    vi.restoreAllMocks();
  });
});
