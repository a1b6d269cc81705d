import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FilteredBundle, MAX_SKIPPED } from '../../src/domain/delivery/skipped-event.ts';
import { type Period, SLOT_MS } from '../../src/domain/delivery/statistics.ts';
import { mintId } from '../../src/domain/ids.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { alarmOf, endpointInbox, givenOrganization, givenWebhook, outboxOf, runAlarm } from '../support/deliveries.ts';
import { deliver, inOutbox, newDelivery } from '../support/outbox.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

// From noon, so that no midnight comes between.
driveDate((Math.floor(Date.now() / DAY) + 1.5) * DAY);
afterEach(() => {
  vi.restoreAllMocks();
});

async function given(options: { once?: { per: string; days: number } } = {}) {
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpointInbox().url, ...options });
  return { organization, webhook, path: `/organization/${organization}/webhooks/${webhook}` };
}

/** What an isolate tells of so many filtered events that were accepted at a time. */
function bundle(count: number, at = Date.now(), name = 'evt'): FilteredBundle {
  const latest = Array.from({ length: Math.min(count, MAX_SKIPPED) }, (_, index) => ({
    ...{ eventId: `${name}_${index}`, event: 'visitor.identified', subject: 'Ada', at: at + index, failedConditions: ['filter'] },
  }));
  return { counts: new Map([[Math.floor(at / SLOT_MS) * SLOT_MS, count]]), latest };
}

async function tell(webhook: string, ...args: Parameters<typeof bundle>): Promise<void> {
  await outboxOf(webhook).tellSkipped(bundle(...args));
}

const rowsOf = (webhook: string) =>
  inOutbox(webhook, (_, { sql }) => {
    const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*'").toArray();
    const count = ({ name }: { name: string }) => [name, sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${name}`).one().n] as const;
    return Object.fromEntries(tables.map(count).filter(([, rows]) => rows > 0));
  });

describe('what consumers tell of filtered events', () => {
  it('is one row for a day, however often they do, with the latest hundred', async () => {
    const { webhook } = await given();
    for (let times = 0; times < 5; times++) await tell(webhook, 70, Date.now() + times * 1_000, `evt_${times}`);
    expect(await rowsOf(webhook)).toEqual({ filtered_days: 1 });
    const skipped = await outboxOf(webhook).skipped();
    expect(skipped.map(({ eventId }) => eventId)).toEqual([
      ...Array.from({ length: 70 }, (_, index) => `evt_4_${69 - index}`),
      ...Array.from({ length: 30 }, (_, index) => `evt_3_${69 - index}`),
    ]);
    expect(skipped[0]).toEqual({
      ...{ eventId: 'evt_4_69', event: 'visitor.identified', subject: 'Ada', at: Date.now() + 4_069 },
      ...{ why: 'filtered', failedConditions: ['filter'] },
    });
  });

  it('is listed with what is repeated, the latest first, over days', async () => {
    const { webhook } = await given({ once: { per: 'visitor.email', days: 30 } });
    const start = Date.now();
    const repeated: string[] = [];
    for (let day = 0; day < 3; day++) {
      vi.setSystemTime(start + day * DAY);
      const [first, second] = [newDelivery(webhook), newDelivery(webhook)];
      await deliver(webhook, first, second);
      repeated.push((day === 0 ? second : first).eventId);
      await tell(webhook, 1, start + day * DAY + HOUR, `day${day}`);
    }
    const skipped = await outboxOf(webhook).skipped();
    expect(skipped).toHaveLength(3 + 5);
    expect(skipped.map(({ at }) => at)).toEqual(skipped.map(({ at }) => at).toSorted((a, b) => b - a));
    expect(skipped.filter(({ why }) => why === 'filtered').map(({ eventId }) => eventId)).toEqual(['day2_0', 'day1_0', 'day0_0']);
    expect(skipped.filter(({ why }) => why === 'repeated').map(({ eventId }) => eventId)).toEqual(expect.arrayContaining(repeated));
  });

  it('lists no more than a hundred of both kinds', async () => {
    const { webhook } = await given({ once: { per: 'visitor.email', days: 30 } });
    await deliver(webhook, ...Array.from({ length: 131 }, () => newDelivery(webhook)));
    await tell(webhook, 100, Date.now() + 1_000);
    vi.setSystemTime(Date.now() + 2_000);
    await deliver(webhook, ...Array.from({ length: 10 }, () => newDelivery(webhook)));
    const skipped = await outboxOf(webhook).skipped();
    expect(skipped.map(({ why }) => why)).toEqual([...Array(10).fill('repeated'), ...Array(90).fill('filtered')]);
  });

  it('of two days is a row for each', async () => {
    const { webhook } = await given();
    const midnight = Math.ceil(Date.now() / DAY) * DAY;
    const [before, after] = [bundle(2, midnight - SLOT_MS, 'before'), bundle(3, midnight, 'after')];
    await outboxOf(webhook).tellSkipped({
      counts: new Map([...before.counts, ...after.counts]),
      latest: [...before.latest, ...after.latest],
    });
    expect(await rowsOf(webhook)).toEqual({ filtered_days: 2 });
    expect((await outboxOf(webhook).skipped()).map(({ eventId }) => eventId)).toEqual([
      'after_2',
      'after_1',
      'after_0',
      'before_1',
      'before_0',
    ]);
  });
});

describe('an outbox that has nothing but filtered events', () => {
  it('forgets them when their retention ends, though nothing else comes, and sets its alarm once', async () => {
    const { webhook } = await given();
    const setting = await inOutbox(webhook, (_, storage) => vi.spyOn(Object.getPrototypeOf(storage), 'setAlarm'));
    for (let times = 0; times < 3; times++) await tell(webhook, 1);
    expect(setting).toHaveBeenCalledTimes(1);
    const start = Date.now();
    for (let sweeps = 0; sweeps < 70 && Object.keys(await rowsOf(webhook)).length > 0; sweeps++) {
      vi.setSystemTime((await alarmOf(webhook))!);
      await runAlarm(webhook);
    }
    expect(await outboxOf(webhook).skipped()).toEqual([]);
    const days = (Date.now() - start) / DAY;
    expect(days).toBeGreaterThan(30);
    expect(days).toBeLessThan(32);
  });

  it('forgets repeated events with their day, without a delete', async () => {
    const { webhook } = await given({ once: { per: 'visitor.email', days: 1 } });
    await deliver(webhook, newDelivery(webhook), newDelivery(webhook), newDelivery(webhook));
    const made = async () => Object.keys(await rowsOf(webhook)).map((name) => name.replace(/_\d.*/, ''));
    expect((await made()).toSorted()).toEqual(['archive', 'once', 'repeated']);
    const exec = await inOutbox(webhook, (_, { sql }) => vi.spyOn(Object.getPrototypeOf(sql), 'exec'));
    for (let sweeps = 0; sweeps < 70; sweeps++) {
      vi.setSystemTime((await alarmOf(webhook))!);
      await runAlarm(webhook);
    }
    expect(await made()).toEqual([]);
    const deletes = exec.mock.calls.filter(([query]) => /^DELETE FROM (once|repeated|archive)/.test(String(query)));
    expect(deletes).toEqual([]);
  });
});

describe('an outbox of a deleted webhook', () => {
  const isEmpty = async (webhook: string) =>
    (
      await inOutbox(webhook, (_, { sql, kv }) => [
        ...sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*'").toArray(),
        ...kv.list(),
      ])
    ).length === 0 && (await alarmOf(webhook)) === null;

  it('stays empty whatever consumers tell, minutes later too', async () => {
    const { webhook, path } = await given();
    await tell(webhook, 1);
    await platform.delete(path);
    await vi.waitFor(async () => expect(await isEmpty(webhook)).toBe(true));
    for (let minutes = 0; minutes < 5; minutes++) {
      vi.setSystemTime(Date.now() + 60_000);
      await tell(webhook, 1);
      expect(await isEmpty(webhook)).toBe(true);
    }
    await env.DB.prepare('DELETE FROM outbox_erasures').run();
    await expect(tell(webhook, 1)).rejects.toThrow('neither in the database nor among the deleted');
    expect(await isEmpty(webhook)).toBe(true);
  });

  it('stays empty where D1 does not say whether the webhook is there', async () => {
    const webhook = mintId('webhook', Date.now());
    await inOutbox(webhook, async (outbox) => {
      vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
        throw new Error('D1_ERROR: down');
      });
      await expect(outbox.tellSkipped(bundle(1))).rejects.toThrow('down');
    });
    vi.restoreAllMocks();
    expect(await isEmpty(webhook)).toBe(true);
  });

  it('stays empty where it is erased while that is asked', async () => {
    const { webhook } = await given();
    await inOutbox(webhook, async (outbox) => {
      const telling = outbox.tellSkipped(bundle(1));
      await Promise.all([telling, outbox.erase()]);
    });
    expect(await isEmpty(webhook)).toBe(true);
  });
});

describe('statistics count', () => {
  const totals = async (webhook: string, period: Period) => {
    const statistics = await outboxOf(webhook).statistics(period);
    const sums = { delivered: 0, filtered: 0, repeated: 0 };
    for (const { tally } of statistics!.buckets) for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += tally[key];
    return sums;
  };

  it('what is skipped by when it was accepted, in every period, in the bucket that it belongs to', async () => {
    const { webhook } = await given({ once: { per: 'visitor.email', days: 365 } });
    const end = Date.now() + 300 * HOUR;
    // The first of them all goes out.
    for (const hoursAgo of [200, 30, 3, 0.2]) {
      vi.setSystemTime(end - hoursAgo * HOUR);
      await deliver(webhook, newDelivery(webhook), newDelivery(webhook));
      await tell(webhook, 5, Date.now());
    }
    vi.setSystemTime(end);
    expect(await totals(webhook, '1h')).toEqual({ delivered: 0, filtered: 5, repeated: 2 });
    expect(await totals(webhook, '24h')).toEqual({ delivered: 0, filtered: 10, repeated: 4 });
    expect(await totals(webhook, '7d')).toEqual({ delivered: 0, filtered: 15, repeated: 6 });
    expect(await totals(webhook, '30d')).toEqual({ delivered: 1, filtered: 20, repeated: 7 });
    const hour = (await outboxOf(webhook).statistics('1h'))!;
    const at = end - 0.2 * HOUR;
    const bucket = hour.buckets.find(({ start }) => start <= at && at < start + hour.bucketMs);
    expect(bucket!.tally).toMatchObject({ filtered: 5, repeated: 2 });
  });

  it('repeated events of an hour whose count is kept already, and filtered ones that are told late', async () => {
    const { webhook } = await given({ once: { per: 'visitor.email', days: 365 } });
    const late = newDelivery(webhook);
    await deliver(webhook, newDelivery(webhook), newDelivery(webhook));
    const acceptedAt = Date.now();
    vi.setSystemTime(acceptedAt + 2 * HOUR);
    for (let times = 0; times < 2; times++) {
      expect(await totals(webhook, '24h')).toEqual({ delivered: 1, filtered: 0, repeated: 1 });
    }
    expect(await rowsOf(webhook)).toMatchObject({ hours: 1 });
    await deliver(webhook, late);
    await tell(webhook, 4, acceptedAt);
    expect(await totals(webhook, '24h')).toEqual({ delivered: 1, filtered: 4, repeated: 2 });
  });

  it('repeated events by the ten thousands, in steps', async () => {
    const { webhook } = await given({ once: { per: 'visitor.email', days: 365 } });
    await deliver(webhook, newDelivery(webhook), newDelivery(webhook));
    const [start, day] = [Date.now(), Math.floor(Date.now() / DAY)];
    await inOutbox(webhook, (_, { sql }) => {
      sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
         INSERT INTO repeated_${day} SELECT ${start} - i / 100, 'evt_' || i, 'visitor.identified', NULL FROM n`,
      );
    });
    expect(await totals(webhook, '1h')).toEqual({ delivered: 1, filtered: 0, repeated: 120_001 });
  });

  it('nothing of it for what a version before has counted', async () => {
    const { webhook } = await given();
    await deliver(webhook, newDelivery(webhook));
    vi.setSystemTime(Date.now() + 2 * HOUR);
    await outboxOf(webhook).statistics('24h');
    await inOutbox(webhook, (_, { sql }) => {
      const [{ tally }] = sql.exec<{ tally: string }>('SELECT tally FROM hours').toArray() as [{ tally: string }];
      const { filtered: _f, repeated: _r, ...before } = JSON.parse(tally);
      sql.exec('UPDATE hours SET tally = ?', JSON.stringify(before));
    });
    expect(await totals(webhook, '24h')).toEqual({ delivered: 1, filtered: 0, repeated: 0 });
  });
});
