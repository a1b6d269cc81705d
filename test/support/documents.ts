import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';

/** Every document of the repository, by its path. Those below `src/docs` are the pages that the service serves. */
export const DOCUMENTS: ReadonlyMap<string, string> = new Map(
  ['.', 'docs', 'src/client', 'src/docs', 'src/docs/webhooks', 'test']
    .flatMap((folder) => readdirSync(join(PROJECT_ROOT, folder)).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.md'))
    .map((path) => [path, readFileSync(join(PROJECT_ROOT, path), 'utf8')]),
);

/** A fenced block, of a list as well. */
export interface Fence {
  /** What stands behind the fence; empty where nothing does. */
  kind: string;
  /** Without what the block is indented by. */
  content: string;
}

const FENCE = /^( *)```(.*)\n([\s\S]*?)^ *```$/gm;

export function fencesOf(markdown: string): Fence[] {
  return [...markdown.matchAll(FENCE)].map(([, indent = '', kind = '', content = '']) => ({
    kind,
    content: content.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}

export const withoutFences = (markdown: string) => markdown.replaceAll(FENCE, '');

/** A command that a reader is told to run. */
export interface Command {
  document: string;
  /** As it is pasted; on several lines where it is long. */
  text: string;
  /** What the document shows that it prints; empty where it shows nothing. */
  output: string;
  /** Whether it has a block of its own; otherwise it stands in a sentence or a table. */
  inBlock: boolean;
}

/** Beside blocks: what begins with a program and has arguments. `wrangler deploy` is a command's name; nobody runs it like that. */
const COMMAND_IN_TEXT = /^(?:[A-Z_]+=\S+ )*(?:npm|npx|curl|openssl|cloudflared|ngrok) \S|^\.ci\/run$/;

/** What stands in back quotes: one, or more where the code has some itself. */
const CODE = /(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g;

/** The commands of a document: of its blocks `console`, whose prompts are left out, and of its sentences. Blocks of `bash` are scripts. */
export function commandsOf(document: string, markdown: string): Command[] {
  const blocks = fencesOf(markdown).flatMap(({ kind, content }) => (kind === 'console' ? content.split(/^\$ /m).slice(1) : []));
  const codes = Array.from(withoutFences(markdown).matchAll(CODE), ([, , code = '']) => code);
  return [
    ...blocks.map((block) => {
      // A line that ends with a backslash goes on.
      const [text = ''] = /^(?:.*\\\n)*.*/.exec(block) ?? [];
      return { document, text, output: block.slice(text.length).trim(), inBlock: true };
    }),
    ...codes.filter((code) => COMMAND_IN_TEXT.test(code)).map((text) => ({ document, text, output: '', inBlock: false })),
  ];
}
