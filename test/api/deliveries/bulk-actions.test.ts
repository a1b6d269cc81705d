import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { client, createKey, createOrganization, createWebhook, expectStatus, platform } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox, outboxOf, runAlarm, untilEnded } from '../../support/deliveries.ts';
import type { Reply } from '../../support/receiver.ts';

driveDate();

/** A webhook with so many deliveries, each attempted once. */
async function given(script: Reply[], events = 2) {
  const organization = await createOrganization();
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const { id: webhookId } = await createWebhook(organization, { url: endpoint.url });
  await consume([aMessage(Array.from({ length: events }, () => anEvent(organization.id)))]);
  await vi.waitFor(async () => expect((await deliveriesOf(webhookId)).every(({ attemptCount }) => attemptCount === 1)).toBe(true));
  vi.setSystemTime(Date.now() + 1);
  return { organization, endpoint, webhookId, path: `${organization.path}/webhooks/${webhookId}` };
}

/** What the audit log has of an organization, newest first. */
async function entriesOf(organizationId: string) {
  const { results } = await env.DB.prepare(
    "SELECT actor_type, actor_name, action, target_type, target_id, changes FROM audit_log WHERE organization_id = ? AND action LIKE 'deliveries.%' ORDER BY id DESC",
  )
    .bind(organizationId)
    .all();
  return results.map(({ changes, ...entry }) => ({ ...entry, changes: JSON.parse(String(changes)) }));
}

describe('POST …/recover', () => {
  it('counts first, then starts over, and both times says the same number', async () => {
    const { organization, endpoint, webhookId, path } = await given([{ status: 500 }]);
    await untilEnded(webhookId);
    await endpoint.script([{ status: 200 }]);
    vi.setSystemTime(Date.now() + 1);
    const body = { since: '2020-01-01T00:00:00Z', event: 'visitor.*' };
    const counted = await expectStatus(organization.admin.post(`${path}/recover`, { ...body, dryRun: true }), 200);
    expect(counted.body).toEqual({ count: 2 });
    expect((await organization.admin.get(`${path}/recover`)).body).toEqual({ recoveries: [] });
    expect(await entriesOf(organization.id)).toEqual([]);

    expect((await expectStatus(organization.admin.post(`${path}/recover`, body), 202)).body).toEqual({ count: 2 });
    await runAlarm(webhookId);
    await untilEnded(webhookId);
    expect((await deliveriesOf(webhookId)).map(({ status }) => status)).toEqual(['delivered', 'delivered']);
    expect((await organization.admin.get(`${path}/recover`)).body.recoveries).toMatchObject([
      {
        since: '2020-01-01T00:00:00.000Z',
        event: 'visitor.*',
        status: ['failed', 'discarded'],
        recovered: 2,
        finishedAt: expect.any(String),
      },
    ]);
    expect(await entriesOf(organization.id)).toMatchObject([
      {
        actor_type: 'api_key',
        actor_name: 'admin',
        action: 'deliveries.recovered',
        target_type: 'webhook',
        target_id: webhookId,
        changes: {
          since: { from: null, to: '2020-01-01T00:00:00.000Z' },
          event: { from: null, to: 'visitor.*' },
          count: { from: null, to: 2 },
        },
      },
    ]);
  });

  it('asked again at once starts nothing over twice, says so, and has one entry', async () => {
    const { organization, webhookId, path } = await given([{ status: 500 }]);
    await untilEnded(webhookId);
    vi.setSystemTime(Date.now() + 1);
    const body = { since: '2020-01-01T00:00:00Z' };
    expect((await expectStatus(organization.admin.post(`${path}/recover`, body), 202)).body).toEqual({ count: 2 });
    expect((await deliveriesOf(webhookId)).map(({ status }) => status)).toEqual(['retrying', 'retrying']);
    expect((await expectStatus(organization.admin.post(`${path}/recover`, body), 202)).body).toEqual({ count: 0 });
    expect(await entriesOf(organization.id)).toHaveLength(1);
  });

  it('starts over what was delivered where it is asked to', async () => {
    const { organization, endpoint, webhookId, path } = await given([{ status: 200 }]);
    const body = { since: '2020-01-01T00:00:00Z', status: ['delivered'] };
    expect((await expectStatus(organization.admin.post(`${path}/recover`, { since: body.since, dryRun: true }), 200)).body).toEqual({
      count: 0,
    });
    expect((await expectStatus(organization.admin.post(`${path}/recover`, body), 202)).body).toEqual({ count: 2 });
    await runAlarm(webhookId);
    expect(await endpoint.arrived(4)).toHaveLength(4);
  });

  it.each([
    [{ since: '2020-01-01T00:00:00Z', status: [] }, 'status'],
    [{ since: '2020-01-01T00:00:00Z', status: ['pending'] }, 'status[0]'],
    [{ since: '2020-01-01T00:00:00Z', status: ['failed', 'failed'] }, 'status'],
    [{ since: '2020-01-01T00:00:00Z', event: 'Visitor' }, 'event'],
    [{ since: '2020-01-02T00:00:00Z', until: '2020-01-01T00:00:00Z' }, 'until'],
    [{ since: '2020-01-01T00:00:00Z', dryRun: 'yes' }, 'dryRun'],
    [{}, 'since'],
  ])('refuses %j and names the field', async (body, field) => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const answer = await expectStatus(organization.admin.post(`${organization.path}/webhooks/${id}/recover`, body), 422);
    expect(answer.body).toMatchObject({ code: 'validation_failed', details: { field } });
  });
});

it.each(['recover', 'cancel'])(
  '%s is only counted of a webhook that is disabled, and without the plan, where it is asked to be',
  async (action) => {
    const { organization, path } = await given([{ status: 500 }]);
    const body = { since: '2020-01-01T00:00:00Z', dryRun: true };
    await expectStatus(organization.admin.patch(path, { enabled: false }), 200);
    const count = action === 'recover' ? 0 : 2;
    expect((await expectStatus(organization.admin.post(`${path}/${action}`, body), 200)).body).toEqual({ count });
    await expectStatus(platform.put(organization.path, { name: 'Test', plan: 'growth' }), 200);
    expect((await expectStatus(organization.admin.post(`${path}/${action}`, body), 200)).body).toEqual({ count });
  },
);

describe('POST …/cancel', () => {
  it('counts first, then ends what waits, of every time where nothing is said', async () => {
    const { organization, webhookId, path } = await given([{ status: 500 }]);
    expect((await expectStatus(organization.admin.post(`${path}/cancel`, { dryRun: true }), 200)).body).toEqual({ count: 2 });
    expect((await deliveriesOf(webhookId)).map(({ status }) => status)).toEqual(['retrying', 'retrying']);
    expect((await expectStatus(organization.admin.post(`${path}/cancel`), 202)).body).toEqual({ count: 2 });
    expect((await deliveriesOf(webhookId)).map(({ status, reason }) => [status, reason])).toEqual([
      ['discarded', 'canceled'],
      ['discarded', 'canceled'],
    ]);
    expect((await organization.admin.get(`${path}/cancel`)).body.cancellations).toMatchObject([{ since: null, event: null, canceled: 2 }]);
    expect(await entriesOf(organization.id)).toMatchObject([
      { action: 'deliveries.canceled', target_id: webhookId, changes: { count: { to: 2 } } },
    ]);
    // Nothing is left: that changes nothing, and has no entry.
    expect((await expectStatus(organization.admin.post(`${path}/cancel`), 202)).body).toEqual({ count: 0 });
    expect(await entriesOf(organization.id)).toHaveLength(1);
  });

  it('ends those of the time and of the events that are named, and no others', async () => {
    const { organization, webhookId, path } = await given([{ status: 500 }]);
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    for (const [body, count] of [
      [{ until: at(-60_000) }, 0],
      [{ since: at(60_000), until: at(120_000) }, 0],
      [{ event: 'webhook.*' }, 0],
      [{ since: at(-60_000), until: at(60_000), event: 'visitor.*' }, 2],
    ] as const) {
      expect((await expectStatus(organization.admin.post(`${path}/cancel`, { ...body, dryRun: true }), 200)).body).toEqual({ count });
      expect((await expectStatus(organization.admin.post(`${path}/cancel`, body), 202)).body).toEqual({ count });
    }
    expect((await deliveriesOf(webhookId)).map(({ reason }) => reason)).toEqual(['canceled', 'canceled']);
  });

  it('ends those alone that wait for what is named: a first attempt, or a retry', async () => {
    // So many failures that what comes then is held.
    const { organization, path } = await given([{ status: 500 }], 10);
    await consume([aMessage([anEvent(organization.id)])]);
    vi.setSystemTime(Date.now() + 1);
    for (const [status, count] of [
      [['pending'], 1],
      [['pending'], 0],
      [['retrying'], 10],
    ] as const) {
      expect((await expectStatus(organization.admin.post(`${path}/cancel`, { status, dryRun: true }), 200)).body).toEqual({ count });
      expect((await expectStatus(organization.admin.post(`${path}/cancel`, { status }), 202)).body).toEqual({ count });
    }
    expect((await organization.admin.get(`${path}/cancel`)).body.cancellations).toMatchObject([
      { status: ['retrying'], canceled: 10 },
      { status: ['pending'], canceled: 1 },
    ]);
    expect(await entriesOf(organization.id)).toMatchObject([
      { changes: { status: { to: ['retrying'] } } },
      { changes: { status: { to: ['pending'] } } },
    ]);
  });

  it.each([
    [{ since: 'yesterday' }, 'since'],
    [{ since: '2020-01-02T00:00:00Z', until: '2020-01-01T00:00:00Z' }, 'until'],
    [{ event: 'Visitor' }, 'event'],
    [{ dryRun: 1 }, 'dryRun'],
    [{ status: ['failed'] }, 'status[0]'],
    [{ status: ['pending', 'pending'] }, 'status'],
    [{ status: [] }, 'status'],
  ])('refuses %j and names the field', async (body, field) => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const answer = await expectStatus(organization.admin.post(`${organization.path}/webhooks/${id}/cancel`, body), 422);
    expect(answer.body).toMatchObject({ code: 'validation_failed', details: { field } });
  });

  it('of a webhook that is disabled, too', async () => {
    const { organization, path } = await given([{ status: 500 }]);
    await expectStatus(organization.admin.patch(path, { enabled: false }), 200);
    expect((await expectStatus(organization.admin.post(`${path}/cancel`), 202)).body).toEqual({ count: 2 });
  });

  it('needs a key that writes', async () => {
    const { organization, path } = await given([{ status: 500 }], 1);
    const reader = client(await createKey(organization.id, ['read']));
    expect((await expectStatus(reader.post(`${path}/cancel`, { dryRun: true }), 403)).body.code).toBe('insufficient_scope');
    expect((await expectStatus(reader.get(`${path}/cancel`), 200)).body).toEqual({ cancellations: [] });
  });
});

describe('POST …/deliveries/{id}/cancel', () => {
  it('ends the one delivery, and says why it cannot', async () => {
    const { organization, webhookId, path } = await given([{ status: 500 }]);
    const [first, second] = await deliveriesOf(webhookId);
    const { body } = await expectStatus(organization.admin.post(`${path}/deliveries/${first!.id}/cancel`), 202);
    expect(body).toMatchObject({ id: first!.id, webhookId, status: 'discarded', reason: 'canceled', nextAttemptAt: null });
    expect((await deliveriesOf(webhookId)).map(({ status }) => status)).toEqual(['discarded', 'retrying']);
    const again = await expectStatus(organization.admin.post(`${path}/deliveries/${first!.id}/cancel`), 409);
    expect(again.body.code).toBe('delivery_finished');
    await expectStatus(organization.admin.post(`${path}/deliveries/dlv_unknown/cancel`), 404);
    expect(await entriesOf(organization.id)).toMatchObject([
      { action: 'deliveries.canceled', target_type: 'delivery', target_id: first!.id },
    ]);
    expect(second).toBeDefined();
  });

  it('not while an attempt of it runs', async () => {
    const { organization, endpoint, webhookId, path } = await given([{ status: 500 }], 1);
    const { id } = (await deliveriesOf(webhookId))[0]!;
    await endpoint.script([{ held: 'running' }]);
    await expectStatus(organization.admin.post(`${path}/deliveries/${id}/retry`), 202);
    await endpoint.arrived(2);
    expect((await expectStatus(organization.admin.post(`${path}/deliveries/${id}/cancel`), 409)).body.code).toBe('attempt_in_progress');
    await endpoint.release('running', { status: 200 });
    await vi.waitFor(async () => expect((await deliveriesOf(webhookId))[0]).toMatchObject({ status: 'delivered' }));
    await runAlarm(webhookId).catch(() => {});
  });
});

describe('what has ended, though others that came with it still run, is there to be', () => {
  const delivered = { since: '2020-01-01T00:00:00Z', status: ['delivered'] };

  /** Two deliveries that came together: the one with that id has been answered so, the other still runs. */
  async function givenOneEnded(status: number) {
    const one = await given([{ held: 'first' }, { held: 'second' }, { status: 200 }]);
    const [first] = await one.endpoint.arrived(2);
    await one.endpoint.release('first', { status });
    await vi.waitFor(async () => {
      const { lastDeliveredAt, lastFailure } = await outboxOf(one.webhookId).status();
      expect(status === 200 ? lastDeliveredAt : lastFailure).not.toBeNull();
    });
    return { ...one, id: first!.headers['x-bullseye-delivery']! };
  }

  it.each([
    ['canceled', 500, 'cancel', {}, 202, { count: 1 }],
    ['counted', 500, 'cancel', { dryRun: true }, 200, { count: 1 }],
    ['canceled by itself', 500, 'deliveries/ID/cancel', undefined, 202, { status: 'discarded', reason: 'canceled' }],
    ['retried by hand', 500, 'deliveries/ID/retry', undefined, 202, { status: 'retrying', attemptCount: 2 }],
    ['recovered', 200, 'recover', delivered, 202, { count: 1 }],
    ['counted for a recovery', 200, 'recover', { ...delivered, dryRun: true }, 200, { count: 1 }],
  ] as const)('%s', async (_what, status, action, body, answered, said) => {
    const { organization, endpoint, webhookId, path, id } = await givenOneEnded(status);
    vi.setSystemTime(Date.now() + 1);
    const answer = await expectStatus(organization.admin.post(`${path}/${action.replace('ID', id)}`, body), answered);
    expect(answer.body).toMatchObject(said);
    await endpoint.release('second', { status: 200 });
    await vi.waitFor(async () => expect((await deliveriesOf(webhookId)).some((each) => each.status === 'delivered')).toBe(true));
  });

  it('emptied', async () => {
    const { organization, endpoint, webhookId, path, id } = await givenOneEnded(200);
    await expectStatus(organization.admin.delete(`${path}/deliveries/${id}/payload`), 204);
    await endpoint.release('second', { status: 200 });
    await vi.waitFor(async () => expect((await deliveriesOf(webhookId)).every((each) => each.status === 'delivered')).toBe(true));
  });
});

it('an entry that D1 cannot take is told later, and what it tells of is done all the same', async () => {
  const { organization, webhookId, path } = await given([{ status: 500 }], 1);
  const { inOutbox } = await import('../../support/outbox.ts');
  await inOutbox(webhookId, () => {
    vi.spyOn(env.DB, 'batch').mockRejectedValueOnce(new Error('D1_ERROR: no answer'));
  });
  const { AuditEntries } = await import('../../../src/outbox/reports/audit-entries.ts');
  vi.spyOn(AuditEntries.prototype, 'flush').mockImplementationOnce(async () => {});
  await expectStatus(organization.admin.post(`${path}/cancel`), 202);
  expect(await entriesOf(organization.id)).toEqual([]);
  vi.restoreAllMocks();
  await runAlarm(webhookId);
  expect(await entriesOf(organization.id)).toHaveLength(1);
});
