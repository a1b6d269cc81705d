import { setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import { parseAccept } from 'hono/utils/accept';
import { pageOfButton } from '../frame/paths.ts';
import type { DashboardEnv, PageContext } from '../frame/visit.ts';
import { cookieOptions, readCookie } from '../session/session.ts';
import { currentLanguage, inLanguage, LANGUAGE_CODES, LANGUAGES, type Language, languageOfTag } from './language.ts';
import { t } from './words.tsx';

const LANGUAGE_COOKIE = 'bullseye_language';
const COOKIE_SECONDS = 365 * 86_400;

/** Names a language in a page's address: its reader has chosen it, or the site that led them here has. */
const PARAMETER = 'lang';

/**
 * Makes a page in its reader's language: the one they have chosen, else the first of their browser's that is one of ours, else English. An
 * address with `?lang=` is a choice: it is kept in a cookie, and leads on to the address without it, so that a link that is passed on
 * is read in the language of whoever opens it.
 */
export const speakLanguage = createMiddleware<DashboardEnv>(async (c, next) => {
  const asked = languageOfTag(c.req.query(PARAMETER) ?? '');
  if (asked !== undefined && c.req.method === 'GET') {
    setCookie(c, LANGUAGE_COOKIE, asked, { ...cookieOptions(c), maxAge: COOKIE_SECONDS });
    return c.redirect(addressOf(c, null), 303);
  }
  await inLanguage(languageOf(c), next);
  if (!c.res.headers.get('Content-Type')?.startsWith('text/html')) return;
  c.res.headers.append('Vary', 'Accept-Language, Cookie');
});

function languageOf(c: PageContext): Language {
  const chosen = languageOfTag(readCookie(c, LANGUAGE_COOKIE) ?? '');
  if (chosen !== undefined) return chosen;
  const wanted = parseAccept(c.req.header('Accept-Language') ?? '').filter(({ q }) => q > 0);
  return wanted.map(({ type }) => languageOfTag(type)).find((language) => language !== undefined) ?? 'en';
}

/** The page's own address with a language, or without one. The answer to a form is at the address of a button, perhaps: its page is meant. */
function addressOf(c: PageContext, language: Language | null): string {
  const url = new URL(c.req.url);
  if (language === null) url.searchParams.delete(PARAMETER);
  else url.searchParams.set(PARAMETER, language);
  return (c.req.method === 'POST' ? pageOfButton(url.pathname) : url.pathname) + url.search;
}

/** The languages that a page can be read in, each by its own name. */
export function LanguageChoice({ c }: { c: PageContext }) {
  const current = currentLanguage();
  return (
    <nav class="languages" aria-label={t('layout.language')}>
      <ul>
        {LANGUAGE_CODES.map((language) => (
          <li>
            <a href={addressOf(c, language)} lang={language} hreflang={language} aria-current={language === current ? 'true' : undefined}>
              {LANGUAGES[language].name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
