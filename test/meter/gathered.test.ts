import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { IsolateFigures } from '../../src/domain/service/figures.ts';
import { logError, takeFaults } from '../../src/log.ts';
import { Gathered } from '../../src/meter/gathered.ts';
import { Isolate } from '../platform/isolate.ts';
import { LIMITS } from '../platform/limits.ts';
import { VirtualTime } from '../platform/virtual-time.ts';

const START = Date.UTC(2027, 0, 1);
const SECOND = 1_000;

const time = new VirtualTime();
beforeEach(() => {
  takeFaults();
  time.start(START);
});
afterEach(() => time.stop());

/** An isolate of the Worker, and what it tells the Meter when. */
function isolate(tell = async (): Promise<void> => {}) {
  const told: { at: number; figures: IsolateFigures }[] = [];
  const meter = {
    tell: async (figures: IsolateFigures) => {
      told.push({ at: Date.now() - START, figures: structuredClone(figures) });
      await tell();
    },
  };
  const gathered = new Gathered();
  const runtime = new Isolate({ METER: { getByName: () => meter } as unknown as Env['METER'] }, LIMITS, time);
  const invocation = (work: () => void) =>
    runtime.run(async (env, ctx) => {
      work();
      gathered.tellSoon(env, (promise) => ctx.waitUntil(promise), Date.now());
    });
  return { told, gathered, runtime, invocation };
}

describe('an isolate tells the Meter', () => {
  it('in one call of all that came in 24 seconds', async () => {
    const { told, gathered, invocation } = isolate();
    for (let second = 0; second < 24; second++) {
      await invocation(() => {
        for (let event = 0; event < 10; event++) gathered.event(event < 9 ? 'org_a' : 'org_b');
        gathered.add({ counts: { delivered: 10 }, faults: { 'a.b': { count: 1, at: second, error: 'x' } } });
      });
      await time.runFor(SECOND);
    }
    await time.runFor(SECOND);
    expect(told).toEqual([
      {
        at: 24 * SECOND,
        figures: {
          counts: { accepted: 240, delivered: 240 },
          faults: { 'a.b': { count: 24, at: 23, error: 'x' } },
          organizations: [
            { id: 'org_a', events: 216 },
            { id: 'org_b', events: 24 },
          ],
        },
      },
    ]);
  });

  it('nothing of nothing, and the faults that it has logged', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { told, invocation } = isolate();
    await invocation(() => {});
    await time.runFor(60 * SECOND);
    expect(told).toEqual([]);
    await invocation(() => logError('outbox.faulted', new Error('out of order')));
    await time.runFor(60 * SECOND);
    expect(told[0]!.figures.faults).toEqual({ 'outbox.faulted': { count: 1, at: START + 60 * SECOND, error: 'out of order' } });
  });

  it('within the time that the platform gives it; what a Meter that hangs or throws does not take is lost, and not told for ever', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    let meter = async (): Promise<void> => await new Promise(() => {});
    const { told, gathered, invocation, runtime } = isolate(() => meter());
    await invocation(() => gathered.count('delivered'));
    await time.runFor(29 * SECOND + 1);
    expect(runtime.invocations.size).toBe(0);
    meter = async () => {
      throw new Error('the Meter is out of order');
    };
    await invocation(() => gathered.count('delivered'));
    await time.runFor(30 * SECOND);
    meter = async () => {};
    await invocation(() => gathered.count('delivered', 5));
    await time.runFor(30 * SECOND);
    expect(told.at(-1)!.figures).toEqual({ counts: { delivered: 5 }, faults: {}, organizations: [] });
    expect(warned.mock.calls.map(([line]) => JSON.parse(String(line)).event)).toEqual(['meter.not_told', 'meter.not_told']);
  });
});

describe('an isolate tells of endpoints', () => {
  const endpoint = (webhookId: string, at: number, failingSince: number | null) => ({
    ...{ webhookId, at, failingSince, health: 'healthy' as const, cause: null, status: null },
  });

  it('what was said of each last, and those first that fail', () => {
    const gathered = new Gathered();
    const figures = (...endpoints: ReturnType<typeof endpoint>[]) => ({ counts: {}, faults: {}, endpoints });
    gathered.add(figures(endpoint('whk_a', 1, 1)));
    gathered.add(figures(endpoint('whk_a', 2, null), endpoint('whk_b', 1, 1)));
    gathered.add({ counts: { delivered: 1 }, faults: {} });
    expect(gathered.take().endpoints).toEqual([endpoint('whk_b', 1, 1), endpoint('whk_a', 2, null)]);
    expect(gathered.take()).not.toHaveProperty('endpoints');
  });

  it('of twenty at most', () => {
    const gathered = new Gathered();
    for (let at = 0; at < 100; at++) gathered.add({ counts: {}, faults: {}, endpoints: [endpoint(`whk_${at}`, at, at % 4 ? null : at)] });
    const { endpoints = [] } = gathered.take();
    expect(endpoints).toHaveLength(20);
    expect(endpoints.every(({ failingSince }) => failingSince !== null)).toBe(true);
    expect(endpoints[0]?.webhookId).toBe('whk_96');
  });
});

describe('what an isolate remembers is bounded', () => {
  it('to a thousand organizations, of which it tells the twenty with the most events', () => {
    const gathered = new Gathered();
    for (let round = 0; round < 3; round++) gathered.event('org_loud');
    for (let organization = 0; organization < 5_000; organization++) {
      gathered.event(`org_${organization}`);
      if (organization % 100 === 0) gathered.event('org_loud');
    }
    const { counts, organizations } = gathered.take();
    expect(counts.accepted).toBe(5_053);
    expect(organizations).toHaveLength(20);
    expect(organizations[0]).toEqual({ id: 'org_loud', events: 53 });
    expect(gathered.take()).toEqual({ counts: {}, faults: {}, organizations: [] });
  });
});
