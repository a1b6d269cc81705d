import { encodeTime } from 'ulid';
import { expect, it } from 'vitest';
import { RecentIds } from '../../../src/outbox/books/recent.ts';

const LOADED_AT = Date.UTC(2027, 0, 1);
const SKEW_MS = 5_000;
let serial = 0;
/** The id of a delivery whose event was accepted so long after the object was loaded. */
const idAt = (afterMs: number) => `dlv_${encodeTime(LOADED_AT + afterMs, 10)}${String(serial++).padStart(16, '0')}ABCDEF`;

it('what was accepted about when the object was loaded, or before, can have been stored before: nobody knows', () => {
  const recent = new RecentIds(LOADED_AT);
  for (const id of [idAt(-1), idAt(0), idAt(SKEW_MS)]) {
    expect(recent.has(id)).toBeUndefined();
    recent.add(id);
    expect(recent.has(id)).toBeUndefined();
  }
  expect(recent.has('dlv_ZDYGQYQZ773R3QAH6JB6MGGC227890AB'), 'an id that tells no time').toBeUndefined();
});

it('of what was accepted later it is known whether it is stored', () => {
  const recent = new RecentIds(LOADED_AT);
  const id = idAt(SKEW_MS + 1);
  expect(recent.has(id)).toBe(false);
  recent.add(id);
  expect(recent.has(id)).toBe(true);
});

it('of what is forgotten nobody knows, nor of what was accepted before it', () => {
  const recent = new RecentIds(LOADED_AT);
  const ids = Array.from({ length: 10_001 }, (_, index) => idAt(SKEW_MS + 1 + index));
  for (const id of ids) recent.add(id);
  expect(recent.has(ids[0]!)).toBeUndefined();
  expect(recent.has(idAt(SKEW_MS + 1))).toBeUndefined();
  expect(recent.has(ids[1]!)).toBe(true);
  expect(recent.has(idAt(SKEW_MS + 2))).toBe(false);
});
