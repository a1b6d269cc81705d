import { describe, expect, test } from 'vitest';
import { checkAgainstSchema, schemaProblem } from '../../../src/domain/event/event-schema.ts';
import { withinCpuTime } from '../../support/cpu-time.ts';

describe('a JSON Schema', () => {
  test.each<Record<string, unknown>>([
    {},
    { type: 'object', required: ['a'], properties: { a: { type: ['string', 'null'], maxLength: 5, pattern: '^a' }, b: true } },
    { $defs: { name: { type: 'string' } }, properties: { name: { $ref: '#/$defs/name' } } },
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://example.com/event',
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    { properties: { tree: { $ref: '#/$defs/tree' } }, $defs: { tree: { properties: { next: { $ref: '#/$defs/tree' } } } } },
    { $schema: 'https://json-schema.org/draft/2020-12/schema#', dependentRequired: { a: ['b'] }, properties: { a: { format: 'email' } } },
    { examples: [{ type: 'not a type' }], default: { pattern: '(' }, 'x-own': { type: 5 } },
  ])('%j can be used', (schema) => {
    expect(schemaProblem(schema)).toBeNull();
  });

  test.each<[Record<string, unknown>, string]>([
    [{ type: 'strnig' }, 'type'],
    [{ type: [] }, 'type'],
    [{ required: 'a' }, 'required'],
    [{ properties: [] }, 'properties'],
    [{ properties: { a: 5 } }, 'properties.a'],
    [{ allOf: {} }, 'allOf'],
    [{ anyOf: [{ minLength: -1 }] }, 'anyOf[0].minLength'],
    [{ items: { prefixItems: [true, { allOf: [{ type: 'nope' }] }] } }, 'items.prefixItems[1].allOf[0].type'],
    [{ anyOf: [true, { uniqueItems: true }] }, 'anyOf[1].uniqueItems'],
    [{ oneOf: [{ $ref: '#/examples/0' }], examples: [{ type: 'strnig' }] }, 'oneOf[0].$ref'],
    [{ patternProperties: { '(': true } }, 'patternProperties.('],
    [{ properties: { a: { pattern: '[' } } }, 'properties.a.pattern'],
    [{ $ref: 'https://example.com/other' }, '$ref'],
    [{ properties: { a: { $ref: '#/$defs/none' } } }, ''],
    [{ $ref: '#' }, ''],
    [{ $id: 'http://[' }, '$id'],
    [{ $id: 5 }, '$id'],
    [{ $anchor: null }, '$anchor'],
    [{ $schema: 5 }, '$schema'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '$schema'],
    [{ $schema: 'https://json-schema.org/draft/2019-09/schema' }, '$schema'],
    [{ properties: { a: { format: 5 } } }, 'properties.a.format'],
    [{ dependentRequired: ['a'] }, 'dependentRequired'],
    [{ dependentRequired: { a: 'b' } }, 'dependentRequired'],
  ])('%j is refused at "%s"', (schema, field) => {
    expect(schemaProblem(schema)).toMatchObject({ field });
  });

  test.each<[Record<string, unknown>, string, RegExp]>([
    [{ properties: { a: { pattern: '^(\\w+\\s?)*$' } } }, 'properties.a.pattern', /repeats a part that repeats already/],
    [{ propertyNames: { pattern: '(a|b+)+x' } }, 'propertyNames.pattern', /repeats a part that repeats already/],
    [{ patternProperties: { '^(?=x)': true } }, 'patternProperties.^(?=x)', /without looking ahead/],
    [{ items: { uniqueItems: true } }, 'items.uniqueItems', /needs a `maxItems` of at most 1000/],
    [{ uniqueItems: true, maxItems: 1_001 }, 'uniqueItems', /needs a `maxItems` of at most 1000/],
    [doubling(20), '', /applies more than 1000 schemas to one value/],
    [{ properties: { deep: doubling(11) } }, '', /leads nowhere/],
    [
      { allOf: Array.from({ length: 40 }, () => ({ anyOf: Array.from({ length: 30 }, () => true) })) },
      '',
      /applies more than 1000 schemas/,
    ],
    [{ properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { $ref: '#/$defs/x' } } }, '', /refers to itself in a circle/],
    [{ properties: { a: { not: { $ref: '#/properties/a' } } } }, '', /refers to itself in a circle/],
    [{ $ref: '#/examples/0', examples: [5] }, '', /leads nowhere/],
    [{ $ref: '#/examples/0', examples: [{ type: 'strnig' }] }, '$ref', /leads to what is not a schema/],
  ])('that could cost too much, or lead nowhere, is refused: %j', (schema, field, says) => {
    expect(schemaProblem(schema)).toMatchObject({ field, message: expect.stringMatching(says) });
  });

  test.each<Record<string, unknown>>([
    { uniqueItems: true, maxItems: 1_000 },
    { uniqueItems: false },
    doubling(7),
    { items: { pattern: '^[a-z]+(-[a-z]+)*$' } },
  ])('with a bound can be used: %j', (schema) => {
    expect(schemaProblem(schema)).toBeNull();
  });

  test('names the fields of an event that do not match', () => {
    const schema = {
      properties: { visitor: { required: ['email'], properties: { 'a/b': { type: 'string' } } } },
      additionalProperties: false,
    };
    const issues = check(schema, { visitor: { 'a/b': 5 }, other: 1 });
    expect(issues.map(({ field }) => field).sort()).toEqual(['other', 'visitor.a/b', 'visitor.email']);
    expect(check(schema, { visitor: { email: 'x' } })).toEqual([]);
  });

  test('that runs in circles over an event refuses it, instead of breaking: earlier versions let it in', () => {
    const schema = { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { $ref: '#/$defs/x' } } };
    expect(check(schema, { a: 1 })).toEqual([
      { field: '', message: expect.stringMatching(/refers to itself in a circle$/), givenUp: expect.any(String) },
    ]);
  });

  test('that earlier versions let in is applied, but for a pattern that looks ahead', () => {
    const schema = { properties: { a: { pattern: '^(?!x)' }, b: { pattern: '^(a+)+$' }, c: { uniqueItems: true } } };
    expect(check(schema, { a: 'x', b: 'aa', c: [1, 2] })).toEqual([]);
    expect(check(schema, { a: 'x', b: 'ab', c: [1, 1] }).map(({ field }) => field)).toEqual(['b', 'c']);
  });
});

describe('an event of 100 kB is checked in a moment, whatever its schema:', () => {
  const array = (length: number, item: unknown) => ({ a: Array.from({ length }, () => item) });
  const of = (items: Record<string, unknown>) => ({ properties: { a: { items } } });
  const branches = <T>(times: number, part: (at: number) => T): T[] => Array.from({ length: times }, (_, at) => part(at));

  test.each<[string, Record<string, unknown>, unknown]>([
    ['49,000 items of an enum with 1,000 names', of({ enum: branches(1_000, (at) => `name ${at}`) }), array(49_000, 1)],
    ['8,000 objects that are unique', { properties: { a: { uniqueItems: true } } }, { a: branches(8_000, (at) => ({ at })) }],
    ['a text that a pattern can match in many ways', { properties: { a: { pattern: '^(\\w+\\s?)*$' } } }, { a: `${'a'.repeat(99_000)}!` }],
    ['a pattern with four stars', { properties: { a: { pattern: 'a*a*a*a*b' } } }, { a: 'a'.repeat(99_000) }],
    ['a pattern that is written out', of({ pattern: '^[a-z]{1,200}$' }), array(19_000, 'ab')],
    [
      '900 schemas for each of 9,000 objects',
      of({ allOf: branches(900, () => ({ properties: { b: { type: 'string' } } })) }),
      array(9_000, { b: 'x' }),
    ],
    ['50 constants for each of 33,000 items', of({ anyOf: branches(50, (at) => ({ const: at })) }), array(33_000, 99)],
    ['1,000 required names for each of 33,000 objects', of({ required: branches(1_000, () => 'b') }), array(33_000, {})],
    ['numbers with 600 digits', of({ multipleOf: 1e-300 }), array(14_000, 1e300)],
    [
      '10,000 names and 50 patterns',
      { patternProperties: Object.fromEntries(branches(50, (at) => [`^a${at}[x-z]*$`, true])) },
      Object.fromEntries(branches(9_000, (at) => [`k${at}`, 1])),
    ],
    ['doubling at each level', doubling(40, true), branches(95, () => null).reduce<unknown>((inner) => ({ a: inner }), 1)],
  ])('%s', async (_what, schema, event) => {
    const bytes = JSON.stringify(event).length;
    expect(bytes).toBeLessThanOrEqual(100_000);
    // Some 30 ms; without a bound these took from one second to years.
    const issues = await withinCpuTime(600, () => check(schema, event));
    expect(JSON.stringify(issues).length).toBeLessThan(5_000);
  });
});

function check(schema: Record<string, unknown>, event: unknown) {
  return checkAgainstSchema(schema, event, JSON.stringify(event).length);
}

/** A schema that applies itself twice with each step, so many times: to the same value, or to what is within. */
function doubling(times: number, within = false): Record<string, unknown> {
  const $defs: Record<string, unknown> = { x0: {} };
  for (let at = 1; at <= times; at++) {
    const next = { $ref: `#/$defs/x${at - 1}` };
    const part = within ? { properties: { a: next } } : next;
    $defs[`x${at}`] = { allOf: [part, part] };
  }
  return { $ref: `#/$defs/x${times}`, $defs };
}
