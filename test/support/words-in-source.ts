import { parseAst } from 'vitest/node';

/** Attributes whose texts are read, or read out. Examples of what can be typed stand in `placeholder`: those are no words. */
const SAID_ATTRIBUTES = new Set([
  'title',
  'label',
  'hint',
  'aria-label',
  'alt',
  'summary',
  'said',
  'none',
  'word',
  'data-busy',
  'data-label',
]);

/** What a source has of texts. */
export interface Found {
  /** Texts for people that stand in the source. */
  literal: string[];
  /** Calls of t() and rich() that are made once, when the module is loaded: in English, whoever reads it. */
  tooEarly: number[];
  /** Strings, and patterns of strings that are put together. */
  strings: string[];
  patterns: RegExp[];
}

interface Node {
  type: string;
  start: number;
  [field: string]: unknown;
}

/** Goes through a source. @param source TypeScript, with or without JSX */
export function wordsIn(source: string): Found {
  const found: Found = { literal: [], tooEarly: [], strings: [], patterns: [] };
  const go = (node: Node, around: { functions: number; isSaid: boolean; isKey: boolean }) => {
    if (isSkipped(node)) return;
    const functions = around.functions + (/Function/.test(node.type) ? 1 : 0);
    const callee = node.type === 'CallExpression' ? (node.callee as Node) : null;
    const isWords = callee?.type === 'Identifier' && ['t', 'rich'].includes(String(callee.name));
    if (isWords && functions === 0) found.tooEarly.push(node.start);
    const attribute = node.type === 'JSXAttribute' ? String((node.name as Node).name) : '';
    const isSaid = node.type === 'JSXAttribute' ? SAID_ATTRIBUTES.has(attribute) : around.isSaid && callee === null;
    for (const text of textsOf(node)) {
      if (typeof text !== 'string') found.patterns.push(text);
      else if (!around.isKey && (node.type === 'JSXText' || isSaid ? /\p{L}{2}/u.test(text) : isProse(text)))
        found.literal.push(text.trim());
      if (typeof text === 'string' && node.type === 'Literal') found.strings.push(text);
    }
    const [key] = isWords ? (node.arguments as Node[]) : [];
    for (const child of childrenOf(node)) go(child, { functions, isSaid, isKey: around.isKey || child === key });
  };
  for (const node of parseAst(source, { lang: 'tsx' }).body) go(node as unknown as Node, { functions: 0, isSaid: false, isKey: false });
  return found;
}

/** Nothing in these is for people: names of classes, modules, types, and what goes to the log. */
function isSkipped(node: Node): boolean {
  if (/^(Import|TS(?!As|Satisfies|NonNull))/.test(node.type)) return true;
  if (node.type === 'JSXAttribute')
    return ['class', 'rel', 'd', 'content', 'pattern', 'viewBox', 'aria-describedby'].includes(String((node.name as Node).name));
  return (
    node.type === 'NewExpression' &&
    /^(\w*Error|Intl\w*)$/.test(String((node.callee as Node).name)) &&
    (node.callee as Node).name !== 'ApiError'
  );
}

/** The text of a node, or a pattern for what is put together in it. */
function textsOf(node: Node): (string | RegExp)[] {
  if (node.type === 'JSXText') return [String(node.value)];
  if (node.type === 'Literal' && typeof node.value === 'string') return [node.value];
  if (node.type !== 'TemplateLiteral') return [];
  const quasis = (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked);
  return [...quasis, new RegExp(`^${quasis.map((quasi) => quasi.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`)];
}

/** Words with a space between them, or a word with a capital letter and what a sentence ends with. */
function isProse(text: string): boolean {
  return /\p{L}{2}[.,:;!?…]? \p{L}/u.test(text) || /^\p{Lu}\p{Ll}+[.!?…]?$/u.test(text) || /^ \p{L}+ ?$/u.test(text);
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((child): child is Node => typeof child === 'object' && child !== null && 'type' in child);
}
