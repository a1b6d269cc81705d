import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HELD, heldForm, holdForm } from '../../../src/dashboard/parts/held-form.ts';
import { anyText } from '../../support/fuzz.ts';

/** What does not travel. */
const LEFT_OUT = ['secret', 'token', 'authPassword', 'headerValue', 'value', 'emails'];

const fields = fc.array(fc.tuple(fc.oneof(fc.constantFrom('url', 'events', 'secretChoice', ...LEFT_OUT), anyText), anyText), {
  maxLength: 12,
});

/** A form as it comes back after it has been posted to the sign-in page, and on from there. */
const travelled = (form: URLSearchParams): URLSearchParams => {
  const posted = new URLSearchParams(new URLSearchParams({ key: 'bsk_live_x', next: '/x', [HELD]: holdForm(form) }).toString());
  return heldForm(posted) ?? new URLSearchParams();
};

it('a form comes back as it was, but for its secrets and people, however often it travels', () => {
  fc.assert(
    fc.property(fields, (given) => {
      const wellFormed = given.map(([name, value]) => [name.toWellFormed(), value.toWellFormed()] as [string, string]);
      const form = new URLSearchParams(wellFormed.filter(([name]) => name !== HELD));
      const kept = [...form].filter(([name]) => !LEFT_OUT.includes(name) && name !== 'key');
      const once = travelled(form);
      expect([...once]).toEqual(kept);
      const again = travelled(new URLSearchParams({ [HELD]: once.toString() }));
      expect([...again]).toEqual(kept);
    }),
  );
});

it('a form that has not travelled holds none', () => {
  expect(heldForm(new URLSearchParams({ url: 'x' }))).toBeNull();
});
