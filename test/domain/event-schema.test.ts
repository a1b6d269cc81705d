import { describe, expect, test } from 'vitest';
import { checkAgainstSchema, schemaProblem } from '../../src/domain/event-schema.ts';

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
    [{ anyOf: [{ minLength: -1 }] }, 'anyOf.0.minLength'],
    [{ patternProperties: { '(': true } }, 'patternProperties.('],
    [{ properties: { a: { pattern: '[' } } }, 'properties.a.pattern'],
    [{ $ref: 'https://example.com/other' }, '$ref'],
    [{ properties: { a: { $ref: '#/$defs/none' } } }, ''],
    [{ $ref: '#' }, ''],
    [{ $id: 'http://[' }, ''],
  ])('%j is refused at "%s"', (schema, field) => {
    expect(schemaProblem(schema)).toMatchObject({ field });
  });

  test('names the fields of an event that do not match', () => {
    const schema = {
      properties: { visitor: { required: ['email'], properties: { 'a/b': { type: 'string' } } } },
      additionalProperties: false,
    };
    const issues = checkAgainstSchema(schema, { visitor: { 'a/b': 5 }, other: 1 });
    expect(issues.map(({ field }) => field).sort()).toEqual(['other', 'visitor.a/b', 'visitor.email']);
    expect(checkAgainstSchema(schema, { visitor: { email: 'x' } })).toEqual([]);
  });

  test('that runs in circles over an event refuses it, instead of breaking', () => {
    const schema = { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { $ref: '#/$defs/x' } } };
    expect(checkAgainstSchema(schema, { a: 1 })).toHaveLength(1);
  });
});
