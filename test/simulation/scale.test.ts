import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { seeded } from './random.ts';
import { IsolateMemory } from './scale/isolate-memory.ts';
import { scaleReport, simulateScale } from './scale/report.ts';
import { IN_ARRAYS, ONE_BY_ONE, Stream, Webhooks } from './scale/scenario.ts';
import { simulateSecond } from './scale/second.ts';

it('docs/scaling.md has what the command prints', { timeout: 120_000 }, () => {
  const document = readFileSync(join(PROJECT_ROOT, 'docs/scaling.md'), 'utf8');
  const [, shown] = /<!-- npm run simulate -- scale -->\n(.*)\n<!-- end -->/s.exec(document) ?? [];
  expect(shown).toBe(scaleReport(simulateScale()));
});

describe('a simulated second', () => {
  const small = (eventsPerSecond: number, more = {}) =>
    simulateSecond({ ...{ eventsPerSecond, eventsPerMessage: ONE_BY_ONE, queues: 1 }, ...more });

  it('has as many messages as events come, and an array has fewer of them', () => {
    expect(small(500).messages).toBeCloseTo(500, -2);
    expect(small(500, { eventsPerMessage: IN_ARRAYS }).messages).toBeCloseTo(10, -1);
  });

  it('is spread over queues: the busiest of four has more than a quarter, and less than half', () => {
    const { messages, messagesOfBusiestQueue } = small(2_000, { queues: 4 });
    expect(messagesOfBusiestQueue / messages).toBeGreaterThan(0.25);
    expect(messagesOfBusiestQueue / messages).toBeLessThan(0.5);
  });

  it('keeps as many attempts under way as its endpoints take time', () => {
    const mean = 47;
    expect(small(1_000).attemptsAtATime).toBeGreaterThan((1_000 * mean) / 100);
  });

  it('needs more consumers where more comes', () => {
    expect(small(4_000).consumers).toBeGreaterThan(small(100).consumers);
  });
});

describe('what an isolate knows', () => {
  it('is read once, beside the batch once it is 2 s old, and anew once it is older than 3 s', () => {
    const memory = new IsolateMemory();
    expect(memory.load([1, 2], 0)).toEqual({ waitedFor: 2, ahead: 0 });
    expect(memory.load([1], 1_000)).toEqual({ waitedFor: 0, ahead: 0 });
    // Both are in use, and both are aging.
    expect(memory.load([1], 2_500)).toEqual({ waitedFor: 0, ahead: 2 });
    expect(memory.load([1], 3_500)).toEqual({ waitedFor: 0, ahead: 0 });
    expect(memory.load([1, 2], 6_000)).toEqual({ waitedFor: 2, ahead: 0 });
  });
});

it('a stream has every organization of its queue, by its share', () => {
  const webhooks = new Webhooks(1, 100);
  const random = seeded(7);
  const counts = new Uint32Array(100);
  const stream = new Stream(webhooks, 1, 4);
  for (let each = 0; each < 20_000; each++) counts[stream.next(random)]!++;
  expect([...counts.entries()].filter(([, count]) => count > 0).every(([webhook]) => webhook % 4 === 1)).toBe(true);
  expect(counts[1]! / 20_000).toBeCloseTo(webhooks.shareOf(1) / stream.share, 1);
});
