import { type Operator, type Scalar, VALUE_KINDS } from '../../domain/rules/condition.ts';

/*
 * The value of a condition, as it is typed. `200` is a number, `yes` and `true` say so of a field that is one or the other, anything else is text,
 * and so is everything of a field that is known to be text. Quotes make text of anything, and keep what they hold: `"200"`, `" inc"`. A list has commas or line ends
 * between its values.
 */

/** What a field holds, as far as that is known. */
export type Kind = 'text' | 'number' | 'boolean';

/** As JSON writes numbers. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i;
/** With commas, as people write 1,000. */
const GROUPED = /^-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/;
/** In each language of the pages, whichever is read: what is typed means the same to everybody. */
const YES = /^(yes|ja|oui)$/i;
const YES_OR_NO = /^(yes|ja|oui|no|nein|non)$/i;
const QUOTED = /^"(?:[^"]|"")*"$/;

/**
 * The value that a text means. What is no number where there must be one stays a text, and what is missing is null: the API refuses both.
 * @param kind of the field; null: not known
 */
export function meaningOf(text: string, operator: Operator, kind: Kind | null): unknown {
  const typed = text.replaceAll('\r\n', '\n').trim();
  const kindOfValue = VALUE_KINDS[operator];
  if (kindOfValue === 'none') return undefined;
  if (kindOfValue === 'list') return itemsOf(typed).map((item) => scalarOf(item, kind));
  if (typed === '') return null;
  if (kindOfValue === 'number') return numberOf(typed) ?? typed;
  return kindOfValue === 'text' ? unquoted(typed) : scalarOf(typed, kind);
}

/** The text that means a value. */
export function textOfValue(value: Scalar | readonly Scalar[] | undefined, operator: Operator, kind: Kind | null): string {
  if (value === undefined) return '';
  if (typeof value === 'object') return value.map((item) => written(item, kind, true)).join(', ');
  return written(value, VALUE_KINDS[operator] === 'text' ? 'text' : kind, false);
}

function scalarOf(text: string, kind: Kind | null): Scalar {
  if (QUOTED.test(text)) return unquoted(text);
  if (kind === 'text') return text;
  if (kind === 'boolean' && YES_OR_NO.test(text)) return YES.test(text);
  if (/^(true|false)$/i.test(text)) return /^true$/i.test(text);
  return numberOf(text) ?? text;
}

function numberOf(text: string): number | null {
  if (NUMBER.test(text)) return Number(text);
  return GROUPED.test(text) ? Number(text.replaceAll(',', '')) : null;
}

function unquoted(text: string): string {
  return QUOTED.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}

function written(value: Scalar, kind: Kind | null, inList: boolean): string {
  if (typeof value !== 'string') return String(value);
  const isPlain = value !== '' && value.trim() === value && !(inList && /[,\n]|^"/.test(value));
  return isPlain && scalarOf(value, kind) === value ? value : `"${value.replaceAll('"', '""')}"`;
}

/** Between commas and line ends, but for those within the quotes that a value begins with. */
function itemsOf(text: string): string[] {
  const items: string[] = [];
  let start = 0;
  /** Whether the value begins with a quote; null: only white space of it so far. */
  let isQuoted: boolean | null = null;
  let inQuotes = false;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === undefined || (!inQuotes && (char === ',' || char === '\n'))) {
      items.push(text.slice(start, at).trim());
      start = at + 1;
      isQuoted = null;
      inQuotes = false;
    } else if (isQuoted === null && char.trim() !== '') {
      isQuoted = char === '"';
      inQuotes = isQuoted;
    } else if (isQuoted && char === '"') inQuotes = !inQuotes;
  }
  return items.filter((item) => item !== '');
}
