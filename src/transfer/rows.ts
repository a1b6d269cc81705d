import { type Column, getTableColumns } from 'drizzle-orm';
import { type Issue, mismatch } from '../domain/issue.ts';
import { illFormedPlace } from '../domain/text/well-formed.ts';
import { columnsOf, type Kind } from './kinds.ts';

/** A row as the database keeps it: JSON as text, true as 1. */
export type StoredRow = Record<string, string | number | null>;

/** What a line of a kind says, in the database's own terms; or what is wrong with it. `type` and `sealed` are somebody else's to read. */
export function storedRow(kind: Kind, line: Readonly<Record<string, unknown>>): { row: StoredRow; issues: Issue[] } {
  const row: StoredRow = {};
  const issues: Issue[] = [];
  const known = columnsOf(kind);
  const columns = getTableColumns(kind.table);
  for (const field of Object.keys(line)) {
    if (field === 'type' || field === 'sealed' || known.includes(field)) continue;
    issues.push({ field, message: `\`${field}\` is not known here: the export is of a newer version` });
  }
  for (const field of known) {
    const column = columns[field] as Column;
    const value = line[field] ?? (line[field] === undefined ? (column.default ?? null) : null);
    const flaw = flawOf(column, field, value);
    if (flaw) issues.push({ field, message: flaw });
    else row[field] = stored(column, value);
  }
  if (illFormedPlace(line)) issues.push({ field: '', message: 'This is not well-formed Unicode' });
  return { row, issues };
}

function flawOf(column: Column, field: string, value: unknown): string | null {
  if (value === null) return column.notNull ? `\`${field}\` is missing` : null;
  if (column.dataType === 'json') return null;
  if (column.enumValues && !column.enumValues.includes(String(value))) return `\`${field}\` is not one of ${column.enumValues.join(', ')}`;
  const expected = { string: 'a string', number: 'a number', boolean: 'true or false' }[column.dataType as 'string'];
  return typeof value === column.dataType ? null : mismatch(`\`${field}\``, value, expected);
}

function stored({ dataType }: Column, value: unknown): string | number | null {
  if (value === null) return null;
  if (dataType === 'json') return JSON.stringify(value);
  return dataType === 'boolean' ? Number(value) : (value as string | number);
}
