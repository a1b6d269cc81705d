import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { eventQueueFor } from '../../src/consumer/event-queues.ts';
import { decodeEventMessage } from '../../src/domain/event/event-message.ts';
import { ORIGIN, PLATFORM_KEY, read } from '../support/api.ts';
import { anEvent, consume, endedDeliveriesOf, endpointInbox, givenOrganization, givenWebhook } from '../support/deliveries.ts';

/** Organizations that want what is posted of them: what nobody wants is not queued. */
beforeAll(async () => {
  const ids = ['org_acme', ...Array.from({ length: 100 }, (_, index) => `org_${index}`)];
  for (const id of ids) await givenWebhook(await givenOrganization('scale', id), { url: 'https://hooks.example.com/' });
});

/** An environment with some queues, which keep what they are sent. */
function withQueues(count: number, setting = String(count)) {
  const kept: Uint8Array[][] = Array.from({ length: count }, () => []);
  const bindings = kept.map((messages, index) => {
    const queue = {
      send: async (body: Uint8Array) => void messages.push(body),
      sendBatch: async (batch: { body: Uint8Array }[]) => void messages.push(...batch.map(({ body }) => body)),
    };
    return [index === 0 ? 'EVENTS' : `EVENTS_${index + 1}`, queue] as const;
  });
  const environment = { ...env, ...Object.fromEntries(bindings), EVENT_QUEUES: setting } as unknown as Env;
  return { environment, kept };
}

async function post(environment: Env, body: unknown) {
  const headers = { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json' };
  const request = new Request(`${ORIGIN}/api/v1/events`, { method: 'POST', headers, body: JSON.stringify(body) });
  return await read(await app.fetch(request, environment, createExecutionContext()));
}

const event = (organizationId: string) => JSON.parse(new TextDecoder().decode(anEvent(organizationId).payload));

describe('the queues of events', () => {
  it('are one where nothing else is said', () => {
    expect(env.EVENT_QUEUES).toBe('1');
    expect(eventQueueFor(env, 'org_acme')).toBe(env.EVENTS);
  });

  it('share the organizations about evenly', async () => {
    const { environment, kept } = withQueues(4);
    for (let index = 0; index < 1_000; index++) await eventQueueFor(environment, `org_${index}`).send(new Uint8Array());
    for (const messages of kept) expect(messages.length).toBeGreaterThan(200);
  });

  it('take the events of an organization in the same one each time', async () => {
    const { environment, kept } = withQueues(4);
    for (let times = 0; times < 5; times++) expect((await post(environment, event('org_acme'))).status).toBe(202);
    expect(kept.map((messages) => messages.length).toSorted()).toEqual([0, 0, 0, 5]);
  });

  it('take an array of many organizations as a whole', async () => {
    const { environment, kept } = withQueues(4);
    const events = Array.from({ length: 100 }, (_, index) => event(`org_${index}`));
    expect((await post(environment, events)).status).toBe(202);
    const [used, ...others] = kept.filter((messages) => messages.length > 0);
    expect(others).toEqual([]);
    expect(used!.flatMap((message) => decodeEventMessage(message).events)).toHaveLength(100);
  });

  it('are a fault of the deployment where one is missing, and nothing is accepted', async () => {
    const { environment, kept } = withQueues(1, '64');
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => post(environment, event(`org_${index}`))));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(kept[0]).toHaveLength(accepted.length);
    const refused = answers.find(({ status }) => status !== 202);
    expect(refused).toMatchObject({ status: 500, body: { code: 'internal_error' } });
  });

  it('are consumed alike, whichever their number', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const { environment, kept } = withQueues(4);
    await post(environment, event(organization));
    const [body] = kept.flat();
    const message = { id: crypto.randomUUID(), timestamp: Date.now(), attempts: 1, body };
    await consume([message], env, 'bullseye-events-4');
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ status: 'delivered' }]);
  });
});
