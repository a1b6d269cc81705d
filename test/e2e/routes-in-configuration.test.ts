import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startWranglerDev, type WranglerSession } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { configCopy } from '../support/config-copy.ts';

/* docs/deploying.md, step 3: why an address of one's own is a flag of each deploy, and no entry of wrangler.toml. */

const folder = mkdtempSync(join(tmpdir(), 'bullseye-routes-'));
let worker: WranglerSession | undefined;
afterAll(async () => {
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('`wrangler dev` takes local requests for requests to the domain of `routes`, and they are refused because they come by plain http', async () => {
  const config = configCopy(folder, (toml) =>
    toml.replace('workers_dev = true', 'workers_dev = false\nroutes = [{ pattern = "webhooks.example.com", custom_domain = true }]'),
  );
  // Whoever opens a page is sent to https.
  worker = await startWranglerDev(folder, ['--config', config, '--env-file', join(PROJECT_ROOT, '.dev.vars.example')], {}, 308);
  const answer = await fetch(`${worker.origin}/api/v1/key`);
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: 'https_required' });
});
