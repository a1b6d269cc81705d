import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { logError, takeFaults } from '../../src/log.ts';
import { driveDate } from '../support/clock.ts';
import { givenScripted, outboxOf } from '../support/deliveries.ts';
import { configOf, havePatience, newDeliveries, newDelivery, runWhenDue } from '../support/outbox.ts';

driveDate();

/** Brings deliveries, as a consumer does; what the outbox answers. */
const bring = async (webhook: string, count = 1) => {
  havePatience();
  return await outboxOf(webhook).deliver(await configOf(webhook), newDeliveries(webhook, count), Date.now());
};

describe('an outbox answers a consumer', () => {
  it('with what has ended since it was last asked, once', async () => {
    const { webhook } = await givenScripted([{ status: 200 }, { status: 200 }, { status: 503 }, { status: 200 }]);
    expect(await bring(webhook, 2)).toEqual({ counts: { succeeded: 2, delivered: 2 }, faults: {} });
    expect(await bring(webhook)).toEqual({ counts: { has_errors: 1, retried: 1 }, faults: {} });
    expect((await outboxOf(webhook).poke()).counts).toEqual({});
  });

  it('with the faults that were logged beside it', async () => {
    const { webhook } = await givenScripted([]);
    takeFaults();
    logError('outbox.faulted', new Error('out of order'));
    expect((await bring(webhook)).faults).toEqual({ 'outbox.faulted': { count: 1, at: Date.now(), error: 'out of order' } });
  });

  it('without tests, which count for nothing', async () => {
    const { webhook } = await givenScripted([]);
    await outboxOf(webhook).sendTest({ ...newDelivery(webhook), eventId: 'evt_test_01JDCQ7Z8W5M3KXN4R2T6V9YBA' });
    expect((await outboxOf(webhook).poke()).counts).toEqual({});
  });
});

describe('an outbox answers the cron', () => {
  it('with what waits, since when it fails, and why; then with how that ended', async () => {
    const { webhook } = await givenScripted([{ status: 422 }, { status: 200 }]);
    const delivery = newDelivery(webhook);
    havePatience();
    await outboxOf(webhook).deliver(await configOf(webhook), [delivery], Date.now());
    const failingSince = Date.now();
    expect((await outboxOf(webhook).poke()).waiting).toEqual({
      ...{ webhookId: webhook, waiting: 1, dueAt: expect.any(Number), health: 'healthy', failingSince, cause: 'rejects', status: 422 },
    });
    await runWhenDue(webhook, delivery.id);
    expect(await outboxOf(webhook).poke()).toEqual({ waiting: null, counts: { succeeded: 1, delivered: 1 }, faults: {} });
  });

  it('that nothing waits where there never was anything, and stays empty', async () => {
    const outbox = env.OUTBOX.getByName('whk_never_used');
    expect((await outbox.poke()).waiting).toBeNull();
  });
});
