import { createExecutionContext, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { app } from '../../../src/app.ts';
import { client, createKey, env, ORIGIN, PLATFORM_KEY, platform, read } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
  untilEnded,
} from '../../support/deliveries.ts';
import { bodyBytes, type Inbox } from '../../support/receiver.ts';

const MINUTE = 60_000;

driveDate();

async function given(script: Parameters<Inbox['script']>[0], options: { enabled?: boolean; events?: number } = {}) {
  const { enabled = true, events = 1 } = options;
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, enabled });
  if (events > 0) await consume([aMessage(Array.from({ length: events }, () => anEvent(organization)))]);
  const path = `/organization/${organization}/webhooks/${webhook}`;
  const [delivery] = await deliveriesOf(webhook);
  return { endpoint, organization, webhook, path, id: delivery?.id ?? '' };
}

/** The delivery once no attempt of it runs. */
async function afterAttempt(path: string, id: string, attempts: number) {
  return vi.waitFor(async () => {
    const { body } = await platform.get(`${path}/deliveries/${id}`);
    expect(body.attempts).toHaveLength(attempts);
    return body;
  });
}

describe('retrying a delivery by hand', () => {
  it('makes one attempt now of one that had failed, and numbering goes on', async () => {
    const { endpoint, webhook, path, id } = await given([{ status: 500 }]);
    await untilEnded(webhook);
    await endpoint.script([{ status: 200 }]);
    expect(await platform.post(`${path}/deliveries/${id}/retry`)).toMatchObject({ status: 202, body: { id, attemptCount: 5 } });
    const delivery = await afterAttempt(path, id, 5);
    expect(delivery).toMatchObject({ status: 'delivered', reason: null, nextAttemptAt: null });
    expect(delivery.attempts.at(-1)).toMatchObject({ number: 5, trigger: 'manual', outcome: 'succeeded' });
  });

  it('leaves it failed where it fails again, and schedules nothing', async () => {
    const { webhook, path, id, endpoint } = await given([{ status: 500 }]);
    await untilEnded(webhook);
    await platform.post(`${path}/deliveries/${id}/retry`);
    const delivery = await afterAttempt(path, id, 5);
    expect(delivery).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', attemptCount: 5, nextAttemptAt: null });
    vi.setSystemTime(Date.now() + 60 * MINUTE);
    await outboxOf(webhook).poke();
    expect(await endpoint.requests()).toHaveLength(5);
  });

  it('replaces an attempt that was scheduled: the two never race, and the schedule goes on from it', async () => {
    const { endpoint, webhook, path, id } = await given([{ status: 500 }]);
    const { nextAttemptAt } = (await deliveriesOf(webhook))[0]!;
    expect(await platform.post(`${path}/deliveries/${id}/retry`)).toMatchObject({ status: 202, body: { id, status: 'retrying' } });
    const delivery = await afterAttempt(path, id, 2);
    expect(delivery).toMatchObject({ status: 'retrying', attemptCount: 2 });
    // The second wait of the schedule, from now.
    expect(Date.parse(delivery.nextAttemptAt) - Date.now()).toBeGreaterThan(4 * MINUTE);
    vi.setSystemTime(nextAttemptAt!);
    await runAlarm(webhook);
    expect(await endpoint.requests()).toHaveLength(2);
    await untilEnded(webhook);
    expect(await endpoint.requests()).toHaveLength(4);
  });

  it('is refused while an attempt runs: twenty at once make one', async () => {
    const { endpoint, webhook, path, id } = await given([{ status: 500 }]);
    await untilEnded(webhook);
    await endpoint.script([{ status: 200, delayMs: 300 }]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => platform.post(`${path}/deliveries/${id}/retry`)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, ...Array.from({ length: 19 }, () => 409)]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('attempt_in_progress');
    await afterAttempt(path, id, 5);
    expect(await endpoint.requests()).toHaveLength(5);
  });

  it('is refused while the webhook is disabled, and unknown for what is not in the log', async () => {
    const { webhook, path, id } = await given([{ status: 500 }]);
    await untilEnded(webhook);
    await platform.patch(path, { enabled: false });
    expect(await platform.post(`${path}/deliveries/${id}/retry`)).toMatchObject({ status: 409, body: { code: 'webhook_disabled' } });
    expect(await platform.post(`${path}/deliveries/dlv_nothing/retry`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('needs the plan', async () => {
    const { organization, webhook, path, id } = await given([{ status: 500 }]);
    await untilEnded(webhook);
    await platform.put(`/organization/${organization}`, { name: 'Acme', plan: 'growth' });
    expect(await platform.post(`${path}/deliveries/${id}/retry`)).toMatchObject({ status: 403, body: { code: 'plan_upgrade_required' } });
  });
});

describe('testing a webhook', () => {
  it('sends the example of an event type, marked as a test, and answers with the attempt', async () => {
    const { endpoint, organization, path } = await given([{ status: 201, body: 'hello' }], { events: 0 });
    const { status, body } = await platform.post(`${path}/test`, { event: 'visitor.identified' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      delivery: { status: 'delivered', event: 'visitor.identified', attemptCount: 1 },
      attempt: { number: 1, trigger: 'test', outcome: 'succeeded', responseStatus: 201, responseBody: 'hello' },
    });
    const [received] = await endpoint.requests();
    expect(received!.headers).toMatchObject({ 'x-bullseye-test': 'true', 'x-bullseye-delivery': body.delivery.id });
    expect(JSON.parse(new TextDecoder().decode(bodyBytes(received!)))).toMatchObject({
      event: 'visitor.identified',
      organization_id: organization,
      visitor: { email: 'jane.doe@example.com' },
    });
    expect((await platform.get(`${path}/deliveries`)).body.data).toHaveLength(1);
  });

  it('answers 200 also where the endpoint fails, and does not retry', async () => {
    const { webhook, path } = await given([{ status: 500 }], { events: 0, enabled: false });
    const { status, body } = await platform.post(`${path}/test`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      delivery: { status: 'failed', reason: 'test_failed', nextAttemptAt: null },
      attempt: { outcome: 'failed', responseStatus: 500 },
    });
    await platform.patch(path, { enabled: true });
    expect((await platform.post(`${path}/recover`, { since: '2020-01-01T00:00:00Z' })).body).toEqual({ count: 0 });
    expect((await outboxOf(webhook).status()).health).toBe('healthy');
  });

  it('refuses an event type that does not exist', async () => {
    const { path } = await given([{ status: 200 }], { events: 0 });
    expect(await platform.post(`${path}/test`, { event: 'no.such' })).toMatchObject({ status: 422, body: { code: 'unknown_event_type' } });
  });
});

describe('a test without a type', () => {
  /** A type of this test's own in the catalogue, for as long as the work takes. */
  async function withType(name: string, example: unknown, work: () => Promise<void>) {
    await platform.put(`/event-types/${name}`, { description: 'Of a test', ...(example !== null && { example }) });
    await work();
    await platform.delete(`/event-types/${name}`);
  }

  async function testedWith(events: string[]) {
    const { endpoint, organization } = await given([{ status: 200 }], { events: 0 });
    const webhook = await givenWebhook(organization, { url: endpoint.url, events });
    const answer = await platform.post(`/organization/${organization}/webhooks/${webhook}/test`, {});
    return { answer, received: (await endpoint.requests()).at(-1) };
  }

  it.each([
    [['visitor.identified'], 'visitor.identified'],
    [['*'], 'visitor.identified'],
    [['visitor.*'], 'visitor.identified'],
    [['webhook.*'], 'webhook.disable_warning'],
    [['webhook.failing'], 'webhook.failing'],
    [['webhook.failing', 'visitor.identified'], 'webhook.failing'],
    [['gone.type', 'webhook.*'], 'webhook.disable_warning'],
    [['gone.*', 'visitor.identified'], 'visitor.identified'],
    [['gone.type', '*'], 'visitor.identified'],
  ])('of a webhook with %j is a %s', async (events, type) => {
    const { answer, received } = await testedWith(events);
    expect(answer).toMatchObject({ status: 200, body: { delivery: { event: type } } });
    expect(received!.headers['x-bullseye-event']).toBe(type);
    expect(JSON.parse(new TextDecoder().decode(bodyBytes(received!)))).toMatchObject({ event: type });
  });

  it('is of a type with an example, where a prefix has several', async () => {
    const example = { deal: { id: 7 } };
    await withType('deal.asked', null, async () => {
      await withType('deal.won', example, async () => {
        const { received } = await testedWith(['deal.*']);
        expect(JSON.parse(new TextDecoder().decode(bodyBytes(received!)))).toMatchObject({ event: 'deal.won', ...example });
      });
      expect((await testedWith(['deal.*'])).received!.headers['x-bullseye-event']).toBe('deal.asked');
    });
  });

  it.each([[['gone.type']], [['gone.*', 'also.gone']]])('is refused where the catalogue has none of %j', async (events) => {
    const { answer, received } = await testedWith(events);
    expect(answer).toMatchObject({ status: 422, body: { code: 'unknown_event_type', details: { field: 'event' } } });
    expect(answer.body.message).toContain('no event type that this webhook subscribes to');
    expect(received).toBeUndefined();
  });
});

describe('recovering what failed', () => {
  const sinceLongAgo = { since: '2020-01-01T00:00:00Z' };

  it('starts failed and discarded deliveries over, with four more attempts each', async () => {
    const { endpoint, organization, webhook, path } = await given([{ status: 500 }], { events: 3 });
    await untilEnded(webhook);
    await platform.patch(path, { enabled: false });
    // It is in force everywhere.
    vi.setSystemTime(Date.now() + 5_000);
    await consume([aMessage([anEvent(organization), anEvent(organization)])]);
    expect((await deliveriesOf(webhook)).map(({ status }) => status)).toEqual(['discarded', 'discarded', 'failed', 'failed', 'failed']);
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    await platform.patch(path, { enabled: true });
    vi.setSystemTime(Date.now() + 1);

    expect(await platform.post(`${path}/recover`, sinceLongAgo)).toMatchObject({ status: 202, body: { count: 5 } });
    await runAlarm(webhook);
    await untilEnded(webhook);

    const deliveries = await deliveriesOf(webhook);
    expect(deliveries.map(({ status }) => status)).toEqual(deliveries.map(() => 'delivered'));
    const triggers = await Promise.all(deliveries.map(async ({ id }) => (await outboxOf(webhook).find(id))!.attempts.at(-1)!.trigger));
    expect(new Set(triggers)).toEqual(new Set(['recovery', 'schedule']));
    const [progress] = (await platform.get(`${path}/recover`)).body.recoveries;
    expect(progress).toMatchObject({ recovered: 5, finishedAt: expect.any(String) });
  });

  it('takes only what was accepted in the span', async () => {
    const { organization, webhook, path } = await given([{ status: 410 }], { events: 1 });
    const first = Date.now();
    vi.setSystemTime(first + 10 * MINUTE);
    await platform.patch(path, { enabled: false });
    await consume([aMessage([anEvent(organization)])]);
    await platform.patch(path, { enabled: true });
    vi.setSystemTime(Date.now() + 1);
    const at = (ms: number) => new Date(ms).toISOString();
    expect((await platform.post(`${path}/recover`, { since: at(first - 1_000), until: at(first + MINUTE) })).body).toEqual({ count: 1 });
    expect((await platform.post(`${path}/recover`, { since: at(first + MINUTE) })).body).toEqual({ count: 1 });
    expect(await deliveriesOf(webhook)).toHaveLength(2);
  });

  it('delivers nothing twice where two are asked for at once, and goes on after the object vanished', async () => {
    const { endpoint, webhook, path } = await given([{ status: 500 }], { events: 30 });
    await untilEnded(webhook);
    const before = (await endpoint.requests()).length;
    await endpoint.script([{ status: 200 }]);
    await Promise.all([platform.post(`${path}/recover`, sinceLongAgo), platform.post(`${path}/recover`, sinceLongAgo)]);
    await runInDurableObject(outboxOf(webhook), (_, state) => state.abort('vanished')).catch(() => {});
    await runAlarm(webhook);
    await untilEnded(webhook);
    expect(await endpoint.requests()).toHaveLength(before + 30);
    expect((await platform.get(`${path}/recover`)).body.recoveries.every((each: { finishedAt: unknown }) => each.finishedAt !== null)).toBe(
      true,
    );
  });

  it('names what is wrong', async () => {
    const { path } = await given([{ status: 200 }], { events: 0 });
    expect(await platform.post(`${path}/recover`, {})).toMatchObject({ status: 422, body: { details: { field: 'since' } } });
    expect(await platform.post(`${path}/recover`, { since: 'yesterday' })).toMatchObject({
      status: 422,
      body: { details: { field: 'since' } },
    });
    const backwards = { since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' };
    expect(await platform.post(`${path}/recover`, backwards)).toMatchObject({ status: 422, body: { details: { field: 'until' } } });
    // The field that is there: an end that is now where nothing is said of it cannot be mended.
    expect(await platform.post(`${path}/recover`, { since: '2099-01-01' })).toMatchObject({
      status: 422,
      body: { message: '`since` is not in the past.', details: { field: 'since' } },
    });
    await platform.patch(path, { enabled: false });
    expect(await platform.post(`${path}/recover`, sinceLongAgo)).toMatchObject({ status: 409, body: { code: 'webhook_disabled' } });
  });
});

describe('every one of these', () => {
  it('is done with a key that may write, and followed with one that may read', async () => {
    const { organization, path, id } = await given([{ status: 200 }]);
    const writer = client(await createKey(organization, ['write']));
    const reader = client(await createKey(organization, ['read']));
    const answers = [
      await writer.post(`${path}/deliveries/${id}/retry`),
      await writer.post(`${path}/test`),
      await writer.post(`${path}/recover`, { since: '2026-01-01' }),
      await reader.get(`${path}/recover`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 200, 202, 200]);
    await afterAttempt(path, id, 2);
  });

  it('needs the plan, but for looking', async () => {
    const { organization, path } = await given([{ status: 200 }], { events: 0 });
    await platform.put(`/organization/${organization}`, { name: 'Acme', plan: 'growth' });
    for (const refused of [platform.post(`${path}/test`), platform.post(`${path}/recover`, { since: '2026-01-01' })]) {
      expect(await refused).toMatchObject({ status: 403, body: { code: 'plan_upgrade_required', details: { plan: 'growth' } } });
    }
    expect(await platform.get(`${path}/recover`)).toMatchObject({ status: 200, body: { recoveries: [] } });
  });

  it.each([
    ['POST', '/deliveries/dlv_x/retry', {}],
    ['POST', '/test', {}],
    ['POST', '/recover', { since: '2026-01-01' }],
    ['GET', '/recover', undefined],
    ['POST', '/cancel', {}],
    ['POST', '/cancel', { dryRun: true }],
    ['POST', '/deliveries/dlv_x/cancel', {}],
    ['GET', '/cancel', undefined],
  ])('%s …%s is 503 while the outbox cannot be reached', async (method, action, json) => {
    const { path } = await given([{ status: 200 }], { events: 0 });
    const overloaded = () => Promise.reject(new Error('overloaded'));
    const broken = { retryNow: overloaded, sendTest: overloaded, recoverSelected: overloaded, recoveries: overloaded };
    Object.assign(broken, { cancel: overloaded, cancelOne: overloaded, cancellations: overloaded, countCancellation: overloaded });
    const OUTBOX = { getByName: () => broken } as unknown as Env['OUTBOX'];
    const headers = { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json' };
    const request = new Request(`${ORIGIN}/api/v1${path}${action}`, { method, headers, body: json && JSON.stringify(json) });
    const answer = await read(await app.fetch(request, { ...env, OUTBOX }, createExecutionContext()));
    expect(answer).toMatchObject({ status: 503, body: { code: 'outbox_unavailable' } });
    expect(answer.headers.get('Retry-After')).toBe('5');
    expect(JSON.stringify(answer.body)).not.toContain('overloaded');
  });
});
