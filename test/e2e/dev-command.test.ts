import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let npm: ChildProcess | undefined;

afterEach(() => {
  npm?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** `npm run dev` with these flags, as a person starts it. */
function runDev(...flags: string[]): { process: ChildProcess; output(): string } {
  let output = '';
  const child = spawn('npm', ['run', 'dev', '--', ...flags], { cwd: PROJECT_ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  npm = child;
  return { process: child, output: () => output };
}

async function isHealthy(port: number): Promise<boolean> {
  const response = await fetch(`http://localhost:${port}/health`).catch(() => null);
  await response?.body?.cancel();
  return response?.status === 200;
}

/** Waits for what can be observed; the test's own time limit ends the wait. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 100));
}

it.each(['SIGTERM', 'SIGKILL'] as const)('npm run dev serves, and leaves nothing behind when npm gets %s', async (signal) => {
  const port = await freePort();
  const dev = runDev(
    `--port=${port}`,
    '--persist-to',
    folder,
    '--var',
    'RETRY_SCHEDULE:1s,2s,3s',
    '--inspector-port',
    String(await freePort()),
  );
  await until(() => isHealthy(port));
  // The development key and a request that needs the database: secrets are there, and migrations are applied to --persist-to.
  const put = await fetch(`http://localhost:${port}/api/v1/organization/org_dev`, {
    method: 'PUT',
    headers: { 'X-API-Key': 'bsk_platform_development', 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Dev', plan: 'scale' }),
  });
  expect(put.ok, await put.text()).toBe(true);
  dev.process.kill(signal);
  await until(async () => !(await isHealthy(port)));
});

it('npm run dev says so when its port is taken', async () => {
  const other = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => other.listen(port, 'localhost', resolve));
  const dev = runDev('--port', String(port), '--persist-to', folder);
  const [exitCode] = await once(dev.process, 'exit');
  other.close();
  expect(exitCode).not.toBe(0);
  expect(dev.output()).toContain(`Port ${port} is taken`);
});
