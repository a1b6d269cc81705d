import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EVENT_BYTES, MAX_EVENT_DEPTH, readEvents } from '../../../src/domain/event/event.ts';
import { flatten } from '../../../src/domain/rules/flat.ts';
import { membersOf, sourceOf, type Written, writtenEvent } from './written-json.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function flat(json: string): string | null {
  const bytes = flatten(encoder.encode(json));
  return bytes && decoder.decode(bytes);
}

describe('a flat event', () => {
  it.each<[string, string, string]>([
    [
      'has keys joined by _',
      ' { "event" : "x", "visitor" : { "location" : { "city" : "Kiel" } } } ',
      '{"event":"x","visitor_location_city":"Kiel"}',
    ],
    ['has null where null was', '{"a":null,"b":{"c":null}}', '{"a":null,"b_c":null}'],
    [
      'has numbers as they were written',
      '{"a":{"b":12345678901234567890,"c":-1.50E+003}}',
      '{"a_b":12345678901234567890,"a_c":-1.50E+003}',
    ],
    ['has texts as they were written', '{"a":{"b":"\\u0041\\/\\ud83d"}}', '{"a_b":"\\u0041\\/\\ud83d"}'],
    ['has lists of plain values as one text', '{"a":[ "x" , 1.50, true, "\\u00e9" ]}', '{"a":"x, 1.50, true, \\u00e9"}'],
    ['has a list of one number as a text', '{"a":[12345678901234567890]}', '{"a":"12345678901234567890"}'],
    ['has no null within a list', '{"a":[null,"x",null],"b":[null],"c":["null",""]}', '{"a":"x","b":null,"c":"null, "}'],
    [
      'has lists of objects under numbers',
      '{"visits":[{"page":"/"},{"page":"/x","s":1}]}',
      '{"visits_0_page":"/","visits_1_page":"/x","visits_1_s":1}',
    ],
    ['has lists of this and that under numbers', '{"a":[1,{"b":2},[3,4],null,[]]}', '{"a_0":1,"a_1_b":2,"a_2":"3, 4","a_3":null}'],
    ['has nothing that is empty', '{"a":{},"b":[],"c":{"d":[[],{}]},"e":""}', '{"e":""}'],
    ['has nothing at all where there was nothing', '{"a":{}}', '{}'],
    ['has the first of two keys that become the same', '{"a_b":1,"a":{"b":2,"c":{"d":3},"c_d":4}}', '{"a_b":1,"a_c_d":3}'],
    ['has the last of a key that is repeated', '{"a":{"b":1},"a":{"c":2},"d":3,"d":4}', '{"a_c":2,"d":4}'],
    ['has the keys that escapes stand for', '{"\\u0061":{"\\"":1,"\\ud83d":2}}', '{"a_\\"":1,"a_\\ud83d":2}'],
    ['has keys that are empty', '{"":{"":1},"a":{"":2}}', '{"_":1,"a_":2}'],
    ['has the order of the event', '{"b":{"2":1,"1":2},"a":3,"1":4}', '{"b_2":1,"b_1":2,"a":3,"1":4}'],
  ])('%s', (_what, source, expected) => {
    expect(flat(source)).toBe(expected);
  });

  it('can be made of the deepest event', () => {
    const depth = MAX_EVENT_DEPTH - 1;
    expect(flat(`{"a":${'{"b":'.repeat(depth)}1${'}'.repeat(depth)}}`)).toBe(`{"a${'_b'.repeat(depth)}":1}`);
    expect(flat(`{"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`)).toBe(`{"a${'_0'.repeat(depth - 1)}":"1"}`);
  });

  it('can be made of a list of 49,000 values', () => {
    expect(flat(`{"a":[${Array(49_000).fill(1).join()}]}`)).toBe(`{"a":"${Array(49_000).fill(1).join(', ')}"}`);
  });

  it('is none where it would be too large: a long key is repeated with each value', () => {
    const under = (key: string, values: number) => `{"${key}":{${Array.from({ length: values }, (_, at) => `"${at}":1`).join()}}}`;
    const long = under('k'.repeat(50_000), 5_000);
    expect(long.length).toBeLessThan(MAX_EVENT_BYTES);
    expect(flat(long)).toBeNull();
    expect(flat(under('k'.repeat(50_000), 4))).not.toBeNull();
    // Six characters for each that is escaped.
    expect(flat(`{"${'\\u0001'.repeat(15_000)}":{"a":1,"b":2,"c":3}}`)).toBeNull();
  });

  it('has at most 250,000 bytes', () => {
    const room = 250_000 - '{"a_b":"'.length - '"}'.length;
    expect(flat(`{"a":{"b":"${'x'.repeat(room)}"}}`)).toHaveLength(250_000);
    expect(flat(`{"a":{"b":"${'x'.repeat(room + 1)}"}}`)).toBeNull();
  });
});

describe('any event', () => {
  /** The values in a written value with their names, by the words of the contract. */
  function* named(value: Written, name: string | null = null): Generator<[string, string]> {
    const within = (part: string) => (name === null ? part : `${name}_${part}`);
    if (value.kind === 'plain') yield [`${name}`, value.text];
    else if (value.kind === 'object') for (const { key, value: inner } of membersOf(value)) yield* named(inner, within(key));
    else if (value.items.some(({ kind }) => kind !== 'plain')) {
      for (const [at, item] of value.items.entries()) yield* named(item, within(String(at)));
    } else if (value.items.length > 0) {
      const texts = value.items.map(sourceOf).filter((text) => text !== 'null');
      const joined = texts.map((text) => text.replace(/^"(.*)"$/s, '$1')).join(', ');
      yield [`${name}`, texts.length === 0 ? 'null' : `"${joined}"`];
    }
  }

  it('becomes what the contract says, to the byte, and JSON of one level', () => {
    fc.assert(
      fc.property(writtenEvent, (event) => {
        const source = sourceOf(event);
        expect(readEvents(encoder.encode(source)).ok, 'ingest lets it in').toBe(true);
        const members = new Map<string, string>();
        for (const [name, text] of named(event)) if (!members.has(name)) members.set(name, `${JSON.stringify(name)}:${text}`);
        const text = flat(source) ?? '';
        expect(text).toBe(`{${[...members.values()].join()}}`);
        expect(Object.values(JSON.parse(text)).filter((value) => typeof value === 'object' && value !== null)).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });
});
