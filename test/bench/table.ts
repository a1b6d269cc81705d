import { bold, CROSS, columns, dim, say, TICK } from '../../src/commands/terminal.ts';

/** What a part has measured, to be read by people. */
export interface Table {
  title: string;
  header: readonly string[];
  rows: readonly (readonly string[])[];
  /** What one should know to read it. */
  note?: string;
}

/** Shows a table on the terminal, or as Markdown, which goes into the documents as it is. */
export function show(table: Table, markdown: boolean): void {
  if (markdown) {
    say(`\n${markdownOf(table)}`);
    return;
  }
  say(`\n${bold(table.title)}`);
  say(columns([table.header, ...table.rows]));
  if (table.note) say(dim(table.note));
}

/** The first column is text, the others are figures. */
export function markdownOf({ title, header, rows, note }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const lines = [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)];
  return [title, '', ...lines, ...(note ? ['', note] : [])].join('\n');
}

/** A figure with as many digits as are worth reading: `1,234`, `56.7`, `0.089`. */
export function figure(value: number | null): string {
  if (value === null) return '–';
  const size = Math.abs(value);
  const maximumFractionDigits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en', { maximumFractionDigits });
}

/** Whether a goal holds, and which it is. */
export function verdict(holds: boolean, goal: string): string {
  return `${holds ? TICK : CROSS} ${goal}`;
}
