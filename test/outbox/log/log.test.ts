import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, inject, it, vi } from 'vitest';
import type { DeliveryFilter, DeliveryPage, DeliverySummary } from '../../../src/domain/delivery/delivery.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { platform } from '../../support/api.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endedDeliveriesOf,
  givenOrganization,
  givenWebhook,
  outboxOf,
} from '../../support/deliveries.ts';
import { inbox } from '../../support/receiver.ts';

const DELIVERIES = 200_000;
/** What a page may read of the log, whatever the filter: its scan, one row more to know whether there is a next, and the index's rows. */
const MOST_ROWS_READ = 4_010;
/** The same of a search: SQLite passes over most of them. */
const MOST_ROWS_SEARCHED = 100_000;

/** An outbox with a long log: one delivery a second, every 1,000th failed, every 50,000th retrying; written straight into it. */
async function givenLongLog(webhook: string): Promise<void> {
  await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
    new Store(storage).sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
       INSERT INTO deliveries (created_at, id, event_id, event, session_id, status, attempt_count, failures, expires_at, due_at, trigger, payload)
       SELECT i * 1000, printf('dlv_%026d', i), printf('evt_%026d', i), iif(i % 7 = 0, 'company.identified', 'visitor.identified'),
         printf('ses_%d', i), iif(i % 50000 = 1, 'retrying', iif(i % 1000 = 0, 'failed', 'delivered')), 1, 0, 9e15, iif(i % 50000 = 1, 9e15, NULL), 'event',
         zeroblob(500) FROM n`,
      DELIVERIES,
    );
  });
}

/** A page, and how many rows were read for it. */
async function pageWithCost(
  webhook: string,
  filter: DeliveryFilter,
  after: DeliveryPage['next'] = null,
): Promise<DeliveryPage & { rowsRead: number }> {
  return runInDurableObject(outboxOf(webhook), async (instance, { storage }) => {
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    const exec = storage.sql.exec.bind(storage.sql);
    const spy = vi.spyOn(Object.getPrototypeOf(storage.sql), 'exec').mockImplementation((...args) => {
      const cursor = exec(...(args as Parameters<typeof exec>));
      cursors.push(cursor);
      return cursor;
    });
    const page = (instance as unknown as { list(...args: unknown[]): DeliveryPage }).list(filter, 50, after);
    spy.mockRestore();
    return { ...page, rowsRead: cursors.reduce((sum, cursor) => sum + cursor.rowsRead, 0) };
  });
}

describe('a log of 200,000 deliveries', () => {
  it('reads a bounded number of rows for any page of any filter', { timeout: 60_000 }, async () => {
    const webhook = `whk_${crypto.randomUUID()}`;
    await givenLongLog(webhook);
    const filters: DeliveryFilter[] = [
      {},
      { status: 'delivered' },
      { status: 'failed' },
      { status: 'retrying' },
      { status: 'discarded' },
      { event: 'no.such' },
      { event: 'company.identified', status: 'failed' },
      { q: 'ses_199' },
      { q: 'nothing like it' },
      { from: 100_000_000, to: 100_500_000 },
      { to: 1_000 },
      { from: 199_999_000_000 },
    ];
    for (const filter of filters) {
      const page = await pageWithCost(webhook, filter);
      const most = filter.q === undefined ? MOST_ROWS_READ : MOST_ROWS_SEARCHED;
      expect(page.rowsRead, JSON.stringify(filter)).toBeLessThanOrEqual(most);
      if (page.next) expect((await pageWithCost(webhook, filter, page.next)).rowsRead, JSON.stringify(filter)).toBeLessThanOrEqual(most);
    }
    // What is rare among many is found at once, not after many empty pages.
    expect((await pageWithCost(webhook, { status: 'failed' })).deliveries).toHaveLength(50);
    expect((await pageWithCost(webhook, { status: 'retrying' })).deliveries).toHaveLength(4);
  });

  it('finds everything that a filter takes, page after page, once', { timeout: 60_000 }, async () => {
    const webhook = `whk_${crypto.randomUUID()}`;
    await givenLongLog(webhook);
    const seen: DeliverySummary[] = [];
    let page = await outboxOf(webhook).list({ status: 'failed' }, 50, null);
    seen.push(...page.deliveries);
    while (page.next) {
      page = await outboxOf(webhook).list({ status: 'failed' }, 50, page.next);
      seen.push(...page.deliveries);
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(DELIVERIES / 1_000);
    expect(seen).toHaveLength(DELIVERIES / 1_000);
  });
});

describe('looking for a delivery', () => {
  it('finds it by a part of its id, of its event’s or of its session’s, in any case', async () => {
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: inbox(inject('receiverOrigin')).url });
    const path = `/organization/${organization}/webhooks/${webhook}/deliveries`;
    const wanted = anEvent(organization, { session_id: 'ses_Needle-1' });
    await consume([aMessage([anEvent(organization), wanted, anEvent(organization)])]);
    const delivery = (await endedDeliveriesOf(webhook, 3)).find(({ eventId }) => eventId === wanted.id);
    for (const q of [delivery!.id, wanted.id, 'needle', delivery!.id.slice(-12).toLowerCase()]) {
      const { body } = await platform.get(`${path}?q=${q}`);
      expect(
        body.data.map(({ id }: { id: string }) => id),
        q,
      ).toContain(delivery!.id);
    }
    expect((await platform.get(`${path}?q=${delivery!.id}`)).body).toMatchObject({ data: [{ id: delivery!.id }], nextCursor: null });
    expect((await platform.get(`${path}?q=${delivery!.id}&status=failed`)).body).toEqual({ data: [], nextCursor: null });
    expect((await platform.get(`${path}?q=nowhere`)).body.data).toEqual([]);
  });

  it('shows one event’s deliveries across the webhooks of its organization, and to nobody else', async () => {
    const organization = await givenOrganization();
    const webhooks = await Promise.all([0, 1].map(() => givenWebhook(organization, { url: inbox(inject('receiverOrigin')).url })));
    const event = anEvent(organization);
    await consume([aMessage([event])]);
    await Promise.all(webhooks.map((webhook) => endedDeliveriesOf(webhook, 1)));
    const { status, body } = await platform.get(`/organization/${organization}/events/${event.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: event.id, event: 'visitor.identified' });
    expect(body.deliveries.map(({ webhookId }: { webhookId: string }) => webhookId).toSorted()).toEqual(webhooks.toSorted());
    expect((await platform.get(`/organization/${organization}/events/evt_nothing`)).status).toBe(404);
    const other = await givenOrganization();
    await givenWebhook(other, { url: inbox(inject('receiverOrigin')).url });
    expect((await platform.get(`/organization/${other}/events/${event.id}`)).status).toBe(404);
    expect(await deliveriesOf(webhooks[0]!)).toHaveLength(1);
  });
});
