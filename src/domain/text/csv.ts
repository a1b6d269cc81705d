/* CSV as RFC 4180 has it: fields with commas, quotes or line breaks in quotes, quotes twice, lines that end with CR and LF. */

/** What makes programs for spreadsheets take UTF-8 for what it is. */
export const BYTE_ORDER_MARK = '\uFEFF';

/**
 * What a spreadsheet would take for a formula, and run: also behind white space, and in the wide letters of East Asia. What others have written can
 * begin so.
 */
const FORMULA = /^\s*[=+\-@\t\r\n|%＝＋－＠]/;

/** A record, with the end of its line. Text that looks like a formula gets an apostrophe before it; numbers are left alone. */
export function csvLine(fields: readonly (string | number | boolean | null)[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

function csvField(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}
