import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ApiClient } from '../../src/commands/api-client.ts';
import { freePort } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';

const PLATFORM_KEY = 'bsk_platform_development';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
const started: ChildProcess[] = [];

afterEach(async () => {
  for (const npm of started.splice(0)) {
    npm.kill('SIGKILL');
    // What ran below it ends by itself when it is gone.
    if (npm.exitCode === null && npm.signalCode === null) await once(npm, 'exit');
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** `npm run dev` with these flags, as a person starts it. */
function runDev(...flags: string[]): { process: ChildProcess; output(): string } {
  let output = '';
  const child = spawn('npm', ['run', 'dev', '--', ...flags], { cwd: PROJECT_ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  started.push(child);
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
    headers: { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json' },
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

/** Flags of a start that shares nothing with others but the project's folder, and, where asked for, its state. */
async function flagsOf(port: number, state: string): Promise<string[]> {
  return ['--port', String(port), '--persist-to', state, '--inspector-port', String(await freePort())];
}

it('npm run dev can be started twice at once in one folder, with one state', async () => {
  const ports = [await freePort(), await freePort()];
  const both: ReturnType<typeof runDev>[] = [];
  for (const port of ports) both.push(runDev(...(await flagsOf(port, folder))));
  await until(async () => {
    for (const { process, output } of both) if (process.exitCode !== null) throw new Error(output());
    return (await Promise.all(ports.map(isHealthy))).every(Boolean);
  });
});

it('npm run dev loses nothing that it has accepted while it is started a second time', async () => {
  const [port, otherPort] = [await freePort(), await freePort()];
  const receiver = await startReceiver();
  const first = runDev(...(await flagsOf(port, join(folder, 'first'))));
  await until(() => isHealthy(port));
  const platform = new ApiClient(`http://localhost:${port}`, PLATFORM_KEY);
  await platform.put('/organization/org_dev', { name: 'Dev', plan: 'scale' });
  const endpoint = inbox(receiver.origin);
  await platform.post('/organization/org_dev/webhooks', { url: endpoint.url, events: ['*'] });
  const accepted: string[] = [];
  const post = async () => {
    const event = { event: 'visitor.identified', timestamp: new Date().toISOString(), organization_id: 'org_dev' };
    const { body } = await platform.post('/events', { ...event, session_id: `ses_${accepted.length}`, visitor: {} });
    accepted.push((body as { id: string }).id);
  };

  const second = runDev(...(await flagsOf(otherPort, join(folder, 'second'))));
  await until(async () => {
    if (second.process.exitCode !== null) throw new Error(second.output());
    await post();
    return await isHealthy(otherPort);
  });
  await post();

  await endpoint.arrived(accepted.length);
  const arrived = (await endpoint.requests()).map(({ headers }) => headers['webhook-id']);
  expect(accepted.length).toBeGreaterThan(5);
  expect(arrived.sort()).toEqual(accepted.sort());
  expect(first.output()).not.toContain('Reloading');
  await receiver.close();
  // Two starts after each other.
}, 240_000);
