import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { startWorker } from '../support/worker.ts';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-doctor-'));
let worker: LocalWorker;

beforeAll(async () => {
  worker = await startWorker({ persistTo: folder });
}, 240_000);
afterAll(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function doctor(args: string[], env: Record<string, string> = {}): Promise<{ exitCode: number; output: string }> {
  const child = spawn('npm', ['run', '--silent', 'doctor', '--', ...args], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [exitCode] = await once(child, 'close');
  return { exitCode, output };
}

it('looks at a Worker with what it is given, and says what it could not look at', async () => {
  const { exitCode, output } = await doctor(['--url', worker.origin], { PLATFORM_API_KEY: worker.platformKey });
  expect(output).toMatch(/✓ +health +version \d+\.\d+\.\d+/);
  expect(output).toMatch(/✓ +secrets under MASTER_KEY +0, all under the current one/);
  expect(output).toMatch(/✓ +parked messages +none/);
  expect(output).toMatch(/\? +the account +CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not given/);
  expect(output).toContain('What to do:');
  expect(exitCode).toBe(0);
});

it('fails where something is wrong, and where it is not told which deployment is meant', async () => {
  const { exitCode, output } = await doctor(['--url', 'http://127.0.0.1:9']);
  expect(output).toMatch(/✗ health: Is the Worker deployed/);
  expect(exitCode).toBe(1);
  expect((await doctor([])).exitCode).toBe(2);
});
