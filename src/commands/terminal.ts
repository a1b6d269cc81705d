import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colours where the terminal shows them (and NO_COLOR is not set), plain text elsewhere. */
function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export const bold = (text: string): string => styled('bold', text);
export const dim = (text: string): string => styled('dim', text);
export const green = (text: string): string => styled('green', text);
export const red = (text: string): string => styled('red', text);
export const cyan = (text: string): string => styled('cyan', text);
export const yellow = (text: string): string => styled('yellow', text);

export const TICK = green('✓');
export const CROSS = red('✗');

export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** `text` moved right, every line of it. */
export function indent(text: string, columns: number): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(columns));
}

/** Rows as columns, each as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[], gap = 2): string {
  const width = (text: string) => stripVTControlCharacters(text).length;
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, index) => Math.max(widest[index] ?? 0, width(cell))), []);
  const padded = (cell: string, index: number) => cell + ' '.repeat((widths[index] ?? 0) - width(cell) + gap);
  return rows.map((row) => row.map(padded).join('').trimEnd()).join('\n');
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
