import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MessageFormatElement, parse, TYPE } from '@formatjs/icu-messageformat-parser';
import { placeFile } from './placed-file.ts';
import { PROJECT_ROOT } from './wrangler.ts';

/*
 * What each text of the pages asks for, as types, from en.json: `npm ci` and `npm run check` write them. They are not kept in the repository:
 * nothing runs them.
 */
const WORDS = join(PROJECT_ROOT, 'src/dashboard/words');

/** What a placeholder takes: see ValueTypes in words.tsx. */
export type PlaceholderKind = 'text' | 'number' | 'choice' | 'tag';

/** The placeholders and tags of a message, by name. Throws a SyntaxError where it cannot be read, or where one name stands for two kinds of things. */
export function placeholdersIn(message: string): Map<string, PlaceholderKind> {
  const found = new Map<string, PlaceholderKind>();
  const add = (name: string, kind: PlaceholderKind) => {
    const known = found.get(name);
    // A number that is also written as it is.
    const isNumber = kind === 'number' || known === 'number';
    if (known !== undefined && known !== kind && !(isNumber && (kind === 'text' || known === 'text'))) {
      throw new SyntaxError(`{${name}} is ${known} and ${kind}: ${message}`);
    }
    found.set(name, isNumber ? 'number' : kind);
  };
  const go = (elements: readonly MessageFormatElement[]) => {
    for (const element of elements) {
      if (element.type === TYPE.argument) add(element.value, 'text');
      else if (element.type === TYPE.number || element.type === TYPE.plural) add(element.value, 'number');
      else if (element.type === TYPE.select) add(element.value, 'choice');
      else if (element.type === TYPE.tag) add(element.value, 'tag');
      else if (element.type !== TYPE.literal && element.type !== TYPE.pound) throw new SyntaxError(`dates are given as texts: ${message}`);
      if (element.type === TYPE.tag) go(element.children);
      if (element.type === TYPE.plural || element.type === TYPE.select) for (const { value } of Object.values(element.options)) go(value);
    }
  };
  go(parse(message));
  return found;
}

/** The source of placeholders.ts. */
export function wordTypes(catalogue: Readonly<Record<string, string>>): string {
  const lines = Object.entries(catalogue).map(([key, message]) => {
    const fields = [...placeholdersIn(message)].map(([name, kind]) => `${name}: '${kind}'`);
    return `  '${key}': { ${fields.join('; ')} };`;
  });
  return [
    '/** Made from en.json by `npm run check` (commands/word-types.ts). */',
    'export interface Placeholders {',
    ...lines,
    '}',
    '',
  ].join('\n');
}

export function writeWordTypes(): void {
  placeFile(join(WORDS, 'placeholders.ts'), wordTypes(JSON.parse(readFileSync(join(WORDS, 'en.json'), 'utf8'))));
}

if (import.meta.main) writeWordTypes();
