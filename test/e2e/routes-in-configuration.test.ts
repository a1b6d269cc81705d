import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { freePort } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT, spawnWrangler } from '../../src/commands/wrangler.ts';

/* docs/deploying.md, step 3: why an address of one's own is a flag of each deploy, and no entry of wrangler.toml. */

const folder = mkdtempSync(join(tmpdir(), 'bullseye-routes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('`wrangler dev` takes local requests for requests to the domain of `routes`, and they are refused because they come by plain http', async () => {
  const config = join(folder, 'wrangler.toml');
  const absolute = (name: string) => JSON.stringify(join(PROJECT_ROOT, name));
  const toml = readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8')
    .replace('main = "src/index.ts"', `main = ${absolute('src/index.ts')}`)
    .replace('directory = ".assets"', `directory = ${absolute('.assets')}`)
    .replace('migrations_dir = "migrations"', `migrations_dir = ${absolute('migrations')}`)
    .replace('workers_dev = true', 'workers_dev = false\nroutes = [{ pattern = "webhooks.example.com", custom_domain = true }]');
  writeFileSync(config, toml);
  const port = await freePort();
  const envFile = join(PROJECT_ROOT, '.dev.vars.example');
  const flags = [
    '--config',
    config,
    '--env-file',
    envFile,
    '--port',
    port,
    '--inspector-port',
    await freePort(),
    '--persist-to',
    folder,
  ].map(String);
  const worker = spawnWrangler(['dev', ...flags, '--show-interactive-dev-session=false'], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, WRANGLER_REGISTRY_PATH: join(folder, 'registry'), WRANGLER_LOG_PATH: join(folder, 'logs') },
  });
  try {
    let answer: Response | null = null;
    while (answer === null && worker.exitCode === null) {
      answer = await fetch(`http://127.0.0.1:${port}/api/v1/key`).catch(() => null);
      if (answer === null) await wait(100);
    }
    expect(answer?.status).toBe(403);
    expect(await answer?.json()).toMatchObject({ code: 'https_required' });
  } finally {
    if (worker.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGKILL');
  }
});
