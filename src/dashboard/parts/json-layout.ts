import { flawOf } from '../../domain/text/json-text.ts';
import { t } from '../words/words.tsx';

/** Deepest nesting that is laid out. Indentation grows with it: 8,000 brackets would become 128 MB. */
const MAX_DEPTH = 100;

/**
 * JSON laid out for reading; what is no JSON, or nests deeply, stays as it is. Only white space changes: parsing and writing it anew
 * would round long numbers, and drop keys that are there twice.
 * @param most about how many characters are of use: the layout ends there, and not much later
 */
export function layOutJson(text: string, most = Number.POSITIVE_INFINITY): string {
  if (!isJson(text)) return text;
  let laidOut = '';
  let depth = 0;
  for (let at = 0; at < text.length && laidOut.length <= most; at++) {
    const char = text[at] as string;
    if (isSpace(char)) continue;
    if (char === '"') {
      const end = endOfString(text, at);
      laidOut += text.slice(at, end);
      at = end - 1;
    } else if (char === '[' || char === '{') {
      const next = afterSpace(text, at + 1);
      if (text[next] === ']' || text[next] === '}') {
        laidOut += char + text[next];
        at = next;
      } else if (++depth > MAX_DEPTH) {
        return text;
      } else laidOut += char + newLine(depth);
    } else if (char === ']' || char === '}') laidOut += newLine(--depth) + char;
    else if (char === ',') laidOut += char + newLine(depth);
    else laidOut += char === ':' ? ': ' : char;
  }
  return laidOut;
}

const newLine = (depth: number): string => `\n${'  '.repeat(depth)}`;
const isSpace = (char: string | undefined): boolean => char === ' ' || char === '\n' || char === '\r' || char === '\t';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Just behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function afterSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text[at])) at++;
  return at;
}

/** Where a text stops being JSON, in a sentence. @param text is none */
export function jsonFlawWords(text: string): string {
  const json = text.replace(/^\uFEFF/, '');
  const at = flawOf(json) ?? json.length;
  const before = json.slice(0, at);
  const place = { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
  return at === json.length ? t('json.cut', place) : t('json.flaw', place);
}
