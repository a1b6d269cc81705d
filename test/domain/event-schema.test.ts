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
    [{ anyOf: [{ minLength: -1 }] }, 'anyOf.0.minLength'],
    [{ patternProperties: { '(': true } }, 'patternProperties.('],
    [{ properties: { a: { pattern: '[' } } }, 'properties.a.pattern'],
    [{ $ref: 'https://example.com/other' }, '$ref'],
    [{ properties: { a: { $ref: '#/$defs/none' } } }, ''],
    [{ $ref: '#' }, ''],
    [{ $id: 'http://[' }, ''],
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

  test.each<Record<string, unknown>>([
    { $ref: '#' },
    { allOf: [{ $ref: '#' }] },
    { $id: 'http://[' },
    { $defs: { a: { $id: 'https://a.example' }, b: { $id: 'https://a.example' } } },
  ])('%j is refused in our words; those of the validator are for the log', (schema) => {
    const problem = schemaProblem(schema);
    expect(problem?.message).toMatch(/^the schema (refers to itself in a circle|has an `\$id` or a `\$ref` that cannot be used)$/);
    expect(problem?.cause).toBeInstanceOf(Error);
  });

  test('of an event that cannot be checked the cause is for the log, too', () => {
    const schema = { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { $ref: '#/$defs/x' } } };
    const [issue] = checkAgainstSchema(schema, { a: 1 });
    expect(issue?.message).not.toMatch(/stack/i);
    expect(issue?.cause).toBeInstanceOf(RangeError);
  });
});
