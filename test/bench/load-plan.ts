import type { Planned } from './load.ts';

/** Evenly spaced events; each organization once in every round, in another order each time. */
export function steady(ids: readonly string[], perSecond: number, durationMs: number, random: () => number): Planned[] {
  const count = Math.round((durationMs / 1_000) * perSecond);
  let round: string[] = [];
  return Array.from({ length: count }, (_, index) => {
    if (round.length === 0) round = shuffled(ids, random);
    return { atMs: (index * 1_000) / perSecond, organizationId: round.pop() as string };
  });
}

/** What each of some organizations sends beyond its share. */
export interface Beyond {
  ids: ReadonlySet<string>;
  /** Events a second. */
  perSecond: number;
  /** In arrays of so many; else one by one. */
  inArraysOf?: number | undefined;
}

/** What some organizations send beyond their share, evenly spaced. */
export function additional({ ids, perSecond, inArraysOf }: Beyond, durationMs: number): Planned[] {
  const count = Math.round(((durationMs / 1_000) * perSecond) / (inArraysOf ?? 1));
  return [...ids].flatMap((organizationId) =>
    Array.from({ length: count }, (_, index) => ({ atMs: ((index + 0.5) * durationMs) / count, organizationId, events: inArraysOf })),
  );
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
