import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import {
  COMMANDS,
  elsewhere,
  isOfCurl,
  isOfWrangler,
  madeSmall,
  NOT_RUN,
  PASTED,
  SET_VARIABLES,
  testsOf,
} from '../support/documented-commands.ts';
import { commandsOf, DOCUMENTS, fencesOf } from '../support/documents.ts';

const read = (path: string) => readFileSync(join(PROJECT_ROOT, path), 'utf8');

describe('a document’s commands', () => {
  const markdown = [
    'Run `npm run one -- --flag`, and not `wrangler two`, `npm` or `A_NAME`; `SEED=1 npm test -- a` sets something.',
    '1. In a list:\n\n   ```console\n   $ npm three \\\n       --long\n   it prints\n   $ curl four\n   ```',
    '```bash\nnpm five\n```',
  ].join('\n\n');

  it('are those of its blocks with prompts, and of its sentences', () => {
    expect(commandsOf('a.md', markdown)).toEqual([
      { document: 'a.md', text: 'npm three \\\n    --long', output: 'it prints', inBlock: true },
      { document: 'a.md', text: 'curl four', output: '', inBlock: true },
      { document: 'a.md', text: 'npm run one -- --flag', output: '', inBlock: false },
      { document: 'a.md', text: 'SEED=1 npm test -- a', output: '', inBlock: false },
    ]);
  });
});

describe('the commands of the documents', () => {
  it('stand in blocks that say what they are', () => {
    for (const [document, markdown] of DOCUMENTS) {
      const kinds = fencesOf(markdown).map(({ kind }) => kind.split(' ')[0] ?? '');
      expect(
        kinds.filter((kind) => ['', 'shell', 'zsh', 'powershell'].includes(kind)),
        document,
      ).toEqual([]);
      const hasScript = kinds.some((kind) => kind === 'bash' || kind === 'sh');
      expect(hasScript && !(document in PASTED), `${document} has a script that no test pastes`).toBe(false);
    }
  });

  it.each(Object.entries(PASTED))('of %s are pasted by %s', (document, test) => {
    expect(DOCUMENTS.has(document)).toBe(true);
    expect(read(test)).toContain(basename(document));
  });

  it('are each run by a test, and few by none', () => {
    expect(COMMANDS.length).toBeGreaterThan(60);
    const runs = [elsewhere, testsOf, madeSmall, isOfWrangler, isOfCurl, (text: string) => text in NOT_RUN];
    const missed = COMMANDS.filter(({ text }) => !runs.some((isRun) => isRun(text)));
    expect(missed.map(({ document, text }) => `${document}: ${text}`)).toEqual([]);
    for (const text of Object.keys(NOT_RUN)) expect(COMMANDS.map((command) => command.text)).toContain(text);
  });

  it('that other files run are there, with every flag', () => {
    for (const { text } of COMMANDS) {
      const { file, has } = (!testsOf(text) && elsewhere(text)) || { file: 'package.json', has: [] };
      for (const needed of has) expect(read(file), `${file} is to run ${text}`).toContain(needed);
    }
  });

  it('that run tests name tests that there are', () => {
    const running = COMMANDS.flatMap(({ text }) => [testsOf(text) ?? []]).filter((words) => words.length > 0);
    expect(running.length).toBeGreaterThan(5);
    for (const words of running) {
      for (const path of words.filter((word) => word.startsWith('test/'))) expect(existsSync(join(PROJECT_ROOT, path)), path).toBe(true);
      if (words.includes('--project')) expect(read('vitest.config.ts')).toContain(`name: '${words[words.indexOf('--project') + 1]}'`);
    }
  });

  it('set nothing that nobody reads', () => {
    const files = [
      'vitest.config.ts',
      ...readdirSync(join(PROJECT_ROOT, 'test'), { recursive: true }).map((name) => join('test', String(name))),
    ];
    const sources = files.filter((path) => /\.tsx?$/.test(path)).map(read);
    // Every program that makes temporary files reads this one.
    const names = [...SET_VARIABLES].filter((name) => name !== 'TMPDIR');
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !sources.some((source) => source.includes(`process.env.${name}`)))).toEqual([]);
  });
});
