import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import { parseDuration } from '../../src/domain/text/duration.ts';
import { driveDate } from '../support/clock.ts';
import { givenScripted, outboxOf, runAlarm } from '../support/deliveries.ts';
import { bring, deliver, findDelivery, inOutbox, newDelivery, runWhenDue, vanish } from '../support/outbox.ts';

driveDate();

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Waits are lengthened by up to a tenth. */
const JITTER = 1.1;

async function change(webhook: string, values: Partial<typeof webhooks.$inferInsert>): Promise<void> {
  await databaseOf(env.DB).update(webhooks).set(values).where(eq(webhooks.id, webhook));
  await outboxOf(webhook).reconfigured();
}

/** How long a delivery waits for its next attempt. */
async function waitOf(webhook: string, id: string): Promise<number> {
  return ((await findDelivery(webhook, id)).nextAttemptAt ?? Number.NaN) - Date.now();
}

function expectAbout(waitMs: number, expectedMs: number): void {
  expect(waitMs).toBeGreaterThan(expectedMs - SECOND);
  expect(waitMs).toBeLessThanOrEqual(expectedMs * JITTER);
}

describe('a schedule of a webhook of its own', () => {
  it('is that of its retries: as many, and as far apart', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 500 }], { retrySchedule: ['30s', '2h', '24h', '45m', '1m'] });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    for (const waitMs of [30 * SECOND, 2 * HOUR, 24 * HOUR, 45 * MINUTE, MINUTE]) {
      expectAbout(await waitOf(webhook, delivery.id), waitMs);
      await runWhenDue(webhook, delivery.id);
    }
    const exhausted = { status: 'failed', reason: 'attempts_exhausted', attemptCount: 6, nextAttemptAt: null };
    expect(await findDelivery(webhook, delivery.id)).toMatchObject(exhausted);
    expect(await endpoint.requests()).toHaveLength(6);
  });

  it('that changes leaves a wait that is set, and is that of what comes after it; so is that of the deployment, where it goes', async () => {
    const { webhook } = await givenScripted([{ status: 500 }], { retrySchedule: ['2h', '2h', '2h', '2h', '2h'] });
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    await change(webhook, { retrySchedule: ['30s', '40m', '30s'] });
    expectAbout(await waitOf(webhook, delivery.id), 2 * HOUR);
    await runWhenDue(webhook, delivery.id);
    expectAbout(await waitOf(webhook, delivery.id), 40 * MINUTE);
    await change(webhook, { retrySchedule: null });
    await runWhenDue(webhook, delivery.id);
    expectAbout(await waitOf(webhook, delivery.id), 30 * MINUTE);
  });

  it('is known to an object that is loaded anew, before it asks anybody', async () => {
    const { endpoint, webhook } = await givenScripted([{ hang: true }], { retrySchedule: ['6h'] });
    const delivery = newDelivery(webhook);
    await bring(webhook, delivery);
    await endpoint.arrived(1);
    await vanish(webhook);
    const interrupted = await findDelivery(webhook, delivery.id);
    expect(interrupted).toMatchObject({ status: 'retrying', attempts: [{ outcome: 'interrupted' }] });
    expectAbout(await waitOf(webhook, delivery.id), 6 * HOUR);
  });

  it('is used up to its end, however long it is: a delivery waits for a day longer, and no less than three days', async () => {
    const longest = ['24h', '24h', '24h', '24h', '24h', '24h', '24h'];
    for (const [retrySchedule, waitsMs] of [
      [longest, 8 * DAY],
      [['24h', '24h', '12h'], 3.5 * DAY],
      [['30s'], 3 * DAY],
    ] as const) {
      // Every other request is one that arrives: after five days of nothing but failures the webhook would be disabled.
      const answers = Array.from({ length: 20 }, (_, index) => ({ status: index % 2 === 0 ? 500 : 200 }));
      const { webhook } = await givenScripted(answers, { retrySchedule: [...retrySchedule] });
      const delivery = newDelivery(webhook);
      await deliver(webhook, delivery);
      const expiresAt = () =>
        inOutbox(webhook, (_, { sql }) => sql.exec<{ at: number }>('SELECT expires_at AS at FROM deliveries').one().at);
      expect(await expiresAt()).toBe(delivery.acceptedAt + waitsMs);
      for (const _ of retrySchedule) {
        await deliver(webhook, newDelivery(webhook));
        await runWhenDue(webhook, delivery.id);
      }
      const exhausted = { status: 'failed', reason: 'attempts_exhausted', attemptCount: retrySchedule.length + 1 };
      expect(await findDelivery(webhook, delivery.id)).toMatchObject(exhausted);
      // A recovery starts it over.
      await deliver(webhook, newDelivery(webhook));
      vi.setSystemTime(Date.now() + 1);
      expect(await outboxOf(webhook).recover(0, Date.now())).toBe(1);
      await runAlarm(webhook);
      expect((await expiresAt()) - Date.now()).toBeCloseTo(waitsMs, -3);
      expectAbout(await waitOf(webhook, delivery.id), parseDuration(retrySchedule[0]));
    }
  });

  it("is no other webhook's", async () => {
    await givenScripted([{ status: 500 }], { retrySchedule: ['6h'] });
    const { webhook } = await givenScripted([{ status: 500 }]);
    const delivery = newDelivery(webhook);
    await deliver(webhook, delivery);
    expectAbout(await waitOf(webhook, delivery.id), MINUTE);
  });
});
