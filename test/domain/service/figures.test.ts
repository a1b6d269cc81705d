import { describe, expect, it } from 'vitest';
import {
  addFaults,
  addOrganizations,
  busiest,
  type Faults,
  MAX_ORGANIZATIONS,
  MAX_POKED_WAITING,
  type WaitingOutbox,
  waitingOf,
} from '../../../src/domain/service/figures.ts';

const outbox = (webhookId: string, given: Partial<WaitingOutbox> = {}): WaitingOutbox => ({
  ...{ webhookId, waiting: 1, dueAt: 1_000, health: 'healthy', failingSince: null, cause: null, status: null },
  ...given,
});

describe('faults', () => {
  it('are counted by their event, with what was said last', () => {
    const faults: Faults = {};
    addFaults(faults, { 'a.b': { count: 2, at: 20, error: 'late' } });
    addFaults(faults, { 'a.b': { count: 1, at: 10, error: 'early' }, 'c.d': { count: 1, at: 5, error: 'x'.repeat(1_000) } });
    expect(faults['a.b']).toEqual({ count: 3, at: 20, error: 'late' });
    expect(faults['c.d']!.error).toHaveLength(300);
  });

  it('are of a bounded number of kinds; those that are known are counted on', () => {
    const faults: Faults = {};
    for (let kind = 0; kind < 500; kind++) addFaults(faults, { [`kind.${kind}`]: { count: 1, at: kind, error: '' } });
    addFaults(faults, { 'kind.0': { count: 1, at: 600, error: '' } });
    expect(Object.keys(faults)).toHaveLength(100);
    expect(faults['kind.0']!.count).toBe(2);
  });
});

describe('organizations', () => {
  it('are those with the most events', () => {
    const many = new Map(Array.from({ length: 100 }, (_, at) => [`org_${at}`, at]));
    const kept = addOrganizations(busiest(many), [
      { id: 'org_new', events: 1_000 },
      { id: 'org_99', events: 1 },
    ]);
    expect(kept).toHaveLength(MAX_ORGANIZATIONS);
    expect(kept.slice(0, 2)).toEqual([
      { id: 'org_new', events: 1_000 },
      { id: 'org_99', events: 100 },
    ]);
  });
});

describe('what waits', () => {
  it('is summed up, and those that fail are listed, the one with the most first', () => {
    const waiting = waitingOf([
      outbox('whk_paced', { dueAt: 500, waiting: 7 }),
      outbox('whk_few', { health: 'failing', failingSince: 1, waiting: 2, dueAt: 1 }),
      outbox('whk_many', { health: 'open', failingSince: 2, waiting: MAX_POKED_WAITING }),
      outbox('whk_once', { failingSince: 3, cause: 'rejects', status: 422 }),
    ]);
    expect(waiting).toMatchObject({
      outboxes: 4,
      failing: 1,
      open: 1,
      deliveries: MAX_POKED_WAITING + 10,
      isAtLeast: true,
      lateSince: 500,
    });
    expect(waiting.worst.map(({ webhookId }) => webhookId)).toEqual(['whk_many', 'whk_few', 'whk_once']);
  });

  it('is nothing where nothing does', () => {
    expect(waitingOf([])).toEqual({ outboxes: 0, failing: 0, open: 0, deliveries: 0, isAtLeast: false, lateSince: null, worst: [] });
  });

  it('lists a bounded number', () => {
    const waiting = waitingOf(Array.from({ length: 1_500 }, (_, at) => outbox(`whk_${at}`, { health: 'open', failingSince: at })));
    expect(waiting).toMatchObject({ outboxes: 1_500, open: 1_500 });
    expect(waiting.worst).toHaveLength(20);
  });
});
