import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalWorker, startLocalWorker, startWranglerDev, type WranglerSession } from '../../src/commands/local-worker.ts';
import { type Customer, oddEvent, signUp } from '../support/customer.ts';
import { type InstalledPackage, installPackage } from '../support/package.ts';

const state = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
let installed: InstalledPackage;
let service: LocalWorker;
let customer: Customer;
let demo: WranglerSession;

beforeAll(async () => {
  installed = installPackage();
  for (const name of ['worker.mjs', 'wrangler.toml'])
    copyFileSync(join(import.meta.dirname, 'package-demo', name), join(installed.folder, name));
  service = await startLocalWorker({ persistTo: join(state, 'service') });
  customer = await signUp(service);
  const vars = { SECRET, NEXT_SECRET: 'the next one', BULLSEYE_URL: service.origin, BULLSEYE_API_KEY: customer.key };
  demo = await startWranglerDev(join(state, 'demo'), ['--config', join(installed.folder, 'wrangler.toml')], vars);
}, 180_000);
afterAll(async () => {
  await demo?.stop();
  await service?.stop();
  installed?.remove();
  rmSync(state, { recursive: true, force: true });
});

it('a Worker verifies what it is sent, and asks the API', async () => {
  const webhookId = await customer.webhook(`${demo.origin}/hook`, SECRET);
  await customer.post(oddEvent(customer.organizationId));
  const delivery = await customer.deliveryThatIs(webhookId, 'delivered');
  expect(delivery.attempts).toMatchObject([{ responseStatus: 200, responseBody: 'verified visitor.identified of ses_1' }]);
  expect(await (await fetch(`${demo.origin}/webhooks`)).json()).toEqual({
    webhooks: [webhookId],
    missing: { code: 'not_found', status: 404 },
  });
});

it('a Worker refuses what does not verify, and says why', async () => {
  const webhookId = await customer.webhook(`${demo.origin}/hook`, 'another secret than the one it knows');
  await customer.post(oddEvent(customer.organizationId));
  const delivery = await customer.deliveryThatIs(webhookId, 'retrying');
  expect(delivery.attempts).toMatchObject([{ responseStatus: 401, responseBody: 'no_matching_signature' }]);
  const unsigned = await fetch(`${demo.origin}/hook`, { method: 'POST', body: '{}' });
  expect([unsigned.status, await unsigned.text()]).toEqual([401, 'missing_signature']);
});
