import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RecoverySelection } from '../../../src/domain/delivery/bulk.ts';
import { Cancellations } from '../../../src/outbox/bulk/cancellations.ts';
import { Recoveries } from '../../../src/outbox/bulk/recoveries.ts';
import { Dispatcher } from '../../../src/outbox/dispatcher.ts';
import type { BulkAnswer } from '../../../src/outbox/outbox.ts';
import { AuditEntries } from '../../../src/outbox/reports/audit-entries.ts';
import { anEntry } from '../../support/audit.ts';
import { driveDate } from '../../support/clock.ts';
import { givenScripted, outboxOf, runAlarm, untilEnded } from '../../support/deliveries.ts';
import { bring, deliver, findDelivery, inOutbox, newDeliveries, newDelivery, rowsOf, vanish } from '../../support/outbox.ts';
import type { ReceivedRequest, Reply } from '../../support/receiver.ts';

// Ahead of the clock: alarms are run by hand alone.
driveDate(Date.now() + 86_400_000);
afterEach(() => {
  vi.restoreAllMocks();
});

const ok: Reply = { status: 200 };
const ALL = ['failed', 'discarded', 'delivered'] as const;

/** How often each event has arrived. */
function arrivalsOf(requests: readonly ReceivedRequest[]): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(requests, ({ headers }) => headers['webhook-id'] ?? '')].map(([id, each]) => [id, each.length]),
  );
}

/** Recovers, and delivers what starts over. */
async function recovered(webhook: string, selection: RecoverySelection): Promise<BulkAnswer> {
  vi.setSystemTime(Date.now() + 1);
  const count = await outboxOf(webhook).recoverSelected(selection);
  await runAlarm(webhook);
  await untilEnded(webhook);
  return count;
}

/** A test, as a route makes it. */
function aTest(webhook: string) {
  const test = newDelivery(webhook);
  return { ...test, eventId: test.eventId.replace('evt_', 'evt_test_') };
}

describe('a recovery of what was delivered', () => {
  it('delivers archived ones and those with rows once more, as the same events', async () => {
    const { endpoint, webhook } = await givenScripted([{ status: 500 }, ok]);
    const [retried, ...others] = newDeliveries(webhook, 6);
    await deliver(webhook, retried!);
    await untilEnded(webhook);
    await deliver(webhook, ...others);
    expect(await rowsOf(webhook)).toMatchObject({ deliveries: 1, archived: 1 });
    const until = Date.now() + 1;
    expect(await outboxOf(webhook).countRecovery({ since: 0, until, statuses: ['delivered'] })).toBe(6);

    expect(await recovered(webhook, { since: 0, until, statuses: ['delivered'] })).toBe(6);

    const arrivals = arrivalsOf(await endpoint.requests());
    expect(arrivals).toEqual(Object.fromEntries([retried!, ...others].map(({ eventId }, at) => [eventId, at === 0 ? 3 : 2])));
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 6, finishedAt: expect.any(Number) }]);
    expect(await findDelivery(webhook, others[0]!.id)).toMatchObject({
      status: 'delivered',
      attempts: [{ number: 1 }, { number: 2, trigger: 'recovery' }],
    });
    // What has started over is not found again by the same recovery, and not lost.
    expect((await outboxOf(webhook).list({}, 100, null)).deliveries).toHaveLength(6);
  });

  it('takes no test, nothing that was erased, and nothing that is delivered only afterwards', async () => {
    const { endpoint, webhook } = await givenScripted([ok]);
    const [erased, kept] = newDeliveries(webhook, 2);
    await deliver(webhook, erased!, kept!);
    expect(await outboxOf(webhook).erasePayload(erased!.id)).toBe('erased');
    await outboxOf(webhook).sendTest(aTest(webhook));
    const until = Date.now() + 1_000;
    expect(await outboxOf(webhook).recoverSelected({ since: 0, until, statuses: ['delivered'] })).toBe(1);
    vi.setSystemTime(Date.now() + 1);
    const later = newDelivery(webhook);
    await deliver(webhook, later);
    await runAlarm(webhook);
    await untilEnded(webhook);
    expect(arrivalsOf(await endpoint.requests())).toMatchObject({ [kept!.eventId]: 2, [erased!.eventId]: 1, [later.eventId]: 1 });
  });

  it('goes on in the archive where it was when the object has vanished', async () => {
    const { endpoint, webhook } = await givenScripted([ok]);
    const given = [];
    // Several bundles: each spans a second at most.
    for (let bundle = 0; bundle < 4; bundle++) {
      vi.setSystemTime(Date.now() + 5_000);
      const some = newDeliveries(webhook, 120);
      given.push(...some);
      await deliver(webhook, ...some);
    }
    vi.setSystemTime(Date.now() + 1);
    expect(await outboxOf(webhook).recoverSelected({ since: 0, until: Date.now(), statuses: ['delivered'] })).toBe(480);
    await inOutbox(webhook, (_, storage) => storage.deleteAlarm());
    for (let steps = 0; steps < 10; steps++) {
      await vanish(webhook);
      await runAlarm(webhook);
    }
    await untilEnded(webhook);
    const arrivals = arrivalsOf(await endpoint.requests());
    expect(given.map(({ eventId }) => arrivals[eventId])).toEqual(given.map(() => 2));
  });
});

describe('a recovery of some events', () => {
  it('is of a type or a prefix, of some statuses, and counts what it starts over', async () => {
    const { webhook } = await givenScripted([{ status: 410 }], { events: ['*'] });
    const [gone, discarded] = [newDelivery(webhook), newDelivery(webhook)];
    const other = newDelivery(webhook, { event: 'company.identified' });
    await deliver(webhook, gone);
    await runAlarm(webhook);
    // The webhook is disabled now.
    await deliver(webhook, discarded, other);
    const until = Date.now() + 1;
    const count = (event: string | undefined, statuses?: (typeof ALL)[number][]) =>
      outboxOf(webhook).countRecovery({ since: 0, until, ...(event && { event }), ...(statuses && { statuses }) });
    expect(await count(undefined)).toBe(3);
    expect(await count('company.*')).toBe(1);
    expect(await count('visitor.identified')).toBe(2);
    expect(await count('visitor.*', ['failed'])).toBe(1);
    expect(await count('*', ['discarded'])).toBe(2);
    expect(await count('*', ['delivered'])).toBe(0);
    expect(await outboxOf(webhook).recoverSelected({ since: 0, until, event: 'company.*', statuses: ['discarded'] })).toBe(1);
    // Counting alone has changed nothing.
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ event: 'company.*', statuses: ['discarded'] }]);
  });
});

describe('a cancellation', () => {
  /** A webhook whose endpoint is down, with deliveries that wait for their retries. */
  async function waiting(count: number) {
    const given = await givenScripted([{ status: 500 }]);
    const deliveries = newDeliveries(given.webhook, count);
    await deliver(given.webhook, ...deliveries);
    vi.setSystemTime(Date.now() + 1);
    return { ...given, deliveries };
  }
  const entry = (organizationId: string) => anEntry(organizationId, { action: 'deliveries.canceled' });

  it('ends what waits in exactly its span, and leaves the rest to its schedule', async () => {
    const { endpoint, organization, webhook, deliveries } = await waiting(2);
    const until = Date.now();
    vi.setSystemTime(Date.now() + 1_000);
    const [after] = newDeliveries(webhook, 1);
    await deliver(webhook, after!);
    expect(await outboxOf(webhook).countCancellation({ since: 0, until })).toBe(2);
    expect(await outboxOf(webhook).cancel({ since: 0, until }, entry(organization))).toBe(2);
    for (const { id } of deliveries) {
      expect(await findDelivery(webhook, id)).toMatchObject({
        status: 'discarded',
        reason: 'canceled',
        nextAttemptAt: null,
        attemptCount: 1,
      });
    }
    expect(await findDelivery(webhook, after!.id)).toMatchObject({ status: 'retrying' });
    await endpoint.script([ok]);
    await untilEnded(webhook);
    expect((await endpoint.requests()).map(({ headers }) => headers['webhook-id'])).toEqual([
      ...deliveries.map(({ eventId }) => eventId),
      after!.eventId,
      after!.eventId,
    ]);
    expect(await outboxOf(webhook).cancellations()).toMatchObject([{ canceled: 2, finishedAt: expect.any(Number) }]);
  });

  it('of two that are under way, each ends its own', async () => {
    const { organization, webhook } = await waiting(1);
    const other = newDelivery(webhook, { event: 'company.identified' });
    await deliver(webhook, other);
    const until = Date.now() + 1;
    vi.spyOn(Cancellations.prototype, 'step').mockImplementation(() => {});
    expect(await outboxOf(webhook).cancel({ since: 0, until, event: 'company.*' }, entry(organization))).toBe(1);
    expect(await outboxOf(webhook).cancel({ since: 0, until, event: 'visitor.*' }, entry(organization))).toBe(1);
    vi.setSystemTime(Date.now() + 120_000);
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await outboxOf(webhook).cancellations()).toMatchObject([
      { event: 'visitor.*', canceled: 1 },
      { event: 'company.*', canceled: 1 },
    ]);
  });

  it('is of some events alone', async () => {
    const { organization, webhook } = await waiting(1);
    const other = newDelivery(webhook, { event: 'company.identified' });
    await deliver(webhook, other);
    const until = Date.now() + 1;
    expect(await outboxOf(webhook).cancel({ since: 0, until, event: 'company.*' }, entry(organization))).toBe(1);
    expect(await findDelivery(webhook, other.id)).toMatchObject({ reason: 'canceled' });
    expect(await outboxOf(webhook).countCancellation({ since: 0, until })).toBe(1);
  });

  it('reaches what is held while the circuit is open, in steps, and goes on when the object has vanished', async () => {
    const { organization, webhook } = await waiting(12);
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
    await deliver(webhook, ...newDeliveries(webhook, 500));
    const until = Date.now() + 1;
    expect(await outboxOf(webhook).cancel({ since: 0, until }, entry(organization))).toBe(512);
    expect(await outboxOf(webhook).cancellations()).toMatchObject([{ canceled: 200, finishedAt: null }]);
    await vanish(webhook);
    await runAlarm(webhook);
    expect(await outboxOf(webhook).cancellations()).toMatchObject([{ canceled: 512, finishedAt: expect.any(Number) }]);
    expect((await outboxOf(webhook).poke()).waiting).toBeNull();
  });

  it('is in force when it is answered, also of what no step has come to yet', async () => {
    const { endpoint, organization, webhook } = await waiting(12);
    await deliver(webhook, ...newDeliveries(webhook, 500));
    // The endpoint is back, and all of it is due.
    await endpoint.script([ok]);
    const before = (await endpoint.requests()).length;
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await outboxOf(webhook).cancel({ since: 0, until: Date.now() }, entry(organization))).toBe(512);
    await outboxOf(webhook).sendTest(aTest(webhook));
    const later = newDelivery(webhook);
    await deliver(webhook, later);
    for (let alarm = 0; alarm < 3; alarm++) await inOutbox(webhook, (outbox) => outbox.alarm());
    const after = (await endpoint.requests()).slice(before).map(({ headers }) => headers['webhook-id']);
    expect(after.filter((id) => !id?.startsWith('evt_test_') && id !== later.eventId)).toEqual([]);
    expect(await outboxOf(webhook).cancellations()).toMatchObject([{ canceled: 512, finishedAt: expect.any(Number) }]);
  });

  it('is not undone by a recovery that was asked for before it', async () => {
    const { organization, webhook, deliveries } = await waiting(2);
    await untilEnded(webhook);
    vi.setSystemTime(Date.now() + 1);
    // No step of it has been made, as of one that is long.
    vi.spyOn(Recoveries.prototype, 'step').mockReturnValueOnce(0);
    expect(await outboxOf(webhook).recoverSelected({ since: 0, until: Date.now() })).toBe(2);
    const [one] = deliveries;
    await inOutbox(webhook, (_, storage) => {
      storage.sql.exec("UPDATE deliveries SET status = 'retrying', reason = NULL, finished_at = NULL, due_at = 9e15 WHERE id = ?", one!.id);
    });
    vi.setSystemTime(Date.now() + 1);
    expect(await outboxOf(webhook).cancelOne(one!.id, entry(organization))).toMatchObject({ kind: 'canceled' });
    vi.spyOn(Dispatcher.prototype, 'pump').mockImplementation(() => {});
    await inOutbox(webhook, (outbox) => outbox.alarm());
    expect(await findDelivery(webhook, one!.id)).toMatchObject({ status: 'discarded', reason: 'canceled' });
    expect(await outboxOf(webhook).recoveries()).toMatchObject([{ recovered: 1, finishedAt: expect.any(Number) }]);
  });

  it('is not made without its entry of the audit log, nor in part', async () => {
    const { organization, webhook, deliveries } = await waiting(3);
    const full = vi.spyOn(AuditEntries.prototype, 'add').mockImplementation(() => {
      throw new Error('too many entries of the audit log wait for D1');
    });
    const { id } = deliveries[0]!;
    // In the object: what it throws across a call would be reported a second time.
    await inOutbox(webhook, async (outbox) => {
      await expect(outbox.cancel({ since: 0, until: Date.now() }, entry(organization))).rejects.toThrow('too many entries');
      await expect(outbox.cancelOne(id, entry(organization))).rejects.toThrow('too many entries');
    });
    full.mockRestore();
    for (const delivery of deliveries) expect(await findDelivery(webhook, delivery.id)).toMatchObject({ status: 'retrying' });
    expect(await outboxOf(webhook).cancellations()).toEqual([]);
  });

  it('whose entry waits for D1 is told all the same when its webhook is deleted', async () => {
    const { organization, webhook } = await waiting(1);
    vi.spyOn(AuditEntries.prototype, 'flush').mockResolvedValue();
    const told = entry(organization);
    expect(await outboxOf(webhook).cancel({ since: 0, until: Date.now() }, told)).toBe(1);
    await outboxOf(webhook).erase();
    const { results } = await env.DB.prepare('SELECT id, changes FROM audit_log WHERE id = ?').bind(told.id).all();
    expect(results).toMatchObject([{ id: told.id, changes: expect.stringContaining('count') }]);
    expect(await inOutbox(webhook, (_, { kv }) => [...kv.list()])).toEqual([]);
  });

  it('leaves an attempt that runs to end, and what it makes of its delivery to the schedule', async () => {
    const { endpoint, organization, webhook, deliveries } = await waiting(1);
    const { id } = deliveries[0]!;
    await endpoint.script([{ held: 'slow' }]);
    expect(await outboxOf(webhook).retryNow(id)).toMatchObject({ kind: 'begun' });
    expect(await outboxOf(webhook).cancel({ since: 0, until: Date.now() + 1 }, entry(organization))).toBe(0);
    expect(await outboxOf(webhook).cancelOne(id, entry(organization))).toEqual({ kind: 'running' });
    await endpoint.release('slow', { status: 503 });
    await vi.waitFor(async () =>
      expect(await findDelivery(webhook, id)).toMatchObject({ status: 'retrying', attempts: [{}, { number: 2 }] }),
    );
    expect(await outboxOf(webhook).cancelOne(id, entry(organization))).toMatchObject({
      kind: 'canceled',
      delivery: { reason: 'canceled' },
    });
    expect(await outboxOf(webhook).cancelOne(id, entry(organization))).toEqual({ kind: 'finished' });
    expect(await outboxOf(webhook).cancelOne('dlv_0', entry(organization))).toEqual({ kind: 'unknown' });
  });

  it('is of what was accepted at its beginning or later, and before its end, to the millisecond', async () => {
    const { organization, webhook, deliveries } = await waiting(1);
    const at = deliveries[0]!.acceptedAt;
    const count = (since: number, until: number) => outboxOf(webhook).countCancellation({ since, until });
    expect([await count(0, at), await count(at + 1, at + 9), await count(at, at + 1)]).toEqual([0, 0, 1]);
    expect(await outboxOf(webhook).cancel({ since: 0, until: at }, entry(organization))).toBe(0);
    expect(await outboxOf(webhook).cancel({ since: at, until: at + 1 }, entry(organization))).toBe(1);
  });

  /** Deliveries that wait in memory behind the first, whose attempt runs. */
  async function behind(count: number) {
    const given = await givenScripted([{ held: 'first' }, ok], { maxConcurrent: 1 });
    const [running, ...others] = newDeliveries(given.webhook, count + 1);
    await bring(given.webhook, running!);
    await given.endpoint.arrived(1);
    await bring(given.webhook, ...others);
    expect((await rowsOf(given.webhook)).deliveries).toBe(0);
    return { ...given, running: running!, others };
  }

  it('ends what waits for its first attempt behind one that runs, which arrives', async () => {
    const { endpoint, organization, webhook, running, others } = await behind(4);
    const until = Date.now() + 1;
    expect(await outboxOf(webhook).cancel({ since: 0, until }, entry(organization))).toBe(4);
    await endpoint.release('first', ok);
    await untilEnded(webhook);
    expect(await findDelivery(webhook, running.id)).toMatchObject({ status: 'delivered' });
    for (const { id } of others) expect(await findDelivery(webhook, id)).toMatchObject({ status: 'discarded', reason: 'canceled' });
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('ends one of them alone', async () => {
    const { endpoint, organization, webhook, running, others } = await behind(2);
    expect(await outboxOf(webhook).cancelOne(running.id, entry(organization))).toEqual({ kind: 'running' });
    expect(await outboxOf(webhook).cancelOne(others[0]!.id, entry(organization))).toMatchObject({
      kind: 'canceled',
      delivery: { status: 'discarded', reason: 'canceled', attemptCount: 0 },
    });
    await endpoint.release('first', ok);
    await untilEnded(webhook, 1_000);
    expect(arrivalsOf(await endpoint.requests())).toEqual({ [running.eventId]: 1, [others[1]!.eventId]: 1 });
  });

  it('loses none of them where it cannot be made', async () => {
    const { endpoint, organization, webhook, running, others } = await behind(2);
    const full = vi.spyOn(AuditEntries.prototype, 'add').mockImplementation(() => {
      throw new Error('too many entries of the audit log wait for D1');
    });
    await inOutbox(webhook, async (outbox) => {
      await expect(outbox.cancelOne(others[0]!.id, entry(organization))).rejects.toThrow('too many entries');
    });
    full.mockRestore();
    await endpoint.release('first', ok);
    await untilEnded(webhook, 1_000);
    expect(Object.keys(arrivalsOf(await endpoint.requests())).toSorted()).toEqual(
      [running, ...others].map(({ eventId }) => eventId).toSorted(),
    );
  });

  it('counts them, and lets them arrive where it is only asked how many they are', async () => {
    const { endpoint, webhook, running, others } = await behind(4);
    expect(await outboxOf(webhook).countCancellation({ since: 0, until: Date.now() + 1 })).toBe(4);
    await endpoint.release('first', ok);
    await untilEnded(webhook, 1_000);
    expect(Object.keys(arrivalsOf(await endpoint.requests())).toSorted()).toEqual(
      [running, ...others].map(({ eventId }) => eventId).toSorted(),
    );
  });

  it('can be taken back by a recovery', async () => {
    const { endpoint, organization, webhook } = await waiting(3);
    const until = Date.now();
    expect(await outboxOf(webhook).cancel({ since: 0, until }, entry(organization))).toBe(3);
    await endpoint.script([ok]);
    expect(await recovered(webhook, { since: 0, until })).toBe(3);
    expect((await outboxOf(webhook).list({ status: 'delivered' }, 10, null)).deliveries).toHaveLength(3);
  });
});
