import { runInDurableObject } from 'cloudflare:test';
import { ulid } from 'ulid';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { NewDelivery } from '../../../src/domain/delivery/delivery.ts';
import { waiting } from '../../../src/domain/delivery/lifecycle.ts';
import { deliveryId, mintId } from '../../../src/domain/ids.ts';
import type { Rendering } from '../../../src/domain/rules/choices.ts';
import { Ledger } from '../../../src/outbox/books/ledger.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { Fresh } from '../../../src/outbox/fresh.ts';
import { Archive } from '../../../src/outbox/log/archive.ts';
import type { ArchivedDelivery } from '../../../src/outbox/log/bundle.ts';
import { OutboxLog } from '../../../src/outbox/log/log.ts';
import { PastEvents } from '../../../src/outbox/log/past-events.ts';
import { driveDate } from '../../support/clock.ts';
import { givenScripted, outboxOf } from '../../support/deliveries.ts';
import { bring, deliver, havePatience, inOutbox, newDelivery, rowsOf } from '../../support/outbox.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

const AS_ACCEPTED: Rendering = { fields: null, format: 'event', template: null, name: 'Acme' };
const FLAT: Rendering = { ...AS_ACCEPTED, format: 'flat' };
const large = { field: 'company.employee_count', operator: 'at_least', value: 200 } as const;
const ofSize = (webhook: string, count: number) => newDelivery(webhook, { company: { employee_count: count } });

/** One that was delivered at the first attempt. */
function delivered(acceptedAt: number, event: Record<string, unknown>): ArchivedDelivery {
  const eventId = `evt_${ulid(acceptedAt)}`;
  const payload = new TextEncoder().encode(JSON.stringify(event));
  const delivery = { id: deliveryId(eventId, WEBHOOK), eventId, event: 'visitor.identified', sessionId: null, acceptedAt, payload };
  const attempt = { number: 1, trigger: 'event', startedAt: 1, durationMs: 2, outcome: 'succeeded', requestHeaders: {} } as const;
  const response = { responseStatus: 200, responseHeaders: {}, responseBody: '', responseBodyEncoding: null } as const;
  const state = { ...waiting(acceptedAt), status: 'delivered', attemptCount: 1, dueAt: null, finishedAt: acceptedAt } as const;
  return { delivery, state, attempt: { ...attempt, ...response, responseBodyTruncated: false, error: null } };
}

const WEBHOOK = mintId('webhook', 0);

/** Does something with the rows of an outbox of its own. */
function withStore<T>(work: (store: Store, past: PastEvents) => Promise<T>): Promise<T> {
  return runInDurableObject(outboxOf(mintId('webhook', Date.now())), (_, { storage }) => {
    const store = new Store(storage);
    const fresh = new Fresh(store, new Ledger(store, { scheduleMs: [], random: () => 0 }));
    return work(store, new PastEvents(store, fresh, new OutboxLog(store, fresh, () => null)));
  });
}

describe('what a filter would let through of the latest events', () => {
  it('is told of all that the log has, wherever it keeps it, the newest first, and rendered from what was accepted', async () => {
    havePatience();
    const { endpoint, webhook } = await givenScripted([{ status: 200 }], { format: 'template', template: '{"sent":true}' });
    const bundled = [ofSize(webhook, 200), ofSize(webhook, 199), ofSize(webhook, 5_000)];
    await deliver(webhook, ...bundled);
    vi.setSystemTime(Date.now() + 10);
    await endpoint.script([{ status: 500 }]);
    const inRow = ofSize(webhook, 300);
    await deliver(webhook, inRow);
    vi.restoreAllMocks();
    vi.setSystemTime(Date.now() + 10);
    await endpoint.script([{ hang: true }]);
    const underWay = ofSize(webhook, 400);
    await bring(webhook, underWay);
    expect(await rowsOf(webhook)).toEqual({ deliveries: 1, archived: 1, open: 1 });

    const preview = await outboxOf(webhook).preview({ filter: large, rendering: FLAT });
    expect(preview).toMatchObject({ considered: 5, matching: 4 });
    const matching = [underWay, inRow, ...bundled.filter((_, index) => index !== 1).sort((a, b) => (a.id < b.id ? 1 : -1))];
    expect(preview.samples.map(({ deliveryId: id }) => id)).toEqual(matching.map(({ id }) => id));
    for (const [index, { eventId, payload }] of preview.samples.entries()) {
      expect(eventId).toBe(matching[index]!.eventId);
      expect(JSON.parse(payload!)).toMatchObject({ company_employee_count: expect.any(Number), visitor_email: 'ada@example.com' });
    }
    // Nothing of it is kept, and nothing is sent.
    expect(await outboxOf(webhook).find(inRow.id)).toMatchObject({ payload: '{"sent":true}' });
    expect(await rowsOf(webhook)).toEqual({ deliveries: 1, archived: 1, open: 1 });
  });

  it('is all of them without a filter', async () => {
    const { webhook } = await givenScripted([{ status: 200 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    const payload = new TextDecoder().decode(delivery.payload);
    expect(await outboxOf(webhook).preview({ filter: null, rendering: AS_ACCEPTED })).toEqual({
      ...{ considered: 1, matching: 1 },
      samples: [{ deliveryId: delivery.id, eventId: delivery.eventId, payload }],
    });
  });

  it("leaves out tests and what was erased, and lets the service's own events through", async () => {
    const { webhook } = await givenScripted([{ status: 200 }]);
    const erased = ofSize(webhook, 1_000);
    const own = newDelivery(webhook, { event: 'webhook.failing', webhook: { id: 'whk_other', name: 'Other', host: 'example.com' } });
    await deliver(webhook, erased, ofSize(webhook, 1), own);
    await outboxOf(webhook).sendTest(ofSize(webhook, 1_000));
    await outboxOf(webhook).erasePayload(erased.id);
    const preview = await outboxOf(webhook).preview({ filter: large, rendering: AS_ACCEPTED });
    expect(preview).toMatchObject({ considered: 2, matching: 1, samples: [{ deliveryId: own.id }] });
  });

  it('says of an event that cannot be rendered that it matches, and shows nothing of it', async () => {
    const { webhook } = await givenScripted([{ status: 200 }]);
    const [delivery, fine] = [newDelivery(webhook), newDelivery(webhook, { n: 1 })] as [NewDelivery, NewDelivery];
    await deliver(webhook, delivery);
    vi.setSystemTime(Date.now() + 10);
    await deliver(webhook, fine);
    const rendering: Rendering = { ...AS_ACCEPTED, format: 'template', template: '{"n":{{ n }}}' };
    const preview = await outboxOf(webhook).preview({ filter: null, rendering });
    expect(preview).toMatchObject({ considered: 2, matching: 2, samples: [{ payload: '{"n":1}' }, { payload: null }] });
  });

  it('is nothing of an outbox that has recorded nothing, which stays empty', async () => {
    const { webhook } = await givenScripted([]);
    expect(await outboxOf(webhook).preview({ filter: large, rendering: FLAT })).toEqual({ considered: 0, matching: 0, samples: [] });
    expect(await inOutbox(webhook, (_, { kv }) => [...kv.list()])).toEqual([]);
  });
});

describe('the latest events that are looked at', () => {
  const START = Date.UTC(2027, 0, 1);
  const events = (count: number, event: Record<string, unknown>) =>
    Array.from({ length: count }, (_, index) => delivered(START + index * 7, { ...event, n: index }));

  it('are a thousand, and ten of those that match are shown', async () => {
    await withStore(async (store, past) => {
      store.addToArchive(events(1_200, {}));
      const even = { field: 'n', operator: 'at_least', value: 1_100 } as const;
      const preview = await past.preview({ filter: even, rendering: AS_ACCEPTED });
      expect(preview).toMatchObject({ considered: 1_000, matching: 100 });
      expect(preview.samples.map(({ payload }) => JSON.parse(payload!).n)).toEqual(Array.from({ length: 10 }, (_, index) => 1_199 - index));
    });
  });

  it('are fewer where they are large: so much is read, and no more', async () => {
    await withStore(async (store, past) => {
      store.addToArchive(events(300, { text: 'x'.repeat(90_000) }));
      const preview = await past.preview({ filter: null, rendering: AS_ACCEPTED });
      expect(preview.considered).toBeGreaterThan(50);
      expect(preview.considered).toBeLessThan(150);
    });
  });

  it('are looked at in steps, and each bundle is opened once', async () => {
    await withStore(async (store, past) => {
      // Those of five calls at a time, which overlap.
      const all = events(1_000, {});
      for (let call = 0; call < 5; call++) store.addToArchive(all.filter((_, index) => index % 5 === call));
      const bundles = store.sql.exec<{ n: number }>('SELECT count(*) AS n FROM archive_20819').one().n;
      const opened = vi.spyOn(Archive.prototype, 'bundleOf');
      let turns = 0;
      let isOver = false;
      const watching = (async () => {
        while (!isOver) {
          turns++;
          await scheduler.wait(0);
        }
      })();
      const preview = await past.preview({ filter: large, rendering: AS_ACCEPTED });
      isOver = true;
      await watching;
      expect(preview).toMatchObject({ considered: 1_000, matching: 0 });
      expect(opened).toHaveBeenCalledTimes(bundles);
      // A thousand events, fifty in a step.
      expect(turns).toBeGreaterThanOrEqual(20);
    });
  });
});
