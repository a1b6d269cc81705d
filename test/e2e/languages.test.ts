import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalWorker, startLocalWorker } from '../../src/commands/local-worker.ts';
import { accessibilityViolations, launchChromium, noBrowser, openPage, type WatchedPage } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { layoutFaults } from '../support/page-layout.ts';

const PAGES = '/settings/integrations/webhooks';
/** A phone, a tablet, a desktop. */
const WIDTHS = [320, 834, 1_280];

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;
let browser: Browser;
let customer: Customer;
let webhookId: string;

beforeAll(async () => {
  if (noBrowser) return;
  worker = await startLocalWorker({ persistTo: folder });
  browser = await launchChromium();
  customer = await signUp(worker);
  webhookId = await customer.webhook('http://127.0.0.1:9/hook', 'a secret');
  await customer.client.patch(`/organization/${customer.organizationId}/webhooks/${webhookId}`, {
    filter: {
      any: [{ field: 'company.employee_count', operator: 'at_least', value: 200 }, { all: [{ field: 'event', operator: 'exists' }] }],
    },
    once: { per: 'visitor.email', days: 30 },
    fields: ['visitor.email'],
    format: 'template',
    template: '{ "email": {{ visitor.email | json }} }',
    headers: { 'X-Key': 'a value' },
    retrySchedule: ['1h', '2h'],
  });
  await customer.client.post(`/organization/${customer.organizationId}/erasures`, { field: 'visitor.email', value: 'ada@example.com' });
});
afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Signed in, by a browser that asks for a language. */
async function reader(locale: string): Promise<WatchedPage> {
  const watched = await openPage(browser, { locale });
  const { body } = await customer.producer.post(`/organization/${customer.organizationId}/dashboard-links`, {
    scope: 'admin',
    subject: 'Ada',
  });
  await watched.page.goto((body as { url: string }).url);
  await watched.page.locator('main button.primary').click();
  await watched.page.waitForURL(`**${PAGES}`);
  return watched;
}

const htmlLanguage = (page: Page) => page.evaluate<string>('document.documentElement.lang');

/** The pages whose texts are in the catalogues. */
const pages = () => [
  '/alerts',
  '/erasures',
  '/audit-log',
  '/sessions',
  '/new',
  `/${webhookId}/settings`,
  `/${webhookId}/setup`,
  `/${webhookId}/setup/test`,
  `/${webhookId}/setup/done`,
  `/${webhookId}/test-event`,
  `/${webhookId}/verify`,
  `/${webhookId}/verify?for=developers`,
  `/${webhookId}/secret/rotate`,
  `/${webhookId}/pause`,
  `/${webhookId}/delete`,
  `/sign-in?why=fresh&next=${PAGES}/new`,
  '/nothing/here',
];

const OPEN = "document.querySelectorAll('details').forEach((details) => { details.removeAttribute('name'); details.open = true; })";

describe.skipIf(noBrowser).each([
  ['de-DE', 'de'],
  ['fr-FR', 'fr'],
])('for a browser in %s', (locale, language) => {
  it('nothing overlaps or leaves the page, and axe finds nothing, on a phone as on a desktop', async () => {
    const { page } = await reader(locale);
    for (const path of pages()) {
      await page.goto(`${worker.origin}${PAGES}${path}`);
      await page.evaluate(OPEN);
      const faults = await layoutFaults(page, WIDTHS);
      const violations = await accessibilityViolations(page);
      expect.soft({ path, language: await htmlLanguage(page), faults, violations }).toEqual({ path, language, faults: [], violations: [] });
    }
  });
});

it.skipIf(noBrowser)('a reader chooses a language at the foot of a page, stays on that page, and keeps it', async () => {
  const { page, complaints } = await reader('en-GB');
  await page.goto(`${worker.origin}${PAGES}/audit-log?action=webhook.updated`);
  await page.getByRole('link', { name: 'Français' }).click();
  await page.getByRole('heading', { name: 'Journal d’audit' }).waitFor();
  expect(page.url()).toBe(`${worker.origin}${PAGES}/audit-log?action=webhook.updated`);
  await page.goto(`${worker.origin}${PAGES}/erasures`);
  expect([await htmlLanguage(page), await page.getByRole('heading', { level: 1 }).textContent()]).toEqual(['fr', 'Effacer une personne']);
  // What is new on a page comes in its language.
  await page.locator('#erasures').getByText('Terminé').waitFor();
  expect(complaints).toEqual([]);
});

describe.skipIf(noBrowser).each([
  ['de-DE', 'Leicht zu erraten: Wählen Sie es länger und zufällig.', 'Kopiert'],
  ['fr-FR', 'Facile à deviner : choisissez-le plus long et aléatoire.', 'Copié'],
])('for a browser in %s', (locale, weak, copied) => {
  it('the script speaks the language of the page', async () => {
    const { page, complaints } = await reader(locale);
    await page.context().grantPermissions(['clipboard-write']);
    await page.goto(`${worker.origin}${PAGES}/${webhookId}/secret/rotate`);
    await page.locator('#secret').fill('word');
    await page.locator('#secret-strength').getByText(weak).waitFor();
    await page.goto(`${worker.origin}${PAGES}/${webhookId}/verify?for=developers`);
    await page.locator('button.copy').first().click();
    await page.locator('button.copy').first().getByText(copied).waitFor();
    expect(complaints).toEqual([]);
  });
});
