import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ConfigurationCache } from '../../src/consumer/configuration-cache.ts';
import { givenOrganization } from '../support/deliveries.ts';

/** D1, with the organizations that each read asked for. */
function listened(): { d1: D1Database; reads: string[][] } {
  const reads: string[][] = [];
  const prepare = (sql: string) => {
    const statement = env.DB.prepare(sql);
    const bind = (...values: unknown[]) => {
      reads.push(JSON.parse(String(values[0])));
      return statement.bind(...values);
    };
    return { bind } as unknown as D1PreparedStatement;
  };
  return { d1: { prepare } as unknown as D1Database, reads };
}

const START = 1_764_000_000_000;

describe('configurations that batches use all the time', () => {
  it('are read anew together before they are too old, so that no batch waits for one', async () => {
    const [one, other] = [await givenOrganization(), await givenOrganization()];
    const { d1, reads } = listened();
    const cache = new ConfigurationCache();
    await cache.load(d1, [one], START);
    await cache.load(d1, [other], START + 800);
    reads.length = 0;
    const young = await cache.load(d1, [one], START + 1_900);
    await cache.loadAhead(d1, young, START + 1_900);
    expect(reads, 'not old enough').toEqual([]);
    const used = await cache.load(d1, [one], START + 2_100);
    await cache.loadAhead(d1, used, START + 2_100);
    expect(reads).toEqual([[one, other]]);
    const loaded = await cache.load(d1, [one, other], START + 5_000);
    expect([...loaded.values()].every(({ fresh }) => fresh)).toBe(true);
    expect(reads).toHaveLength(1);
  });

  it('are not read for one that no batch has used since it was read', async () => {
    const [one, idle] = [await givenOrganization(), await givenOrganization()];
    const { d1, reads } = listened();
    const cache = new ConfigurationCache();
    await cache.load(d1, [one, idle], START);
    await cache.loadAhead(d1, await cache.load(d1, [one], START + 2_100), START + 2_100);
    reads.length = 0;
    await cache.loadAhead(d1, await cache.load(d1, [one], START + 4_300), START + 4_300);
    expect(reads).toEqual([[one]]);
  });
});

describe('a configuration that is changed through this isolate', () => {
  it('is read again, also where it was being read at that moment', async () => {
    const organization = await givenOrganization();
    const { d1, reads } = listened();
    const cache = new ConfigurationCache();
    const isFresh = async (loading: ReturnType<typeof cache.load>) => (await loading).get(organization)?.fresh;
    const before = cache.load(d1, [organization], START);
    cache.forget(organization);
    expect(await isFresh(before)).toBe(false);
    expect(await isFresh(cache.load(d1, [organization], START))).toBe(true);
    expect(await isFresh(cache.load(d1, [organization], START))).toBe(true);
    expect(reads).toHaveLength(2);
  });
});
