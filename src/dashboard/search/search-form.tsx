import { paths } from '../frame/paths.ts';
import { t } from '../words/words.tsx';

/** Longest that the API takes. */
export const MAX_LENGTH = 200;

/** Looks for deliveries across all webhooks. @param q what was looked for */
export function SearchForm({ q }: { q?: string }) {
  const what = t('search.what');
  return (
    <form class="search" method="get" action={paths.search} aria-label={t('search.heading')}>
      <label class="visually-hidden" for="search">
        {what}
      </label>
      <input id="search" name="q" type="search" value={q} maxlength={MAX_LENGTH} placeholder={what} spellcheck={false} required />
      <button type="submit">{t('search.submit')}</button>
    </form>
  );
}
