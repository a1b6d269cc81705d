import { type Schema, Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GivenUp, PreparedSchema } from '../../../src/domain/json-schema/check.ts';

const fieldsOf = (schema: Record<string, unknown>, value: unknown) =>
  new PreparedSchema(schema).mismatches(value, 1_000_000).map(({ field }) => field);
const fits = (schema: Record<string, unknown>, value: unknown) => fieldsOf(schema, value).length === 0;

const NAMES = ['a', 'b', 'ab', '__proto__', 'toString', 'x/y~'] as const;
const name = fc.constantFrom(...NAMES);
const scalar = fc.constantFrom<unknown>(null, true, false, 0, -0, 1, 2, 1.5, 0.3, -3, 1e21, '', 'a', 'b', 'ab', '1', '😀');
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

const count = fc.nat(3);
const number = fc.constantFrom(-1, 0, 1, 1.5, 2);
const definition = fc.constantFrom('first', 'second');
/** Every keyword that both know alike. */
const schema = fc.letrec<{ schema: unknown; map: Record<string, unknown>; list: unknown[]; object: Record<string, unknown> }>((tie) => ({
  map: fc.array(fc.tuple(name, tie('schema')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  list: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }),
  schema: fc.oneof({ maxDepth: 3 }, fc.boolean(), tie('object'), tie('object')),
  object: fc
    .array(
      fc.oneof(
        fc.tuple(
          fc.constant('type'),
          fc.constantFrom('string', 'number', 'integer', 'object', 'array', 'null', ['string', 'array'], ['object', 'null', 'boolean']),
        ),
        fc.tuple(fc.constantFrom('enum'), fc.array(value, { maxLength: 4 })),
        fc.tuple(fc.constant('const'), value),
        fc.tuple(fc.constantFrom('minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'), count),
        fc.tuple(fc.constantFrom('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'), number),
        fc.tuple(fc.constant('multipleOf'), fc.constantFrom(1, 2, 0.1, 1.5, 1e-7)),
        fc.tuple(fc.constant('pattern'), fc.constantFrom('^a', 'b$', '^[ab]{1,2}$', '\\d', '^.$')),
        fc.tuple(fc.constant('required'), fc.array(name, { maxLength: 2 })),
        fc.tuple(fc.constantFrom('properties', 'dependentSchemas'), tie('map')),
        fc.tuple(
          fc.constant('patternProperties'),
          tie('map').map((map) => Object.fromEntries(Object.values(map).map((part, at) => [['^a', 'b', '^$'][at], part]))),
        ),
        fc.tuple(fc.constantFrom('allOf', 'anyOf', 'oneOf', 'prefixItems'), tie('list')),
        fc.tuple(
          fc.constantFrom(
            'not',
            'if',
            'then',
            'else',
            'items',
            'contains',
            'propertyNames',
            'additionalProperties',
            'unevaluatedProperties',
          ),
          tie('schema'),
        ),
        fc.tuple(fc.constant('uniqueItems'), fc.boolean()),
        fc.tuple(
          fc.constant('dependentRequired'),
          fc.array(fc.tuple(name, fc.array(name, { maxLength: 2 })), { maxLength: 2 }).map((entries) => Object.fromEntries(entries)),
        ),
        fc.tuple(
          fc.constant('$ref'),
          definition.map((to) => `#/$defs/${to}`),
        ),
      ),
      { maxLength: 4 },
    )
    .map((entries) => Object.fromEntries(entries)),
})).object;

/** What another implementation says. */
function othersVerdict(whole: Record<string, unknown>, given: unknown): boolean | null {
  try {
    return new Validator(structuredClone(whole) as Schema, '2020-12', false).validate(given).valid;
  } catch {
    return null;
  }
}

/** It tells items that are equal but for the place of their names apart, and it takes `__proto__` for no name: `properties` there are its own. */
function isReadAlike(whole: unknown): boolean {
  return !JSON.stringify(whole).includes('__proto__');
}

describe('a value', () => {
  it('fits a schema where another implementation says so', () => {
    let compared = 0;
    let fitting = 0;
    fc.assert(
      fc.property(schema, schema, schema, value, (root, first, second, given) => {
        // Definitions refer to none: circles are another matter.
        const withoutReference = ({ $ref: _, ...rest }: Record<string, unknown>) =>
          JSON.parse(JSON.stringify(rest).replaceAll('"$ref"', '"$comment"'));
        const whole = { ...root, $defs: { first: withoutReference(first), second: withoutReference(second) } };
        fc.pre(isReadAlike(whole) && isReadAlike(given));
        const expected = othersVerdict(whole, given);
        if (expected === null) return;
        compared++;
        if (expected) fitting++;
        expect(fits(whole, given)).toBe(expected);
      }),
      { numRuns: 10_000 },
    );
    expect(compared).toBeGreaterThan(4_000);
    expect(fitting).toBeGreaterThan(500);
  });

  it('is told where it does not fit, in words of its place', () => {
    const deal = { required: ['amount'], properties: { amount: { type: 'integer', minimum: 1 }, state: { enum: ['won', 'lost'] } } };
    const mismatches = new PreparedSchema({ properties: { deals: { items: deal, maxItems: 3 } }, additionalProperties: false }).mismatches(
      { deals: [{ amount: 0.5 }, {}, { amount: 5, state: 'open' }], other: 1 },
      100_000,
    );
    expect(mismatches).toEqual([
      { field: 'deals[0].amount', message: '`deals[0].amount` is a number, not a whole number' },
      { field: 'deals[0].amount', message: '`deals[0].amount` is less than 1' },
      { field: 'deals[1].amount', message: '`deals[1].amount` is missing' },
      { field: 'deals[2].state', message: '`deals[2].state` is not one of the values that it can have' },
      { field: 'other', message: '`other` must not be there' },
    ]);
  });

  it.each<[Record<string, unknown>, unknown, boolean]>([
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      false,
    ],
    [{ uniqueItems: true }, [1, '1', true, null, 'null', [1], ['1']], true],
    [{ enum: [{ a: [1] }] }, { a: [1] }, true],
    [{ properties: { __proto__: { type: 'string' } } }, {}, true],
    [JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), JSON.parse('{"__proto__":1}'), false],
    [{ required: ['toString'] }, {}, false],
    [{ maxLength: 1 }, '😀', true],
    [{ unevaluatedItems: false, prefixItems: [true], contains: { const: 2 } }, [1, 2], true],
    [{ unevaluatedItems: false, prefixItems: [true] }, [1, 2], false],
    [{ unevaluatedProperties: false, anyOf: [{ properties: { a: true } }, { properties: { b: true } }] }, { a: 1, b: 1 }, true],
    [{ $ref: '#name', $defs: { x: { $anchor: 'name', type: 'string' } } }, 1, false],
    [{ $ref: '#/$defs/a~1b%20c', $defs: { 'a/b c': { type: 'string' } } }, 1, false],
    [{ format: 'date-time' }, '2026-02-31T00:00:00Z', false],
    [{ format: 'date-time' }, '2026-11-23T14:05:09.1+01:00', true],
    [{ format: 'email' }, 'jane.doe@example.com', true],
    [{ format: 'email' }, 'jane@doe@example.com', false],
    [{ format: 'uuid' }, '2eb8aa08-aa98-11ea-b4aa-73b441d16380', true],
    [{ format: 'uri' }, 'https://example.com/a%20b?x#y', true],
    [{ format: 'uri' }, '/a', false],
    [{ format: 'ipv6' }, '::ffff:1.2.3.4', true],
    [{ format: 'ipv4' }, '127.0.0.01', false],
    [{ format: 'unheard-of' }, 'x', true],
  ])('%j with %j: %s', (of, given, expected) => {
    expect(fits(of, given)).toBe(expected);
  });

  it('that is as large as an event may be is not compared with all others, nor told all that is wrong', () => {
    const many = Array.from({ length: 49_000 }, () => 1);
    const mismatches = new PreparedSchema({ items: { enum: Array.from({ length: 1_000 }, (_, at) => `name ${at}`) } }).mismatches(
      many,
      2_000_000,
    );
    expect(mismatches).toHaveLength(20);
    expect(JSON.stringify(mismatches).length).toBeLessThan(3_000);
    const unlike = Array.from({ length: 8_000 }, (_, at) => ({ at }));
    expect(fits({ uniqueItems: true }, unlike)).toBe(true);
  });

  it('with long names is told a part of them', () => {
    const mismatches = new PreparedSchema({ additionalProperties: false }).mismatches({ ['x'.repeat(50_000)]: 1 }, 1_000_000);
    expect(JSON.stringify(mismatches).length).toBeLessThan(500);
  });
});

describe('the work of a check', () => {
  const doubling = (times: number) => {
    const $defs: Record<string, unknown> = { x0: { properties: { a: true } } };
    for (let at = 1; at <= times; at++) {
      const next = { properties: { a: { $ref: `#/$defs/x${at - 1}` } } };
      $defs[`x${at}`] = { allOf: [next, next] };
    }
    return { $ref: `#/$defs/x${times}`, $defs };
  };
  const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

  it('is given up where it would be too much', () => {
    expect(() => new PreparedSchema(doubling(40)).mismatches(nested(60), 2_000_000)).toThrow(GivenUp);
    expect(fits(doubling(6), nested(60))).toBe(true);
  });

  it('ends with a schema that leads back to itself', () => {
    const endless = { $ref: '#/$defs/x', $defs: { x: { anyOf: [{ $ref: '#/$defs/x' }] } } };
    expect(() => new PreparedSchema(endless).mismatches(1, 2_000_000)).toThrow('refers to itself in a circle');
  });

  it('never goes beyond what it may, whatever schema and value: it ends with an answer or with giving up', () => {
    fc.assert(
      fc.property(schema, schema, schema, value, fc.nat(5_000), (root, first, second, given, steps) => {
        const prepared = new PreparedSchema({ ...root, $defs: { first, second } });
        try {
          expect(prepared.mismatches(given, steps).length).toBeLessThanOrEqual(20);
        } catch (error) {
          expect(error).toBeInstanceOf(GivenUp);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
