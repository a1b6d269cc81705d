import { type Filter, type FilterScope, filters as liquidFilters, toValue } from 'liquidjs/dist/liquid.browser.mjs';
import { contextOf, numberOf } from './context.ts';
import { textOf } from './text.ts';
import { OPERATION, STEP, TemplateError, type Work } from './work.ts';

/** Filters that look at their input without going through it. */
const OF_ONE_VALUE = ['default', 'first', 'last', 'size'];
const OF_NUMBERS = ['abs', 'at_least', 'at_most', 'ceil', 'divided_by', 'floor', 'minus', 'modulo', 'plus', 'round', 'times'];
const OF_TEXT = [
  ...['append', 'base64_decode', 'base64_encode', 'capitalize', 'date', 'downcase', 'escape', 'escape_once', 'lstrip', 'newline_to_br'],
  ...['prepend', 'remove', 'remove_first', 'remove_last', 'replace', 'replace_first', 'replace_last', 'rstrip', 'slice', 'split', 'strip'],
  ...['strip_html', 'strip_newlines', 'truncate', 'truncatewords', 'upcase', 'url_decode', 'url_encode'],
];
const OF_LISTS = ['compact', 'concat', 'join', 'reverse', 'uniq'];
/** Filters that look for a text in another. */
const SEARCHING = ['remove', 'remove_first', 'remove_last', 'replace', 'replace_first', 'replace_last', 'split'];
/** Filters that take each character apart. */
const DEAR = ['base64_decode', 'base64_encode'];
const SORTING = ['sort', 'sort_natural'];
/** Filters that take places or lengths, and how many of them. liquidjs counts up to those, and makes a number of a text in each step. */
const OF_PLACES: Readonly<Record<string, number>> = { slice: 2, truncate: 1, truncatewords: 1 };
/** Filters whose first argument names a property of each element. */
const OF_PROPERTIES = [...SORTING, 'find', 'find_index', 'has', 'map', 'reject', 'sum', 'where'];

/** A path of keys. liquidjs would take brackets, too, and parse what is in them each time. */
const PROPERTY = /^[^[]{1,100}$/;
/** What dates are formatted by that takes a language: each costs a formatter of its own. */
const WORDS_OF_DATES = /%[^a-zA-Z%]*[EO]?[aAbBhcxXZ]/g;
/** Of a date without a format. */
const DATE_FORMAT = '%A, %B';
const FORMATTER = 4_000;
const TIME_ZONE = 12_000;

/** The filters that templates have: those of Liquid, and `json`. What each takes is counted, and where what it gives can be much more, that. */
export function boundedFilters(): Record<string, Filter> {
  const filters: Record<string, Filter> = Object.create(null);
  for (const name of [...OF_ONE_VALUE, ...OF_NUMBERS, ...OF_TEXT, ...OF_LISTS, ...OF_PROPERTIES]) {
    filters[name] = bounded(name, liquidFilters[name] as Filter);
  }
  filters.json = bounded('json', json);
  return filters;
}

/** Any value as JSON, and what is missing as null: `{{ visitor.email | json }}` is how a template writes a value. */
function json(value: unknown): string {
  return JSON.stringify(toValue(value) ?? null);
}

function bounded(name: string, filter: Filter): Filter {
  return function (this: FilterScope, ...values: unknown[]): unknown {
    const { work } = contextOf(this);
    work.use(STEP);
    if (!OF_ONE_VALUE.includes(name)) charge(work, name, values);
    for (let at = 1; at <= (OF_PLACES[name] ?? 0) && at < values.length; at++) values[at] = placeOf(name, values[at]);
    return filter.apply(this, values as never[]);
  };
}

function placeOf(name: string, value: unknown): number {
  const place = numberOf(value);
  if (Number.isNaN(place)) throw new TemplateError(`\`${name}\` takes a number`);
  return place;
}

/** Counts the work of a filter before it is done. */
function charge(work: Work, name: string, values: readonly unknown[]): void {
  const [input, argument, further] = values;
  const size = work.measure(values);
  if (DEAR.includes(name)) work.use(size * 3);
  if (SEARCHING.includes(name)) work.search(input, argument);
  if (SORTING.includes(name)) work.use(size * Math.log2(1 + size));
  if (OF_PROPERTIES.includes(name) && argument !== undefined) {
    if (typeof argument !== 'string' || !PROPERTY.test(argument)) {
      throw new TemplateError(`\`${name}\` takes the name of a property, without brackets, of at most 100 characters`);
    }
    const elements = Array.isArray(input) ? input.length : 1;
    work.use(elements * (STEP + argument.split('.').length * OPERATION));
  }
  if (name === 'date') {
    const format = textOf(argument) || DATE_FORMAT;
    const words = format.match(WORDS_OF_DATES)?.length ?? 0;
    work.use(words * FORMATTER + (typeof further === 'string' ? TIME_ZONE : 0));
  }
}
