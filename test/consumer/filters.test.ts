import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import type { Condition } from '../../src/domain/rules/condition.ts';
import worker from '../../src/index.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endedDeliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
} from '../support/deliveries.ts';
import { inOutbox } from '../support/outbox.ts';
import { bodyBytes } from '../support/receiver.ts';
import { tellAtOnce } from '../support/telling.ts';

const LARGE = { all: [{ field: 'company.employee_count', operator: 'at_least', value: 200 }] } satisfies Condition;

driveDate();
beforeEach(() => tellAtOnce());
afterEach(() => {
  vi.restoreAllMocks();
});

/** An organization's webhook that wants large companies alone. */
async function given(options: { enabled?: boolean; events?: string[]; filter?: Condition; once?: { per: string; days: number } } = {}) {
  const endpoint = endpointInbox();
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, filter: LARGE, ...options });
  const of = (employee_count: unknown, extra = {}) => anEvent(organization, { company: { name: 'Acme', employee_count }, ...extra });
  return { endpoint, organization, webhook, of, path: `/organization/${organization}/webhooks/${webhook}` };
}

const skippedIds = async (webhook: string) => (await outboxOf(webhook).skipped()).map(({ eventId }) => eventId);

describe('a webhook with a filter', () => {
  it('gets the events that match, byte for byte; of the others it makes no delivery, and lists and counts them', async () => {
    const { endpoint, webhook, of } = await given();
    const [large, small, unknown] = [of(200), of(199), of('500')];
    const message = aMessage([large, small, unknown]);
    expect((await consume([message])).acknowledged).toEqual([message.id]);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ eventId: large.id, status: 'delivered' }]);
    expect((await endpoint.requests()).map(bodyBytes)).toEqual([large.payload]);
    const who = { name: '', email: 'ada@example.com', company: 'Acme', domain: '' };
    const skipped = { event: 'visitor.identified', subject: 'ada@example.com, Acme', who, at: Date.now(), why: 'filtered' };
    expect((await outboxOf(webhook).skipped()).toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))).toEqual(
      [small, unknown].map(({ id }) => ({ ...skipped, eventId: id, failedConditions: ['filter.all[0]'] })),
    );
    const statistics = await outboxOf(webhook).statistics('1h');
    expect(statistics!.buckets.at(-1)!.tally).toMatchObject({ delivered: 1, filtered: 2, repeated: 0 });
  });

  it('that is disabled records nothing of what does not match', async () => {
    const { webhook, of } = await given({ enabled: false });
    const [large, small] = [of(1_000), of(1)];
    await consume([aMessage([large, small])]);
    expect(await deliveriesOf(webhook)).toMatchObject([{ eventId: large.id, status: 'discarded', reason: 'webhook_disabled' }]);
    expect(await skippedIds(webhook)).toEqual([small.id]);
  });

  it('comes before `once`: what does not match uses no value up', async () => {
    const { webhook, of } = await given({ once: { per: 'visitor.email', days: 30 } });
    const [small, large, again] = [of(1), of(1_000), of(1_000)];
    for (const event of [small, large, again]) await consume([aMessage([event])]);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ eventId: large.id, status: 'delivered' }]);
    const kept = (await outboxOf(webhook).skipped()).map(({ eventId, why }) => [eventId, why]);
    expect(kept.toSorted()).toEqual([
      [small.id, 'filtered'],
      [again.id, 'repeated'],
    ]);
  });

  it('has a change of it in force within five seconds', async () => {
    const { endpoint, webhook, of } = await given();
    await consume([aMessage([of(1)])]);
    await databaseOf(env.DB)
      .update(webhooks)
      .set({ filter: { field: 'company.employee_count', operator: 'less_than', value: 200 } })
      .where(eq(webhooks.id, webhook));
    vi.setSystemTime(Date.now() + 5_000);
    const [small, large] = [of(1), of(1_000)];
    await consume([aMessage([small, large])]);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ eventId: small.id }]);
    expect(await endpoint.requests()).toHaveLength(1);
    expect((await skippedIds(webhook)).includes(large.id)).toBe(true);
  });

  it('counts nothing of types that it does not subscribe to', async () => {
    const { webhook, of } = await given({ events: ['deal.*'] });
    await consume([aMessage([of(1)])]);
    expect(await skippedIds(webhook)).toEqual([]);
  });

  it('gets the service’s own events all the same', async () => {
    const { endpoint, organization, webhook } = await given();
    await consume([aMessage([anEvent(organization, { event: 'webhook.failing', webhook: { id: 'whk_other' } })])]);
    await endpoint.arrived(1);
    expect(await skippedIds(webhook)).toEqual([]);
  });

  it('harms no other webhook of its organization', async () => {
    const { organization, webhook, of } = await given();
    const other = await givenWebhook(organization, { url: endpointInbox().url });
    await consume([aMessage([of(1), of(2)])]);
    expect(await endedDeliveriesOf(other, 2)).toHaveLength(2);
    expect(await skippedIds(other)).toEqual([]);
    expect(await deliveriesOf(webhook)).toEqual([]);
  });

  it('has a test and its outbox’s configuration without the filter: who changes it writes no row there', async () => {
    const { endpoint, webhook, of, path } = await given();
    await platform.post(`${path}/test`);
    expect(await endpoint.requests()).toHaveLength(1);
    await consume([aMessage([of(500)])]);
    const kept = () => inOutbox(webhook, (_, { kv }) => kv.get('config'));
    expect(JSON.stringify(await kept())).not.toContain('filter');
    const puts = await inOutbox(webhook, (_, { kv }) => vi.spyOn(Object.getPrototypeOf(kv), 'put'));
    await databaseOf(env.DB).update(webhooks).set({ filter: LARGE.all[0]! }).where(eq(webhooks.id, webhook));
    vi.setSystemTime(Date.now() + 10_000);
    await consume([aMessage([of(500)])]);
    expect(await endedDeliveriesOf(webhook, 3)).toHaveLength(3);
    expect(puts.mock.calls.filter(([key]) => key === 'config')).toEqual([]);
  });
});

describe('an event that a filter keeps back', () => {
  it('has its message come again where that is decided by a configuration of long ago', async () => {
    const { endpoint, webhook, of } = await given();
    let isDown = false;
    const DB = {
      prepare: (query: string) => {
        if (isDown) throw new Error('D1_ERROR: down');
        return env.DB.prepare(query);
      },
    } as unknown as D1Database;
    const environment = { ...env, DB };
    await consume([aMessage([of(1)])], environment);
    isDown = true;
    vi.setSystemTime(Date.now() + 10_000);
    const [small, large] = [aMessage([of(1)]), aMessage([of(500)])];
    expect(await consume([small, large], environment)).toMatchObject({ acknowledged: [large.id], retried: [{ id: small.id }] });
    await endpoint.arrived(1);
    expect(await skippedIds(webhook)).toHaveLength(1);
    isDown = false;
    vi.setSystemTime(Date.now() + 10_000);
    expect(await consume([small], environment)).toMatchObject({ acknowledged: [small.id] });
    expect(await skippedIds(webhook)).toHaveLength(2);
  });

  it('is counted once though its message comes again because of another event in it', async () => {
    const { organization, webhook, of } = await given();
    const broken = await givenWebhook(organization, { url: endpointInbox().url });
    let isBroken = true;
    const getByName = (id: string) =>
      id === broken && isBroken ? { deliver: async () => Promise.reject(new Error('broken')) } : outboxOf(id);
    const environment = { ...env, OUTBOX: { getByName } as unknown as Env['OUTBOX'] };
    const message = aMessage([of(1)]);
    await consume([message], environment);
    expect(await skippedIds(webhook)).toEqual([]);
    isBroken = false;
    await consume([{ ...message, attempts: 2 }], environment);
    expect(await skippedIds(webhook)).toHaveLength(1);
  });

  it('holds up no batch: what is told of it is told beside it', async () => {
    const { webhook, of } = await given();
    const message = aMessage([of(1)]);
    const batch = createMessageBatch('bullseye-events', [message]);
    const ctx = createExecutionContext();
    const telling = Promise.withResolvers<void>();
    vi.restoreAllMocks();
    vi.spyOn(scheduler, 'wait').mockReturnValue(telling.promise);
    await worker.queue(batch, env, ctx);
    expect(await skippedIds(webhook)).toEqual([]);
    telling.resolve();
    expect((await getQueueResult(batch, ctx)).explicitAcks).toEqual([message.id]);
    expect(await skippedIds(webhook)).toHaveLength(1);
  });
});
