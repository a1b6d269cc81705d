import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The languages of the pages, the one that others fall back to first. `numbers` and `dates` are the locales that write them: English numbers
 * are American, and English dates have the day first, which nobody takes for the month. Nouns keep their capital letter within a sentence where
 * `hasCapitalNouns` says so.
 */
export const LANGUAGES = {
  en: { name: 'English', numbers: 'en-US', dates: 'en-GB', hasCapitalNouns: false },
  de: { name: 'Deutsch', numbers: 'de-DE', dates: 'de-DE', hasCapitalNouns: true },
  fr: { name: 'Français', numbers: 'fr-FR', dates: 'fr-FR', hasCapitalNouns: false },
} as const;

export type Language = keyof typeof LANGUAGES;

export const LANGUAGE_CODES = Object.keys(LANGUAGES) as Language[];

const FALLBACK: Language = 'en';

/*
 * The language goes along with the request, and not as an argument: texts are made in handlers, in components and in the functions that both
 * call. The runtime keeps the requests of an isolate apart, also across `await`. What runs outside of a request for a page speaks English.
 */
const storage = new AsyncLocalStorage<Language>();

/** Does some work, and all that it leads to, in a language. */
export function inLanguage<T>(language: Language, work: () => T): T {
  return storage.run(language, work);
}

/** The language of the page that is being made. */
export function currentLanguage(): Language {
  return storage.getStore() ?? FALLBACK;
}

/** The language that a tag such as `de-AT` means; undefined: it is none of ours. */
export function languageOfTag(tag: string): Language | undefined {
  const [code] = tag.toLowerCase().split('-');
  return LANGUAGE_CODES.find((language) => language === code);
}
