import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { type Command, commandsOf, DOCUMENTS } from './documents.ts';

/*
 * Which test runs which command of the documents. test/docs/commands.test.ts sees that there is one for each; test/e2e/documented-commands.test.ts
 * runs those of wrangler and curl, and those that are made small.
 */

/** Documents whose blocks of commands another test pastes, all of them. */
export const PASTED: Record<string, string> = {
  'README.md': 'test/e2e/readme.test.ts',
  'docs/export-import.md': 'test/e2e/export-import.test.ts',
  'src/client/README.md': 'test/e2e/package-readme.test.ts',
  'src/docs/errors.md': 'test/e2e/guides.test.ts',
  'src/docs/posting-events.md': 'test/e2e/guides.test.ts',
  'src/docs/recipes.md': 'test/e2e/recipes.test.ts',
  'src/docs/using-the-api.md': 'test/e2e/guides.test.ts',
  'src/docs/webhooks/verifying.md': 'test/e2e/guides.test.ts',
  'src/docs/when-an-endpoint-breaks.md': 'test/e2e/guides.test.ts',
};

/** What else other files run, by how a command begins. The file has that text, or the third one, and every flag of the command. */
const ELSEWHERE: readonly (readonly [begins: string, file: string, text?: string])[] = [
  ['npm ci', '.ci/run'],
  ['npm test', '.ci/run'],
  ['npm audit', '.ci/run'],
  ['npm run check', '.ci/run'],
  ['npm run demo', '.ci/run'],
  // The check, which CI runs, does both to a copy.
  ['npm run format', 'src/commands/check.ts'],
  ['npm run generate', 'src/commands/check.ts'],
  ['npm run simulate -- scale', 'test/simulation/scale.test.ts'],
  ['npm run dev', 'test/e2e/dev-command.test.ts'],
  ['npm run deploy', 'test/e2e/deploy-command.test.ts'],
  ['(umask 077; printf ', 'test/e2e/deploy-command.test.ts'],
  ['npm run doctor', 'test/e2e/doctor-command.test.ts', "'doctor'"],
  ['npm pack', 'test/support/package.ts', "'pack'"],
  ['npx bullseye-webhooks listen', 'test/e2e/package.test.ts', "'listen'"],
  ['npx bullseye-webhooks trigger', 'test/e2e/package.test.ts', "'trigger'"],
  ['curl http://127.0.0.1:8787/cdn-cgi/handler/scheduled', 'test/e2e/operator.test.ts', '/cdn-cgi/handler/scheduled'],
];

/** Commands that take minutes. They run with this after them: their flags and words are read, and little or nothing is done. */
const MADE_SMALL: readonly (readonly [begins: string, more: string])[] = [
  ['npm run bench', '--help'],
  ['npm run simulate', '--webhooks 20 --deliveries 2000 --days 2'],
];

/** What no test can run, and why. */
export const NOT_RUN: Record<string, string> = {
  '.ci/run': 'it runs the tests',
  'cloudflared tunnel --url http://localhost:3000': 'another product’s, and it needs the internet',
  'ngrok http 3000': 'another product’s, and it needs the internet',
  'npm exec -- node test/e2e/screenshots.ts': 'it makes the pictures of the documents anew',
  'npm exec -- wrangler login': 'it asks a person, in a browser',
};

/** How commands of wrangler begin. */
export const WRANGLER = 'npm exec -- wrangler ';

const all = [...DOCUMENTS].flatMap(([document, markdown]) => commandsOf(document, markdown));

/** What commands set for themselves alone, as `SEED=1234` does. */
export const SET_VARIABLES = new Set(all.flatMap(({ text }) => text.match(/^[A-Z_]+(?==)/) ?? []));

/** The commands of all documents but those that are pasted as a whole: each once, and step by step. */
export const COMMANDS: readonly Command[] = [
  ...new Map(
    all
      .filter(({ document, inBlock }) => !(inBlock && document in PASTED))
      .flatMap((command) => stepsOf(command.text).map((text): [string, Command] => [text, { ...command, text }])),
  ).values(),
];

function stepsOf(text: string): string[] {
  const command = text.replace(/^(?:[A-Z_]+=\S+ )+/, '');
  return command.startsWith('(') ? [command] : command.split(' && ').filter((step) => !step.startsWith('rm '));
}

/** Where another file runs a command: the file, and what it is to have; null where none does. */
export function elsewhere(text: string): { file: string; has: string[] } | null {
  const [begins, file, there = begins] = ELSEWHERE.find(([each]) => text.startsWith(each)) ?? [];
  if (file === undefined || there === undefined) return null;
  return { file, has: [there, ...Array.from(text.matchAll(/ (--[a-z][\w-]*)/g), ([, flag = '']) => flag)] };
}

/** The words of a command that runs tests, which are run anyway; null for others. */
export function testsOf(text: string): string[] | null {
  const { scripts } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const run = scripts[/^npm run ([\w-]+)$/.exec(text)?.[1] ?? ''] ?? text;
  return /^npm test -- |\bvitest run /.test(run) ? run.split(' ') : null;
}

/** A command that takes minutes, made small; null for others. */
export function madeSmall(text: string): string | null {
  const [, more] = MADE_SMALL.find(([begins]) => text.startsWith(begins)) ?? [];
  return more === undefined || elsewhere(text) ? null : `${text}${text.includes(' -- ') ? '' : ' --'} ${more}`;
}

export const isOfWrangler = (text: string) => text.startsWith(WRANGLER) && !(text in NOT_RUN);
export const isOfCurl = (text: string) => text.startsWith('curl ') && !elsewhere(text);
