import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { databaseOf } from '../../src/db/client.ts';
import { parkedMessages } from '../../src/db/schema.ts';
import { sweep } from '../../src/upkeep/sweep.ts';
import { createKey, createOrganization, createWebhook, env, expectStatus, ORIGIN, PLATFORM_KEY, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { aMessage, anEvent, consume, endpointInbox, untilEnded } from '../support/deliveries.ts';
import { FORBIDDEN, leaksIn, printed } from '../support/quiet-log.ts';

driveDate();

/** What stands in an event, in a secret, in a URL, in an answer: and must not stand in the log. */
const MARK = `mark-${crypto.randomUUID()}`;

const fail = (...args: unknown[]) => Promise.reject(new Error('D1_ERROR: out of order', { cause: args }));
/** Bindings of which every call fails, with an error that has what it was given. */
const failingStatement = { bind: () => failingStatement, raw: fail, all: fail, run: fail, first: fail };
const failingDatabase = { prepare: () => failingStatement, batch: fail } as unknown as D1Database;
/** Reads go through; drizzle's error of a write quotes every parameter. */
const readOnlyDatabase = {
  prepare: (query: string) => (/^\s*(insert|update)/i.test(query) ? failingStatement : env.DB.prepare(query)),
  batch: fail,
} as unknown as D1Database;
const failingQueue = { send: fail, sendBatch: fail } as unknown as Queue;
const failingOutbox = {
  ...{ record: fail, list: fail, find: fail, poke: fail, erase: fail, resealed: fail, reconfigured: fail },
  ...{ preview: fail, sendTest: fail },
};

/** One request to a Worker with some of its bindings replaced. */
async function ask(environment: Partial<Env>, method: string, path: string, key: string, json?: unknown): Promise<number> {
  const context = createExecutionContext();
  const body = json === undefined ? undefined : JSON.stringify(json);
  const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
  const response = await app.fetch(new Request(`${ORIGIN}/api/v1${path}`, { method, headers, body }), { ...env, ...environment }, context);
  await waitOnExecutionContext(context);
  return response.status;
}

/** Whatever the service does and suffers, with marks in everything that a log must not carry. */
async function everything(): Promise<void> {
  const organization = await createOrganization();
  const key = await createKey(organization.id, ['admin']);
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 500, body: MARK, headers: { 'x-mark': MARK } }, { reset: true }, { status: 200, body: MARK }]);
  const url = `${endpoint.url}/${MARK}?token=${MARK}`;
  const webhook = await createWebhook(organization, { url, secret: MARK, description: MARK });
  const webhooks = `${organization.path}/webhooks`;
  const event = {
    event: 'visitor.identified',
    timestamp: '2026-11-23T10:00:00Z',
    organization_id: organization.id,
    session_id: MARK,
    visitor: {},
  };

  await expectStatus(platform.post('/events', event), 202);
  await consume([aMessage([anEvent(organization.id, { visitor: { email: MARK } })])]);
  await untilEnded(webhook.id);
  await expectStatus(organization.admin.post(`${webhooks}/${webhook.id}/test`), 200);
  await expectStatus(organization.admin.get(`${webhooks}/${webhook.id}/secret`), 200);
  await expectStatus(organization.admin.post(`${webhooks}/${webhook.id}/secret/rotate`, { secret: `${MARK}2` }), 200);

  // Wrong requests, and every part failing in turn.
  const down = { DB: failingDatabase };
  const outboxes = { OUTBOX: { getByName: () => failingOutbox } as unknown as Env['OUTBOX'] };
  const statuses = [
    await ask({}, 'POST', webhooks, key, { url: `https://10.0.0.1/${MARK}`, secret: MARK, events: [MARK] }),
    await ask({}, 'POST', '/events', PLATFORM_KEY, { ...event, visitor: MARK }),
    await ask(down, 'POST', webhooks, PLATFORM_KEY, { url, secret: MARK, events: ['*'] }),
    await ask({ DB: readOnlyDatabase }, 'POST', webhooks, PLATFORM_KEY, { url, secret: MARK, events: ['*'] }),
    await ask({ DB: readOnlyDatabase }, 'PATCH', `${webhooks}/${webhook.id}`, PLATFORM_KEY, { description: MARK, secret: MARK }),
    await ask(down, 'GET', webhooks, `bsk_live_${'a'.repeat(32)}`),
    await ask({ EVENTS: failingQueue }, 'POST', '/events', PLATFORM_KEY, event),
    await ask(outboxes, 'GET', `${webhooks}/${webhook.id}/deliveries`, key),
    await ask({ MASTER_KEY: MARK }, 'GET', `${webhooks}/${webhook.id}/secret`, key),
    await ask({}, 'POST', `${webhooks}/preview`, key, { format: 'template', template: MARK, filter: MARK, fields: [MARK] }),
    await ask({}, 'POST', `${webhooks}/preview`, key, { webhookId: webhook.id, format: 'template', template: `{{ ${MARK} | split: 5 }}` }),
    await ask(outboxes, 'POST', `${webhooks}/preview`, key, { webhookId: webhook.id, event: { ...event, visitor: { email: MARK } } }),
    await ask(outboxes, 'POST', `${webhooks}/${webhook.id}/test`, key, { payload: { ...event, session_id: MARK } }),
  ];
  expect(statuses).toEqual([422, 422, 503, 503, 503, 503, 503, 503, 500, 422, 200, 503, 503]);

  const messages = [aMessage([anEvent(organization.id, { visitor: { email: MARK } })])];
  await consume(messages, { ...env, ...down });
  await consume(messages, { ...env, MASTER_KEY: MARK });
  await consume([{ ...messages[0]!, body: new TextEncoder().encode(`{"v":9,"mark":"${MARK}"}\n${MARK}`) }], {
    ...env,
    DEAD_LETTERS: failingQueue,
  });
  await databaseOf(env.DB)
    .insert(parkedMessages)
    .values({ id: MARK.slice(5), reason: 'r', body: new TextEncoder().encode(MARK), parkedAt: 1 });
  await consume([{ ...messages[0]!, body: MARK }], { ...env, ...down }, 'bullseye-events-dead');
  await sweep({ ...env, MASTER_KEY: `${MARK},${env.MASTER_KEY}`, OUTBOX: outboxes.OUTBOX }, Date.now() + 200_000);
}

describe('the log', () => {
  it('tells what happened, and carries no secret, key, payload, answer, or more of a URL than its host', async () => {
    await everything();
    const lines = printed.join('\n');
    for (const event of [
      'delivery.attempted',
      'api.internal_error',
      'api.queue_unavailable',
      'message.unreadable',
      'secret.not_resealed',
    ]) {
      expect(lines).toContain(`"event":"${event}"`);
    }
    expect(printed.filter((line) => line.includes(MARK))).toEqual([]);
    expect(leaksIn(printed)).toEqual([]);
  });

  it('is looked through with patterns that find what they are for', () => {
    const lines: Record<keyof typeof FORBIDDEN, string> = {
      'an API key': `bsk_live_${'0'.repeat(32)}`,
      'the platform key': PLATFORM_KEY,
      'the master key': env.MASTER_KEY,
      'a secret': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'a sealed secret': 'v1:00000000:AAAAAAAAAAAAAAAA:AAAA',
      'a signature': `v1,${'A'.repeat(43)}=`,
      'what an event says of a visitor': 'ada@example.com',
      'more of a URL than its host': 'https://hooks.example.com/in',
    };
    expect(Object.keys(lines)).toEqual(Object.keys(FORBIDDEN));
    for (const [what, line] of Object.entries(lines))
      expect(leaksIn([`{"level":"info","a":"${line}"}`])).toEqual([expect.stringMatching(`^${what}`)]);
    expect(leaksIn(['{"level":"info","event":"delivery.attempted","host":"hooks.example.com"}'])).toEqual([]);
  });
});
