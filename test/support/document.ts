/** A fenced block of a document. */
export interface Block {
  /** What stands behind the fence: the language, and what the block is to the tests, such as `json preview`. */
  kind: string;
  content: string;
}

/** The fenced blocks of a Markdown text, in their order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w[\w ]*)\n([\s\S]*?)^```$/gm)].map(([, kind = '', content = '']) => ({ kind, content }));
}

/** The rows of the tables in a Markdown text that begin with code, each as its cells. */
export function rowsOf(markdown: string): string[][] {
  return [...markdown.matchAll(/^\| (`.+) \|$/gm)].map(([, row = '']) => row.split(' | '));
}

/** What stands in back quotes in a text. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** The parts of a document under headings of the second level, by heading. */
export function sectionsOf(markdown: string): Map<string, string> {
  const [, ...parts] = markdown.split(/^## /m);
  return new Map(parts.map((part): [string, string] => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n'))]));
}
