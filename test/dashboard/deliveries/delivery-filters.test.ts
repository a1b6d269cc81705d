import { describe, expect, it } from 'vitest';
import { apiQuery, dayProblems, filtersFrom, outboxFilter, spanOf } from '../../../src/dashboard/deliveries/delivery-filters.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const given = (query: string, zone = 'Europe/Berlin') => {
  const parameters = new URLSearchParams(query);
  return filtersFrom((name) => parameters.get(name) ?? undefined, zone);
};
const spanIn = (query: string, zone?: string) =>
  Object.fromEntries(Object.entries(spanOf(given(query, zone), NOW)).map(([name, at]) => [name, new Date(at).toISOString()]));

describe('the times of filters', () => {
  it('are days and times of the reader’s zone, and the filters say of which', () => {
    expect(given('from=2026-10-25&to=2026-10-25')).toEqual({ from: '2026-10-25', to: '2026-10-25', zone: 'Europe/Berlin' });
    expect(spanIn('from=2026-10-25&to=2026-10-25')).toEqual({ from: '2026-10-24T22:00:00.000Z', to: '2026-10-25T23:00:00.000Z' });
    expect(spanIn('from=2026-11-23T14:05&to=2026-11-23T14:35', 'Asia/Kolkata')).toEqual({
      from: '2026-11-23T08:35:00.000Z',
      to: '2026-11-23T09:05:00.000Z',
    });
  });

  it('of a link mean the same wherever it is opened', () => {
    const query = String(new URLSearchParams(given('from=2026-11-23', 'Asia/Tokyo')));
    expect(spanIn(query, 'America/New_York')).toEqual({ from: '2026-11-22T15:00:00.000Z' });
    expect(spanIn('from=2026-11-23T10:00:00.000Z')).toEqual({ from: '2026-11-23T10:00:00.000Z' });
  });

  it('stay relative where they are, and give way to times of one’s own', () => {
    expect(given('range=1h&zone=Europe/Berlin')).toEqual({ range: '1h' });
    expect(spanIn('range=1h')).toEqual({ from: '2026-11-25T11:00:00.000Z' });
    expect(given('range=1h&from=2026-11-23')).toEqual({ from: '2026-11-23', zone: 'Europe/Berlin' });
    expect(given('range=1y')).toEqual({});
  });

  it('that are none are named', () => {
    expect([...dayProblems(given('from=someday&to=2026-02-30')).keys()]).toEqual(['from', 'to']);
    expect(dayProblems(given('from=2026-11-23&range=1h')).size).toBe(0);
  });
});

describe('the filters', () => {
  it('go to the API with its own names', () => {
    const query = 'status=failed&event=visitor.*&response=4xx&minAttempts=2&q=x&from=2026-11-23';
    expect(apiQuery(given(query, 'UTC'), NOW)).toEqual({
      ...{ status: 'failed', event: 'visitor.*', response: '4xx', minAttempts: '2', q: 'x' },
      from: '2026-11-23T00:00:00.000Z',
    });
  });

  it('go to an outbox as it takes them, or not at all', () => {
    expect(outboxFilter(given('status=failed&response=422&minAttempts=2'), NOW)).toEqual({
      status: 'failed',
      response: 422,
      minAttempts: 2,
    });
    for (const query of ['status=lost', 'response=many', 'minAttempts=few', 'from=someday'])
      expect(outboxFilter(given(query), NOW)).toBeNull();
  });
});
