import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { creations, databasesIn, flawOfPlace, placeOf } from '../../../src/commands/deploy/data-location.ts';

const shipped = readFileSync('wrangler.toml', 'utf8');
const european = shipped.replace('JURISDICTION = ""', 'JURISDICTION = "eu"');
const nowhere = placeOf([]);
const there = (jurisdiction: string | null) => ({ name: 'bullseye-webhooks', jurisdiction });

describe('what a first deploy creates', () => {
  it('is the database alone: the deploy makes the queues', () => {
    expect(creations(nowhere, shipped)).toEqual([['d1', 'create', 'bullseye-webhooks']]);
  });

  it('is the database in a location', () => {
    expect(creations(placeOf(['--location=weur']), shipped)).toEqual([['d1', 'create', 'bullseye-webhooks', '--location', 'weur']]);
  });

  it.each([
    ['by the flag', placeOf(['--jurisdiction', 'eu']), shipped],
    ['by wrangler.toml', nowhere, european],
  ])('is, in a jurisdiction, each queue first: %s', (_what, place, configuration) => {
    expect(creations(place, configuration)).toEqual([
      ['queues', 'create', 'bullseye-events', '--jurisdiction', 'eu'],
      ['queues', 'create', 'bullseye-events-dead', '--jurisdiction', 'eu'],
      ['d1', 'create', 'bullseye-webhooks', '--jurisdiction', 'eu'],
    ]);
  });
});

it.each([
  ['a jurisdiction that there is not', placeOf(['--jurisdiction', 'mars']), shipped, undefined, 'eu, us, fedramp'],
  ['a flag without a value', placeOf(['--jurisdiction']), shipped, undefined, 'eu, us, fedramp'],
  ['a location that there is not', placeOf(['--location', 'moon']), shipped, undefined, 'weur'],
  ['both', placeOf(['--jurisdiction', 'eu', '--location', 'weur']), shipped, undefined, 'or --location'],
  ['a location of what is there', placeOf(['--location', 'weur']), shipped, there(null), 'first deploy'],
  ['another jurisdiction than that of what is there', placeOf(['--jurisdiction', 'us']), european, there('eu'), '--jurisdiction eu'],
  ['none, of what is in one', nowhere, shipped, there('eu'), 'JURISDICTION = "eu"'],
  ['one, of what is in none', placeOf(['--jurisdiction', 'eu']), shipped, there(null), 'deploy anew'],
])('refuses %s', (_what, place, configuration, database, said) => {
  expect(flawOfPlace(place, configuration, database)).toContain(said);
});

it.each([
  ['a first deploy', placeOf(['--jurisdiction', 'eu']), shipped, undefined],
  ['a later one with the flag', placeOf(['--jurisdiction', 'eu']), shipped, there('eu')],
  ['a later one with the setting', nowhere, european, there('eu')],
  ['one without a jurisdiction', nowhere, shipped, there(null)],
])('lets %s through', (_what, place, configuration, database) => {
  expect(flawOfPlace(place, configuration, database)).toBeNull();
});

it('reads what wrangler lists, and nothing else', () => {
  expect(databasesIn('[{"name":"a","jurisdiction":"eu"},{"name":"b"}]')).toEqual([
    { name: 'a', jurisdiction: 'eu' },
    { name: 'b', jurisdiction: null },
  ]);
  expect(databasesIn('{}')).toBeNull();
  expect(databasesIn('an error')).toBeNull();
});
