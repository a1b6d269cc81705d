import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/api/errors.ts';
import { ERROR_EXAMPLES } from '../../src/api/reference/error-examples.ts';
import { describeApi } from '../../src/api/reference/openapi.ts';
import { errorCodesOf } from '../../src/api/route.ts';
import { routes } from '../../src/app.ts';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { packEvents } from '../../src/domain/event/event-message.ts';
import { configWithEmail } from '../support/email-config.ts';
import { inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { probesOf, settled, type TrueExample } from '../support/true-examples.ts';
import { startWorker } from '../support/worker.ts';

/*
 * What the API reference shows of each operation (src/api/reference/true-examples.json) is asked of a real Worker here, and must be what it answers.
 * UPDATE_EXAMPLES=1 writes the file anew.
 */
const FILE = join(import.meta.dirname, '../../src/api/reference/true-examples.json');
const ORGANIZATION = 'org_examples';
const PUBLIC_URL = 'https://webhooks.bullseye.example';
const MESSAGES = ['a1b2c3d4', 'b2c3d4e5'];
const GIVE_UP_MS = 40_000;

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
const recorded: Record<string, TrueExample> = {};
/** Every error that came, by operation and code. */
const errors: Record<string, Record<string, { message: string; details: unknown }>> = {};
/** What the walk has made: keys, and ids by the names of paths' placeholders. */
const known: Record<string, string> = { organizationId: ORGANIZATION, name: 'visitor.identified', messageId: MESSAGES[0] as string };

const event = (session: string) => ({
  event: 'visitor.identified',
  timestamp: '2026-11-23T14:05:09.000Z',
  organization_id: ORGANIZATION,
  session_id: session,
  visitor: { email: 'jane.doe@example.com', first_name: 'Jane' },
});

beforeAll(async () => {
  receiver = await startReceiver();
  const options = {
    persistTo: join(folder, 'state'),
    vars: { PUBLIC_URL, ALERTS_FROM: 'alerts@example.com', SECURITY_CONTACT: 'mailto:security@bullseye.example' },
    config: configWithEmail(folder),
  };
  worker = await startWorker(options);
  await worker.stop();
  park(options.persistTo);
  worker = await startWorker(options);
  await walk();
  await probeAll();
}, 400_000);
afterAll(async () => {
  await worker?.stop();
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Messages that could not be processed, as the consumer puts them aside. */
function park(state: string): void {
  const d1 = join(state, 'v3/d1/miniflare-D1DatabaseObject');
  const [name = ''] = readdirSync(d1).filter((file) => file.endsWith('.sqlite') && file !== 'metadata.sqlite');
  const database = new DatabaseSync(join(d1, name));
  const [body = new Uint8Array()] = packEvents(
    [{ id: 'evt_01JDCQ7Z8W5M3KXN4R2T6V9YBA', payload: Buffer.from(JSON.stringify(event('ses_0'))) }],
    Date.UTC(2026, 10, 23),
  );
  const insert = database.prepare('INSERT INTO parked_messages (id, reason, body, parked_at) VALUES (?, ?, ?, ?)');
  for (const id of MESSAGES) insert.run(id, 'it was redelivered 100 times', body, Date.UTC(2026, 10, 23));
  database.close();
}

function exampleOf(operationId: string): TrueExample {
  recorded[operationId] ??= {};
  return recorded[operationId];
}

const routeOf = (operationId: string) => {
  const found = routes.find((route) => route.operationId === operationId);
  if (!found) throw new Error(`There is no operation ${operationId}`);
  return found;
};

const own = (): [string, string][] => [
  [ORGANIZATION, 'org_acme'],
  [PUBLIC_URL, 'https://webhooks.example.com'],
  [worker.origin, 'https://webhooks.example.com'],
  ...Object.entries(known).flatMap(([name, value]): [string, string][] =>
    name.startsWith('url') ? [[value, 'https://hooks.example.com/bullseye']] : [],
  ),
  // Its webhooks' names.
  [new URL(receiver.origin).host, 'hooks.example.com'],
];

async function ask(
  operationId: string,
  options: { key: string | null; text?: string | undefined; query?: string; headers?: Record<string, string>; astray?: boolean },
) {
  const { method, path } = routeOf(operationId);
  const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const last = placeholders.at(-1);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    options.astray && name === last ? `${name}_that_is_not` : (known[name] ?? `no_${name}`),
  );
  const response = await fetch(`${worker.origin}${filled}${options.query ?? ''}`, {
    method: method.toUpperCase(),
    headers: {
      ...(options.key === null ? {} : { 'X-API-Key': options.key }),
      ...(options.text === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    body: options.text,
    redirect: 'manual',
  });
  return { status: response.status, text: await response.text() };
}

/** Asks, keeps the first answer of each success, and gives the body as it came. */
async function step(operationId: string, body?: unknown, options: { key?: string; query?: string; headers?: Record<string, string> } = {}) {
  const route = routeOf(operationId);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const key =
    options.key ?? (['platform', 'ingest', 'metrics'].includes(route.access) ? worker.platformKey : (known.key ?? worker.platformKey));
  const answer = await ask(operationId, { ...options, key: route.access === 'public' ? null : key, text });
  if (answer.status >= 400) throw new Error(`${operationId}: ${answer.status} ${answer.text}`);
  const example = exampleOf(operationId);
  if (text !== undefined) example.request ??= settled(text, own());
  const name = answer.status === route.success.status ? 'answer' : 'other';
  if (answer.text !== '' && operationId !== 'getOpenApi') example[name] ??= settled(answer.text, own());
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every operation.
  return (answer.text.startsWith('{') && !answer.text.includes('}\n{') ? JSON.parse(answer.text) : null) as any;
}

/** Every operation, in an order in which each finds what it needs. */
async function walk(): Promise<void> {
  for (const operation of ['getHealth', 'getOpenApi', 'getSecurityTxt']) await step(operation);
  await step('putOrganization', { name: 'Acme', plan: 'scale' });
  await step('putOrganization', { name: 'Acme', plan: 'scale' });
  await step('getOrganization');
  const admin = await step('createApiKey', { name: 'CI', scopes: ['admin'] }, { key: worker.platformKey });
  const read = await step('createApiKey', { name: 'Reports', scopes: ['read'] }, { key: worker.platformKey });
  [known.key, known.readKey, known.keyId] = [admin.plainKey, read.plainKey, admin.id];
  await step('listApiKeys');
  await step('getKey');
  await step('listEventTypes');
  await step('getEventType');
  known.name = 'company.identified';
  const type = {
    description: 'A company was identified.',
    example: { event: 'company.identified' },
    schema: { type: 'object', required: ['company'] },
  };
  for (const _ of [1, 2]) await step('putEventType', type);
  await step('deleteEventType');
  known.name = 'visitor.identified';

  const endpoint = inbox(receiver.origin);
  const failing = inbox(receiver.origin);
  await endpoint.script([
    { status: 200, headers: { 'content-type': 'application/json', date: 'Mon, 23 Nov 2026 14:05:09 GMT' }, body: '{"ok":true}' },
  ]);
  await failing.script(Array.from({ length: 20 }, () => ({ status: 503 })));
  [known.url, known.urlFailing] = [endpoint.url, failing.url];
  const created = await step('createWebhook', { url: endpoint.url, events: ['visitor.identified'], generateSecret: true });
  known.webhookId = created.id;
  // Before the first event: a webhook that is new to an organization gets what comes some seconds later.
  const second = await step('createWebhook', { url: failing.url, events: ['visitor.identified'] });
  await step('listWebhooks');
  await step('getWantedEvents', undefined, { query: `?organization_id=${ORGANIZATION}` });
  await step('getWebhook');
  await step('updateWebhook', { description: 'Leads to the CRM' });
  await step('previewWebhook', { filter: { field: 'company.employee_count', operator: 'at_least', value: 200 } });
  await step('revealWebhookSecret');
  await step('rotateWebhookSecret', { overlapSeconds: 86_400 });
  await step('endSecretOverlap');
  await step('testWebhook', { event: 'visitor.identified' });
  await step('listParkedMessages');
  await step('getParkedMessage');
  await step('redriveParkedMessage');
  known.messageId = MESSAGES[1] as string;
  await step('deleteParkedMessage');
  await step('postEvents', event('ses_1'));
  await step('postEvents', event('ses_2'));
  await deliveryOf('ses_2', 'delivered');
  const { eventId, id } = await deliveryOf('ses_1', 'delivered');
  [known.eventId, known.deliveryId] = [eventId, id];
  await step('listDeliveries', undefined, { query: '?status=delivered&limit=1' });
  await step('exportDeliveries', undefined, { query: '?format=ndjson&q=ses_1' });
  await step('listOrganizationDeliveries', undefined, { query: '?q=ses_1&status=delivered' });
  await step('getDelivery');
  await step('getEvent');
  await step('getStatistics', undefined, { query: '?period=24h' });
  const today = `?from=${new Date().toISOString().slice(0, 10)}`;
  for (const operation of ['getUsage', 'exportUsage', 'getPlatformUsage']) await step(operation, undefined, { query: today });
  await step('listSkippedEvents');
  await step('retryDelivery');
  await until('getDelivery', '', ({ attempts }) => attempts.length === 2);
  await step('recoverDeliveries', { since: '2026-11-23T14:00:00Z', dryRun: true });
  await step('recoverDeliveries', { since: '2026-11-23T14:00:00Z', status: ['delivered'] });
  await until('listRecoveries', '', ({ recoveries }) =>
    recoveries.every((each: { finishedAt: string | null }) => each.finishedAt !== null),
  );
  await step('listRecoveries');
  await until('getDelivery', '', ({ status, attempts }) => status === 'delivered' && attempts.length === 3);
  known.webhookId = second.id;
  known.deliveryId = (await deliveryOf('ses_1', 'retrying')).id;
  await deliveryOf('ses_2', 'retrying');
  await step('cancelDelivery');
  for (const dryRun of [true, false]) await step('cancelDeliveries', { dryRun });
  await until('listCancellations', '', ({ cancellations }) =>
    cancellations.every((each: { finishedAt: string | null }) => each.finishedAt !== null),
  );
  await step('listCancellations');
  known.webhookId = created.id;
  known.deliveryId = id;
  await step('erasePayload');
  await step('eraseEventPayload');
  const erasure = await step('erasePerson', { field: 'visitor.email', value: 'jane.doe@example.com' });
  known.erasureId = erasure.id;
  await until('getErasure', '', ({ status }) => status === 'done');
  await step('getErasure');
  await step('listErasures');
  await step('getAlerts');
  await step('putAlerts', { emails: ['ada@example.com'], events: ['webhook.failing', 'webhook.disabled'] });
  await step('tryAlerts');
  await signIn();
  const { sessions } = await step('listSessions');
  known.sessionId = sessions[0].id;
  await step('endSession');
  await signIn();
  await step('endSessions');
  await step('listAuditLog', undefined, { query: '?action=webhook.updated' });
  await step('exportAuditLog', undefined, { query: '?action=webhook.updated' });
  await step('createListener', { forwardTo: 'http://localhost:3000/hook' });
  await step('countSealedSecrets');
  const ingest = await step('createPlatformKey', { name: 'identification', scopes: ['ingest'] });
  known.ingestKey = ingest.plainKey;
  await step('listPlatformKeys');
  await step('listOrganizations', undefined, { query: '?q=acm' });
  await showMetrics();
  await exportAndImport();
}

/** Of the metrics the first, whose figures are the same each time. */
async function showMetrics(): Promise<void> {
  const { status, text } = await ask('getMetrics', { key: worker.platformKey });
  if (status !== 200) throw new Error(`getMetrics: ${status} ${text}`);
  const [info = ''] = text.split(/^(?=# HELP bullseye_events)/m);
  exampleOf('getMetrics').answer = `${info.replace(/version="[^"]+"/, 'version="0.1.0"')}# HELP bullseye_events_total …\n`;
}

/** An export, of which the first two lines are enough to show, and its import where all of it is already. */
async function exportAndImport(): Promise<void> {
  const headers = { 'X-Export-Key': Buffer.from('the 32 bytes of an export’s key').toString('base64').slice(0, 43).padEnd(44, '=') };
  const exported = await ask('exportConfiguration', { key: worker.platformKey, headers });
  const lines = exported.text.split('\n');
  const shown = [lines[0], lines.find((line) => line.startsWith('{"type":"organization"'))];
  exampleOf('exportConfiguration').answer = settled(`${shown.join('\n')}\n…\n`, own());
  const type = { 'Content-Type': 'application/x-ndjson' };
  const imported = await ask('importConfiguration', { key: worker.platformKey, text: exported.text, headers: { ...headers, ...type } });
  exampleOf('importConfiguration').answer = settled(imported.text, own());
}

/** What can only be removed last: the probes need it. */
async function takeDown(): Promise<void> {
  const { id } = await step('createPlatformKey', { name: 'another', scopes: ['ingest'] });
  known.keyId = id;
  await step('revokePlatformKey');
  const key = await step('createApiKey', { name: 'Another', scopes: ['read'] });
  known.keyId = key.id;
  await step('revokeApiKey');
  await step('deleteWebhook');
  await step('deleteOrganization');
}

/** Asks again, without keeping the answers, until one is as it is to be. */
// biome-ignore lint/suspicious/noExplicitAny: bodies of every operation.
async function until<T>(operationId: string, query: string, found: (body: any) => T | undefined | false): Promise<T> {
  const deadline = Date.now() + GIVE_UP_MS;
  for (;;) {
    const { text } = await ask(operationId, { key: known.key ?? null, query });
    const value = found(JSON.parse(text));
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${operationId} still answers ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The delivery of a session, once it is as it is to be. */
async function deliveryOf(session: string, status: string): Promise<{ id: string; eventId: string }> {
  type Listed = { id: string; eventId: string; status: string };
  return await until('listDeliveries', `?q=${session}`, ({ data }: { data: Listed[] }) => data.find((each) => each.status === status));
}

/** Follows a sign-in link as a person does who clicks. */
async function signIn(): Promise<void> {
  const { url } = await step('createDashboardLink', { scope: 'write', subject: 'Ada Lovelace' });
  const answer = await fetch(url.replace(PUBLIC_URL, worker.origin), {
    method: 'POST',
    headers: { Origin: PUBLIC_URL },
    redirect: 'manual',
  });
  if (answer.status !== 303 && answer.status !== 302) throw new Error(`Signing in answered ${answer.status}`);
}

/** Asks each operation in ways that are refused, and keeps what comes. */
async function probeAll(): Promise<void> {
  const keys = { all: worker.platformKey, read: known.readKey ?? '', ingest: known.ingestKey ?? '' };
  for (const route of routes) {
    for (const probe of probesOf(route, keys)) {
      const { status, text } = await ask(route.operationId, probe);
      if (status < 400) continue;
      const { code, ...told } = settled(text, own()) as { code: string; message: string; details: unknown };
      const byCode = errors[route.operationId] ?? {};
      errors[route.operationId] = { [code]: told, ...byCode };
    }
  }
  await takeDown();
  for (const [operationId, byCode] of Object.entries(errors)) {
    const common: Record<string, unknown> = ERROR_EXAMPLES;
    const special = Object.entries(byCode).filter(([code, told]) => JSON.stringify(told) !== JSON.stringify(common[code]));
    if (special.length > 0) exampleOf(operationId).errors = Object.fromEntries(special);
  }
  if (process.env.UPDATE_EXAMPLES) writeFileSync(FILE, `${JSON.stringify(recorded, null, 2)}\n`);
}

describe('what the reference shows', () => {
  const shown = () => JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, TrueExample>;

  it('is there for every operation', () => {
    const silent = routes.filter(
      ({ operationId, success }) => success.schema && operationId !== 'getOpenApi' && !shown()[operationId]?.answer,
    );
    expect(silent.map(({ operationId }) => operationId)).toEqual([]);
    const withoutRequest = routes.filter(({ operationId, body, rawBody }) => (body || rawBody) && !shown()[operationId]?.request);
    expect(withoutRequest.map(({ operationId }) => operationId)).toEqual([]);
  });

  it.each(routes.map(({ operationId }) => operationId))('of %s is what a Worker was asked and has answered', (operationId) => {
    expect(shown()[operationId]).toEqual(recorded[operationId]);
  });

  it.each(routes.filter(({ access }) => access !== 'public').map((route) => [route.operationId, route] as const))(
    'of the errors of %s is what came, and no error came that is not shown',
    (operationId, route) => {
      const { paths } = JSON.parse(JSON.stringify(describeApi(routes)));
      const examples = Object.values<{ content?: Record<string, { examples?: Record<string, { value: unknown }> }> }>(
        paths[route.path][route.method].responses,
      ).flatMap(({ content }) => Object.entries(content?.['application/json']?.examples ?? {}));
      const byCode = Object.fromEntries(examples.map(([code, { value }]) => [code, value]));
      const came = Object.entries(errors[operationId] ?? {});
      expect(came.length).toBeGreaterThanOrEqual(3);
      for (const [code, told] of came) {
        expect(errorCodesOf(route)).toContain(code as ErrorCode);
        expect(byCode[code]).toEqual({ code, ...told });
      }
    },
  );
});
