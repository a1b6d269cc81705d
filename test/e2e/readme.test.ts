import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type LocalWorker } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { DELIVERY_REASONS, DELIVERY_STATUSES } from '../../src/domain/delivery/delivery.ts';
import { isInstalled } from '../support/package.ts';
import { patterns, Terminal } from '../support/terminal.ts';
import { startWorker } from '../support/worker.ts';

/** Largest README, in bytes: it is read by everybody, so it has what everybody needs. */
const MAX_README_BYTES = 12_000;

const read = (path: string) => readFileSync(join(PROJECT_ROOT, path), 'utf8');
const readme = read('README.md');
/** What is written for those who run the service, or change it. */
const documents = ['README.md', 'test/README.md', ...readdirSync(join(PROJECT_ROOT, 'docs')).map((name) => `docs/${name}`)];

/** The fenced blocks of a text in their order; those within a list stand further in. */
function blocks(text: string): { language: string; content: string }[] {
  return [...text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', language = '', content = '']) => ({
    language,
    content: content.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}

/** The first cells of a table's rows, and the second ones, without back quotes. */
function rows(text: string): [first: string, second: string][] {
  const cells = [...text.matchAll(/^\| (.+?) \| (.+?) \|/gm)].map(([, first = '', second = '']): [string, string] => [first, second]);
  return cells.filter(([first]) => first.startsWith('`')).map(([first, second]) => [first.replaceAll('`', ''), second.replaceAll('`', '')]);
}

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;

beforeAll(async () => {
  worker = await startWorker({ persistTo: join(folder, 'state') });
});
afterAll(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the README', () => {
  it('is short', () => {
    expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(MAX_README_BYTES);
  });

  it.for([
    ['the Node of package.json', null],
    ['Node 20, the oldest that it asks for', 'node20'],
  ] as const)('brings an event through with its commands, as pasted: it arrives, verified, with %s', async ([name, program], context) => {
    if (program && !isInstalled(program) && process.env.CI !== 'true') context.skip(`${name}: not on this machine`);
    const programs = mkdtempSync(join(folder, 'bin-'));
    if (program) symlinkSync(execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim(), join(programs, 'node'));
    const receiverPort = String(await freePort());
    const { port } = new URL(worker.origin);
    // Each time an organization of its own, as a newcomer's is new.
    const organization = `org_${crypto.randomUUID().slice(0, 8)}`;
    const replaced = { '127.0.0.1:8787': `127.0.0.1:${port}`, 9000: receiverPort, org_acme: organization };
    const here = (text: string) => Object.entries(replaced).reduce((made, [from, to]) => made.replaceAll(from, to), text);
    const terminal = new Terminal(PROJECT_ROOT, programs);
    const printed: string[] = [];
    try {
      const examples = blocks(readme);
      for (const [index, { language, content }] of examples.entries()) {
        if (language !== 'bash') continue;
        const next = examples[index + 1];
        printed.push(...(await terminal.run(here(content), next?.language === 'text' ? patterns(here(next.content)) : [])));
      }
    } finally {
      terminal.end();
    }
    expect(printed.filter((line) => /^received|^refused/.test(line))).toEqual(['received and verified: jane.doe@example.com']);
  });

  it('has the two commands that CI runs', () => {
    const commands = blocks(readme).flatMap(({ language, content }) => (language === 'console' ? [content.trim()] : []));
    expect(commands).toEqual(['$ npm ci && npm run demo', '$ npm ci && npm test']);
    expect(read('.ci/run')).toContain('npm ci && npm test');
    expect(read('.ci/run')).toContain('npm run demo -- --once');
  });
});

describe('what the documents say of the source', () => {
  it('every setting is in its table, with the default of wrangler.toml', () => {
    const configuration = read('wrangler.toml');
    const vars = /^\[vars\]\n([\s\S]*?)\n\n/m.exec(configuration)?.[1] ?? '';
    const declared = [...vars.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, name, value]) => [name, value || 'empty']);
    const secrets = JSON.parse(/^required = (\[.*\])$/m.exec(configuration)?.[1] ?? '[]') as string[];
    const documented = rows(read('docs/settings.md'));
    expect(documented.slice(0, declared.length).sort()).toEqual(declared.sort());
    expect(
      documented
        .slice(declared.length)
        .map(([name]) => name)
        .sort(),
    ).toEqual(secrets.sort());
  });

  it('every status of a delivery is in its table, and every reason is explained', () => {
    const architecture = read('docs/architecture.md');
    const [, states = ''] = architecture.split("\n## A delivery's states\n");
    expect(rows(states.split('\n## ')[0] ?? '').map(([status]) => status)).toEqual([...DELIVERY_STATUSES]);
    for (const reason of DELIVERY_REASONS) expect(architecture).toContain(`\`${reason}\``);
  });

  it('every file that they name is there', () => {
    const named = documents.flatMap((document) =>
      [...read(document).matchAll(/`((?:src|test|migrations|docs|\.ci)\/[\w./-]+)`/g)].map(([, path = '']) => `${document}: ${path}`),
    );
    expect(named.length).toBeGreaterThan(60);
    expect(named.filter((name) => !existsSync(join(PROJECT_ROOT, name.split(': ')[1] ?? '')))).toEqual([]);
  });

  it('every npm script that they name is there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = documents.flatMap((document) => [...read(document).matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
