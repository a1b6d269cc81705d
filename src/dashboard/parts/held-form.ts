import type { Flash } from '../frame/flash.ts';
import { t } from '../words/words.tsx';

/*
 * A form that was sent after its session had ended is not lost. It travels along to the sign-in page, as one field of that page's own
 * form, and back to its address once somebody has signed in, where it stands again as it was filled in. So does one whose session had asked
 * too often, or could not be looked at: by way of the error page. Nothing of it is stored.
 */

/** The field that it travels in. */
export const HELD = 'held';

/**
 * What does not travel, since it would stand in a page that anybody at this browser can look at: secrets, the person to erase (`value`), and the
 * addresses of colleagues (`emails`).
 */
const LEFT_OUT: readonly string[] = ['secret', 'key', 'token', 'authPassword', 'headerValue', 'value', 'emails'];

/** What is said above a form that stands again. */
export const RESTORED: Flash = {
  kind: 'done',
  get message() {
    return t('errors.restored');
  },
};

/** A form as it travels: also one that has travelled before, to a sign-in page that nobody signed in on. */
export function holdForm(form: URLSearchParams): string {
  const travelling = new URLSearchParams(form.get(HELD) ?? form);
  for (const name of LEFT_OUT) travelling.delete(name);
  return travelling.toString();
}

/** The form that has travelled in this one; null where none has. */
export function heldForm(form: URLSearchParams): URLSearchParams | null {
  const held = form.get(HELD);
  return held === null ? null : new URLSearchParams(held);
}
