import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type LocalWorker, startLocalWorker } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { DELIVERY_REASONS, DELIVERY_STATUSES } from '../../src/domain/delivery.ts';
import { oddEvent, signUp } from '../support/customer.ts';
import { bodyBytes, inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';

const readme = readFileSync(join(PROJECT_ROOT, 'README.md'), 'utf8');

/** The part of the README under a heading, up to the next one of its level or above. */
function section(heading: string): string {
  const level = heading.indexOf(' ');
  const [, after = ''] = readme.split(`\n${heading}\n`);
  return after.split(new RegExp(`^#{1,${level}} `, 'm'))[0] ?? '';
}

/** The fenced blocks of a text in their order. */
function blocks(text: string): { language: string; content: string }[] {
  return [...text.matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```$/gm)].map(([, language = '', content = '']) => ({ language, content }));
}

/** The first cells of a table's rows, and the second ones, without back quotes. */
function rows(text: string): [first: string, second: string][] {
  const cells = [...text.matchAll(/^\| (.+?) \| (.+?) \|/gm)].map(([, first = '', second = '']): [string, string] => [first, second]);
  return cells.filter(([first]) => first.startsWith('`')).map(([first, second]) => [plain(first), plain(second)]);
}

function plain(cell: string): string {
  return cell.replaceAll('`', '');
}

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;

beforeAll(async () => {
  worker = await startLocalWorker({ persistTo: join(folder, 'state') });
});
afterAll(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** One bash session that is given a block at a time, as a person pastes them. */
class Terminal {
  readonly #bash: ChildProcess;
  #output = '';

  constructor(cwd: string) {
    this.#bash = spawn('bash', ['--norc', '-s'], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, HOME: cwd },
    });
    this.#bash.stdout?.on('data', (chunk) => (this.#output += chunk));
    this.#bash.stderr?.on('data', (chunk) => (this.#output += chunk));
    // Any command that fails, not the last one alone.
    this.#bash.stdin?.write("set -E; failures=0; trap 'failures=$((failures + 1))' ERR\n");
  }

  /** Runs a block, and waits for its output: a delivery comes when it comes. Returns all lines it has printed by then. */
  async run(script: string, expected: readonly RegExp[]): Promise<string[]> {
    const from = this.#output.length;
    this.#bash.stdin?.write(`${script}\necho "<ended: $failures failures>"\n`);
    const deadline = Date.now() + 15_000;
    for (;;) {
      // A delivery can arrive before curl has written the end of its own line.
      const lines = this.#output.slice(from).split(/\n|(?=received )/);
      const ended = lines.find((line) => line.startsWith('<ended'));
      const missing = unmatched(expected, lines);
      if (ended !== undefined && missing.length === 0) {
        expect(ended, script).toBe('<ended: 0 failures>');
        return lines.filter((line) => line !== '' && line !== ended);
      }
      if (Date.now() > deadline) throw new Error(`${script}\nprinted\n${lines.join('\n')}\nand not\n${missing.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  end(): void {
    try {
      if (this.#bash.pid !== undefined) process.kill(-this.#bash.pid, 'SIGKILL');
    } catch {
      // The session has ended already.
    }
  }
}

/** The expected lines that no line of the output is; each line of output answers to one of them. */
function unmatched(expected: readonly RegExp[], lines: readonly string[]): RegExp[] {
  const left = [...lines];
  return expected.filter((pattern) => {
    const at = left.findIndex((line) => pattern.test(line));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** The lines of an output block as patterns; `…` stands for anything. */
function patterns(content: string): RegExp[] {
  return content
    .split('\n')
    .filter((line) => line.trim() !== '' && line.trim() !== '…')
    .map((line) => new RegExp(`^${line.split('…').map(escapeRegExp).join('.+')}$`));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

describe('the API by example, and when an endpoint breaks', () => {
  it('work as pasted, print what the page says, and their receiver verifies what arrives', async () => {
    const receiverPort = await freePort();
    const { port } = new URL(worker.origin);
    const terminal = new Terminal(folder);
    const printed: string[] = [];
    try {
      const examples = blocks(section('## The API by example') + section('## When an endpoint breaks'));
      for (const [index, { language, content }] of examples.entries()) {
        if (language !== 'bash') continue;
        const next = examples[index + 1];
        const expected = next?.language === 'text' ? patterns(next.content.replaceAll('9000', String(receiverPort))) : [];
        // Nothing but the two ports, which may be taken on this machine.
        const script = content.replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`).replaceAll('9000', String(receiverPort));
        printed.push(...(await terminal.run(script, expected)));
      }
    } finally {
      terminal.end();
    }
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
});

describe('verifying a signature', () => {
  type Verify = (headers: Record<string, string>, body: Buffer, secret: string) => unknown;
  const examples = blocks(section('## Verifying a signature'));
  const scripts = examples.filter(({ language }) => language === 'js').map(({ content }) => content);
  const command = examples.find(({ language }) => language === 'sh')?.content ?? '';

  /** The page's code as a module, which finds the packages that it imports. */
  async function verifierOf(script: string): Promise<Verify> {
    if (!existsSync(join(folder, 'node_modules'))) symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(folder, 'node_modules'));
    const path = join(folder, `${crypto.randomUUID()}.mjs`);
    writeFileSync(path, script);
    return ((await import(/* @vite-ignore */ pathToFileURL(path).href)) as { verify: Verify }).verify;
  }

  function passes(verify: Verify, ...[headers, body, secret]: Parameters<Verify>): boolean {
    try {
      return Boolean(verify(headers, body, secret));
    } catch {
      return false;
    }
  }

  it.each(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=', 'correct horse battery staple'])(
    'the code on the page accepts a delivery signed with %s, and nothing else',
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

        const verifiers = [
          ...scripts,
          ...scripts.filter((script) => script.includes('standardwebhooks')).map((script) => script.replace('standardwebhooks', 'svix')),
        ];
        expect(verifiers).toHaveLength(3);
        for (const script of verifiers) {
          const verify = await verifierOf(script);
          expect(passes(verify, headers, body, secret), script).toBe(true);
          expect(passes(verify, headers, Buffer.concat([body, Buffer.from(' ')]), secret), script).toBe(false);
          expect(passes(verify, headers, body, `${secret}AAAA`), script).toBe(false);
          expect(passes(verify, {}, body, secret), script).toBe(false);
        }

        writeFileSync(join(folder, 'body.json'), body);
        const { stdout, stderr } = spawnSync('bash', ['-c', command], {
          cwd: folder,
          env: { ...process.env, SECRET: secret },
          encoding: 'utf8',
        });
        if (!/not found/.test(stderr) || process.env.CI === 'true')
          expect(stdout.trim().split(' ').at(-1)).toBe(headers['x-bullseye-signature']);
      } finally {
        await receiver.close();
      }
    },
  );
});

describe('what the page says of the source', () => {
  it('every setting is in its table, with the default of wrangler.toml', () => {
    const configuration = readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8');
    const vars = /^\[vars\]\n([\s\S]*?)\n\n/m.exec(configuration)?.[1] ?? '';
    const declared = [...vars.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, name, value]) => [name, value || 'empty']);
    const secrets = JSON.parse(/^required = (\[.*\])$/m.exec(configuration)?.[1] ?? '[]') as string[];
    const documented = rows(section('## Settings'));
    expect(documented.slice(0, declared.length).sort()).toEqual(declared.sort());
    expect(
      documented
        .slice(declared.length)
        .map(([name]) => name)
        .sort(),
    ).toEqual(secrets.sort());
  });

  it('every status of a delivery is in its table, and every reason is explained', () => {
    expect(rows(section("### A delivery's states")).map(([status]) => status)).toEqual([...DELIVERY_STATUSES]);
    for (const reason of DELIVERY_REASONS) expect(readme).toContain(`\`${reason}\``);
  });

  it('every file that it names is there', () => {
    const named = [...readme.matchAll(/`((?:src|test|migrations|\.ci)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(join(PROJECT_ROOT, path)))).toEqual([]);
  });

  it('every npm script that it names is there', () => {
    const { scripts } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
