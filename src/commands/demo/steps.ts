import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type ApiAnswer, ApiClient } from '../api-client.ts';
import type { LocalWorker } from '../local-worker.ts';
import { bold, columns, cyan, dim, green, indent, red, say, TICK, yellow } from '../terminal.ts';
import type { Arrival, DemoReceiver } from './receiver.ts';
import { VERIFIERS } from './verify-delivery.ts';

const ORGANIZATION = 'org_demo';
const STEADY = '/customer/crm';
const SHAKY = '/customer/shaky';
const ARRIVES_WITHIN_MS = 20_000;
const LOGGED_WITHIN_MS = 10_000;

/** What the steps work with once everything is configured. */
export interface Setting {
  producer: ApiClient;
  customer: ApiClient;
  receiver: DemoReceiver;
  secret: string;
  steadyWebhookId: string;
  shakyWebhookId: string;
}

interface Posted {
  id: string;
  text: string;
  atMs: number;
}

interface DeliveryLog {
  id: string;
  status: string;
  attempts: {
    number: number;
    trigger: string;
    startedAt: string;
    durationMs: number | null;
    outcome: string;
    responseStatus: number | null;
  }[];
}

/** What Bullseye does once for a customer (the organization, its key), and the customer then does (the webhooks). */
export async function configure(worker: LocalWorker, receiver: DemoReceiver): Promise<Setting> {
  const producer = new ApiClient(worker.origin, worker.platformKey);
  const organization = await producer.put(`/organization/${ORGANIZATION}`, { name: 'Demo Ltd', plan: 'scale' });
  call('PUT ', '/organization/org_demo', organization, 'plan scale');
  const key = await producer.post(`/organization/${ORGANIZATION}/api-keys`, { name: 'demo', scopes: ['admin'] });
  const plainKey = field(key, 'plainKey');
  call('POST', '/organization/org_demo/api-keys', key, `${plainKey.slice(0, 12)}… ${dim('(shown once)')}`);

  const customer = new ApiClient(worker.origin, plainKey);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const create = async (path: string): Promise<string> => {
    const input = { url: `${receiver.origin}${path}`, secret, events: ['visitor.identified'] };
    const webhook = await customer.post(`/organization/${ORGANIZATION}/webhooks`, input);
    call('POST', '/organization/org_demo/webhooks', webhook, `${field(webhook, 'id')} → ${path}`);
    return field(webhook, 'id');
  };
  receiver.answers(SHAKY, [503, 503]);
  return { producer, customer, receiver, secret, steadyWebhookId: await create(STEADY), shakyWebhookId: await create(SHAKY) };
}

/** The event as a producer inside Bullseye writes it. The white space and the long number are there to arrive as they are. */
export async function postEvent({ producer }: Setting): Promise<Posted> {
  const text = `{
  "event": "visitor.identified",
  "timestamp": "${new Date().toISOString()}",
  "organization_id": "${ORGANIZATION}",
  "session_id": "ses_7Q2M",
  "visitor": { "email": "ada@example.com", "first_name": "Ada", "job_title": "Head of Growth", "location": "London" },
  "company": { "name": "Example GmbH", "industry": "Software", "employee_count": 120, "domain": "example.com" },
  "session": { "landing_page": "/pricing", "pages_visited": 4, "utm_source": "newsletter", "device_type": "desktop" },
  "trace": 12345678901234567890
}`;
  const atMs = Date.now();
  const answer = await producer.postText('/events', text);
  call('POST', '/events', answer, field(answer, 'id'));
  return { id: field(answer, 'id'), text, atMs };
}

/** Shows what the receiver got, and that it is what was posted. */
export async function showDelivery({ receiver }: Setting, event: Posted): Promise<Arrival> {
  const arrival = await receiver.arrival(STEADY, 1, ARRIVES_WITHIN_MS);
  say(`  ${TICK} received ${dim(`${Math.max(0, arrival.atMs - event.atMs)} ms after it was posted:`)}\n`);
  say(indent(`${bold('POST')} ${arrival.path}`, 6));
  const shown = /^(content-type|user-agent|webhook-|x-bullseye-)/;
  const headers = Object.entries(arrival.headers).filter(([name]) => shown.test(name));
  say(indent(columns(headers.map(([name, value]) => [cyan(name), value])), 6));
  say(`\n${indent(arrival.body.toString(), 6)}\n`);
  if (!arrival.body.equals(Buffer.from(event.text))) throw new Error('The body that arrived is not the body that was posted.');
  say(`  ${TICK} the body is the one that was posted, byte for byte (${arrival.body.length} bytes)`);
  if (arrival.headers['webhook-id'] !== event.id) throw new Error(`webhook-id is not the event's id, ${event.id}.`);
  return arrival;
}

/** Checks the signatures, and that the check would notice another body. */
export function verifySignature(arrival: Arrival, secret: string): void {
  const forged = { ...arrival, body: Buffer.from(arrival.body.toString().replace('Ada', 'Eve')) };
  const rows = VERIFIERS.map(({ name, header, verify }) => {
    const verified = verify(arrival, secret);
    if (verified === null) return [`  ${dim('–')} ${name}`, header, dim('not on this machine')];
    if (!verified) throw new Error(`${name} did not verify ${header}.`);
    if (verify(forged, secret)) throw new Error(`${name} took a changed body for the signed one.`);
    return [`  ${TICK} ${name}`, header, `verified ${dim('(and a changed body refused)')}`];
  });
  say(columns(rows));
}

/** Shows the attempts as they arrive, then the delivery's log as the API has it. */
export async function showRetries({ customer, receiver, shakyWebhookId }: Setting): Promise<void> {
  const first = await receiver.arrival(SHAKY, 1, ARRIVES_WITHIN_MS);
  for (const nth of [1, 2, 3]) {
    const { atMs, status, body } = await receiver.arrival(SHAKY, nth, ARRIVES_WITHIN_MS);
    if (!body.equals(first.body)) throw new Error(`Attempt ${nth} carried another body than the first.`);
    const answer = status === 200 ? green(String(status)) : red(String(status));
    say(
      `  attempt ${nth}  ${new Date(atMs).toISOString().slice(11, 23)}  ${`+${((atMs - first.atMs) / 1_000).toFixed(2)} s`.padEnd(8)}  answered ${answer}`,
    );
  }
  const log = await finishedDelivery(customer, shakyWebhookId);
  say(`\n  GET /organization/${ORGANIZATION}/webhooks/${shakyWebhookId}/deliveries/${log.id}`);
  say(`  ${TICK} status ${green(log.status)}\n`);
  const rows = log.attempts.map(({ number, trigger, startedAt, durationMs, outcome, responseStatus }) => [
    ...[
      String(number),
      trigger,
      startedAt,
      `${durationMs} ms`,
      outcome === 'succeeded' ? green(outcome) : yellow(outcome),
      String(responseStatus),
    ],
  ]);
  say(indent(columns([['no.', 'trigger', 'started', 'took', 'outcome', 'answer'].map(dim), ...rows]), 6));
  if (rows.length !== 3) throw new Error(`The log has ${rows.length} attempts, not 3.`);
}

/** The delivery's record, once it says delivered: it is written after the endpoint has its answer. */
async function finishedDelivery(customer: ApiClient, webhookId: string): Promise<DeliveryLog> {
  const deliveries = `/organization/${ORGANIZATION}/webhooks/${webhookId}/deliveries`;
  const deadline = Date.now() + LOGGED_WITHIN_MS;
  let status = 'not recorded';
  while (Date.now() < deadline) {
    const [newest] = ((await customer.get(deliveries)).body as { data: DeliveryLog[] }).data;
    if (newest?.status === 'delivered') return (await customer.get(`${deliveries}/${newest.id}`)).body as DeliveryLog;
    status = newest?.status ?? status;
    await wait(100);
  }
  throw new Error(`The delivery's log does not say that it was delivered: ${status}.`);
}

/** A link that opens the demo's webhooks in the dashboard. */
export async function dashboardLink({ customer }: Setting): Promise<string> {
  return field(await customer.post(`/organization/${ORGANIZATION}/dashboard-links`, { scope: 'admin' }), 'url');
}

function call(method: string, path: string, { status }: ApiAnswer, result: string): void {
  say(`  ${TICK} ${method} ${path.padEnd(32)}  ${dim(String(status))}  ${result}`);
}

function field({ body }: ApiAnswer, name: string): string {
  const value = (body as Record<string, unknown> | null)?.[name];
  if (typeof value !== 'string') throw new Error(`The answer has no "${name}": ${JSON.stringify(body)}`);
  return value;
}
