import type { Child } from 'hono/jsx';
import { IntlMessageFormat } from 'intl-messageformat';
import de from './de.json' with { type: 'json' };
import en from './en.json' with { type: 'json' };
import { formatters } from './formats.ts';
import fr from './fr.json' with { type: 'json' };
import { currentLanguage, LANGUAGES, type Language } from './language.ts';
import type { Placeholders } from './placeholders.ts';

/*
 * The texts of the pages, by key and language: `t('alerts.title')`, `t('alerts.saved', { count: 2 })`. They stand in en.json, de.json and fr.json,
 * written as ICU messages (docs/translating.md). Which keys there are, and what each asks for, is checked by the compiler: the types are made
 * from en.json (commands/word-types.ts).
 */

export type Key = keyof Placeholders;

type TagOf<K extends Key> = { [P in keyof Placeholders[K]]: Placeholders[K][P] extends 'tag' ? P : never }[keyof Placeholders[K]];

/** A key whose text is no more than text. */
export type PlainKey = { [K in Key]: [TagOf<K>] extends [never] ? K : never }[Key];

/** A key whose text asks for nothing: it can be said wherever it is held. */
export type BareKey = { [K in Key]: keyof Placeholders[K] extends never ? K : never }[Key];

interface ValueTypes<Inner> {
  number: number;
  text: string | number | Inner;
  choice: string;
  tag: (inner: Child) => Inner;
}

type Values<K extends Key, Inner> = { [P in keyof Placeholders[K]]: ValueTypes<Inner>[Placeholders[K][P] & keyof ValueTypes<Inner>] };

type Arguments<K extends Key, Inner> = keyof Placeholders[K] extends never ? [] : [values: Values<K, Inner>];

const CATALOGUES: Readonly<Record<Language, Readonly<Record<string, string>>>> = { en, de, fr };

/** Parsed when they are first used. As many as there are texts. */
const parsed: Record<Language, Map<string, IntlMessageFormat>> = { en: new Map(), de: new Map(), fr: new Map() };

function messageOf(key: Key): IntlMessageFormat {
  const language = currentLanguage();
  const known = parsed[language].get(key);
  if (known) return known;
  const text = CATALOGUES[language][key];
  if (text === undefined) throw new RangeError(`${language}.json has no ${key}`);
  const message = new IntlMessageFormat(text, LANGUAGES[language].numbers, undefined, { formatters });
  parsed[language].set(key, message);
  return message;
}

/** The text of a key, in the language of the page. */
export function t<K extends PlainKey>(key: K, ...[values]: Arguments<K, never>): string {
  return String(messageOf(key).format(values));
}

/**
 * The same with elements in it: as the values of placeholders, or around a part that stands in a tag of the text:
 * `rich('link.once', { name: 'Acme', b: (inner) => <strong>{inner}</strong> })` for “For <b>{name}</b>”. Values are text, never markup.
 */
export function rich<K extends Key>(key: K, ...[values]: Arguments<K, Child>): Child {
  return messageOf(key).format<Child>(values);
}

/** For a tag that says what matters in a text: `b: bold`. */
export const bold = (inner: Child): Child => <strong>{inner}</strong>;
