import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { app } from '../../../src/app.ts';
import { decodeEventMessage } from '../../../src/domain/event/event-message.ts';
import type { Condition } from '../../../src/domain/rules/condition.ts';
import { client, createProducerKey, env, expectStatus, ORIGIN, PLATFORM_KEY, platform, read } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { aMessage, anEvent, consume, givenOrganization, givenWebhook, outboxOf } from '../../support/deliveries.ts';
import { tellAtOnce } from '../../support/telling.ts';

const event = (extra: Record<string, unknown> = {}) => ({
  event: 'visitor.identified',
  timestamp: '2026-11-23T14:05:09Z',
  organization_id: 'org_of_nobody',
  session_id: 'ses_1',
  visitor: { email: 'jane@example.com' },
  ...extra,
});

/** A queue that keeps what it is sent. */
function recordingQueue() {
  const messages: Uint8Array[] = [];
  const keep = (message: Uint8Array, contentType?: string) => {
    expect(contentType).toBe('bytes');
    messages.push(message);
  };
  const queue = {
    send: async (body: Uint8Array, options: { contentType: string }) => keep(body, options.contentType),
    sendBatch: async (batch: { body: Uint8Array; contentType: string }[]) => {
      for (const { body, contentType } of batch) keep(body, contentType);
    },
  };
  return { messages, queue: queue as unknown as Queue };
}

async function post(body: string | Uint8Array, { headers = {}, ...bindings }: Partial<Env> & { headers?: Record<string, string> } = {}) {
  const init = { method: 'POST', headers: { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json', ...headers }, body };
  const request = new Request(`${ORIGIN}/api/v1/events`, init);
  return await read(await app.fetch(request, { ...env, ...bindings }, createExecutionContext()));
}

describe('POST /events', () => {
  let producer: ReturnType<typeof client>;
  beforeAll(async () => {
    producer = client(await createProducerKey());
  });

  test("accepts an event with a producer's key, for an organization that need not be known", async () => {
    const answer = await producer.post('/events', event());
    expect(answer).toMatchObject({ status: 202, body: { id: expect.stringMatching(/^evt_[0-9A-Z]{26}$/) } });
    expect(Object.keys(answer.body)).toEqual(['id']);
  });

  test('accepts an array, of one as well, and gives an id to each in its order', async () => {
    const { body } = await expectStatus(producer.post('/events', [event(), event(), event()]), 202);
    expect(new Set(body.ids).size).toBe(3);
    expect([...body.ids].sort()).toEqual(body.ids);
    expect((await producer.post('/events', [event()])).body).toEqual({ ids: [expect.any(String)] });
  });

  test('queues the exact bytes under the ids it answers with', async () => {
    const { messages, queue } = recordingQueue();
    const one =
      '{ "event":"visitor.identified","timestamp":"2026-11-23T14:05:09Z","organization_id":"org_a","session_id":"\\u0073", "visitor":{"n":12345678901234567890}}';
    const { body } = await post(`[ ${one} ,\n${one}]`, { EVENTS: queue });
    expect(messages).toHaveLength(1);
    const { events } = decodeEventMessage(messages[0]);
    expect(events.map(({ id }) => id)).toEqual(body.ids);
    for (const { payload } of events) expect(new TextDecoder().decode(payload)).toBe(one);
  });

  test('gives the same ids to the same Idempotency-Key, organization and body, in an array as alone', async () => {
    const headers = { 'Idempotency-Key': 'order 17' };
    const idsOf = async (body: unknown) => {
      const answer = await post(JSON.stringify(body), { headers });
      expect(answer.status).toBe(202);
      return answer.body.ids ?? [answer.body.id];
    };
    const first = await idsOf([event({ n: 1 }), event({ n: 2 }), event({ n: 1 })]);
    expect(new Set(first).size).toBe(3);
    expect(await idsOf([event({ n: 1 }), event({ n: 2 }), event({ n: 1 })])).toEqual(first);
    expect(await idsOf(event({ n: 2 }))).toEqual([first[1]]);
    expect(first).not.toContain((await idsOf(event({ n: 1, organization_id: 'org_b' })))[0]);
  });

  test('takes another body under the same Idempotency-Key for another event: each is queued under an id of its own', async () => {
    const { messages, queue } = recordingQueue();
    const headers = { 'Idempotency-Key': 'session-77' };
    const bodies = [event({ n: 1 }), event({ n: 2 }), event({ session_id: 'ses_2' })].map((body) => JSON.stringify(body));
    bodies.push(`${bodies[0]} `);
    for (const body of bodies) await post(body, { headers, EVENTS: queue });
    const queued = messages.flatMap((message) => decodeEventMessage(message).events);
    expect(queued.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(bodies);
    expect(new Set(queued.map(({ id }) => id)).size).toBe(bodies.length);
  });

  test.each(['', 'k'.repeat(256), 'tab\there'])('refuses the Idempotency-Key "%s"', async (key) => {
    const answer = await post(JSON.stringify(event()), { headers: { 'Idempotency-Key': key } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field: 'Idempotency-Key' } } });
  });

  test('names the field that is wrong, and the event in an array', async () => {
    const missing = await producer.post('/events', event({ organization_id: undefined }));
    expect(missing).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field: 'organization_id' } } });
    expect(missing.body.details).not.toHaveProperty('index');
    const second = await producer.post('/events', [event(), event({ visitor: 5 })]);
    expect(second).toMatchObject({
      status: 422,
      body: { details: { field: 'visitor', index: 1, issues: [{ field: 'visitor', index: 1, message: expect.any(String) }] } },
    });
    expect((await producer.post('/events', [])).status).toBe(422);
    expect((await producer.post('/events', Array(101).fill(event()))).status).toBe(422);
  });

  test('refuses types that the catalogue does not know, and takes them once it does', async () => {
    const unknown = { event: 'company.seen', timestamp: '2026-11-23T14:05:09Z', organization_id: 'org_a' };
    expect(await producer.post('/events', unknown)).toMatchObject({
      status: 422,
      body: { code: 'unknown_event_type', message: 'There is no event type `company.seen`.', details: { field: 'event' } },
    });
    expect(await producer.post('/events', [event(), unknown])).toMatchObject({
      status: 422,
      body: { details: { field: 'event', index: 1 } },
    });
    await expectStatus(platform.put('/event-types/company.seen', { description: 'x' }), 201);
    expect((await producer.post('/events', unknown)).status).toBe(202);
    // One that another isolate added: unknown to the cache, so the database is asked.
    await env.DB.prepare("INSERT INTO event_types (name, description, created_at, updated_at) VALUES ('company.left', 'x', 1, 1)").run();
    expect((await producer.post('/events', { ...unknown, event: 'company.left' })).status).toBe(202);
  });

  test("checks an event against its type's schema", async () => {
    const schema = {
      type: 'object',
      properties: {
        deal: {
          type: 'object',
          required: ['amount'],
          properties: { amount: { type: 'number', minimum: 0 }, lines: { items: { required: ['sku'] } } },
        },
      },
      required: ['deal'],
    };
    await expectStatus(platform.put('/event-types/deal.won', { description: 'x', schema }), 201);
    const deal = (value: unknown) => ({ event: 'deal.won', timestamp: '2026-11-23T14:05:09Z', organization_id: 'org_a', deal: value });
    expect((await producer.post('/events', deal({ amount: 5 }))).status).toBe(202);
    const cases: [unknown, string][] = [
      [{ amount: -1 }, 'deal.amount'],
      [{ amount: '5' }, 'deal.amount'],
      [{}, 'deal.amount'],
      [{ amount: 5, lines: [{ sku: 'a' }, {}] }, 'deal.lines[1].sku'],
      [undefined, 'deal'],
    ];
    for (const [value, field] of cases) {
      expect(await producer.post('/events', deal(value))).toMatchObject({
        status: 422,
        body: { code: 'validation_failed', details: { field } },
      });
    }
    expect(await producer.post('/events', [deal({ amount: 5 }), deal({})])).toMatchObject({
      status: 422,
      body: { details: { field: 'deal.amount', index: 1 } },
    });
    const endless = { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { $ref: '#/$defs/x' } } };
    expect(await platform.put('/event-types/deal.lost', { description: 'x', schema: endless })).toMatchObject({ status: 422 });
    // An earlier version let it in.
    const insert = "INSERT INTO event_types (name, description, schema, created_at, updated_at) VALUES ('deal.lost', 'x', ?, 1, 1)";
    await env.DB.prepare(insert).bind(JSON.stringify(endless)).run();
    const unchecked = await producer.post('/events', { ...deal({}), event: 'deal.lost', a: 1 });
    expect(unchecked.body.details.issues).toEqual([{ field: '', message: expect.stringContaining('in a circle') }]);
    const halfCharacter = '{"event":"deal.won","timestamp":"2026-11-23T14:05:09Z","organization_id":"o","deal":{"amount":1},"\\ud800":1}';
    expect((await post(halfCharacter)).status).toBe(202);
  });

  test('takes 100,000 bytes and no more, and an array of 250,000', async () => {
    const sized = (bytes: number) => {
      const text = JSON.stringify(event({ fill: '' }));
      return text.replace('"fill":""', `"fill":"${'x'.repeat(bytes - text.length)}"`);
    };
    expect((await post(sized(100_000))).status).toBe(202);
    expect(await post(sized(100_001))).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    expect((await post(`[${sized(83_331)},${sized(83_331)},${sized(83_334)}]`)).status).toBe(202);
    expect((await post(`[${sized(83_332)},${sized(83_332)},${sized(83_335)}]`)).status).toBe(413);
    expect(await post(`[${sized(100_001)}]`)).toMatchObject({ status: 413, body: { details: { index: 0 } } });
  });

  test.each([
    ['refuses', () => Promise.reject(new Error('Queue is overloaded'))],
    ['hangs', () => new Promise<never>(() => {})],
  ])('is 503 with Retry-After where the queue %s', async (_how, send) => {
    const EVENTS = { send, sendBatch: send } as unknown as Queue;
    const answer = await post(JSON.stringify(event()), { EVENTS });
    expect(answer).toMatchObject({ status: 503, body: { code: 'queue_unavailable' } });
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(JSON.stringify(answer.body)).not.toContain('overloaded');
  });
});

/** How D1 answers when it is asked for organizations' configuration. */
type Asked = 'answers' | 'fails' | 'hangs';

/** One isolate: it keeps its bindings, and so what it knows. */
function isolate() {
  const { messages, queue } = recordingQueue();
  let asked = 0;
  let mode: Asked = 'answers';
  const unwell = () => ({
    bind: unwell,
    raw: () => (mode === 'fails' ? Promise.reject(new Error('D1_ERROR: down')) : new Promise(() => {})),
  });
  const prepare = (query: string) => {
    const isOurs = /from "organizations" left join "webhooks"/.test(query);
    if (isOurs) asked++;
    return isOurs && mode !== 'answers' ? unwell() : env.DB.prepare(query);
  };
  const environment: Env = { ...env, EVENTS: queue, DB: { prepare } as unknown as D1Database };
  /** Posts one event, or an array of them; returns how many messages it has queued. What it left to do is done, unless D1 hangs. */
  const post = async (body: unknown): Promise<number> => {
    const before = messages.length;
    const init = { method: 'POST', headers: { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json' } };
    const request = new Request(`${ORIGIN}/api/v1/events`, { ...init, body: new TextEncoder().encode(JSON.stringify(body)) });
    const ctx = createExecutionContext();
    const answer = await read(await app.fetch(request, environment, ctx));
    const ids = Array.isArray(body) ? { ids: body.map(() => expect.any(String)) } : { id: expect.any(String) };
    expect(answer).toMatchObject({ status: 202, body: ids });
    if (mode !== 'hangs') await waitOnExecutionContext(ctx);
    return messages.length - before;
  };
  /** How often D1 was asked since the last call. */
  const takeAsked = () => {
    const times = asked;
    asked = 0;
    return times;
  };
  const letD1 = (next: Asked) => {
    mode = next;
  };
  return { post, takeAsked, letD1, environment };
}

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const of = (organization_id: string, extra: Record<string, unknown> = {}) => event({ organization_id, ...extra });

describe('events that no webhook wants', () => {
  driveDate();

  test('are answered as all are, and not queued, once the isolate knows it', async () => {
    const { post, takeAsked } = isolate();
    const organization = await givenOrganization();
    expect(await post(of(organization))).toBe(1);
    expect(takeAsked()).toBe(1);
    expect(await post(of(organization))).toBe(0);
    expect(await post([of(organization), of(organization)])).toBe(0);
    pass(3_000);
    expect(await post(of(organization))).toBe(0);
    expect(takeAsked()).toBe(0);
  });

  test.each([
    ['its organization is not known', async () => 'org_unheard_of'],
    ['its organization has no webhook for its type', async () => await withWebhook({ events: ['company.*'] })],
    ['the plan does not include webhooks', async () => await withWebhook({}, 'growth')],
  ])('are those where %s', async (_, given) => {
    const { post } = isolate();
    const organization = await given();
    await post(of(organization));
    expect(await post(of(organization))).toBe(0);
  });

  test.each([
    ['one is subscribed to its type', { events: ['visitor.*'] }],
    ['that one is disabled: what it would have received is recorded', { enabled: false }],
  ])('are none where %s', async (_, options) => {
    const { post } = isolate();
    const organization = await withWebhook(options);
    for (let times = 0; times < 3; times++) expect(await post(of(organization))).toBe(1);
  });

  test('are dropped by what is at most 3 s old: after that D1 is asked', async () => {
    const { post, takeAsked } = isolate();
    const organization = await givenOrganization();
    await post(of(organization));
    takeAsked();
    pass(3_001);
    expect(await post(of(organization))).toBe(0);
    expect(takeAsked()).toBe(1);
    await givenWebhook(organization, { url: 'https://hooks.example.com/' });
    pass(3_001);
    expect(await post(of(organization))).toBe(1);
    expect(takeAsked()).toBe(1);
  });

  test('are never those that are accepted more than 5 s after a webhook was made', async () => {
    const { post } = isolate();
    for (let knownForMs = 0; knownForMs <= 6_000; knownForMs += 500) {
      const organization = await givenOrganization();
      await post(of(organization));
      pass(knownForMs);
      await post(of(organization));
      await givenWebhook(organization, { url: 'https://hooks.example.com/' });
      for (const at of [1_667, 3_334, 5_001]) {
        pass(1_667);
        const queued = await post(of(organization));
        if (at > 5_000) expect(queued).toBe(1);
      }
    }
  });

  test.each([['fails'], ['hangs']] as const)('are queued where D1 %s and what is known is too old', async (how) => {
    const { post, letD1 } = isolate();
    const organization = await givenOrganization();
    await post(of(organization));
    letD1(how);
    expect(await post(of(organization))).toBe(0);
    pass(3_001);
    // However D1 is, this one is answered.
    expect(await post(of(organization))).toBe(1);
    letD1('answers');
    pass(3_001);
    expect(await post(of(organization))).toBe(0);
  });

  test('cost no read of D1 on the way where nothing is known, or somebody wanted them last', async () => {
    const { post, takeAsked, letD1 } = isolate();
    const organization = await withWebhook({});
    letD1('hangs');
    // Whoever waited for D1 would wait for good: no deadline passes.
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation((() => 0) as unknown as typeof setTimeout);
    expect(await post(of(organization))).toBe(1);
    timers.mockRestore();
    letD1('answers');
    pass(10_000);
    await post(of(organization));
    takeAsked();
    // Learned again now and then, beside the event: its webhook may have been deleted.
    for (let second = 0; second < 60; second++) {
      pass(1_000);
      expect(await post(of(organization))).toBe(1);
    }
    expect(takeAsked()).toBe(0);
    await env.DB.prepare('DELETE FROM webhooks WHERE organization_id = ?').bind(organization).run();
    pass(1_000);
    expect(await post(of(organization))).toBe(1);
    expect(takeAsked()).toBe(1);
    expect(await post(of(organization))).toBe(0);
  });

  test('are dropped from an array only where nobody wants any of it', async () => {
    const { post } = isolate();
    const nobodys = await givenOrganization();
    const somebodys = await withWebhook({});
    await post([of(nobodys), of(somebodys)]);
    expect(await post([of(nobodys), of(somebodys)])).toBe(1);
    expect(await post([of(nobodys), of('org_of_whom_nothing_is_known')])).toBe(1);
    expect(await post([of(nobodys), of(nobodys), of('org_of_whom_nothing_is_known')])).toBe(0);
  });

  test('are known from what the isolate has consumed, too', async () => {
    const { post, takeAsked, environment } = isolate();
    const organization = await givenOrganization();
    await consume([aMessage([anEvent(organization)])], environment);
    expect(takeAsked()).toBe(1);
    expect(await post(of(organization))).toBe(0);
    expect(takeAsked()).toBe(0);
  });
});

describe('events that every webhook’s filter keeps back', () => {
  driveDate();
  beforeEach(() => tellAtOnce());
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const LARGE: Condition = { field: 'company.employee_count', operator: 'at_least', value: 200 };
  const sized = (organization: string, employee_count: number) => of(organization, { company: { name: 'Acme', employee_count } });

  async function given(...filters: (Condition | undefined)[]) {
    const organization = await givenOrganization();
    const webhooks = filters.map((filter) =>
      givenWebhook(organization, { url: 'https://hooks.example.com/', events: ['visitor.*'], filter }),
    );
    const known = { organization, webhooks: await Promise.all(webhooks), ...isolate() };
    // The isolate learns of it beside its first event.
    await known.post(sized(organization, 500));
    return known;
  }
  const skippedOf = (webhook: string) => outboxOf(webhook).skipped();

  test('are not queued, and each webhook that subscribes to them is told', async () => {
    const { organization, webhooks, post } = await given(LARGE, { not: { not: LARGE } });
    expect(await post(sized(organization, 199))).toBe(0);
    expect(await post([sized(organization, 1), sized(organization, 2)])).toBe(0);
    for (const [index, place] of ['filter', 'filter'].entries()) {
      const skipped = await skippedOf(webhooks[index]!);
      expect(skipped).toHaveLength(3);
      expect(skipped[0]).toMatchObject({
        eventId: expect.stringMatching(/^evt_/),
        event: 'visitor.identified',
        subject: 'jane@example.com, Acme',
        at: expect.any(Number),
        why: 'filtered',
        failedConditions: [place],
      });
    }
  });

  test('are queued where one matches, or a webhook has no filter; the consumer tells of them then', async () => {
    const { organization, webhooks, post } = await given(LARGE, { field: 'company.name', operator: 'equals', value: 'Globex' });
    expect(await post(sized(organization, 500))).toBe(1);
    expect(await post([sized(organization, 1), sized(organization, 500)])).toBe(1);
    for (const webhook of webhooks) expect(await skippedOf(webhook)).toEqual([]);
    const { organization: other, post: postOther } = await given(LARGE, undefined);
    expect(await postOther(sized(other, 1))).toBe(1);
  });

  test('are asked about again when what is known is 3 s old, and queued where D1 does not say', async () => {
    const { organization, webhooks, post, letD1, takeAsked } = await given(LARGE);
    takeAsked();
    expect(await post(sized(organization, 1))).toBe(0);
    pass(3_001);
    expect(await post(sized(organization, 1))).toBe(0);
    expect(takeAsked()).toBe(1);
    await env.DB.prepare('UPDATE webhooks SET filter = NULL WHERE id = ?').bind(webhooks[0]!).run();
    pass(3_001);
    letD1('fails');
    expect(await post(sized(organization, 1))).toBe(1);
    letD1('answers');
    pass(3_001);
    expect(await post(sized(organization, 1))).toBe(1);
    expect(await skippedOf(webhooks[0]!)).toHaveLength(2);
  });

  test('cost no read of D1 on the way where they match', async () => {
    const { organization, post, takeAsked } = await given(LARGE);
    takeAsked();
    pass(10_000);
    expect(await post(sized(organization, 500))).toBe(1);
    expect(takeAsked()).toBe(0);
  });
});

async function withWebhook(options: { events?: string[]; enabled?: boolean }, plan: Parameters<typeof givenOrganization>[0] = 'scale') {
  const organization = await givenOrganization(plan);
  await givenWebhook(organization, { url: 'https://hooks.example.com/', ...options });
  return organization;
}
