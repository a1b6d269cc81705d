import { expect, it } from 'vitest';
import { kindsOf, offeredFields, readFields, seenFields, writeFields } from '../../../src/dashboard/choices/offered-fields.ts';
import { BUILT_IN_EVENT_TYPES } from '../../../src/domain/event/event-type.ts';

const ORDER = {
  ...{
    name: 'order.paid',
    description: '',
    builtIn: false,
    example: { event: 'order.paid', order: { total: 12.5, lines: [{ sku: 'a' }] } },
  },
  schema: {
    properties: { order: { properties: { is_gift: { type: 'boolean' }, note: { type: ['string', 'null'] }, inner: { type: 'object' } } } },
  },
};
const TYPES = [...BUILT_IN_EVENT_TYPES, ORDER];

it('the fields of the examples and schemas of what a webhook subscribes to are offered, but for those that nobody asks for', () => {
  const visitors = offeredFields(TYPES, ['visitor.identified', 'webhook.failing'], new Map());
  expect(visitors.get('company.employee_count')).toBe('number');
  expect(visitors.get('visitor.email')).toBe('text');
  for (const path of ['timestamp', 'organization_id', 'event', 'webhook.id', 'order.total']) expect(visitors.has(path)).toBe(false);
  const all = offeredFields(TYPES, ['*'], new Map());
  expect(Object.fromEntries(all)).toMatchObject({
    event: 'text',
    'order.total': 'number',
    'order.lines.sku': 'text',
    'order.is_gift': 'boolean',
  });
  expect(all.get('order.note')).toBeNull();
  expect(all.has('order.inner')).toBe(false);
});

it('what really came is offered, too; of a field that holds now this, now that, the kind is not known', () => {
  const seen = seenFields([
    { company: { employee_count: '200', lead_score: 7 }, tags: ['a', 'b'], gone: null },
    { company: { lead_score: 9 }, tags: [1] },
  ]);
  expect(Object.fromEntries(seen)).toEqual({ 'company.employee_count': 'text', 'company.lead_score': 'number', tags: null });
  const kinds = kindsOf(offeredFields(TYPES, ['visitor.identified'], seen));
  expect([kinds.get('company.lead_score'), kinds.get('company.employee_count'), kinds.get('visitor.email')]).toEqual([
    'number',
    undefined,
    'text',
  ]);
});

it('a form carries them along; what it brings back is judged like anything that comes from outside', () => {
  const seen = seenFields([{ a: { b: 'x', c: true }, d: [1, 'x'] }]);
  expect(readFields(writeFields(seen))).toEqual(seen);
  expect(readFields('')).toEqual(new Map());
  expect(readFields('a.b:script <b>:text ../x:text x..y:text ok:number'.replaceAll('"', ''))).toEqual(
    new Map([
      ['a.b', null],
      ['ok', 'number'],
    ]),
  );
  expect(readFields(Array.from({ length: 500 }, (_, at) => `f${at}:text`).join(' ')).size).toBe(40);
});

it('however many fields and values there are, and whatever they are called, so many are offered', () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`k${at}`, { [`"'<&${at}`]: 1, ['n'.repeat(300)]: 1, ok: at }]));
  let deep: Record<string, unknown> = { end: 1 };
  for (let level = 0; level < 90; level++) deep = { d: deep };
  const seen = seenFields([{ ...many, deep, list: Array.from({ length: 20_000 }, () => ({ x: 1 })) }]);
  expect(seen.size).toBe(40);
  expect([...seen.keys()].every((path) => /^k\d+\.ok$/.test(path))).toBe(true);
  const offered = offeredFields([{ name: 'big.one', example: many, schema: null }], ['*'], seenFields([{ came: many }]));
  expect(offered.size).toBe(60);
  expect([...offered.keys()].filter((path) => path.startsWith('came.'))).toHaveLength(20);
});
