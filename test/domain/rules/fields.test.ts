import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EVENT_DEPTH, readEvents } from '../../../src/domain/event/event.ts';
import { selectFields } from '../../../src/domain/rules/fields.ts';
import { membersOf, sourceOf, type Written, writtenEvent, writtenPath } from './written-json.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const HEAD = '"event":"visitor.identified","timestamp":"2026-11-23T14:05:09Z","organization_id":"org_acme"';

/** What is chosen of an event that has some members beside what every event has. */
function chosen(members: string, ...paths: string[]): string {
  return decoder.decode(selectFields(encoder.encode(` { ${HEAD}, ${members} }\n`), paths));
}

describe('the chosen fields', () => {
  it.each<[string, string, string[], string]>([
    ['stand where they stood', '"visitor": {"email": "a@b.c", "x": 1}, "y": 2', ['visitor.email'], '"visitor":{"email":"a@b.c"}'],
    ['come in the order of the event', '"a": 1, "b": {"d": 2, "c": 3}', ['b.c', 'b.d', 'a'], '"a":1,"b":{"d":2,"c":3}'],
    ['come once, however often they are chosen', '"a": {"b": [1]}', ['a.b', 'a', 'a.b'], '"a":{"b": [1]}'],
    ['keep all of a value', '"a": { "b" : [ 1 , null ],\n"c":{} }', ['a', 'a.b'], '"a":{ "b" : [ 1 , null ],\n"c":{} }'],
    ['keep their numbers as written', '"a": 12345678901234567890, "b": -1.50E+003', ['a', 'b'], '"a":12345678901234567890,"b":-1.50E+003'],
    ['keep their texts as written', '"a": "\\u0041\\/\\ud83d"', ['a'], '"a":"\\u0041\\/\\ud83d"'],
    [
      'can be null, false or empty',
      '"a": null, "b": false, "c": "", "d": {}, "e": []',
      ['a', 'b', 'c', 'd', 'e'],
      '"a":null,"b":false,"c":"","d":{},"e":[]',
    ],
    ['are found under escaped keys', '"\\u0061": {"\\u00e9": 1}', ['a.é'], '"a":{"é":1}'],
    ['are those of the last of a repeated key', '"a": {"b": 1}, "c": 2, "a": {"b": 3}', ['a.b', 'c'], '"a":{"b":3},"c":2'],
    ['are taken of each element of a list', '"a": [{"b": 1, "c": 2}, {"b": 3}]', ['a.b'], '"a":[{"b":1},{"b":3}]'],
    ['are taken of lists in lists', '"a": [[{"b": 1}, {"c": 2}], [[{"b": [2]}]]]', ['a.b'], '"a":[[{"b":1}],[[{"b":[2]}]]]'],
    [
      "are none that only an object's prototype has",
      '"a": {"constructor": {"name": "x"}}, "__proto__": {"b": 1}',
      ['a.constructor', '__proto__.b', 'toString'],
      '"a":{"constructor":{"name": "x"}},"__proto__":{"b":1}',
    ],
  ])('%s', (_what, members, paths, expected) => {
    expect(chosen(members, ...paths)).toBe(`{${HEAD},${expected}}`);
  });

  it.each<[string, string, string]>([
    ['is missing', '"a": 1', 'b'],
    ['is beyond a text', '"a": "x"', 'a.length'],
    ['is beyond null', '"a": null', 'a.b'],
    ['is missing in an object', '"a": {"c": {}}', 'a.c.b'],
    ['is missing in every element', '"a": [{"c": 1}, {}, 5, null, []]', 'a.b'],
    ['is that of a repeated key that does not count', '"a": {"b": 1}, "a": {"c": 1}', 'a.b'],
    ['is a place in a list', '"a": [1, 2]', 'a.0'],
    ['has a dot in its key', '"a.b": 1', 'a.b'],
  ])('are none where a field %s', (_what, members, path) => {
    expect(chosen(members, path)).toBe(`{${HEAD}}`);
  });

  it('always have what says which event it is', () => {
    expect(chosen('"a": 1')).toBe(`{${HEAD}}`);
    expect(decoder.decode(selectFields(encoder.encode(`{"organization_id":"o","a":1,"timestamp":5,"\\u0065vent":"e"}`), ['a']))).toBe(
      '{"organization_id":"o","a":1,"timestamp":5,"event":"e"}',
    );
  });

  it('can be as deep as an event is', () => {
    const depth = MAX_EVENT_DEPTH - 2;
    const lists = `${'['.repeat(depth)}{"b":1}${']'.repeat(depth)}`;
    expect(readEvents(encoder.encode(`{${HEAD.replace('visitor.identified', 'x')},"a":${lists}}`)).ok).toBe(true);
    expect(chosen(`"a": ${lists}`, 'a.b')).toBe(`{${HEAD},"a":${lists}}`);
  });

  it('are chosen of 33,000 elements', () => {
    const elements = Array.from({ length: 33_000 }, (_, at) => (at % 2 ? '{}' : '{"b":1}'));
    expect(chosen(`"a":[${elements.join()}]`, 'a.b')).toBe(`{${HEAD},"a":[${elements.filter((text) => text !== '{}').join()}]}`);
  });
});

describe('of any event', () => {
  /** What is chosen of a written value, by the words of the contract. */
  function pick(value: Written, paths: string[][]): string | null {
    if (paths.some((keys) => keys.length === 0)) return sourceOf(value);
    if (value.kind === 'plain') return null;
    const parts: (string | null)[] =
      value.kind === 'list'
        ? value.items.map((item) => pick(item, paths))
        : membersOf(value).map(({ key, value }) => {
            const further = paths.filter(([first]) => first === key).map(([, ...rest]) => rest);
            const inner = further.length === 0 ? null : pick(value, further);
            return inner === null ? null : `${JSON.stringify(key)}:${inner}`;
          });
    const kept = parts.filter((part) => part !== null);
    if (kept.length === 0) return null;
    return value.kind === 'list' ? `[${kept.join(',')}]` : `{${kept.join(',')}}`;
  }

  it('the chosen fields are what the contract says, to the byte, and JSON', () => {
    fc.assert(
      fc.property(writtenEvent, fc.array(writtenPath, { maxLength: 6 }), (event, paths) => {
        const source = encoder.encode(sourceOf(event));
        expect(readEvents(source).ok, 'ingest lets it in').toBe(true);
        const text = decoder.decode(selectFields(source, paths));
        const always = ['event', 'timestamp', 'organization_id'];
        expect(text).toBe(
          pick(
            event,
            [...always, ...paths].map((path) => path.split('.')),
          ),
        );
        expect(JSON.parse(text)).toMatchObject({ event: 'order.placed', organization_id: 'org_acme' });
      }),
      { numRuns: 3_000 },
    );
  });
});
