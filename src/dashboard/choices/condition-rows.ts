import { type Condition, type Leaf, OPERATORS, type Operator } from '../../domain/rules/condition.ts';
import { type Kind, meaningOf, textOfValue } from './value-text.ts';

/** A condition on one field, as a person fills it in. */
export interface Row {
  /** A path; empty: none is chosen yet; ANOTHER: one that is not offered, and not typed yet. */
  field: string;
  operator: Operator;
  value: string;
}

/** Whether all of the conditions must hold, or one of them. */
export type Match = 'all' | 'any';

export interface RowGroup {
  match: Match;
  rows: Row[];
}

/** A filter as the form has it: rows, and groups of rows. */
export interface Rows {
  match: Match;
  items: (Row | RowGroup)[];
}

/** Stands for a field that is not offered. No path is like it. */
export const ANOTHER = '.';

export const EMPTY_ROW: Row = { field: '', operator: 'equals', value: '' };
export const EMPTY_ROWS: Rows = { match: 'all', items: [] };

/** More are written as JSON: a page has room for so many. */
export const MAX_ROWS = 20;

/** What is known of fields, by path. */
export type Kinds = ReadonlyMap<string, Kind>;

export function isGroup(item: Row | RowGroup): item is RowGroup {
  return 'rows' in item;
}

export function rowCount({ items }: Rows): number {
  return items.reduce((sum, item) => sum + (isGroup(item) ? item.rows.length : 1), 0);
}

/** What rows say, to be judged by the API; null: nothing. */
export interface Said {
  condition: unknown;
  /** The rows by their places in the condition: `filter.all[1]` is `1`, the third row in that group `1-2`. */
  rows: ReadonlyMap<string, string>;
}

/** The condition that rows make. Rows that nobody has filled in are passed over. */
export function conditionOf({ match, items }: Rows, kinds: Kinds): Said {
  const rows = new Map<string, string>();
  const parts: unknown[] = [];
  for (const [index, item] of items.entries()) {
    const place = `filter.${match}[${parts.length}]`;
    if (!isGroup(item)) {
      if (isBlank(item)) continue;
      parts.push(leafOf(item, kinds));
      rows.set(place, String(index));
      continue;
    }
    const filled = [...item.rows.entries()].filter(([, row]) => !isBlank(row));
    if (filled.length === 0) continue;
    parts.push({ [item.match]: filled.map(([, row]) => leafOf(row, kinds)) });
    for (const [at, [within]] of filled.entries()) rows.set(`${place}.${item.match}[${at}]`, `${index}-${within}`);
  }
  return { condition: parts.length === 0 ? null : { [match]: parts }, rows };
}

function isBlank({ field, value }: Row): boolean {
  return field === '' && value.trim() === '';
}

function leafOf({ field, operator, value }: Row, kinds: Kinds): unknown {
  const meant = meaningOf(value, operator, kinds.get(field) ?? null);
  return meant === undefined ? { field, operator } : { field, operator, value: meant };
}

/** The rows that make a condition; null where none do: it nests more deeply, or has what a row cannot write. */
export function rowsOf(condition: Condition, kinds: Kinds): Rows | null {
  const rows = 'all' in condition || 'any' in condition ? rowsOfGroup(condition, kinds) : rowsOfGroup({ all: [condition] }, kinds);
  return rows && rowCount(rows) <= MAX_ROWS && isSameCondition(conditionOf(rows, kinds).condition, condition) ? rows : null;
}

function rowsOfGroup(group: { all: Condition[] } | { any: Condition[] }, kinds: Kinds): Rows | null {
  const items = partsOf(group).map((part): Row | RowGroup | null => {
    if (isLeaf(part)) return rowOf(part, kinds);
    if ('not' in part) return null;
    const leaves = partsOf(part);
    return leaves.every(isLeaf) ? { match: matchOf(part), rows: leaves.map((leaf) => rowOf(leaf, kinds)) } : null;
  });
  return items.includes(null) ? null : { match: matchOf(group), items: items as Rows['items'] };
}

type Joined = { all: Condition[] } | { any: Condition[] };

const matchOf = (group: Joined): Match => ('all' in group ? 'all' : 'any');
const partsOf = (group: Joined): Condition[] => ('all' in group ? group.all : group.any);
const isLeaf = (condition: Condition): condition is Leaf => 'field' in condition;

function rowOf({ field, operator, value }: Leaf, kinds: Kinds): Row {
  return { field, operator, value: textOfValue(value, operator, kinds.get(field) ?? null) };
}

/** Whether two conditions say the same in the same order, however many groups of one stand around their parts. */
export function isSameCondition(one: unknown, other: unknown): boolean {
  return JSON.stringify(bare(one)) === JSON.stringify(bare(other));
}

function bare(condition: unknown): unknown {
  if (typeof condition !== 'object' || condition === null) return condition;
  if ('field' in condition) {
    const { field, operator, value } = condition as Record<string, unknown>;
    return [field, operator, value];
  }
  for (const [match, parts] of Object.entries(condition)) {
    if (!Array.isArray(parts)) return { [match]: bare(parts) };
    return parts.length === 1 ? bare(parts[0]) : { [match]: parts.map(bare) };
  }
  return condition;
}

export function isOperator(text: string | null): text is Operator {
  return OPERATORS.some((operator) => operator === text);
}
