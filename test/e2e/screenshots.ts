import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import type { ApiClient } from '../../src/commands/api-client.ts';
import { type LocalWorker, startLocalWorker } from '../../src/commands/local-worker.ts';
import { launchChromium, openPage } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { inbox, type Reply } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';

/*
 * Makes the README's pictures anew: `npm exec -- node test/e2e/screenshots.ts`. The deliveries are real; their times are spread
 * over a day, and the endpoints' addresses are such as customers have.
 */
const PAGES = '/settings/integrations/webhooks';
const FOLDER = join(import.meta.dirname, 'screenshots');
const EVENTS = 160;
const DAY_MS = 86_400_000;

const state = mkdtempSync(join(tmpdir(), 'bullseye-pictures-'));
const start = () => startLocalWorker({ persistTo: state, vars: { RETRY_SCHEDULE: '300ms,300ms,300ms' } });
const receiver = await startReceiver();
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
  const flaky: Reply[] = Array.from({ length: 400 }, (_, at) =>
    at % 23 < 4 && at > 200
      ? { status: 503, delayMs: 40, headers: { 'Content-Type': 'application/json' }, body: '{"error":"Maintenance until 14:00"}' }
      : { status: 200, delayMs: 30 + ((at * 37) % 90), headers: { 'Content-Type': 'application/json' }, body: '{"ok":true}' },
  );
  const create = async (replies: Reply[]): Promise<string> => {
    const endpoint = inbox(receiver.origin);
    await endpoint.script(replies);
    return await customer.webhook(endpoint.url, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=');
  };
  return { slack: await create([{ status: 204 }]), warehouse: await create([{ status: 202 }]), crm: await create(flaky) };
}

async function deliver(customer: Customer, webhookId: string): Promise<void> {
  for (let at = 0; at < EVENTS; at++) await customer.post(eventOf(customer.organizationId, at));
  const path = `/organization/${customer.organizationId}/webhooks/${webhookId}/stats`;
  for (;;) {
    const { waiting, totals } = (await customer.client.get(path)).body as {
      waiting: number;
      totals: { delivered: number; failed: number };
    };
    if (waiting === 0 && totals.delivered + totals.failed >= EVENTS) return;
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

/** Most of what was delivered is dated back, within the day and more of it towards noon; the newest stay as they are. */
function spreadOverDay(): void {
  const folder = join(state, 'v3', 'do', 'bullseye-webhooks-Outbox');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.sqlite') && file !== 'metadata.sqlite')) {
    const database = new DatabaseSync(join(folder, name));
    const rows = database.prepare('SELECT created_at, id FROM deliveries ORDER BY created_at DESC, id DESC').all();
    const redate = database.prepare('UPDATE deliveries SET created_at = ? WHERE created_at = ? AND id = ?');
    for (const [at, row] of rows.slice(12).entries()) {
      const share = at / rows.length;
      const backMs = Math.round((share + 0.09 * Math.sin(share * 12)) * 0.92 * DAY_MS);
      redate.run(Number(row.created_at) - Math.max(0, backMs), row.created_at as number, row.id as string);
    }
    database.close();
  }
}

async function giveAddresses(client: ApiClient, organizationId: string, { crm, warehouse, slack }: Webhooks): Promise<void> {
  const path = `/organization/${organizationId}/webhooks`;
  await client.patch(`${path}/${crm}`, { url: 'https://crm.acme.com/hooks/bullseye', description: 'Leads into the CRM' });
  await client.patch(`${path}/${warehouse}`, {
    url: 'https://ingest.warehouse.acme.com/v2/events',
    description: 'Data warehouse',
    events: ['visitor.*'],
  });
  await client.patch(`${path}/${slack}`, { url: 'https://automation.acme.com/t/81', description: 'Alerts the sales team', enabled: false });
}

async function picture(customer: Customer, webhookId: string): Promise<void> {
  const { body } = await customer.client.get(`/organization/${customer.organizationId}/webhooks/${webhookId}/deliveries?limit=1`);
  const [newest] = (body as { data: { id: string }[] }).data;
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
  const link = await customer.client.post(`/organization/${customer.organizationId}/dashboard-links`, { scope: 'admin' });
  await page.goto((link.body as { url: string }).url);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL(`**${PAGES}`);
  await page.goto(worker.origin + PAGES + path);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await page.context().close();
}
