import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_STATUSES } from '../../src/api/errors.ts';
import { freePort, type LocalWorker } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { PAGES } from '../../src/docs/contents.ts';
import { oddEvent, signUp } from '../support/customer.ts';
import { type Block, blocksOf, codesIn, rowsOf } from '../support/document.ts';
import { bodyBytes, inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { patterns, Terminal } from '../support/terminal.ts';
import { startWorker } from '../support/worker.ts';

/*
 * Runs what the pages of the documentation tell people to run. (Filters and formats, recipes and the audit log have tests of their own, of the
 * same kind: each block there says what it is.)
 */

const text = (file: string) => readFileSync(join(PROJECT_ROOT, 'src/docs', file), 'utf8');
const blocks = (file: string): Block[] => blocksOf(text(file));
/** The one block of a kind on a page. */
function blockOf(file: string, kind: string): string {
  const [found, ...more] = blocks(file).filter((block) => block.kind === kind);
  if (!found || more.length > 0) throw new Error(`${file} has ${found ? 'more than one' : 'no'} block "${kind}"`);
  return found.content;
}

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;

beforeAll(async () => {
  worker = await startWorker({ persistTo: join(folder, 'state') });
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the commands of pages one after another, as pasted, and sees that they print what follows them; returns all lines. */
async function paste(files: readonly string[]): Promise<string[]> {
  const receiverPort = String(await freePort());
  const { port } = new URL(worker.origin);
  const terminal = new Terminal(folder);
  const printed: string[] = [];
  try {
    const examples = files.flatMap(blocks);
    for (const [index, { kind, content }] of examples.entries()) {
      if (kind !== 'bash') continue;
      const next = examples[index + 1];
      const expected = next?.kind === 'text' ? patterns(next.content.replaceAll('9000', receiverPort)) : [];
      // Nothing but the two ports, which may be taken on this machine.
      const script = content.replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`).replaceAll('9000', receiverPort);
      printed.push(...(await terminal.run(script, expected)));
    }
  } finally {
    terminal.end();
  }
  return printed;
}

describe('the commands', () => {
  it('of the API by example, errors, and when an endpoint breaks work as pasted, and their receiver verifies what arrives', async () => {
    const printed = await paste(['using-the-api.md', 'errors.md', 'when-an-endpoint-breaks.md']);
    const received = printed.filter((line) => line.startsWith('received'));
    expect(received.filter((line) => !line.endsWith(', verified'))).toEqual([]);
    const times = (session: string) => received.filter((line) => line.includes(` of ${session}, `)).length;
    // Once each: what came while it worked, and what it missed and got back.
    expect([1, 2, 3, 4, 5, 31, 32, 33].map((session) => times(`ses_${session}`))).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    // The idempotent request and its repetition, and their one delivery.
    const keyed = printed.flatMap((line) => /^(?:received |\{"id":")(evt_Z\w+)/.exec(line)?.[1] ?? []);
    expect(keyed).toHaveLength(3);
    expect(new Set(keyed).size).toBe(1);
  });

  it('of a producer work as pasted: the same key and bytes have the same id', async () => {
    const printed = await paste(['posting-events.md']);
    const ids = printed.flatMap((line) => /^\{"id":"(evt_Z\w+)"\}$/.exec(line)?.[1] ?? []);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });
});

describe('code that verifies', () => {
  type Verify = (headers: Record<string, string>, body: Buffer, secret: string) => unknown;
  const page = 'webhooks/verifying.md';

  function passes(verify: Verify, ...[headers, body, secret]: Parameters<Verify>): boolean {
    try {
      return Boolean(verify(headers, body, secret));
    } catch {
      return false;
    }
  }

  it.each(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=', 'correct horse battery staple'])(
    'accepts a delivery signed with %s, and nothing else',
    async (secret) => {
      const receiver = await startReceiver();
      try {
        const customer = await signUp(worker);
        const endpoint = inbox(receiver.origin);
        await customer.webhook(endpoint.url, secret);
        await customer.post(oddEvent(customer.organizationId));
        const [arrived] = await endpoint.arrived(1);
        if (!arrived) throw new Error('Nothing arrived.');
        const { headers } = arrived;
        const body = Buffer.from(bodyBytes(arrived));
        const library = blockOf(page, 'js library');
        for (const script of [library, library.replace('standardwebhooks', 'svix'), blockOf(page, 'js simple')]) {
          const { verify } = await moduleOf<{ verify: Verify }>(script);
          expect(passes(verify, headers, body, secret), script).toBe(true);
          expect(passes(verify, headers, Buffer.concat([body, Buffer.from(' ')]), secret), script).toBe(false);
          expect(passes(verify, headers, body, `${secret}AAAA`), script).toBe(false);
          expect(passes(verify, {}, body, secret), script).toBe(false);
        }
        writeFileSync(join(folder, 'body.json'), body);
        const environment = { ...process.env, SECRET: secret };
        const { stdout, stderr } = spawnSync('bash', ['-c', blockOf(page, 'sh byhand')], {
          cwd: folder,
          env: environment,
          encoding: 'utf8',
        });
        if (!/not found/.test(stderr) || process.env.CI === 'true')
          expect(stdout.trim().split(' ').at(-1)).toBe(headers['x-bullseye-signature']);
      } finally {
        await receiver.close();
      }
    },
  );

  it('is what the page on testing signs for: the script posts an event that verifies both ways', async () => {
    const receiver = await startReceiver();
    try {
      const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
      const endpoint = inbox(receiver.origin);
      const script = join(folder, 'post-event.mjs');
      writeFileSync(script, blockOf('webhooks/testing.md', 'js post'));
      const child = spawn(process.execPath, [script, endpoint.url, secret], { stdio: ['ignore', 'pipe', 'inherit'] });
      let printed = '';
      for await (const chunk of child.stdout) printed += chunk;
      const [arrived] = await endpoint.arrived(1);
      if (!arrived) throw new Error('Nothing arrived.');
      expect(printed).toMatch(/^20\d/);
      for (const kind of ['js library', 'js simple']) {
        const { verify } = await moduleOf<{ verify: Verify }>(blockOf(page, kind));
        expect(passes(verify, arrived.headers, Buffer.from(bodyBytes(arrived)), secret), kind).toBe(true);
      }
    } finally {
      await receiver.close();
    }
  });
});

/** A page's code as a module, which finds the packages that it imports. */
async function moduleOf<T>(script: string): Promise<T> {
  const path = join(folder, `${crypto.randomUUID()}.mjs`);
  writeFileSync(path, script);
  return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as T;
}

describe('other samples', () => {
  it('a lead that comes twice is in the table once', () => {
    const database = new DatabaseSync(':memory:');
    const script = blockOf('webhooks/duplicates-and-order.md', 'sql unique');
    database.exec(script);
    database.exec(script.slice(script.indexOf('INSERT')));
    expect(database.prepare('SELECT count(*) AS leads FROM leads').get()).toEqual({ leads: 1 });
  });

  it('the function of a producer posts, tries again with the same key what may help, and gives up what does not', async () => {
    type Post = (text: string, key: string, to: { url: string; apiKey: string }) => Promise<unknown>;
    const { postEvents } = await moduleOf<{ postEvents: Post }>(blockOf('posting-events.md', 'js producer'));
    const customer = await signUp(worker);
    const event = oddEvent(customer.organizationId);
    const to = { url: worker.origin, apiKey: 'bsk_platform_development' };
    const [first, again] = [await postEvents(event, 'key-1', to), await postEvents(event, 'key-1', to)];
    expect(again).toEqual(first);
    await expect(postEvents('{}', 'key-2', to)).rejects.toThrow(/422.*validation_failed/);
    await expect(postEvents(event, 'key-3', { ...to, apiKey: 'bsk_ingest_none' })).rejects.toThrow(/401/);

    const receiver = await startReceiver();
    try {
      const away = inbox(receiver.origin);
      await away.script([{ status: 503 }, { status: 500 }, { status: 202, body: '{"id":"evt_1"}' }]);
      expect(await postEvents(event, 'key-4', { ...to, url: away.url })).toEqual({ id: 'evt_1' });
      const tries = await away.arrived(3);
      expect(tries.map(({ headers }) => headers['idempotency-key'])).toEqual(['key-4', 'key-4', 'key-4']);
    } finally {
      await receiver.close();
    }
  });

  it('the binding of a producer is that of the demo, which runs', () => {
    const demo = readFileSync(join(PROJECT_ROOT, 'test/e2e/producer-demo/wrangler.toml'), 'utf8');
    expect(demo).toContain(blockOf('posting-events.md', 'toml binding'));
  });

  it('there are none that no test runs', () => {
    /** By page: the kinds of blocks that are run, here or in the page's own test. `text` is what a command prints, or an address. */
    const run: Record<string, readonly string[]> = {
      'using-the-api.md': ['bash'],
      'errors.md': ['bash'],
      'when-an-endpoint-breaks.md': ['bash'],
      'posting-events.md': ['bash', 'js producer', 'toml binding'],
      'webhooks/verifying.md': ['js library', 'js simple', 'sh byhand', 'text signed'],
      'webhooks/testing.md': ['js post'],
      'webhooks/duplicates-and-order.md': ['sql unique'],
    };
    const elsewhere = ['filters-and-formats.md', 'recipes.md', 'audit-log.md'];
    const pages = PAGES.filter(({ file }) => !elsewhere.includes(file));
    const found = Object.fromEntries(
      pages.map(({ file }) => [file, [...new Set(blocks(file).map(({ kind }) => kind))].filter((kind) => kind !== 'text').sort()]),
    );
    expect(found).toEqual(Object.fromEntries(pages.map(({ file }) => [file, [...(run[file] ?? [])].sort()])));
  });
});

describe('the tables', () => {
  it('of errors has every code with its status, and no other', () => {
    const documented = rowsOf(text('errors.md')).map(([code = '', status]) => [codesIn(code)[0], Number(status)]);
    expect(Object.fromEntries(documented)).toEqual(ERROR_STATUSES);
  });

  it('of routes has every route, and no other', async () => {
    const { paths } = (await (await fetch(`${worker.origin}/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> };
    const declared = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const documented = rowsOf(text('routes.md')).flatMap(([cell = '']) => {
      const words = cell.replaceAll('`', '').split(' ');
      const path = words.pop() ?? '';
      const atRoot = ['/health', '/openapi.json', '/.well-known/security.txt'].includes(path);
      return words.map((method) => `${method} ${atRoot ? path : `/api/v1${path}`}`);
    });
    expect(documented.sort()).toEqual(declared.sort());
  });
});
