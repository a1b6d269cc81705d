import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEvents } from '../../../src/domain/event/event.ts';
import { checkAgainstSchema, schemaProblem } from '../../../src/domain/event/event-schema.ts';
import { VISITOR_IDENTIFIED_EXAMPLE, VISITOR_IDENTIFIED_SCHEMA } from '../../../src/domain/event/visitor-identified.ts';

const isAccepted = (event: unknown) => readEvents(new TextEncoder().encode(JSON.stringify(event))).ok;
const misses = (event: unknown) => checkAgainstSchema(VISITOR_IDENTIFIED_SCHEMA, event, 100_000);

/** An event like the example, some of whose fields are something else, or are not there. */
const anyEvent = fc
  .record(
    {
      timestamp: fc.constantFrom('2026-11-23', '2026-11-23T14:05Z', 'yesterday', '', 5),
      organization_id: fc.oneof(fc.constant('org_acme'), fc.string(), fc.constant('o'.repeat(128))),
      session_id: fc.oneof(fc.string({ minLength: 1, maxLength: 256 }), fc.string(), fc.constant('🎯'.repeat(128)), fc.jsonValue()),
      visitor: fc.oneof(fc.dictionary(fc.constantFrom('email', 'first_name', 'own'), fc.jsonValue()), fc.jsonValue()),
      company: fc.oneof(fc.dictionary(fc.constantFrom('employee_count', 'name'), fc.jsonValue()), fc.jsonValue()),
      session: fc.oneof(fc.dictionary(fc.constantFrom('pages_visited', 'own'), fc.jsonValue()), fc.jsonValue()),
      something_else: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((change) => ({ ...VISITOR_IDENTIFIED_EXAMPLE, ...change }));

describe('the JSON Schema of visitor.identified', () => {
  test('is one that the catalogue takes, and that its own example matches', () => {
    expect(schemaProblem(VISITOR_IDENTIFIED_SCHEMA)).toBeNull();
    expect(misses(VISITOR_IDENTIFIED_EXAMPLE)).toEqual([]);
  });

  test('lets through whatever is accepted: ingest does not look at it', () => {
    const outcomes = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(anyEvent, (event) => {
        if (isAccepted(event)) outcomes.accepted += 1;
        else outcomes.refused += 1;
        if (isAccepted(event)) expect(misses(event)).toEqual([]);
      }),
      { numRuns: 300, seed: 17 },
    );
    expect(outcomes.accepted).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(20);
  });

  test.each([
    ['event', undefined],
    ['timestamp', undefined],
    ['organization_id', 'an id with spaces'],
    ['session_id', undefined],
    ['session_id', 7],
    ['visitor', undefined],
    ['visitor', null],
    ['visitor', []],
    ['company', 'Example Corp'],
    ['session', 4],
  ])('refuses what is refused: %s that is %j', (field, value) => {
    const event = JSON.parse(JSON.stringify({ ...VISITOR_IDENTIFIED_EXAMPLE, [field]: value }));
    expect(isAccepted(event)).toBe(false);
    expect(misses(event).map((issue) => issue.field)).toEqual([field]);
  });

  test('describes every field of the example, and no other, with a sample', () => {
    const example: Record<string, unknown> = VISITOR_IDENTIFIED_EXAMPLE;
    const { properties } = VISITOR_IDENTIFIED_SCHEMA as unknown as { properties: Record<string, Described> };
    expect(Object.keys(properties)).toEqual(Object.keys(example));
    for (const [name, property] of Object.entries(properties)) {
      expect(property.description).toMatch(/\.$/);
      if (!property.properties) expect(property.examples).toEqual([example[name]]);
      const inside = Object.entries(property.properties ?? {}).map(([key, { description, examples }]) => [key, !!description, examples]);
      if (property.properties) expect(inside).toEqual(Object.entries(example[name] as object).map(([key, value]) => [key, true, [value]]));
    }
  });
});

interface Described {
  description: string;
  examples?: unknown[];
  properties?: Record<string, Described>;
}
