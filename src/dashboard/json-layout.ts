import { format } from 'jsonc-parser';

/**
 * JSON laid out for reading; what is no JSON stays as it is. Only white space changes: parsing and writing it anew would round
 * long numbers, and drop keys that are there twice.
 */
export function layOutJson(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let laidOut = '';
  let at = 0;
  // The edits come in the order of the text. Put together here: the package's own way copies the text for each.
  for (const { offset, length, content } of format(text, undefined, { insertSpaces: true, tabSize: 2, eol: '\n' })) {
    laidOut += text.slice(at, offset) + content;
    at = offset + length;
  }
  return laidOut + text.slice(at);
}
