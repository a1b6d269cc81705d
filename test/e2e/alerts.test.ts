import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { accessibilityViolations, launchChromium, noBrowser, openPage } from '../support/browser.ts';
import { signUp } from '../support/customer.ts';
import { configWithEmail } from '../support/email-config.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { PAGES, signIn } from '../support/stage.ts';
import { startWorker } from '../support/worker.ts';

const PUBLIC_URL = 'https://webhooks.bullseye.example';
const ADA = 'ada@example.com';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  receiver = await startReceiver();
  const vars = { RETRY_SCHEDULE: '50ms', PUBLIC_URL, ALERTS_FROM: 'alerts@example.com' };
  worker = await startWorker({ persistTo: folder, vars, config: configWithEmail(folder) });
});
afterAll(async () => {
  await worker?.stop();
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The texts of the mails so far: wrangler writes what it would send to files, and says which. */
function mailTexts(): string[] {
  return [...worker.output().matchAll(/^\s*Text: (\/\S+\.txt)$/gm)].map(([, path = '']) => readFileSync(path, 'utf8'));
}

async function newestMail(count: number): Promise<string> {
  for (;;) {
    const texts = mailTexts();
    if (texts.length >= count) return texts[count - 1] as string;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Where a mail leads, at this Worker. */
function linkIn(text: string, name: string): string {
  const [, link = ''] = new RegExp(`^${name}: (${PUBLIC_URL}\\S+)$`, 'm').exec(text) ?? [];
  return link.replace(PUBLIC_URL, worker.origin);
}

describe.skipIf(noBrowser)('alerts by e-mail, as wrangler runs a deployment with the binding', () => {
  it('are asked for, confirmed, sent and ended', async () => {
    const customer = await signUp(worker);
    const path = `/organization/${customer.organizationId}`;
    const browser = await launchChromium();
    try {
      // Without scripts: the pages work as they are.
      const { page } = await openPage(browser, { javaScriptEnabled: false });
      await signIn(page, worker, customer);
      await page.getByRole('link', { name: 'Alerts' }).click();
      await page.getByLabel('Addresses').fill(ADA);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('1 address still has to confirm').waitFor();

      await page.goto(linkIn(await newestMail(1), 'Confirm the address'));
      await page.getByRole('button', { name: 'Confirm' }).click();
      await page.getByRole('heading', { name: 'This address is confirmed' }).waitFor();

      const endpoint = inbox(receiver.origin);
      const webhookId = await customer.webhook(endpoint.url);
      const event = JSON.stringify({
        event: 'visitor.identified',
        timestamp: '2026-11-23T10:00:00Z',
        organization_id: customer.organizationId,
        session_id: 'ses_1',
        visitor: {},
      });
      await customer.post(event);
      await customer.deliveryThatIs(webhookId, 'delivered');
      await endpoint.script([{ status: 500 }]);
      await customer.post(event);
      const alert = await newestMail(2);
      expect(alert).toContain('has failed for good, though its endpoint had worked before.');
      expect(linkIn(alert, 'Open the webhook')).toBe(`${worker.origin}${PAGES}/${webhookId}`);
      expect(worker.output()).toContain(`To: ${ADA}`);

      const ended = await fetch(linkIn(alert, 'End these mails'), {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: 'List-Unsubscribe=One-Click',
      });
      expect(ended.status).toBe(200);
      expect((await customer.client.get(`${path}/alerts`)).body).toMatchObject({ available: true, emails: [] });
    } finally {
      await browser.close();
    }
  });

  it.each(['light', 'dark'] as const)('have a page that fits any width and that everybody can use, in the %s', async (colorScheme) => {
    const customer = await signUp(worker);
    const path = `/organization/${customer.organizationId}`;
    const emails = [`${'long'.repeat(15)}@${'name.'.repeat(20)}example.com`, ...Array.from({ length: 9 }, (_, at) => `a${at}@example.com`)];
    await customer.client.put(`${path}/alerts`, { emails });
    await customer.client.post(`${path}/webhooks`, {
      url: 'https://ops.example.com/in',
      description: 'W'.repeat(200),
      events: ['webhook.failing', 'webhook.disabled', 'webhook.recovered'],
    });
    const browser = await launchChromium();
    try {
      const { page, complaints } = await openPage(browser, { colorScheme });
      await signIn(page, worker, customer);
      await page.goto(`${worker.origin}${PAGES}/alerts`);
      expect(await layoutFaults(page)).toEqual([]);
      expect(await accessibilityViolations(page)).toEqual([]);
      await page.getByLabel('Addresses').fill('nobody');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('nobody is not an e-mail address.').waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
      // A refusal is a 422, which the console notes.
      expect(complaints.filter((text) => !text.includes('422'))).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
