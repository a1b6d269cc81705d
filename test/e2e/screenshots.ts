import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import type { ApiClient } from '../../src/commands/api-client.ts';
import { type LocalWorker, startLocalWorker } from '../../src/commands/local-worker.ts';
import { dayOf } from '../../src/domain/text/day.ts';
import { type ArchivedDelivery, bundlesOf, headsOf, split } from '../../src/outbox/log/bundle.ts';
import { launchChromium, openPage } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { inbox, type Reply } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';

/*
 * Makes the pictures of the documents anew: `npm exec -- node test/e2e/screenshots.ts`. The deliveries are real; their times are spread
 * over a day, and the endpoints' addresses are such as customers have.
 */
const PAGES = '/settings/integrations/webhooks';
const FOLDER = join(import.meta.dirname, 'screenshots');
const EVENTS = 160;
const DAY_MS = 86_400_000;
/** Deliveries that keep their times. */
const NEWEST = 12;
/** Bundles of one millisecond need places of their own. */
let placed = 0;

const state = mkdtempSync(join(tmpdir(), 'bullseye-pictures-'));
const start = () => startLocalWorker({ persistTo: state, vars: { RETRY_SCHEDULE: '300ms,300ms,300ms', CIRCUIT_THRESHOLD: '1000' } });
const json = { 'Content-Type': 'application/json' };
const up: Reply = { status: 200, delayMs: 48, headers: json, body: '{"ok":true}' };
const down: Reply = { status: 503, delayMs: 40, headers: json, body: '{"error":"down for maintenance","code":"E_DOWN"}' };
/** Some of it fails for good: an endpoint that is down for a while, several times. */
const replies: Reply[] = Array.from({ length: 600 }, (_, at) => (at % 52 < 13 ? down : { ...up, delayMs: 30 + ((at * 37) % 90) }));
const receiver = await startReceiver();
const crmEndpoint = inbox(receiver.origin);
let worker: LocalWorker = await start();
let browser: Browser | undefined;
try {
  const customer = await signUp(worker);
  await customer.producer.put(`/organization/${customer.organizationId}`, { name: 'Acme Analytics', plan: 'scale' });
  const webhooks = await configure(customer);
  await deliver(customer, webhooks.crm);
  await worker.stop();
  spreadOverDay();
  worker = await start();
  const running = customer.on(worker);
  await giveAddresses(running.client, running.organizationId, webhooks);
  browser = await launchChromium();
  await picture(running, webhooks.crm);
} finally {
  await browser?.close();
  await worker.stop();
  await receiver.close();
  rmSync(state, { recursive: true, force: true });
}

interface Webhooks {
  crm: string;
  warehouse: string;
  slack: string;
}

async function configure(customer: Customer): Promise<Webhooks> {
  const create = async (reply: Reply): Promise<string> => {
    const endpoint = inbox(receiver.origin);
    await endpoint.script([reply]);
    return await customer.webhook(endpoint.url, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=');
  };
  const slack = await create({ status: 204 });
  const warehouse = await create({ status: 202 });
  return { slack, warehouse, crm: await customer.webhook(crmEndpoint.url, 'a secret of the pictures') };
}

async function deliver(customer: Customer, webhookId: string): Promise<void> {
  await crmEndpoint.script(replies);
  for (let at = 0; at < EVENTS; at++) await customer.post(eventOf(customer.organizationId, at));
  await untilEnded(customer, webhookId, EVENTS);
  await crmEndpoint.script([down, down, up]);
  await customer.post(eventOf(customer.organizationId, EVENTS));
  await untilEnded(customer, webhookId, EVENTS + 1);
}

async function untilEnded(customer: Customer, webhookId: string, count: number): Promise<void> {
  const path = `/organization/${customer.organizationId}/webhooks/${webhookId}/stats`;
  for (;;) {
    const { waiting, totals } = (await customer.client.get(path)).body as {
      waiting: number;
      totals: { delivered: number; failed: number };
    };
    if (waiting === 0 && totals.delivered + totals.failed >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function eventOf(organizationId: string, at: number): string {
  return JSON.stringify({
    event: 'visitor.identified',
    timestamp: new Date().toISOString(),
    organization_id: organizationId,
    session_id: `ses_${7_000 + at}`,
    visitor: {
      email: 'jane.doe@example.com',
      first_name: 'Jane',
      last_name: 'Doe',
      job_title: 'VP of Marketing',
      location: 'Austin, Texas',
    },
    company: { name: 'Example Corp', industry: 'Computer Software', employee_count: 250, domain: 'example.com' },
    session: { landing_page: 'https://www.acme.com/pricing', pages_visited: 4, utm_source: 'google', device_type: 'desktop' },
  });
}

/** Most of what was delivered is dated back, over the day; the newest stay as they are. */
function spreadOverDay(): void {
  const folder = join(state, 'v3', 'do', 'bullseye-webhooks-Outbox');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.sqlite') && file !== 'metadata.sqlite')) {
    const database = new DatabaseSync(join(folder, name));
    const deliveries = [...rowsIn(database), ...archivedIn(database)].sort((a, b) => b.at - a.at);
    for (const [at, { redate }] of deliveries.entries()) {
      const share = Math.max(at - NEWEST, 0) / deliveries.length;
      redate(Math.round((share + 0.05 * Math.sin(share * 14)) * 0.94 * DAY_MS));
    }
    // Counted before.
    database.exec('DELETE FROM hours');
    database.close();
  }
}

interface Dated {
  at: number;
  redate(backMs: number): void;
}

/** What took more than one attempt. */
function rowsIn(database: DatabaseSync): Dated[] {
  const update = database.prepare('UPDATE deliveries SET created_at = ? WHERE id = ?');
  return database
    .prepare('SELECT created_at AS at, id FROM deliveries')
    .all()
    .map(({ at, id }) => ({ at: Number(at), redate: (backMs) => update.run(Number(at) - backMs, id as string) }));
}

/** What was delivered at once: taken out of the bundles that it is in; each gets one of its own. */
function archivedIn(database: DatabaseSync): Dated[] {
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE name GLOB 'archive_*'").all();
  return tables.flatMap(({ name: table }) =>
    database
      .prepare(`DELETE FROM ${table} RETURNING heads, bodies`)
      .all()
      .flatMap(({ heads, bodies }) => {
        const all = new Set(headsOf(heads as string).map(({ id }) => id));
        const { taken } = split(heads as string, Uint8Array.from(bodies as Uint8Array).buffer, all);
        return taken.map((one) => ({
          at: one.delivery.acceptedAt,
          redate: (backMs) => archive(database, { ...one, delivery: { ...one.delivery, acceptedAt: one.delivery.acceptedAt - backMs } }),
        }));
      }),
  );
}

function archive(database: DatabaseSync, delivery: ArchivedDelivery): void {
  for (const { firstAt, lastAt, heads, bodies } of bundlesOf([delivery], dayOf)) {
    const table = `archive_${dayOf(firstAt)}`;
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (place INTEGER PRIMARY KEY, last_at INTEGER NOT NULL, heads TEXT NOT NULL, bodies BLOB NOT NULL)`,
    );
    const insert = database.prepare(`INSERT INTO ${table} (place, last_at, heads, bodies) VALUES (?, ?, ?, ?)`);
    insert.run(BigInt(firstAt) * 1_024n + BigInt(placed++ % 1_024), lastAt, heads, new Uint8Array(bodies));
  }
}

async function giveAddresses(client: ApiClient, organizationId: string, { crm, warehouse, slack }: Webhooks): Promise<void> {
  const path = `/organization/${organizationId}/webhooks`;
  await client.patch(`${path}/${crm}`, { url: 'https://crm.acme.com/hooks/bullseye', name: 'Leads into the CRM' });
  await client.patch(`${path}/${warehouse}`, {
    url: 'https://ingest.warehouse.acme.com/v2/events',
    name: 'Data warehouse',
    events: ['visitor.*'],
  });
  await client.patch(`${path}/${slack}`, { url: 'https://automation.acme.com/t/81', name: 'Sales alerts', enabled: false });
}

async function picture(customer: Customer, webhookId: string): Promise<void> {
  const { body } = await customer.client.get(`/organization/${customer.organizationId}/webhooks/${webhookId}/deliveries?limit=1`);
  const [newest] = (body as { data: { id: string }[] }).data;
  // First: before the other pictures' sign-ins.
  await shoot(customer, '/audit-log', 'audit-log', { viewport: { width: 1_280, height: 860 } });
  await shoot(customer, `/${webhookId}`, 'overview', { viewport: { width: 1_280, height: 1_010 } });
  await shoot(customer, `/${webhookId}/deliveries/${newest?.id}`, 'delivery-dark', {
    viewport: { width: 1_280, height: 1_010 },
    colorScheme: 'dark',
  });
  await shoot(customer, '', 'list-phone', { viewport: { width: 390, height: 800 } });
}

async function shoot(customer: Customer, path: string, name: string, options: BrowserContextOptions): Promise<void> {
  if (!browser) throw new Error('The browser has not been started.');
  const { page } = await openPage(browser, { locale: 'en-GB', timezoneId: 'Europe/London', ...options });
  const link = await customer.client.post(`/organization/${customer.organizationId}/dashboard-links`, {
    scope: 'admin',
    subject: 'Ada Lovelace',
  });
  await page.goto((link.body as { url: string }).url);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL(`**${PAGES}`);
  await page.goto(worker.origin + PAGES + path);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await page.context().close();
}
