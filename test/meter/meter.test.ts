import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { IsolateFigures, Sample } from '../../src/domain/service/figures.ts';
import { KEPT_MINUTES, WRITE_EVERY_MS } from '../../src/meter/meter.ts';
import { driveDate } from '../support/clock.ts';

const MINUTE_MS = 60_000;
const START = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
driveDate(START);

const figures = (given: Partial<IsolateFigures> = {}): IsolateFigures => ({ counts: {}, faults: {}, organizations: [], ...given });
const sample: Sample = {
  at: START,
  databaseMs: 5,
  queues: {},
  waiting: null,
  parked: null,
  sizes: { organizations: 2, webhooks: 3, disabled: 1 },
};
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const later = (minutes: number) => vi.setSystemTime(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS + minutes * MINUTE_MS);

let meter: DurableObjectStub<import('../../src/meter/meter.ts').Meter>;
beforeEach(() => {
  meter = env.METER.getByName(crypto.randomUUID());
  later(1);
});

const rows = () =>
  runInDurableObject(meter, (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM minutes').one().n);

describe('the Meter', () => {
  it('adds up what isolates tell in a minute, and keeps the minutes apart', async () => {
    const fault = { count: 1, at: 1, error: 'x' };
    await meter.tell(figures({ counts: { accepted: 3 }, organizations: [{ id: 'org_a', events: 3 }], faults: { 'a.b': fault } }));
    await meter.tell(
      figures({ counts: { accepted: 2, delivered: 1 }, organizations: [{ id: 'org_b', events: 2 }], faults: { 'a.b': fault } }),
    );
    later(1);
    await meter.tell(figures({ counts: { accepted: 1 }, organizations: [{ id: 'org_a', events: 1 }] }));
    const { minutes, totals } = await meter.read(5);
    expect(minutes.map(({ figures: { counts, organizations } }) => ({ counts, organizations }))).toEqual([
      { counts: { accepted: 1 }, organizations: [{ id: 'org_a', events: 1 }] },
      {
        counts: { accepted: 5, delivered: 1 },
        organizations: [
          { id: 'org_a', events: 3 },
          { id: 'org_b', events: 2 },
        ],
      },
    ]);
    expect(minutes[1]!.figures.faults).toEqual({ 'a.b': { count: 2, at: 1, error: 'x' } });
    expect(totals).toMatchObject({ counts: { accepted: 6, delivered: 1 }, faults: { 'a.b': 2 }, sizes: null });
  });

  it('keeps what the cron has seen, and how many organizations and webhooks there were last', async () => {
    await meter.sample(sample, figures({ counts: { delivered: 1 } }));
    later(1);
    await meter.sample({ ...sample, sizes: null }, figures());
    const { minutes, totals } = await meter.read(5);
    expect(minutes.map((each) => each.sample?.sizes)).toEqual([null, sample.sizes]);
    expect(totals).toMatchObject({ counts: { delivered: 1 }, sizes: sample.sizes });
  });

  it('writes a row in two seconds at most, however many isolates tell', async () => {
    const written = () =>
      runInDurableObject(meter, (_, { storage }) => storage.sql.exec<{ data: string }>('SELECT data FROM minutes').toArray());
    await meter.tell(figures({ counts: { accepted: 1 } }));
    const before = await written();
    for (let isolate = 0; isolate < 20; isolate++) await meter.tell(figures({ counts: { accepted: 1 } }));
    expect(await written()).toEqual(before);
    pass(WRITE_EVERY_MS);
    await meter.tell(figures({ counts: { accepted: 1 } }));
    expect(JSON.parse((await written())[0]!.data).minute.figures.counts).toEqual({ accepted: 22 });
    expect(await rows()).toBe(1);
  });

  it('writes what is told soon after a row, though nothing is told any more', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: Date.now() });
    await meter.tell(figures({ counts: { accepted: 1 } }));
    await meter.tell(figures({ counts: { accepted: 1 } }));
    await meter.tell(figures({ counts: { accepted: 1 } }));
    // One timer, which keeps the object until then, and nothing afterwards.
    expect(vi.getTimerCount()).toBe(1);
    await runInDurableObject(meter, () => void vi.advanceTimersByTime(WRITE_EVERY_MS));
    expect(vi.getTimerCount()).toBe(0);
    await evictDurableObject(meter);
    expect((await meter.read(1)).totals.counts).toEqual({ accepted: 3 });
  });

  it('goes on where it was when it is loaded anew, and never takes back a sum that it has told', async () => {
    await meter.tell(figures({ counts: { accepted: 1 } }));
    await meter.tell(figures({ counts: { accepted: 1 } }));
    expect((await meter.read(1)).totals.counts).toEqual({ accepted: 2 });
    await evictDurableObject(meter);
    expect((await meter.read(1)).totals.counts).toEqual({ accepted: 2 });
    await meter.tell(figures({ counts: { accepted: 1 } }));
    expect((await meter.read(1)).minutes[0]!.figures.counts).toEqual({ accepted: 3 });
  });

  it('keeps a day, and deletes nothing for it: a minute takes the place of the same one of the day before', async () => {
    await meter.tell(figures({ counts: { accepted: 1 } }));
    later(KEPT_MINUTES - 1);
    await meter.tell(figures({ counts: { accepted: 2 } }));
    expect((await meter.read(KEPT_MINUTES)).minutes.map(({ figures: { counts } }) => counts.accepted)).toEqual([2, 1]);
    later(1);
    await meter.tell(figures({ counts: { accepted: 4 } }));
    const { minutes, totals } = await meter.read(10 * KEPT_MINUTES);
    expect(minutes.map(({ figures: { counts } }) => counts.accepted)).toEqual([4, 2]);
    expect(totals.counts).toEqual({ accepted: 7 });
    expect(await rows()).toBe(2);
  });

  it.each([
    ['asked', async () => void (await meter.read(1))],
    ['told', () => meter.tell(figures())],
  ])('knows since when it is %s, whatever comes after that', async (_, first) => {
    const start = Date.now();
    await first();
    for (let minute = 0; minute < 2; minute++) {
      later(1);
      await evictDurableObject(meter);
      expect((await meter.read(1)).totals.since).toBe(start);
      await meter.tell(figures({ counts: { accepted: 1 } }));
    }
  });

  it('keeps of each endpoint what was told of it last', async () => {
    const endpoint = (webhookId: string, at: number, failingSince: number | null) => ({
      ...{ webhookId, at, failingSince, health: 'failing' as const, cause: 'has_errors' as const, status: 500 },
    });
    await meter.tell(figures({ endpoints: [endpoint('whk_a', 1, 1), endpoint('whk_b', 1, 1)] }));
    await meter.tell(figures({ endpoints: [endpoint('whk_a', 2, null)] }));
    await meter.tell(figures());
    expect((await meter.read(1)).minutes[0]?.figures.endpoints).toEqual([endpoint('whk_b', 1, 1), endpoint('whk_a', 2, null)]);
  });

  it('knows which sessions were ended, until they would have ended by themselves', async () => {
    await meter.endSession('one', Date.now() + MINUTE_MS);
    expect([await meter.isEnded('one'), await meter.isEnded('two')]).toEqual([true, false]);
    pass(MINUTE_MS);
    await meter.endSession('two', Date.now() + MINUTE_MS);
    expect([await meter.isEnded('one'), await meter.isEnded('two')]).toEqual([false, true]);
  });

  it('remembers since when a secret is in force, and forgets it with the secret', async () => {
    const first = Date.now();
    expect(await meter.see(['a'], first)).toEqual({ a: first });
    expect(await meter.see(['a', 'b'], first + 1)).toEqual({ a: first, b: first + 1 });
    expect(await meter.see(['b'], first + 2)).toEqual({ b: first + 1 });
    expect(await meter.see(['a', 'b'], first + 3)).toEqual({ a: first + 3, b: first + 1 });
  });
});
