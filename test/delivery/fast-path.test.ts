import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttemptResult } from '../../src/delivery/attempt.ts';
import type { Task, WebhookWork } from '../../src/delivery/fan-out.ts';
import {
  BEGIN_BY_MS,
  FastPath,
  type FastPathDeps,
  type FastPathResult,
  LEASE_BY_MS,
  SLOTS,
  SLOTS_PER_WEBHOOK,
  WEBHOOK_MS,
} from '../../src/delivery/fast-path.ts';
import type { Health } from '../../src/domain/webhook.ts';

/** How long an attempt may take here before it is leased. */
const PATIENCE_MS = 2_000;

// Every wait here is virtual: the clock moves when nothing else can happen.
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function aWebhook(id: string, deliveries: number, health: Health = 'healthy'): WebhookWork {
  const webhook = { id, organizationId: 'org', url: `https://${id}.example`, events: ['*'], enabled: true, health, healthSince: 0 };
  const secrets = { secret: null, previousSecret: null, previousSecretExpiresAt: null, maxPerSecond: null };
  const tasks = Array.from({ length: deliveries }, (_, index): Task => {
    const delivery = { id: `${id}-${index}`, eventId: `${index}`, event: 'e', sessionId: null, acceptedAt: 0, payload: new Uint8Array() };
    return { delivery, inbound: [], repeated: false, claimed: false };
  });
  return { config: { plan: 'scale', webhook: { ...webhook, ...secrets } }, readAt: 0, tasks };
}

/** How an endpoint behaves: it answers after a while, or never. */
interface Behaviour {
  afterMs?: number;
  outcome?: 'succeeded' | 'failed';
  fault?: Error;
}

/** What the isolate is like in which a run runs. */
interface Isolate {
  /** From a moment of the run on the clock is ahead: the isolate did something else for so long, and its timers come late. */
  blocked?: { afterMs: number; forMs: number };
  /** Every timer takes so many times as long as it should. */
  lateness?: number;
  patienceMs?: number;
  slots?: number;
}

/** Runs works against endpoints of some behaviour, and notes what happened when. */
async function run(works: WebhookWork[], behaviour: (delivery: string) => Behaviour, isolate: Isolate = {}) {
  const { blocked, lateness = 1, patienceMs = PATIENCE_MS, slots } = isolate;
  const startedAt = Date.now();
  let aheadMs = 0;
  if (blocked) setTimeout(() => (aheadMs = blocked.forMs), blocked.afterMs);
  const begun: { id: string; atMs: number }[] = [];
  const leased: string[] = [];
  const slow: string[] = [];
  const took: [webhook: string, tookMs: number][] = [];
  const finished = new Map<WebhookWork, FastPathResult>();
  const finishedAt = new Map<string, number>();
  const open = new Map<string, number>();
  let most = 0;
  let mostOfOne = 0;
  let mostWatched = 0;
  const deps: FastPathDeps = {
    now: () => startedAt + (Date.now() - startedAt) * lateness + aheadMs,
    takes: ({ config }) => config.webhook.health === 'healthy',
    patienceMs: () => patienceMs,
    attempt: async (work, { delivery }) => {
      const webhook = work.config.webhook.id;
      begun.push({ id: delivery.id, atMs: Date.now() - startedAt });
      open.set(webhook, (open.get(webhook) ?? 0) + 1);
      most = Math.max(
        most,
        [...open.values()].reduce((sum, each) => sum + each, 0),
      );
      mostOfOne = Math.max(mostOfOne, ...open.values());
      mostWatched = Math.max(mostWatched, [...open.values()].reduce((sum, each) => sum + each, 0) - leased.length);
      const { afterMs, outcome = 'succeeded', fault } = behaviour(delivery.id);
      await new Promise((resolve) => (afterMs === undefined ? undefined : setTimeout(resolve, afterMs)));
      open.set(webhook, (open.get(webhook) ?? 0) - 1);
      if (fault) throw fault;
      return { record: { outcome }, retryAfterMs: null } as AttemptResult;
    },
    lease: (_, { delivery }, { isSlow }) => {
      leased.push(delivery.id);
      if (isSlow) slow.push(delivery.id);
    },
    ended: ({ config }, tookMs) => took.push([config.webhook.id, tookMs]),
    finished: (work, result) => {
      expect(finished.has(work)).toBe(false);
      finished.set(work, result);
      finishedAt.set(work.config.webhook.id, Date.now() - startedAt);
    },
  };
  const fastPath = new FastPath(works, deps, slots);
  let ran = false;
  const done = fastPath.run().then(() => {
    ran = true;
  });
  while (!ran) {
    await vi.advanceTimersToNextTimerAsync();
    // What the timer set going comes to rest before the clock moves again.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
  await done;
  const results = works.map((work) => finished.get(work)!);
  return { results, begun, leased, slow, took, most, mostOfOne, mostWatched, finishedAt, tookMs: Date.now() - startedAt };
}

const ids = (tasks: Task[]): string[] => tasks.map(({ delivery }) => delivery.id);

describe('the fast path', () => {
  it('attempts everything of healthy endpoints, in the order of acceptance', async () => {
    const { results, begun } = await run([aWebhook('a', 12)], () => ({ afterMs: 10 }));
    expect(results[0]!.ended).toHaveLength(12);
    expect(begun.map(({ id }) => id)).toEqual(ids(aWebhook('a', 12).tasks));
  });

  it('makes at most five attempts at a time, and two to one webhook', async () => {
    const many = Array.from({ length: 8 }, (_, index) => aWebhook(`w${index}`, 6));
    expect(await run(many, () => ({ afterMs: 20 }))).toMatchObject({ most: SLOTS });
    const two = await run([aWebhook('a', 6), aWebhook('b', 6)], () => ({ afterMs: 20 }));
    expect(two).toMatchObject({ most: 2 * SLOTS_PER_WEBHOOK, mostOfOne: SLOTS_PER_WEBHOOK });
    expect(await run([aWebhook('a', 20)], () => ({ afterMs: 20 }))).toMatchObject({ most: SLOTS, mostOfOne: SLOTS });
  });

  it('goes on after a second only with webhooks that have taken little of it: what a slow one has left is handed over', async () => {
    const others = Array.from({ length: 10 }, (_, index) => aWebhook(`w${index}`, 6));
    const { results, begun } = await run([aWebhook('slow', 30), ...others], (id) => ({ afterMs: id.startsWith('slow') ? 600 : 120 }));
    const after = begun.filter(({ atMs }) => atMs >= WEBHOOK_MS).map(({ id }) => id);
    expect(after.length).toBeGreaterThan(10);
    expect(after.filter((id) => id.startsWith('slow'))).toEqual([]);
    expect(results[0]!.handedOver.length).toBeGreaterThan(20);
  });

  it('lets webhooks take turns: one with much to do does not come before the others', async () => {
    const { begun } = await run([aWebhook('busy', 20), aWebhook('other', 1)], () => ({ afterMs: 50 }));
    expect(begun.findIndex(({ id }) => id === 'other-0')).toBeLessThanOrEqual(1);
  });

  it('leases an attempt without an answer, and hands the rest of its webhook over', async () => {
    const { results, leased, tookMs } = await run([aWebhook('hangs', 5), aWebhook('healthy', 5)], (id) =>
      id.startsWith('hangs') ? {} : { afterMs: 5 },
    );
    expect(leased).toEqual(['hangs-0', 'hangs-1']);
    expect(ids(results[0]!.handedOver)).toEqual(['hangs-2', 'hangs-3', 'hangs-4']);
    expect(results[1]!.ended).toHaveLength(5);
    expect(tookMs).toBeLessThanOrEqual(PATIENCE_MS + 1);
  });

  it('hands everything over when leased attempts hold all slots', async () => {
    const works = Array.from({ length: 6 }, (_, index) => aWebhook(`hangs${index}`, 3));
    const { results, leased, tookMs } = await run(works, () => ({}));
    expect(leased).toHaveLength(SLOTS);
    expect(results.flatMap(({ handedOver }) => handedOver)).toHaveLength(18 - SLOTS);
    expect(tookMs).toBeLessThanOrEqual(LEASE_BY_MS + 1);
  });

  it('ends in time whatever endpoints do, and every task ends in exactly one way', async () => {
    for (const afterMs of [1, 90, 400, 900, 1_500, 1_999, 2_001, 29_000]) {
      const works = Array.from({ length: 10 }, (_, index) => aWebhook(`w${index}`, 30));
      const { results, begun, leased, tookMs } = await run(works, () => ({ afterMs }));
      expect(tookMs, `answers after ${afterMs} ms`).toBeLessThanOrEqual(LEASE_BY_MS + 1);
      expect(begun.every(({ atMs }) => atMs < BEGIN_BY_MS)).toBe(true);
      const all = results.flatMap(({ ended, handedOver }) => [...ended.map(({ task }) => task), ...handedOver]);
      expect([...ids(all), ...leased].toSorted()).toEqual(works.flatMap(({ tasks }) => ids(tasks)).toSorted());
    }
  });

  it('tells of each webhook as soon as its part is over: none waits for another’s slow endpoint', async () => {
    const { finishedAt } = await run([aWebhook('hangs', 2), aWebhook('healthy', 2), aWebhook('failing', 2, 'failing')], (id) =>
      id.startsWith('hangs') ? {} : { afterMs: 10 },
    );
    expect(Object.fromEntries(finishedAt)).toEqual({ failing: 0, healthy: 10, hangs: PATIENCE_MS + 1 });
  });

  it('hands the rest over when an attempt fails', async () => {
    const { results } = await run([aWebhook('a', 20)], (id) => ({ afterMs: 10, outcome: id === 'a-1' ? 'failed' : 'succeeded' }));
    expect(results[0]!.ended.length + results[0]!.handedOver.length).toBe(20);
    expect(results[0]!.handedOver.length).toBeGreaterThanOrEqual(10);
    expect(results[0]!.ended.map(({ result }) => result.record.outcome)).toContain('failed');
  });

  it('attempts nothing of a webhook that is failing or whose circuit is open', async () => {
    const { results, begun } = await run([aWebhook('a', 3, 'failing'), aWebhook('b', 3, 'open')], () => ({ afterMs: 1 }));
    expect(begun).toEqual([]);
    expect(results.map(({ handedOver }) => handedOver.length)).toEqual([3, 3]);
  });

  it('tells a fault of ours from a failing endpoint', async () => {
    const fault = new Error('the secret does not open');
    const { results } = await run([aWebhook('a', 3), aWebhook('b', 2)], (id) => ({
      afterMs: 5,
      fault: id.startsWith('a') ? fault : undefined,
    }));
    // Nothing was sent: the outbox attempts all of them.
    expect(results[0]!.ended).toEqual([]);
    expect(ids(results[0]!.handedOver).toSorted()).toEqual(['a-0', 'a-1', 'a-2']);
    expect(results[1]!.ended).toHaveLength(2);
  });

  it('waits once more for an answer where the isolate itself was late to look', async () => {
    const answering = () => ({ afterMs: PATIENCE_MS + 50 });
    expect((await run([aWebhook('a', 1)], answering)).leased).toEqual(['a-0']);
    const late = await run([aWebhook('a', 1)], answering, { blocked: { afterMs: PATIENCE_MS - 1, forMs: 100 } });
    expect(late.leased).toEqual([]);
    expect(late.results[0]!.ended).toHaveLength(1);
    // What the isolate was late by is not the endpoint's.
    expect(late.took).toEqual([['a', PATIENCE_MS + 50]]);
  });

  it('gives what has arrived meanwhile a turn to be read before it leases an attempt', async () => {
    // Heard of in the turn after the look.
    const { leased, results } = await run([aWebhook('a', 1)], () => ({ afterMs: PATIENCE_MS + 1 }));
    expect(leased).toEqual([]);
    expect(results[0]!.ended).toHaveLength(1);
  });

  it('calls an endpoint slow where it was looked at in time, and not where the run’s time went by with the isolate late', async () => {
    expect((await run([aWebhook('a', 1)], () => ({}))).slow).toEqual(['a-0']);
    for (const forMs of [300, 600, 5_000]) {
      const late = await run([aWebhook('a', 1)], () => ({}), { blocked: { afterMs: PATIENCE_MS - 1, forMs } });
      expect(late, `${forMs} ms`).toMatchObject({ leased: ['a-0'], slow: [] });
    }
    // Late once, and in time after that.
    const inTime = await run([aWebhook('a', 1)], () => ({}), { blocked: { afterMs: PATIENCE_MS - 1, forMs: 30 } });
    expect(inTime).toMatchObject({ leased: ['a-0'], slow: ['a-0'] });
  });

  it('finds out an endpoint that hangs where every look is late, too', async () => {
    for (const lateness of [1.5, 3]) {
      const { slow, tookMs } = await run([aWebhook('a', 1)], () => ({}), { lateness, patienceMs: 100 });
      expect(slow, `${lateness} times`).toEqual(['a-0']);
      expect(tookMs * lateness).toBeLessThan(1_000);
    }
  });

  it('makes no more attempts at a time than it may, and a leased one is none that it waits for', async () => {
    const works = [aWebhook('hangs', 3), aWebhook('a', 6), aWebhook('b', 6)];
    const isolate = { slots: 1, patienceMs: 100 };
    const { results, leased, mostWatched } = await run(works, (id) => (id.startsWith('hangs') ? {} : { afterMs: 10 }), isolate);
    expect(leased).toEqual(['hangs-0']);
    expect(mostWatched).toBe(1);
    expect(results.map(({ ended }) => ended.length)).toEqual([0, 6, 6]);
  });
});
