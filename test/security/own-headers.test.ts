import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { resealSecrets } from '../../src/upkeep/resealing.ts';
import { createOrganization, env, ORIGIN, PLATFORM_KEY, platform, type TestOrganization } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { databaseWithout, PAGES, signedIn } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox, untilEnded } from '../support/deliveries.ts';
import { inOutbox } from '../support/outbox.ts';
import { printed } from '../support/quiet-log.ts';

driveDate();

/*
 * The values of a webhook's own headers: sent to its endpoint, shown to an admin who asks for them, and to be found nowhere else, whatever is done
 * and whatever fails.
 */
const MARK = `mark${crypto.randomUUID().replaceAll('-', '')}`;
const HEADERS = { Authorization: `Bearer ${MARK}`, 'X-Token': `${MARK}"quoted"`, 'X-Basic': `Basic ${btoa(`user:${MARK}`)}` };
/** In whatever form: as it is, or as base64 has it at any of three places in its groups. */
const FORMS = [MARK, ...[0, 1, 2].map((before) => btoa('x'.repeat(before) + MARK).slice(before === 0 ? 0 : 4, -4))];

const decoder = new TextDecoder('latin1');

/** Which of some texts have the mark in them. */
const marked = (texts: Iterable<string>) => [...texts].filter((text) => FORMS.some((form) => text.includes(form)));

/** Everything that answered, but for what an admin asked for. */
const answers: string[] = [];

async function ask(method: string, path: string, key: string, json?: unknown, environment: Partial<Env> = {}) {
  const context = createExecutionContext();
  const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
  const request = new Request(`${ORIGIN}${path}`, { method, headers, body: json === undefined ? undefined : JSON.stringify(json) });
  const response = await app.fetch(request, { ...env, ...environment }, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  answers.push(`${method} ${path}: ${JSON.stringify([...response.headers])} ${text}`);
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

/** All that the database has, as text. */
async function databaseText(): Promise<string> {
  const { results } = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'").all<{
    name: string;
  }>();
  const tables = await Promise.all(results.map(({ name }) => env.DB.prepare(`SELECT * FROM ${name}`).all()));
  return JSON.stringify(tables.map((table) => table.results));
}

/** All that an outbox has: rows as they are, and what is compressed in them; and what it keeps by name. */
function outboxTexts(webhook: string): Promise<string[]> {
  return inOutbox(webhook, (_, { sql, kv }) => {
    const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'").toArray();
    const values = tables.flatMap(({ name }) => [...sql.exec(`SELECT * FROM ${name}`).raw()].flat());
    return [...values.flatMap(textsOf), JSON.stringify([...kv.list()])];
  });
}

function textsOf(value: unknown): string[] {
  if (!(value instanceof ArrayBuffer)) return [String(value)];
  const bytes = new Uint8Array(value);
  try {
    return [decoder.decode(bytes), decoder.decode(inflateRawSync(bytes))];
  } catch {
    return [decoder.decode(bytes)];
  }
}

/** Whatever can be done with a webhook, by somebody who may everything but does not ask for its secrets. */
async function everything(own: TestOrganization): Promise<string> {
  const endpoint = endpointInbox();
  const echo = { body: `you said ${HEADERS.Authorization} and ${HEADERS['X-Basic']}`, headers: { 'X-Echo': HEADERS['X-Token'] } };
  await endpoint.script([{ status: 500, ...echo }, { reset: true }, { status: 200, ...echo }]);
  const base = `/api/v1${own.path}`;
  const webhooks = `${base}/webhooks`;
  const input = { url: endpoint.url, events: ['*'], headers: HEADERS, secret: 'a secret that nobody could guess' };
  const { id } = (await ask('POST', webhooks, own.key, input)).body;
  const at = `${webhooks}/${id}`;
  await ask('POST', webhooks, own.key, { url: endpoint.url, events: ['webhook.*'] });

  await consume([aMessage([anEvent(own.id)])]);
  await untilEnded(id);
  await consume([aMessage(Array.from({ length: 5 }, () => anEvent(own.id)))]);
  await endedDeliveriesOf(id, 6);
  await ask('POST', `${at}/test`, own.key);
  await ask('POST', `${at}/test`, own.key, { payload: { event: 'webhook.failing', webhook: {} } });
  for (const { id: deliveryId, eventId } of await deliveriesOf(id)) {
    await ask('POST', `${at}/deliveries/${deliveryId}/retry`, own.key);
    await ask('GET', `${at}/deliveries/${deliveryId}`, own.key);
    await ask('GET', `${base}/events/${eventId}`, own.key);
  }
  for (const path of ['', '/deliveries', '/recover', '/skipped', '/stats']) await ask('GET', `${at}${path}`, own.key);
  await ask('GET', `${webhooks}?include=activity`, own.key);
  await ask('POST', `${webhooks}/preview`, own.key, { webhookId: id, format: 'slack' });
  await ask('POST', `${at}/recover`, own.key, { since: '2026-01-01' });

  await ask('PATCH', at, own.key, { headers: { authorization: HEADERS.Authorization, 'X-Other': MARK } });
  await ask('PATCH', at, own.key, { headers: { 'X-Other': null }, description: 'x' });
  await ask('POST', `${at}/secret/rotate`, own.key, {});
  // What is wrong is named, and not quoted.
  const wrong = [{ 'Content-Type': MARK }, { 'X-A': `${MARK}\n` }, { 'X-A': [MARK] }, { 'X-A': MARK, 'x-a': MARK }, MARK, [MARK]];
  for (const headers of wrong) {
    expect((await ask('PATCH', at, own.key, { headers })).status).toBe(422);
    expect((await ask('POST', webhooks, own.key, { ...input, headers })).status).toBe(422);
  }
  // What fails says nothing either: drizzle's errors quote parameters, and what does not open is an error of ours.
  const failing = [{ DB: databaseWithout(/^\s*(insert|update)/i) }, { MASTER_KEY: 'not-the-key-that-sealed-them' }];
  for (const environment of failing) {
    const { status } = await ask('PATCH', at, own.key, { headers: { 'X-More': MARK } }, environment);
    expect(status).toBeGreaterThanOrEqual(500);
  }
  await resealSecrets({ ...env, MASTER_KEY: `a-new-master-key,${env.MASTER_KEY}` }, Date.now());
  await resealSecrets({ ...env, MASTER_KEY: `${env.MASTER_KEY},a-new-master-key` }, Date.now());
  await consume([aMessage([anEvent(own.id)])], { ...env, MASTER_KEY: 'not-the-key-that-sealed-them' });

  const person = await signedIn(own);
  const [newest] = await deliveriesOf(id);
  for (const page of ['', id, `${id}/settings`, `${id}/edit`, `${id}/deliveries/${newest!.id}`]) {
    const { html, headers } = await person.get(page === '' ? PAGES : `${PAGES}/${page}`);
    answers.push(`${page}: ${JSON.stringify([...headers])} ${html}`);
  }
  return id;
}

describe('the values of a webhook’s own headers', () => {
  it('reach its endpoint, and an admin who asks, and are in no other answer, no page, no log and no stored byte', async () => {
    const own = await createOrganization();
    const id = await everything(own);
    expect((await platform.get(`${own.path}/webhooks/${id}/secret`)).body.headers).toMatchObject({ 'X-Token': HEADERS['X-Token'] });
    expect(answers.length).toBeGreaterThan(50);
    expect(marked(answers)).toEqual([]);
    expect(marked(printed)).toEqual([]);
    expect(marked([await databaseText()])).toEqual([]);
    const { body } = await platform.get(`${own.path}/webhooks`);
    for (const webhook of body.webhooks) expect(marked(await outboxTexts(webhook.id))).toEqual([]);
    // They have been there to be found: what is shown in their place is.
    const shown = answers.filter((answer) => answer.includes('"Authorization":"•••"'));
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.some((answer) => answer.includes('you said'))).toBe(true);
  });

  it('would be found where they are, in whatever form', async () => {
    const own = await createOrganization();
    const key = await platform.post(`${own.path}/webhooks`, { url: 'https://hooks.example.com/', events: ['*'], description: MARK });
    expect(marked([JSON.stringify(key.body)])).toHaveLength(1);
    expect(marked([await databaseText()])).toHaveLength(1);
    expect(marked([HEADERS['X-Basic'], btoa(`x${MARK}`), btoa(`xy${MARK}`), btoa(`xyz${MARK}`), PLATFORM_KEY])).toHaveLength(4);
    const { id } = key.body;
    await consume([aMessage([anEvent(own.id, { said: MARK })])]);
    await deliveriesOf(id);
    expect(marked(await outboxTexts(id)).length).toBeGreaterThan(0);
  });
});
