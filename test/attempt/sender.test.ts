import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { Sender } from '../../src/attempt/sender.ts';
import { mintId } from '../../src/domain/ids.ts';
import type { WebhookConfig } from '../../src/domain/webhook/webhook.ts';
import { parseSettings } from '../../src/settings.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
} from '../support/deliveries.ts';
import { printed } from '../support/quiet-log.ts';

const settings = parseSettings({ ...env, ALLOW_INSECURE_ENDPOINTS: 'false', PUBLIC_URL: 'https://hooks.bullseye.example.net' });

function webhookAt(url: string): WebhookConfig {
  const unsigned = { secret: null, previousSecret: null, previousSecretExpiresAt: null, secretRing: null };
  const rest = { events: ['*'], enabled: true, health: 'healthy', healthSince: 0, maxPerSecond: null, maxConcurrent: null } as const;
  return { id: mintId('webhook', 0), organizationId: 'org_1', url, ...rest, events: ['*'], ...unsigned };
}

const sending = {
  delivery: { id: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified' },
  payload: new TextEncoder().encode('{}'),
  number: 1,
  trigger: 'event',
} as const;

describe('a URL that got into the database by whatever way', () => {
  it.each([
    ['https://10.0.0.1/', /not an IP address/],
    ['https://[::ffff:169.254.169.254]/latest/meta-data/', /not an IP address/],
    ['https://2130706433/', /not an IP address/],
    ['https://metadata.google.internal/', /private networks only/],
    ['https://localhost:8443/', /private networks only/],
    ['https://127.0.0.1.nip.io/', /resolve to private addresses/],
    ['https://user:password@example.com/', /user name or password/],
    ['http://example.com/', /https/],
    ['http://127.0.0.1:9000/', /https/],
    ['https://hooks.bullseye.example.net/api/v1/events', /this service itself/],
    ['file:///etc/passwd', /https/],
    ['', /empty/],
  ])('is checked where it is used, and not fetched: %s', async (url, says) => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    const { record } = await new Sender(settings).send(webhookAt(url), sending);
    expect(fetched).not.toHaveBeenCalled();
    expect(record).toMatchObject({ outcome: 'failed', durationMs: 0, responseStatus: null, error: expect.stringMatching(says) });
    fetched.mockRestore();
  });

  it('fails its deliveries, with the reason in the log, and costs others nothing', async () => {
    const organization = await givenOrganization();
    const endpoint = endpointInbox();
    const internal = await givenWebhook(organization, { url: 'https://169.254.169.254/latest/meta-data/' });
    await givenWebhook(organization, { url: endpoint.url });
    await consume([aMessage([anEvent(organization)])]);
    await endpoint.arrived(1);
    const [delivery] = await deliveriesOf(internal);
    expect(await outboxOf(internal).find(delivery!.id)).toMatchObject({
      status: 'retrying',
      attempts: [{ outcome: 'failed', responseStatus: null, error: 'The URL must have a host name, not an IP address.' }],
    });
  });
});

describe('the line of an attempt in the log', () => {
  /** The lines about attempts, of a failed one and then of one that succeeds. */
  async function linesWith(LOG_ATTEMPTS: string): Promise<{ outcome: string; status: number }[]> {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    const sender = new Sender(parseSettings({ ...env, LOG_ATTEMPTS }));
    const before = printed.length;
    for (let attempt = 0; attempt < 2; attempt++) await sender.send(webhookAt(endpoint.url), sending);
    const lines = printed.slice(before).map((line) => JSON.parse(line));
    return lines.filter(({ event }) => event === 'delivery.attempted').map(({ outcome, status }) => ({ outcome, status }));
  }
  const [failed, succeeded] = [
    { outcome: 'failed', status: 500 },
    { outcome: 'succeeded', status: 200 },
  ];

  it('is there of one that failed, and of none that succeeded', async () => {
    expect(await linesWith('failed')).toEqual([failed]);
  });

  it('is there of all, where the deployment wants that', async () => {
    expect(await linesWith('all')).toEqual([failed, succeeded]);
  });
});
