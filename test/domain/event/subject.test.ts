import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_SUBJECT_LENGTH, subjectOf } from '../../../src/domain/event/subject.ts';

const identified = (visitor: unknown, company?: unknown) => subjectOf('visitor.identified', { visitor, company });

it.each([
  [
    'name and company',
    { first_name: 'Jane', last_name: 'Doe', email: 'jane@x.example' },
    { name: 'Example Corp' },
    'Jane Doe, Example Corp',
  ],
  ['one of two names', { last_name: 'Doe' }, null, 'Doe'],
  [
    'the e-mail where there is no name',
    { first_name: ' ', email: 'jane@x.example' },
    { name: 'Example Corp' },
    'jane@x.example, Example Corp',
  ],
  ['the company alone', {}, { name: 'Example Corp' }, 'Example Corp'],
  ['one line, whatever is in it', { first_name: 'Jane\n\t\u0007', last_name: '  Doe\u2028' }, undefined, 'Jane Doe'],
  ['nobody', { first_name: 5, email: ['a'] }, { name: null }, null],
  ['nobody where there is no visitor', null, 'Example Corp', null],
])('%s', (_what, visitor, company, expected) => {
  expect(identified(visitor, company)).toBe(expected);
});

it('of other types nobody is named', () => {
  expect(subjectOf('deal.won', { visitor: { email: 'jane@x.example' }, company: { name: 'Example Corp' } })).toBeNull();
});

it('is short, well formed and one line, whatever a producer sends', () => {
  const text = fc.string({ unit: 'binary', maxLength: 2_000 });
  fc.assert(
    fc.property(text, text, text, (first_name, email, name) => {
      const subject = identified({ first_name, email }, { name });
      if (subject === null) return;
      expect([...subject].length).toBeLessThanOrEqual(MAX_SUBJECT_LENGTH);
      expect(subject.isWellFormed()).toBe(true);
      expect(subject).toBe(subject.trim());
      expect(subject).not.toMatch(/[\r\n\p{Cc}]/u);
    }),
  );
  expect([...(identified({ first_name: '😀'.repeat(500) }) ?? '')]).toHaveLength(MAX_SUBJECT_LENGTH);
  expect(identified({ first_name: 'x'.repeat(100_000) })).toHaveLength(MAX_SUBJECT_LENGTH);
});
