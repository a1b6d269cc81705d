import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { eventQueueFor, isOverflow } from '../../src/consumer/event-queues.ts';
import { decodeEventMessage } from '../../src/domain/event-message.ts';
import { ORIGIN, PLATFORM_KEY, read } from '../support/api.ts';
import { aMessage, anEvent, consume, endedDeliveriesOf, endpointInbox, givenOrganization, givenWebhook } from '../support/deliveries.ts';

/** Organizations that want what is posted of them: what nobody wants is not queued. */
beforeAll(async () => {
  const ids = ['org_acme', 'org_busy', 'org_other', ...Array.from({ length: 100 }, (_, index) => `org_${index}`)];
  for (const id of ids) await givenWebhook(await givenOrganization('scale', id), { url: 'https://hooks.example.com/' });
});

/** An environment with some queues of each kind, which keep what they are sent. */
function withQueues(count: number, setting = String(count)) {
  const queuesOf = (kind: string) => {
    const kept: Uint8Array[][] = Array.from({ length: count }, () => []);
    const bindings = kept.map((messages, index) => {
      const queue = {
        send: async (body: Uint8Array) => void messages.push(body),
        sendBatch: async (batch: { body: Uint8Array }[]) => void messages.push(...batch.map(({ body }) => body)),
      };
      return [index === 0 ? kind : `${kind}_${index + 1}`, queue] as const;
    });
    return { kept, bindings };
  };
  const [events, overflow] = [queuesOf('EVENTS'), queuesOf('OVERFLOW')];
  const bindings = Object.fromEntries([...events.bindings, ...overflow.bindings]);
  const environment = { ...env, ...bindings, EVENT_QUEUES: setting, OVERFLOW_ABOVE: '10' } as unknown as Env;
  return { environment, kept: events.kept, overflowed: overflow.kept };
}

/** The organizations of the events in some messages. */
function organizationsIn(messages: Uint8Array[][]): string[] {
  const payloads = messages.flat().flatMap((message) => decodeEventMessage(message).events.map(({ payload }) => payload));
  return payloads.map((payload) => JSON.parse(new TextDecoder().decode(payload)).organization_id);
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

describe('the overflow queues', () => {
  it('take what an organization sends beyond its share, and nothing of the others', async () => {
    const { environment, kept, overflowed } = withQueues(1);
    const array = Array.from({ length: 50 }, () => event('org_busy'));
    for (let times = 0; times < 10; times++) {
      expect((await post(environment, array)).status).toBe(202);
      expect((await post(environment, event('org_other'))).status).toBe(202);
    }
    const ordinary = organizationsIn(kept);
    expect(ordinary.filter((id) => id === 'org_other')).toHaveLength(10);
    // Two arrays are what it may send at once.
    const within = ordinary.filter((id) => id === 'org_busy').length;
    expect(within).toBe(100);
    expect(organizationsIn(overflowed)).toEqual(Array(400).fill('org_busy'));
  });

  it('take an array as a whole where most of it is beyond somebody’s share', async () => {
    const { environment, kept, overflowed } = withQueues(1);
    const busy = Array.from({ length: 51 }, () => event('org_busy'));
    for (let times = 0; times < 2; times++) await post(environment, busy);
    for (const queue of [kept, overflowed]) for (const messages of queue) messages.length = 0;
    const others = Array.from({ length: 49 }, (_, index) => event(`org_${index}`));
    expect((await post(environment, [...others, ...busy])).status).toBe(202);
    expect(organizationsIn(kept)).toEqual([]);
    expect(organizationsIn(overflowed)).toHaveLength(100);
    // As much of others as of the busy one: theirs are not to wait for it.
    expect((await post(environment, [...others.slice(0, 10), ...busy.slice(0, 10)])).status).toBe(202);
    expect(organizationsIn(kept)).toHaveLength(20);
  });

  it('are as many as the others, and take an organization’s events in the same one each time', async () => {
    const { environment, overflowed } = withQueues(4);
    const array = (organizationId: string) => Array.from({ length: 50 }, () => event(organizationId));
    const busy = async (organizationId: string) => {
      for (let times = 0; times < 4; times++) await post(environment, array(organizationId));
    };
    await busy('org_acme');
    expect(overflowed.filter((messages) => messages.length > 0)).toHaveLength(1);
    for (let index = 0; index < 20; index++) await busy(`org_${index}`);
    expect(overflowed.filter((messages) => messages.length === 0)).toHaveLength(0);
  });

  it('need not be there: the ordinary ones take their events', async () => {
    const { environment, kept } = withQueues(4);
    const { OVERFLOW: _, OVERFLOW_2: __, OVERFLOW_3: ___, OVERFLOW_4: ____, ...rest } = environment as unknown as Record<string, unknown>;
    const array = Array.from({ length: 50 }, () => event('org_busy'));
    for (let times = 0; times < 4; times++) expect((await post(rest as unknown as Env, array)).status).toBe(202);
    expect(organizationsIn(kept)).toHaveLength(200);
  });

  it('are consumed as the others are, beside them', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    const ordinary = aMessage([anEvent(organization)]);
    const beyond = [aMessage([anEvent(organization)]), aMessage([anEvent(organization), anEvent(organization)])];
    const [first, second] = await Promise.all([consume([ordinary]), consume(beyond, env, 'bullseye-events-overflow')]);
    expect(first.acknowledged).toEqual([ordinary.id]);
    expect(second.acknowledged.toSorted()).toEqual(beyond.map(({ id }) => id).toSorted());
    expect(await endedDeliveriesOf(webhook, 4)).toMatchObject(Array(4).fill({ status: 'delivered' }));
  });

  it('are told by their names', () => {
    const names = [
      'bullseye-events',
      'bullseye-events-2',
      'bullseye-events-overflow',
      'bullseye-events-overflow-12',
      'bullseye-events-dead',
    ];
    expect(names.map(isOverflow)).toEqual([false, false, true, true, false]);
  });
});
