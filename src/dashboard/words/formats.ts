import { currentLanguage, LANGUAGES } from './language.ts';

/*
 * Numbers, dates and lists in the language of the page. A formatter costs much more to make than to use: each is made once. What asks for one names
 * its options in the source, so that there are few.
 */
const made = new Map<string, unknown>();

function once<T>(kind: string, locale: string | string[] | undefined, options: unknown, make: () => T): T {
  const key = `${kind} ${locale} ${JSON.stringify(options)}`;
  const known = made.get(key);
  if (known !== undefined) return known as T;
  const formatter = make();
  made.set(key, formatter);
  return formatter;
}

export function numberFormat(options?: Intl.NumberFormatOptions): Intl.NumberFormat {
  return formatters.getNumberFormat(LANGUAGES[currentLanguage()].numbers, options);
}

/** “a, b and c”, or with `disjunction` “a, b or c”. */
export function list(items: readonly string[], type: 'conjunction' | 'disjunction' = 'conjunction'): string {
  const locale = LANGUAGES[currentLanguage()].dates;
  return once('list', locale, type, () => new Intl.ListFormat(locale, { type })).format(items);
}

/** As messages ask for them. */
export const formatters = {
  getNumberFormat: (locale?: string | string[], options?: Intl.NumberFormatOptions) =>
    once('number', locale, options, () => new Intl.NumberFormat(locale, options)),
  getDateTimeFormat: (locale?: Intl.LocalesArgument, options?: Intl.DateTimeFormatOptions) =>
    once('date', String(locale), options, () => new Intl.DateTimeFormat(locale, options)),
  getPluralRules: (locale?: Intl.LocalesArgument, options?: Intl.PluralRulesOptions) =>
    once('plural', String(locale), options, () => new Intl.PluralRules(locale, options)),
};
