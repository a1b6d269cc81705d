import { ApiError, invalid } from '../../api/errors.ts';
import { type Condition, MAX_LEVELS, type ReadCondition, readCondition } from '../../domain/rules/condition.ts';
import { layOut } from '../../domain/text/json-items.ts';
import { readJsonText } from '../../domain/text/json-text.ts';
import { jsonFlawWords } from '../parts/json-layout.ts';
import { t } from '../words/words.tsx';
import {
  ANOTHER,
  conditionOf,
  EMPTY_ROW,
  EMPTY_ROWS,
  isGroup,
  isOperator,
  type Kinds,
  MAX_ROWS,
  type Match,
  type Row,
  type Rows,
  rowsOf,
  type Said,
} from './condition-rows.ts';

/** A webhook's filter as its form has it: as rows, or as JSON where rows cannot say it. */
export interface FilterValues {
  mode: 'rows' | 'json';
  rows: Rows;
  json: string;
}

export const NO_FILTER: FilterValues = { mode: 'rows', rows: EMPTY_ROWS, json: '' };

export function filterOf(filter: Condition | null, kinds: Kinds): FilterValues {
  if (filter === null) return NO_FILTER;
  const rows = rowsOf(filter, kinds);
  return rows ? { ...NO_FILTER, rows } : { ...NO_FILTER, mode: 'json', json: JSON.stringify(filter, null, 2) };
}

/** More rows and groups than a form of ours has are none that anybody has filled in. */
const MAX_READ = 2 * MAX_ROWS;

/** The fields of a form, in the order in which they stand: what follows a group's beginning is in it, up to its end. */
export function filterOfForm(form: URLSearchParams): FilterValues {
  const rows: Rows = { match: 'all', items: [] };
  let within = rows.items as Row[];
  let row: Row = EMPTY_ROW;
  let read = 0;
  for (const [name, value] of form) {
    if ((name === 'groupMatch' || name === 'conditionField') && ++read > MAX_READ) break;
    if (name === 'match') rows.match = matchOf(value);
    else if (name === 'groupMatch') {
      const group = { match: matchOf(value), rows: [] };
      rows.items.push(group);
      within = group.rows;
    } else if (name === 'groupEnd') within = rows.items as Row[];
    else if (name === 'conditionField') {
      row = { ...EMPTY_ROW, field: value };
      within.push(row);
    } else if (name === 'conditionOther' && row.field === ANOTHER) row.field = value.trim() || ANOTHER;
    else if (name === 'conditionOperator' && isOperator(value)) row.operator = value;
    else if (name === 'conditionValue') row.value = value;
  }
  return { mode: form.get('filterMode') === 'json' ? 'json' : 'rows', rows, json: form.get('filterJson') ?? '' };
}

function matchOf(value: string): Match {
  return value === 'any' ? 'any' : 'all';
}

/** What the form says of the filter, for the API to judge. Throws an ApiError where it is no JSON. */
export function filterSaid({ mode, rows, json }: FilterValues, kinds: Kinds): Said {
  if (mode === 'rows') return conditionOf(rows, kinds);
  return { condition: json.trim() === '' ? null : parsed(json), rows: new Map() };
}

function parsed(text: string): unknown {
  const json = readJsonText(new TextEncoder().encode(text));
  if (!json.ok) throw invalid([{ field: 'filter', message: jsonFlawWords(text) }]);
  // Before anything goes through it level by level.
  if (layOut(json.bytes).depth > MAX_LEVELS * 2) {
    throw invalid([{ field: 'filter', message: t('filter.tooDeep', { count: MAX_LEVELS }) }]);
  }
  return json.value;
}

/** What a button of the filter does, and which element has the focus after it. */
export interface Stepped {
  values: FilterValues;
  focus: string;
  /** Why it could not be done. */
  problem?: string;
}

/**
 * Does what a button says, such as `condition.add`, `condition.add.2` (in the group at that place), `condition.remove.2-0`, `group.add`,
 * `group.remove.2`, `filter.json` and `filter.rows`. Null: it is no button of the filter.
 */
export function stepFilter(values: FilterValues, step: string, kinds: Kinds): Stepped | null {
  const [what, does, place = ''] = step.split('.');
  if (what === 'filter') return does === 'json' ? toJson(values, kinds) : toRows(values, kinds);
  // No place at all is none, and not the first.
  const [outer = Number.NaN, inner] = place === '' ? [] : place.split('-').map(Number);
  const items = structuredClone(values.rows.items);
  const changed = (focus: string): Stepped => ({ values: { ...values, rows: { ...values.rows, items } }, focus });
  const item = items[outer];
  const group = item && isGroup(item) ? item : null;
  if (what === 'group' && does === 'add') {
    items.push({ match: values.rows.match === 'all' ? 'any' : 'all', rows: [EMPTY_ROW, EMPTY_ROW] });
    return changed(`condition-${items.length - 1}-0-field`);
  }
  if (what === 'condition' && does === 'add') {
    const rows = group?.rows ?? items;
    // An empty row is shown where there is none: it becomes a real one, so that there are two.
    if (items.length === 0) items.push(EMPTY_ROW);
    rows.push(EMPTY_ROW);
    return changed(`condition-${group ? `${place}-` : ''}${rows.length - 1}-field`);
  }
  if ((what !== 'condition' && what !== 'group') || does !== 'remove') return null;
  if (group && inner !== undefined) {
    group.rows.splice(inner, 1);
    if (group.rows.length === 0) items.splice(outer, 1);
  } else if (item) items.splice(outer, 1);
  return changed('add-condition');
}

function toJson(values: FilterValues, kinds: Kinds): Stepped {
  const { condition } = conditionOf(values.rows, kinds);
  const json = condition === null ? '' : JSON.stringify(condition, null, 2);
  return { values: { ...values, mode: 'json', json }, focus: 'filterJson' };
}

function toRows(values: FilterValues, kinds: Kinds): Stepped {
  const refused = (problem: string): Stepped => ({ values, focus: 'filterJson', problem });
  if (values.json.trim() === '') return { values: NO_FILTER, focus: 'condition-0-field' };
  let said: ReadCondition;
  try {
    said = readCondition(parsed(values.json));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return refused(error.message);
  }
  if (said.condition === null) return refused(said.issues.map(({ field, message }) => `${field}: ${message}`).join('. '));
  const rows = rowsOf(said.condition, kinds);
  return rows ? { values: { ...values, mode: 'rows', rows }, focus: 'condition-0-field' } : refused(t('filter.noRows'));
}
