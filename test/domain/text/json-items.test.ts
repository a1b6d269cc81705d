import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonPart, layOut, namesOf, partsOf } from '../../../src/domain/text/json-items.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function itemsOf(json: string): string[] {
  const bytes = encoder.encode(json);
  return layOut(bytes).items.map(([start, end]) => decoder.decode(bytes.subarray(start, end)));
}

function depthOf(json: string): number {
  return layOut(encoder.encode(json)).depth;
}

describe('an item keeps', () => {
  it.each([
    ['a number that a double cannot hold', '12345678901234567890'],
    ['a number as it was written', '-1.50E+003'],
    ['a literal', 'null'],
    ['escapes that need not be', '"\\u0041\\/\\u00e9"'],
    ['an escaped quote', '"a\\",b"'],
    ['an escaped backslash before the closing quote', '"a\\\\"'],
    ['brackets, braces and commas in a string', '"],[}{,"'],
    ['white space in it', '{ "a" :\t[ 1 ,\r\n 2 ] }'],
    ['brackets in brackets', '[[],[[]],{"a":[{}]}]'],
    ['two-, three- and four-byte characters', '"é€😀"'],
    ['keys that repeat', '{"a":1,"a":2}'],
    ['an empty string', '""'],
    ['an empty object', '{}'],
    ['an empty array', '[]'],
  ])('%s', (_what, item) => {
    expect(itemsOf(`[${item}]`), 'alone').toEqual([item]);
    expect(itemsOf(` [ 0 ,\n\t${item}\r , "x" ] `), 'between others, with white space around it').toEqual(['0', item, '"x"']);
  });
});

describe('there are no items', () => {
  it.each(['[]', ' [ \n ] ', '{}', '{"a":[1,2],"b":3}', '"[1,2]"', '12', 'null'])('in %s', (json) => {
    expect(itemsOf(json)).toEqual([]);
  });
});

describe('the depth', () => {
  it.each([
    ['12', 0],
    ['"[[["', 0],
    ['[]', 1],
    ['{"a":"{{{"}', 1],
    ['[1,[2],[3]]', 2],
    ['[[[]],[]]', 3],
    ['[{"a":[{"b":"]"}]},[1]]', 4],
  ])('of %s is %i', (json, depth) => {
    expect(depthOf(json)).toBe(depth);
  });
});

describe('of any JSON', () => {
  const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
  /** A source of white space for the places where a grammar allows it. */
  const spaces = fc.infiniteStream(space).map((stream) => () => stream.next().value ?? '');
  const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', ':', ' ', 'a', '\n', 'é', '€', '😀'), maxLength: 8 });
  /** Keys without a backslash: the JSON.parse of V8 13.6 (Node 24, not workerd) takes an escaped key for one that is a backslash. */
  const keys = text.filter((key) => !key.includes('\\'));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(text, fc.jsonValue({ maxDepth: 0 })),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
    ),
  }));

  /** JSON as another serializer might write it: with white space, and with escapes where the coin says so. */
  function write(item: unknown, gap: () => string): string {
    if (Array.isArray(item)) return `[${gap()}${item.map((part) => write(part, gap)).join(`${gap()},${gap()}`)}${gap()}]`;
    if (typeof item === 'object' && item !== null) {
      const members = Object.entries(item).map(([key, part]) => `${write(key, gap)}${gap()}:${gap()}${write(part, gap)}`);
      return `{${gap()}${members.join(`${gap()},${gap()}`)}${gap()}}`;
    }
    if (typeof item === 'string' && gap() === '') return `"${[...item.split('')].map(escaped).join('')}"`;
    return JSON.stringify(item);
  }

  function escaped(unit: string): string {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }

  function nesting(item: unknown): number {
    if (typeof item !== 'object' || item === null) return 0;
    return 1 + Math.max(0, ...Object.values(item).map(nesting));
  }

  it('the slices equal the pieces that the array was made of', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), spaces, (values, gap) => {
        const pieces = values.map((item) => write(item, gap));
        const json = `${gap()}[${gap()}${pieces.map((piece) => gap() + piece + gap()).join(',')}]${gap()}`;
        expect(JSON.parse(json), 'the source is JSON').toEqual(JSON.parse(JSON.stringify(values)));
        expect(itemsOf(json)).toEqual(pieces);
      }),
      { numRuns: 500 },
    );
  });

  it('the depth is that of its value', () => {
    fc.assert(
      fc.property(value, spaces, (item, gap) => {
        expect(depthOf(write(item, gap))).toBe(nesting(item));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the members of an object', () => {
  it.each<[string, number[]]>([
    ['{}', [0]],
    ['{"a":1,"b":{"c":[{"d":2}]}}', [2]],
    [' { "a" : "x:y,z" , "a" : 1 } ', [2]],
    ['[{"a":1},[{"b":1}],"c:d",{"e":{"f":1},"g":[]}, 5]', [1, 0, 0, 2, 0]],
    ['[]', []],
  ])('%s are counted', (json, members) => {
    expect(layOut(encoder.encode(json)).members.slice(0, members.length)).toEqual(members);
  });

  it('are named as they are read, as often as they come', () => {
    expect(namesOf(encoder.encode('{"a":{"x":1},"\\u0061":[{"y":2}],"é":"b:c","":0}'))).toEqual(['a', 'a', 'é', '']);
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (object) => {
        const json = encoder.encode(JSON.stringify(object));
        const names = namesOf(json);
        expect(names.toSorted()).toEqual(Object.keys(object).toSorted());
        expect(layOut(json).members).toEqual([names.length]);
        expect(layOut(encoder.encode(`[${JSON.stringify(object)}]`)).members).toEqual([names.length]);
      }),
    );
  });
});

describe('the parts of a text', () => {
  /** The value that the parts say, from the innermost texts up. */
  function said({ text, members, items }: JsonPart): unknown {
    if (items) return items.map(said);
    return members ? Object.fromEntries([...members].map(([name, part]) => [name, said(part)])) : JSON.parse(text);
  }

  it.each([
    'null',
    ' -1.50E+003\n',
    '"a\\\\"',
    ' "],[" ',
    '[]',
    ' [ ] ',
    '{ }',
    '[1,[2 , "x"],{}]',
    '{"a":{"b" : [ null,true ]},"":0}',
    '[[[1]]]',
  ])('of %j', (json) => {
    const parts = partsOf(json);
    expect(parts.text).toBe(json.trim());
    expect(said(parts)).toEqual(JSON.parse(json));
  });

  it('are the last of a name that is repeated, at the place of the first', () => {
    const { members } = partsOf('{"a":1,"b":2,"\\u0061":3}');
    expect([...(members ?? [])].map(([name, { text }]) => [name, text])).toEqual([
      ['a', '3'],
      ['b', '2'],
    ]);
  });
});
