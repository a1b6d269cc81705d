import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { makeAttempt } from '../../src/attempt/attempt.ts';
import { importSigningKeys } from '../../src/domain/webhook/signature.ts';

/*
 * What an attempt sends, verified by the libraries that Standard Webhooks publishes in other languages than JavaScript's (those of npm are in
 * signed-delivery.test.ts). interoperability/install.sh installs them into the folder that BULLSEYE_LIBRARIES names; .ci/run runs it.
 */
const libraries = process.env.BULLSEYE_LIBRARIES ?? '';
const programs = join(import.meta.dirname, 'interoperability');
const folder = mkdtempSync(join(tmpdir(), 'bullseye-interoperability-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
const FORMER_SECRET = 'whsec_Zm9ybWVyIHNlY3JldCBvZiB0aGUgcm90YXRpb24=';
const BODY = '{"event":"visitor.identified","visitor":{"first_name":"Zoë 😀"},"number":12345678901234567890}';

interface Command {
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: Readonly<Record<string, string>>;
}

interface Language {
  name: string;
  /** Whose absence says that the machine has no such language. */
  tool: string;
  /** A mirror of its registry may lack the library: then CI, too, goes on without it. */
  mayLack?: true;
  /** Before its program can run: the compiler. */
  build?(own: string): Command;
  /** The program in interoperability/: what it is given goes on after its arguments. */
  run(own: string): Command;
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'python',
    tool: 'python3',
    run: (own) => ({ command: 'python3', args: [join(programs, 'verify.py')], env: { PYTHONPATH: own } }),
  },
  {
    name: 'go',
    tool: 'go',
    // In the module that has the library.
    build: (own) => ({ command: 'go', args: ['build', '-o', join(folder, 'go'), join(programs, 'verify.go')], cwd: own }),
    run: () => ({ command: join(folder, 'go'), args: [] }),
  },
  {
    name: 'rust',
    tool: 'cargo',
    mayLack: true,
    // In the crate that knows where the library is; it keeps what it has compiled.
    build: (own) => ({ command: 'cargo', args: ['build', '--offline', '--quiet'], cwd: own }),
    run: (own) => ({ command: join(own, 'target/debug/verify'), args: [] }),
  },
  {
    name: 'java',
    tool: 'mvn',
    mayLack: true,
    build: (own) => ({ command: 'javac', args: ['-cp', join(own, '*'), '-d', folder, join(programs, 'Verify.java')] }),
    run: (own) => ({ command: 'java', args: ['-cp', [join(own, '*'), folder].join(delimiter), 'Verify'] }),
  },
];

interface Delivery {
  secret: string;
  body: string;
  id: string;
  timestamp: string;
  signature: string;
}

/** What an attempt sends, signed with one secret or, while a rotation overlaps, with several. */
async function deliver(...secrets: readonly string[]): Promise<Delivery> {
  const keys = await Promise.all(secrets.map(importSigningKeys));
  const about = { deliveryId: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified', number: 1, trigger: 'event' } as const;
  const request = { ...about, url: 'https://hooks.example.com/', keys, oldestKey: keys.at(-1), payload: new TextEncoder().encode(BODY) };
  const { record } = await makeAttempt(request, { fetch: async () => new Response(), now: Date.now, timeoutMs: 1_000 });
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signature = '' } = record.requestHeaders;
  return { secret: secrets[0] ?? '', body: BODY, id, timestamp, signature };
}

function outcomeOf({ command, args, cwd, env }: Command, more: readonly string[] = [], input = '') {
  return spawnSync(command, [...args, ...more], { input, cwd, env: { ...process.env, ...env }, encoding: 'utf8' });
}

/** Has the language's program ready; skips the test where the machine has no such language, or nobody has installed the library, but not in CI. */
function ready({ name, tool, mayLack, build }: Language, context: TestContext): string {
  const own = join(libraries, name);
  const missing = spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0;
  const isInstalled = libraries !== '' && existsSync(own);
  if (missing || (!isInstalled && (mayLack || process.env.CI !== 'true'))) context.skip(`${name}: not on this machine`);
  expect(existsSync(own), 'its library, which install.sh installs').toBe(true);
  if (name === 'rust') for (const file of ['Cargo.toml', 'verify.rs']) copyFileSync(join(programs, file), join(own, file));
  if (!build) return own;
  const { status, stdout, stderr } = outcomeOf(build(own));
  expect(status, `${stdout}${stderr}`).toBe(0);
  return own;
}

describe.each(LANGUAGES)('the published library of Standard Webhooks for $name', (language) => {
  it('takes a delivery of ours, and nothing else', { timeout: 240_000 }, async (context) => {
    const own = ready(language, context);
    const takes = ({ secret, id, timestamp, signature, body }: Delivery) =>
      outcomeOf(language.run(own), [secret, id, timestamp, signature], body).status === 0;
    const good = await deliver(SECRET);
    expect(takes(good)).toBe(true);
    expect(takes({ ...good, body: `${BODY} ` })).toBe(false);
    expect(takes({ ...good, secret: FORMER_SECRET })).toBe(false);
    expect(takes({ ...good, id: 'evt_2' })).toBe(false);
    const rotated = await deliver(SECRET, FORMER_SECRET);
    expect(rotated.signature.split(' ')).toHaveLength(2);
    expect([takes(rotated), takes({ ...rotated, secret: FORMER_SECRET })]).toEqual([true, true]);
  });
});
