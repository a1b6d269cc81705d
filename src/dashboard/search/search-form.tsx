import { paths } from '../paths.ts';

/** What can be typed. */
export const SEARCHED_FOR = 'E-mail, name, company, domain, session or id';

/** Longest that the API takes. */
export const MAX_LENGTH = 200;

/** Looks for deliveries across all webhooks. @param q what was looked for */
export function SearchForm({ q }: { q?: string }) {
  return (
    <form class="search" method="get" action={paths.search} aria-label="Search all webhooks">
      <label class="visually-hidden" for="search">
        {SEARCHED_FOR}
      </label>
      <input id="search" name="q" type="search" value={q} maxlength={MAX_LENGTH} placeholder={SEARCHED_FOR} spellcheck={false} required />
      <button type="submit">Search</button>
    </form>
  );
}
