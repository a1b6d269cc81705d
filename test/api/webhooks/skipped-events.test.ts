import { createExecutionContext } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { app } from '../../../src/app.ts';
import {
  client,
  createKey,
  createOrganization,
  createWebhook,
  env,
  expectStatus,
  ORIGIN,
  read,
  type TestOrganization,
} from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox, outboxOf } from '../../support/deliveries.ts';
import { tellAtOnce } from '../../support/telling.ts';

driveDate();
beforeEach(() => tellAtOnce());
afterEach(() => {
  vi.restoreAllMocks();
});

const FILTER = {
  all: [
    { field: 'company.employee_count', operator: 'at_least', value: 200 },
    { field: 'company.location', operator: 'ends_with', value: 'United States' },
  ],
};

async function given(input: Record<string, unknown>) {
  const own = await createOrganization();
  const { id } = await createWebhook(own, { url: endpointInbox().url, ...input });
  const at = `${own.path}/webhooks/${id}`;
  const reader = client(await createKey(own.id, ['read']));
  return { own, id, at, reader, skipped: async () => (await expectStatus(reader.get(`${at}/skipped`), 200)).body };
}

const visit = ({ id }: TestOrganization, employee_count: number, location = 'Austin, Texas, United States') =>
  anEvent(id, { visitor: { email: 'ada@lovelace.example', first_name: 'Ada' }, company: { name: 'Acme', employee_count, location } });

describe('the skipped events of a webhook', () => {
  it('are none where nothing chose any', async () => {
    const { own, id, skipped } = await given({});
    await consume([aMessage([visit(own, 1)])]);
    await endedDeliveriesOf(id, 1);
    expect(await skipped()).toEqual({ data: [] });
  });

  it('are those that the filter kept back, newest first, with whom they are about and which conditions failed', async () => {
    const { own, id, at, reader, skipped } = await given({ filter: FILTER });
    const first = visit(own, 199);
    await consume([aMessage([first, visit(own, 200)])]);
    vi.setSystemTime(Date.now() + 1_000);
    const second = visit(own, 199, 'Paris, France');
    await consume([aMessage([second])]);
    const { data } = await skipped();
    expect(data).toEqual([
      {
        eventId: second.id,
        event: 'visitor.identified',
        subject: 'Ada, Acme',
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        why: 'filtered',
        failedConditions: ['filter.all[0]', 'filter.all[1]'],
      },
      expect.objectContaining({ eventId: first.id, why: 'filtered', failedConditions: ['filter.all[0]'] }),
    ]);
    expect(Date.parse(data[0].at)).toBeGreaterThan(Date.parse(data[1].at));
    expect(await deliveriesOf(id)).toHaveLength(1);
    const { body } = await expectStatus(reader.get(`${at}/stats?period=24h`), 200);
    expect(body.totals).toMatchObject({ filtered: 2, repeated: 0 });
    const counted = body.buckets.filter(({ filtered }: { filtered: number }) => filtered > 0);
    expect(counted.reduce((sum: number, { filtered }: { filtered: number }) => sum + filtered, 0)).toBe(2);
    for (const bucket of body.buckets) expect(bucket).toMatchObject({ filtered: expect.any(Number), repeated: 0 });
  });

  it('are those that once kept back, exactly', async () => {
    const { own, id, at, reader, skipped } = await given({ once: { per: 'visitor.email', days: 30 } });
    const events = [visit(own, 1), visit(own, 2), visit(own, 3)];
    for (const event of events) {
      await consume([aMessage([event])]);
      vi.setSystemTime(Date.now() + 1_000);
    }
    await endedDeliveriesOf(id, 1);
    const { data } = await skipped();
    expect(data).toMatchObject([
      { eventId: events[2]!.id, why: 'repeated', failedConditions: [] },
      { eventId: events[1]!.id, why: 'repeated', failedConditions: [] },
    ]);
    expect((await reader.get(`${at}/stats?period=1h`)).body.totals).toMatchObject({ delivered: 1, filtered: 0, repeated: 2 });
  });

  it('are the latest 100', async () => {
    const { own, skipped } = await given({ filter: FILTER });
    const events = Array.from({ length: 120 }, () => visit(own, 1));
    await consume([aMessage(events)]);
    const { data } = await skipped();
    expect(data).toHaveLength(100);
    expect(new Set(data.map(({ eventId }: { eventId: string }) => eventId)).size).toBe(100);
  });

  it('are not tests: these pass both, and count as neither', async () => {
    const { own, at, reader, skipped } = await given({ filter: FILTER, once: { per: 'visitor.email', days: 30 } });
    for (let sent = 0; sent < 2; sent++) {
      const payload = { event: 'visitor.identified', session_id: 's', visitor: { email: 'ada@lovelace.example' } };
      expect((await own.admin.post(`${at}/test`, { payload })).body.delivery).toMatchObject({ status: 'delivered' });
    }
    expect(await skipped()).toEqual({ data: [] });
    expect((await reader.get(`${at}/stats`)).body.totals).toMatchObject({ filtered: 0, repeated: 0 });
  });

  it('are another’s nobody sees, and 503 while the outbox cannot be reached', async () => {
    const { own, at } = await given({ filter: FILTER });
    const other = await createOrganization();
    expect((await other.admin.get(`${at}/skipped`)).status).toBe(404);
    expect((await own.admin.get(`${own.path}/webhooks/whk_nothing/skipped`)).status).toBe(404);
    const OUTBOX = { getByName: () => ({ skipped: () => Promise.reject(new Error('overloaded')) }) } as unknown as Env['OUTBOX'];
    const request = new Request(`${ORIGIN}/api/v1${at}/skipped`, { headers: { 'X-API-Key': own.key } });
    const answer = await read(await app.fetch(request, { ...env, OUTBOX }, createExecutionContext()));
    expect(answer).toMatchObject({ status: 503, body: { code: 'outbox_unavailable' } });
  });
});

describe('an outbox of the version before, during a deploy', () => {
  /** Answers as an outbox does that knows nothing of what is rendered, filtered or repeated. */
  async function asked(path: string, own: TestOrganization, id: string) {
    const outbox = outboxOf(id);
    const OUTBOX = {
      getByName: () => ({
        find: async (deliveryId: string) => {
          const { acceptedPayload: _, error: __, ...detail } = (await outbox.find(deliveryId))!;
          return detail;
        },
        statistics: async (period: '1h') => {
          const counted = (await outbox.statistics(period))!;
          return {
            ...counted,
            buckets: counted.buckets.map(({ start, tally: { filtered: _, repeated: __, ...tally } }) => ({ start, tally })),
          };
        },
      }),
    } as unknown as Env['OUTBOX'];
    const request = new Request(`${ORIGIN}/api/v1${path}`, { headers: { 'X-API-Key': own.key } });
    return await read(await app.fetch(request, { ...env, OUTBOX }, createExecutionContext()));
  }

  it('is understood: what it does not say is null, or nothing', async () => {
    const { own, id, at } = await given({});
    await consume([aMessage([visit(own, 1)])]);
    const [delivery] = await endedDeliveriesOf(id, 1);
    const detail = await asked(`${at}/deliveries/${delivery!.id}`, own, id);
    expect(detail).toMatchObject({ status: 200, body: { acceptedPayload: null, error: null, payload: expect.any(String) } });
    const { body } = await asked(`${at}/stats?period=1h`, own, id);
    expect(body.totals).toMatchObject({ delivered: 1, filtered: 0, repeated: 0 });
    for (const bucket of body.buckets) expect(bucket).toMatchObject({ filtered: 0, repeated: 0 });
  });
});
