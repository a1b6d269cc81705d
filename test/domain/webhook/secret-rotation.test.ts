import { describe, expect, it } from 'vitest';
import { columnsOf, type KeptSecret, presentOf, type SecretColumns, secretsOf } from '../../../src/domain/webhook/secret-rotation.ts';

const NOW = 1_000;
const kept = (sealed: string, endsAt: number | null, isPrevious = false): KeptSecret => ({ sealed, endsAt, isPrevious });
const RING = [kept('a', 3_000), kept('b', 2_000), kept('c', 5_000, true), kept('present', null)];
const namesOf = (columns: SecretColumns, now = NOW) => secretsOf(columns, now).map(({ sealed }) => sealed);

describe("a webhook's secrets", () => {
  it('are kept and read as they are, each until its own end', () => {
    const columns = columnsOf(RING);
    expect(secretsOf(columns, NOW)).toEqual(RING);
    expect(namesOf(columns, 1_999)).toEqual(['a', 'b', 'c', 'present']);
    expect(namesOf(columns, 2_000)).toEqual(['a', 'c', 'present']);
    expect(namesOf(columns, 5_000)).toEqual(['present']);
  });

  it('are one column where only the present one signs, or none', () => {
    const none = { previousSecret: null, previousSecretExpiresAt: null, secretRing: null };
    expect(columnsOf([kept('present', null)])).toEqual({ secret: 'present', ...none });
    expect(columnsOf([])).toEqual({ secret: null, ...none });
    expect(secretsOf({ secret: null, ...none }, NOW)).toEqual([]);
    expect(presentOf([])).toBeUndefined();
  });
});

describe('a version that knows no ring', () => {
  it('finds the former secret whose overlap ends first in the columns that it knows', () => {
    expect(columnsOf(RING)).toMatchObject({ secret: 'present', previousSecret: 'b', previousSecretExpiresAt: 2_000 });
  });

  it('has kept one former secret, or one whose overlap has ended, or none', () => {
    const stored = { secret: 'present', previousSecret: 'before', previousSecretExpiresAt: 2_000, secretRing: null };
    expect(secretsOf(stored, NOW)).toEqual([kept('before', 2_000, true), kept('present', null)]);
    expect(namesOf(stored, 2_000)).toEqual(['present']);
    expect(namesOf({ ...stored, previousSecret: null, previousSecretExpiresAt: null })).toEqual(['present']);
  });

  it.each<[string, Partial<SecretColumns>, string[]]>([
    ['sets another secret', { secret: 'set', previousSecret: null, previousSecretExpiresAt: null }, ['set']],
    ['removes the secret', { secret: null, previousSecret: null, previousSecretExpiresAt: null }, []],
    ['rotates', { secret: 'new', previousSecret: 'present', previousSecretExpiresAt: 9_000 }, ['present', 'new']],
    ['ends the overlap', { previousSecret: null, previousSecretExpiresAt: null }, ['present']],
    ['seals the secrets anew', { secret: 'resealed', previousSecret: 'b, resealed' }, ['b, resealed', 'resealed']],
  ])('ends what the ring says where it %s', (_what, changes, left) => {
    expect(namesOf({ ...columnsOf(RING), ...changes })).toEqual(left);
  });

  it('leaves a copy of the configuration without the field', () => {
    const { secretRing: _, ...copy } = columnsOf([kept('before', 2_000, true), kept('present', null)]);
    expect(namesOf(copy as SecretColumns)).toEqual(['before', 'present']);
  });
});
