import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gatherAssets } from '../../src/commands/assets.ts';
import { type LocalWorker, PLATFORM_KEY, startWranglerDev } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { beginState } from '../support/worker.ts';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let demo: LocalWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  receiver = await startReceiver();
  gatherAssets();
  await beginState(folder);
  // Both in one session of wrangler, bound as in an account.
  const configs = ['test/e2e/producer-demo/wrangler.toml', 'wrangler.toml'].flatMap((path) => ['--config', join(PROJECT_ROOT, path)]);
  const session = await startWranglerDev(folder, [...configs, '--env-file', join(PROJECT_ROOT, '.dev.vars.example')], {});
  demo = { ...session, platformKey: PLATFORM_KEY };
});
afterAll(async () => {
  await demo?.stop();
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the other Worker says of its call. */
async function post(events: unknown, idempotencyKey?: string) {
  const response = await fetch(`${demo.origin}/produce`, { method: 'POST', body: JSON.stringify({ events, idempotencyKey }) });
  return JSON.parse(await response.text());
}

const eventOf = ({ organizationId }: Customer, more: object = {}) => ({
  ...{ event: 'visitor.identified', timestamp: '2026-11-27T10:00:00Z', organization_id: organizationId, session_id: 'ses_1' },
  ...{ visitor: { email: 'ada@example.com' }, ...more },
});

it('another Worker posts over a service binding, and its event is delivered', async () => {
  const customer = await signUp(demo);
  const endpoint = inbox(receiver.origin);
  const webhookId = await customer.webhook(endpoint.url);
  const { accepted } = await post(eventOf(customer), 'once');
  expect(accepted).toEqual({ id: expect.stringMatching(/^evt_/) });
  const [arrived] = await endpoint.arrived(1);
  expect(arrived?.headers['webhook-id']).toBe(accepted.id);
  expect(await customer.deliveryThatIs(webhookId, 'delivered')).toMatchObject({ eventId: accepted.id });
  expect(await post(eventOf(customer), 'once')).toEqual({ accepted });
  expect((await post([eventOf(customer, { n: 1 }), eventOf(customer, { n: 2 })])).accepted.ids).toHaveLength(2);
});

it('it is told what is wrong, as over HTTP', async () => {
  const customer = await signUp(demo);
  expect(await post(eventOf(customer, { event: 'no.such' }))).toEqual({
    refused: {
      message: 'There is no event type `no.such`.',
      code: 'unknown_event_type',
      status: 422,
      details: { field: 'event', issues: [{ field: 'event', message: 'There is no event type `no.such`.' }] },
      retryAfterSeconds: null,
    },
  });
});
