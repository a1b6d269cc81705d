import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { accessibilityViolations, noBrowser } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { givenStage, PAGES, signedIn } from '../support/stage.ts';

const stage = givenStage();

/** A phone, a tablet, a desktop. */
const WIDTHS = [320, 834, 1_280];

let customer: Customer;
let webhookId: string;
let deliveryId: string;

beforeAll(async () => {
  if (noBrowser) return;
  customer = await signUp(stage.worker);
  webhookId = await customer.webhook('http://127.0.0.1:9/hook', 'a secret');
  const webhookPath = `/organization/${customer.organizationId}/webhooks/${webhookId}`;
  await customer.client.patch(webhookPath, {
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
  // Nothing listens there: its banner says so after some failures. The second visit of a person is skipped.
  for (const name of ['ada', 'grace', 'edsger', 'jane']) await customer.post(visitBy(`${name}@example.com`));
  deliveryId = (await customer.deliveryThatIs(webhookId, 'retrying')).id;
  const health = async () => ((await customer.client.get(webhookPath)).body as { health: string }).health;
  await vi.waitFor(async () => expect(await health()).toBe('failing'), { timeout: 60_000, interval: 100 });
  await customer.post(visitBy('jane@example.com'));
  await customer.client.post(`/organization/${customer.organizationId}/erasures`, { field: 'visitor.email', value: 'ada@example.com' });
});

const visitBy = (email: string) =>
  JSON.stringify({
    event: 'visitor.identified',
    timestamp: '2026-11-20T10:00:00.000Z',
    organization_id: customer.organizationId,
    session_id: `ses_${crypto.randomUUID().slice(0, 8)}`,
    visitor: { email, first_name: 'Jane', last_name: 'Doe' },
    company: { name: 'Example Corp', employee_count: 250 },
  });

/** Signed in, by a browser that asks for a language. */
const reader = async (locale: string) => await signedIn(stage, customer, { subject: 'Ada' }, { locale });

const htmlLanguage = (page: Page) => page.evaluate<string>('document.documentElement.lang');

/** The pages of an organization, and of what a webhook sends. */
const pages = () => [
  '/alerts',
  '/erasures',
  '/audit-log',
  '/sessions',
  '/usage',
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

/** Those that tell of its deliveries, and what each says that stands in no other language's page. */
const deliveryPages = (): [path: string, words: Record<string, string>][] => [
  ['', { de: 'Ihr Webhook braucht Ihre Aufmerksamkeit; 4', fr: 'Votre webhook demande votre attention' }],
  [`/${webhookId}`, { de: 'Ihr Endpunkt ist nicht erreichbar', fr: 'Votre point de terminaison est injoignable' }],
  [`/${webhookId}/deliveries`, { de: 'Ereignis, Versuche und Zeit', fr: 'Événement, tentatives et période' }],
  [`/${webhookId}/deliveries?status=retrying`, { de: 'Alle passenden abbrechen', fr: 'Annuler tout ce qui correspond' }],
  [`/${webhookId}/deliveries/cancel-all?status=retrying`, { de: 'Diese Zustellungen abbrechen?', fr: 'Annuler ces livraisons' }],
  [`/${webhookId}/deliveries/${deliveryId}`, { de: 'Nächster Versuch:', fr: 'Prochaine tentative' }],
  [`/${webhookId}/skipped`, { de: 'Als Duplikat ausgelassen:', fr: 'Ignoré car déjà envoyé' }],
  ['/search?q=jane', { de: 'Das ist alles, was aufbewahrt wird.', fr: 'C’est tout ce qui est conservé.' }],
  ['/search?q=nobody', { de: 'Zu „nobody“ wurde nichts gefunden', fr: 'Rien n’a été trouvé' }],
];

const OPEN = "document.querySelectorAll('details').forEach((details) => { details.removeAttribute('name'); details.open = true; })";

describe.skipIf(noBrowser).each([
  ['de-DE', 'de'],
  ['fr-FR', 'fr'],
])('for a browser in %s', (locale, language) => {
  it('nothing overlaps or leaves the page, and axe finds nothing, on a phone as on a desktop', async () => {
    const { page } = await reader(locale);
    for (const path of pages()) await isSound(page, path, language);
  });

  it('the same is so of what is said of deliveries, and it is said in that language', async () => {
    const { page } = await reader(locale);
    for (const [path, words] of deliveryPages()) {
      await isSound(page, path, language);
      expect.soft(await page.locator('main').textContent(), path).toContain(words[language]);
    }
  });
});

async function isSound(page: Page, path: string, language: string): Promise<void> {
  await page.goto(`${stage.worker.origin}${PAGES}${path}`);
  await page.evaluate(OPEN);
  const faults = await layoutFaults(page, WIDTHS);
  const violations = await accessibilityViolations(page);
  expect.soft({ path, language: await htmlLanguage(page), faults, violations }).toEqual({ path, language, faults: [], violations: [] });
}

it.skipIf(noBrowser)('a reader chooses a language at the foot of a page, stays on that page, and keeps it', async () => {
  const { page, complaints } = await reader('en-GB');
  await page.goto(`${stage.worker.origin}${PAGES}/audit-log?action=webhook.updated`);
  await page.getByRole('link', { name: 'Français' }).click();
  await page.getByRole('heading', { name: 'Journal d’audit' }).waitFor();
  expect(page.url()).toBe(`${stage.worker.origin}${PAGES}/audit-log?action=webhook.updated`);
  await page.goto(`${stage.worker.origin}${PAGES}/erasures`);
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
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/secret/rotate`);
    await page.locator('#secret').fill('word');
    await page.locator('#secret-strength').getByText(weak).waitFor();
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/verify?for=developers`);
    await page.locator('button.copy').first().click();
    await page.locator('button.copy').first().getByText(copied).waitFor();
    expect(complaints).toEqual([]);
  });
});
