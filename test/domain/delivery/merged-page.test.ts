import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeliveryPosition, DeliverySummary } from '../../../src/domain/delivery/delivery.ts';
import { type Answer, mergePages, type Stand, startOf } from '../../../src/domain/delivery/merged-page.ts';

const NOTHING: Stand = { shown: null, places: new Map() };

type Kept = DeliveryPosition & { isWanted: boolean };

const isBefore = (a: DeliveryPosition, b: DeliveryPosition) => a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id);
const newestFirst = (a: DeliveryPosition, b: DeliveryPosition) => (isBefore(a, b) ? 1 : -1);
const summaryOf = ({ createdAt, id }: DeliveryPosition) => ({ createdAt, id }) as DeliverySummary;

/** A page of a log as an outbox answers: it looks at so many deliveries at most, and says where to go on. */
function pageOf(log: readonly Kept[], start: DeliveryPosition | null, limit: number, looks: number): NonNullable<Answer['page']> {
  const left = log.filter((each) => start === null || isBefore(each, start)).sort(newestFirst);
  const deliveries: DeliverySummary[] = [];
  for (const [index, each] of left.entries()) {
    const last = left[index - 1];
    if ((deliveries.length === limit || index === looks) && last) return { deliveries, next: { createdAt: last.createdAt, id: last.id } };
    if (each.isWanted) deliveries.push(summaryOf(each));
  }
  return { deliveries, next: null };
}

/** A log that looks at so many deliveries for a page, and cannot be asked for some pages, by their numbers. */
interface Log {
  log: readonly Kept[];
  looks: number;
  away: readonly number[];
}

/** Reads all pages. */
function readAll(logs: ReadonlyMap<string, Log>, limit: number): { ids: string[]; pages: number } {
  const ids: string[] = [];
  let stand: Stand | null = NOTHING;
  let pages = 0;
  for (; stand && pages < 1_000; pages++) {
    const before: Stand = stand;
    const answers = [...logs].flatMap(([webhookId, { log, looks, away }]) => {
      const start = startOf(webhookId, before);
      if (start === undefined) return [];
      return [{ webhookId, page: away.includes(pages) ? null : pageOf(log, start, limit, looks) }];
    });
    const merged = mergePages(answers, limit, before);
    expect(merged.deliveries.length).toBeLessThanOrEqual(limit);
    expect(merged.stand?.places.size ?? 0).toBeLessThanOrEqual(logs.size);
    ids.push(...merged.deliveries.map(({ delivery }) => delivery.id));
    stand = merged.stand;
  }
  return { ids, pages };
}

const logs = fc
  .array(
    fc.record({
      looks: fc.integer({ min: 1, max: 12 }),
      away: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
      log: fc.array(fc.record({ createdAt: fc.integer({ min: 1, max: 30 }), isWanted: fc.boolean() }), { maxLength: 40 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((all) => {
    const named = all.map(({ looks, away, log }, at) => ({
      looks,
      away,
      log: log.map((each, index) => ({ ...each, id: `dlv_${index % 7}_${at}_${index}` })),
    }));
    return new Map(named.map((each, at) => [`whk_${at}`, each]));
  });

function wantedOf(all: ReadonlyMap<string, Log>): string[] {
  const wanted = [...all.values()].flatMap(({ log }) => log.filter(({ isWanted }) => isWanted));
  return wanted.sort(newestFirst).map(({ id }) => id);
}

describe('the pages of several logs', () => {
  it('have everything, newest first, once, however little each looks at for one', () => {
    fc.assert(
      fc.property(logs, fc.integer({ min: 1, max: 9 }), (all, limit) => {
        const reachable = new Map([...all].map(([id, log]) => [id, { ...log, away: [] }]));
        expect(readAll(reachable, limit).ids).toEqual(wantedOf(all));
      }),
      { numRuns: 500 },
    );
  });

  it('do not wait for a long log to look through those that have nothing, and do not look through these again', () => {
    const long = Array.from({ length: 100 }, (_, index) => ({ createdAt: 1_000 - index, id: `dlv_a_${index}`, isWanted: false }));
    const asked: string[] = [];
    let stand: Stand | null = NOTHING;
    while (stand) {
      const before: Stand = stand;
      const answers = [...['whk_long', 'whk_short']].flatMap((webhookId) => {
        const start = startOf(webhookId, before);
        if (start === undefined) return [];
        asked.push(webhookId);
        return [{ webhookId, page: pageOf(webhookId === 'whk_long' ? long : long.slice(0, 15), start, 10, 10) }];
      });
      stand = mergePages(answers, 10, before).stand;
    }
    expect(asked.filter((id) => id === 'whk_short')).toHaveLength(2);
  });

  it('have what could not be asked for later, and still everything once', () => {
    fc.assert(
      fc.property(logs, fc.integer({ min: 1, max: 9 }), (all, limit) => {
        const { ids } = readAll(all, limit);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.toSorted()).toEqual(wantedOf(all).toSorted());
      }),
      { numRuns: 2_000 },
    );
  });

  it('go on without a webhook that cannot be asked', () => {
    const page = { deliveries: [summaryOf({ createdAt: 5, id: 'dlv_5' })], next: { createdAt: 4, id: 'dlv_4' } };
    const { deliveries, stand } = mergePages(
      [
        { webhookId: 'whk_a', page },
        { webhookId: 'whk_b', page: null },
      ],
      10,
      NOTHING,
    );
    expect(deliveries).toHaveLength(1);
    expect(startOf('whk_a', stand as Stand)).toEqual({ createdAt: 4, id: 'dlv_4' });
    expect(startOf('whk_b', stand as Stand)?.createdAt).toBeGreaterThan(5);
  });
});
