import { describe, expect, it } from 'vitest';
import {
  boundedChanges,
  changesBetween,
  created,
  HIDDEN,
  MAX_AUDIT_ENTRIES,
  MAX_CHANGES_LENGTH,
  MAX_VALUE_LENGTH,
} from '../../../src/domain/access/audit-log.ts';
import { webhookChanges } from '../../../src/domain/webhook/audited-webhook.ts';

describe('what changed', () => {
  it('is what differs as JSON, from what to what; what is absent is null', () => {
    const before = { a: 1, list: ['x'], gone: true, same: { deep: [null] }, empty: undefined };
    const after = { a: 2, list: ['x', 'y'], same: { deep: [null] }, fresh: 'f', empty: null };
    expect(changesBetween(before, after)).toEqual({
      a: { from: 1, to: 2 },
      list: { from: ['x'], to: ['x', 'y'] },
      gone: { from: true, to: null },
      fresh: { from: null, to: 'f' },
    });
    expect(created({ name: 'n', expiresAt: null })).toEqual({ name: { from: null, to: 'n' } });
  });

  it('is kept as it is up to a length, and cut beyond it, a text as a text', () => {
    const fits = 'x'.repeat(MAX_VALUE_LENGTH - 2);
    expect(boundedChanges({ fits: { from: null, to: fits } })).toEqual({ fits: { from: null, to: fits } });
    const filter = { field: 'a', operator: 'one_of', value: Array.from({ length: 500 }, () => 'value') };
    const bounded = boundedChanges({ filter: { from: 5, to: filter }, text: { from: true, to: `${fits}\u{1f600}yz` } });
    expect(bounded.filter).toEqual({ from: 5, to: `${JSON.stringify(filter).slice(0, MAX_VALUE_LENGTH)}…` });
    const cut = bounded.text?.to as string;
    expect([cut.isWellFormed(), cut.endsWith('\u{1f600}…')]).toEqual([true, true]);
    expect(bounded.text?.from).toBe(true);
  });

  it('is never longer than an entry may be, whatever there is of it', () => {
    const long = 'x'.repeat(20_000);
    const changes = Object.fromEntries(Array.from({ length: 14 }, (_, at) => [`field${at}`, { from: long, to: { long, at } }]));
    const bounded = boundedChanges(changes);
    expect(JSON.stringify(bounded).length).toBeLessThanOrEqual(MAX_CHANGES_LENGTH);
    expect(Object.keys(bounded)).toEqual(Object.keys(changes));
  });

  it('is as much of it as fits where there are too many fields, and says how many more there are', () => {
    const name = (at: number) => `headers.${String(at).padStart(100, 'X-')}`;
    const changes = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [name(at), { from: HIDDEN, to: null }]));
    const { '…': more, ...kept } = boundedChanges(changes);
    expect(JSON.stringify({ ...kept, '…': more }).length).toBeLessThanOrEqual(MAX_CHANGES_LENGTH);
    const names = Object.keys(kept);
    expect(names.length).toBeGreaterThan(20);
    expect(names).toEqual(Object.keys(changes).slice(0, names.length));
    expect(more).toEqual({ from: null, to: `${40 - names.length} more` });
  });

  it('of one organization takes no more than a fiftieth of the database that all share', () => {
    // D1 holds 10 GB.
    expect(MAX_AUDIT_ENTRIES * MAX_CHANGES_LENGTH).toBeLessThanOrEqual(10e9 / 50);
  });
});

describe('what changed of a webhook', () => {
  const webhook = {
    ...{ url: 'https://hooks.example.com/', events: ['*'], enabled: true, secret: 'v1:sealed:a', format: 'event' },
    once: { per: 'visitor.email', days: 30, since: 5 },
    headerNames: ['Authorization', 'X-Tenant'],
  };

  it('has no word of a secret or of a header, whatever becomes of them', () => {
    const after = { ...webhook, secret: 'v1:sealed:b', headerNames: ['authorization', 'X-New'] };
    const changes = webhookChanges(webhook, after, { secret: true, headers: ['authorization', 'X-New', 'X-Tenant'] });
    expect(changes).toEqual({
      secret: { from: '•••', to: '•••' },
      'headers.authorization': { from: '•••', to: '•••' },
      'headers.X-New': { from: null, to: '•••' },
      'headers.X-Tenant': { from: '•••', to: null },
    });
    expect(JSON.stringify(webhookChanges(null, webhook))).not.toContain('sealed');
  });

  it('is nothing where a secret is only sealed anew, and where `once` only begins anew', () => {
    expect(webhookChanges(webhook, { ...webhook, secret: 'v1:sealed:c', once: { ...webhook.once, since: 9 } })).toEqual({});
    expect(webhookChanges({ ...webhook, secret: null }, { ...webhook, secret: null }, { secret: true })).toEqual({});
  });

  it('says of one that is made or deleted what it has, and nothing of what it has not', () => {
    expect(webhookChanges(null, webhook)).toMatchObject({
      once: { from: null, to: { per: 'visitor.email', days: 30 } },
      secret: { from: null, to: '•••' },
    });
    expect(Object.keys(webhookChanges(webhook, null)).sort()).toEqual(
      ['url', 'events', 'enabled', 'once', 'format', 'secret', 'headers.Authorization', 'headers.X-Tenant'].sort(),
    );
  });
});
