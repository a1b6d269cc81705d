import { describe, expect, it } from 'vitest';
import { placeholdersIn, wordTypes } from '../../../src/commands/word-types.ts';
import de from '../../../src/dashboard/words/de.json' with { type: 'json' };
import en from '../../../src/dashboard/words/en.json' with { type: 'json' };
import fr from '../../../src/dashboard/words/fr.json' with { type: 'json' };
import { inLanguage, LANGUAGE_CODES } from '../../../src/dashboard/words/language.ts';
import { type PlainKey, t } from '../../../src/dashboard/words/words.tsx';

const CATALOGUES: Record<string, Record<string, string>> = { en, de, fr };

const texts = Object.entries(CATALOGUES).flatMap(([language, catalogue]) =>
  Object.entries(catalogue).map(([key, text]) => ({ language, key, text })),
);

it('there is a catalogue for each language, and none beside them', () => {
  expect(Object.keys(CATALOGUES).toSorted()).toEqual(LANGUAGE_CODES.toSorted());
});

describe.each(['de', 'fr'])('the catalogue %s', (language) => {
  it('has the keys of the English one, in its order', () => {
    expect(Object.keys(CATALOGUES[language] ?? {})).toEqual(Object.keys(en));
  });

  it('asks for the same placeholders and tags', () => {
    const asked = (text: string | undefined) => [...placeholdersIn(text ?? '')].map(([name, kind]) => `${name}: ${kind}`).toSorted();
    const other = Object.entries(en).filter(([key, text]) => {
      // A number that is counted in one language can stand as it is in another.
      const [mine, theirs] = [asked(CATALOGUES[language]?.[key]), asked(text)];
      return mine.join() !== theirs.join();
    });
    expect(other.map(([key]) => key)).toEqual([]);
  });

  it('says another thing than the English one, but where the words are the same', () => {
    const same = Object.entries(en).filter(([key, text]) => /\p{L}{3,} \p{L}{3,}/u.test(text) && CATALOGUES[language]?.[key] === text);
    expect(same).toEqual([]);
  });
});

describe('a text', () => {
  it.each([
    ['is not empty', (text: string) => text.trim() !== ''],
    ['has no space at its ends, and none that is doubled', (text: string) => text === text.trim() && !text.includes('  ')],
    // In a message it begins a quotation: what follows would not be filled in.
    ['has no straight apostrophe', (text: string) => !text.includes("'")],
    ['has no three dots in the place of an ellipsis', (text: string) => !text.includes('...')],
  ])('%s', (_what, isRight) => {
    expect(texts.filter(({ text }) => !isRight(text))).toEqual([]);
  });

  it('has the plurals that its language knows', () => {
    const wanting = texts.filter(({ text }) => text.includes(', plural,') && !text.includes(' other {'));
    expect(wanting).toEqual([]);
  });

  it('in French has no line end before : ; ? ! »', () => {
    expect(Object.entries(fr).filter(([, text]) => / [:;?!»]/.test(text))).toEqual([]);
  });
});

it('every text that asks for nothing can be said in every language', () => {
  const plain = Object.entries(en).filter(([, text]) => placeholdersIn(text).size === 0);
  for (const language of LANGUAGE_CODES) {
    inLanguage(language, () => {
      for (const [key] of plain) expect(t(key as PlainKey)).toBe(CATALOGUES[language]?.[key]);
    });
  }
});

describe('the types of the texts', () => {
  it('say what each asks for', () => {
    const text =
      '<b>{name}</b> has {count, plural, one {# delivery} other {# deliveries of {name}}}{kind, select, a { or <i>so</i>} other {}}';
    expect(wordTypes({ 'a.b': text, 'a.c': 'None' })).toContain(
      "  'a.b': { b: 'tag'; name: 'text'; count: 'number'; kind: 'choice'; i: 'tag' };\n  'a.c': {  };\n",
    );
  });

  it.each(['{a, date}', '{a}<a>b</a>', '{a, select, x {{a, plural, other {}}} other {}}', '{a'])('%s is refused', (text) => {
    expect(() => placeholdersIn(text)).toThrow(SyntaxError);
  });
});
