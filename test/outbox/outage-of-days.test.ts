import { expect, it, vi } from 'vitest';
import { Store } from '../../src/outbox/books/store.ts';
import { Dispatcher } from '../../src/outbox/dispatcher.ts';
import { createOrganization, createWebhook, expectStatus } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { PAGES, signedIn } from '../support/dashboard.ts';
import { alarmOf, deliveriesOf, endpointInbox, outboxOf, runAlarm, untilEnded } from '../support/deliveries.ts';
import { bring, deliver, inOutbox, newDeliveries, newDelivery } from '../support/outbox.ts';

/*
 * The days after an outage: what its owner is told, and sees, and does. Most of what it cost is written straight into the outbox, as failed
 * deliveries are there after it.
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FAILED = 100_000;

driveDate(Date.now() + 30 * DAY);

/** What has failed for good in an outage, of events that a day brought. */
function insertFailed({ sql }: Store, from: number): void {
  sql.exec(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${FAILED - 1})
     INSERT INTO deliveries (created_at, id, event_id, event, status, reason, attempt_count, failures, expires_at, due_at, trigger, finished_at, payload)
     SELECT ? + i * ${DAY / FAILED}, printf('dlv_%032d', i), printf('evt_%026d', i), 'visitor.identified', 'failed', 'attempts_exhausted', 4, 4, 9e15, NULL,
       'schedule', ? + i * ${DAY / FAILED}, x'7b7d' FROM n`,
    from,
    from,
  );
}

it('an outage of days is told once when it begins, once before it disables, and once when it is over; what it cost is one click', {
  timeout: 120_000,
}, async () => {
  const organization = await createOrganization();
  const [endpoint, listening] = [endpointInbox(), endpointInbox()];
  await listening.script([{ status: 200 }]);
  await endpoint.script([{ status: 200 }, { status: 503 }]);
  const { id: webhook } = await createWebhook(organization, { url: endpoint.url });
  const { id: listener } = await createWebhook(organization, { url: listening.url, events: ['webhook.*'] });
  /** The notices so far, the oldest first. */
  const told = async () => {
    await inOutbox(webhook, (outbox) => outbox.alarm());
    await vi.waitFor(async () => expect((await deliveriesOf(listener)).every(({ status }) => status === 'delivered')).toBe(true));
    return (await deliveriesOf(listener)).map(({ event }) => event).toReversed();
  };
  const path = `${PAGES}/${webhook}`;
  await deliver(webhook, newDelivery(webhook));

  // The first retries are used up, then the circuit opens, and what comes is held.
  const began = Date.now();
  await deliver(webhook, ...newDeliveries(webhook, 3));
  await untilEnded(webhook, 20 * 60_000);
  await vi.waitFor(async () => expect(await told()).toEqual(['webhook.failing']));
  for (let hours = 6; hours <= 72; hours += 6) {
    vi.setSystemTime(began + hours * HOUR);
    await bring(webhook, ...newDeliveries(webhook, 20));
    if ((await alarmOf(webhook)) !== null) await runAlarm(webhook);
  }
  await vi.waitFor(async () => expect(await told()).toEqual(['webhook.failing', 'webhook.disable_warning']));
  await inOutbox(webhook, (_, storage) => insertFailed(new Store(storage), began + HOUR));

  // It is back: what was held goes out with the next probe, and the rest is a click.
  await endpoint.script([{ status: 200 }]);
  vi.setSystemTime(began + 73 * HOUR);
  await untilEnded(webhook, 11 * 60_000);
  await vi.waitFor(async () => expect(await told()).toEqual(['webhook.failing', 'webhook.disable_warning', 'webhook.recovered']));
  const person = await signedIn(organization);
  const failed = ((await outboxOf(webhook).countRecovery({ since: 0, until: Date.now() + 1 })) ?? 0).toLocaleString('en-US');
  expect((await person.get(`${path}/deliveries?status=failed`)).text).toContain(`Retry all that match (${failed})`);
  const clicked = await person.submit(`${path}/deliveries/retry-all`, { status: 'failed' });
  expect(clicked.text).toContain(`${failed} deliveries start over.`);
  expect(clicked.text).toContain(`200 of ${failed} deliveries have started over so far.`);
  // Nothing goes out here: the progress is what is looked at.
  vi.spyOn(Dispatcher.prototype, 'pump').mockImplementation(() => {});
  await runAlarm(webhook);
  const [progress] = (await expectStatus(organization.admin.get(`${organization.path}/webhooks/${webhook}/recover`), 200)).body.recoveries;
  expect(progress).toMatchObject({ recovered: 10_200, finishedAt: null });
  expect((await person.get(path)).text).toContain(`10,200 of ${failed} deliveries have started over so far.`);
  vi.restoreAllMocks();
  expect(await deliveriesOf(listener)).toHaveLength(3);
});
