import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser, picture } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { type Inbox, inbox } from '../support/receiver.ts';
import { givenStage, signedIn } from '../support/stage.ts';

/*
 * “A lead never reached our CRM”: from an e-mail address, typed on the first page, to the reason and a retry; and what a filter has kept back.
 */

const REJECTION = '{"message":"Lead rejected: personal e-mail domains are blocked"}';
const stage = givenStage({ vars: { RETRY_SCHEDULE: '1s,1s,1s' } });
let customer: Customer;
let crm: Inbox;
let crmId: string;

const anEvent = (email: string, first_name: string, employee_count: number) =>
  JSON.stringify({
    event: 'visitor.identified',
    timestamp: new Date().toISOString(),
    organization_id: customer.organizationId,
    session_id: `ses_${first_name}`,
    visitor: { email, first_name, last_name: 'Doe' },
    company: { name: 'Example Corp', domain: 'example.com', employee_count },
  });

beforeAll(async () => {
  if (noBrowser) return;
  customer = await signUp(stage.worker);
  crm = inbox(stage.receiver.origin);
  await crm.script([{ status: 422, body: REJECTION }]);
  crmId = await customer.webhook(crm.url);
  const path = `/organization/${customer.organizationId}/webhooks`;
  const filter = { field: 'company.employee_count', operator: 'at_least', value: 200 };
  const large = await customer.client.post(path, { url: inbox(stage.receiver.origin).url, events: ['visitor.*'], filter });
  for (let each = 0; each < 3; each++) await customer.webhook(inbox(stage.receiver.origin).url);
  await customer.post(anEvent('joe.small@example.com', 'Joe', 12));
  // What a filter keeps back is told within a minute.
  const skipped = `${path}/${(large.body as { id: string }).id}/skipped`;
  while (((await customer.client.get(skipped)).body as { data: unknown[] }).data.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}, 120_000);

/** Waits until every attempt of somebody's delivery to the CRM has failed. */
async function untilFailed(email: string): Promise<void> {
  const path = `/organization/${customer.organizationId}/webhooks/${crmId}/deliveries?status=failed&q=${email}`;
  while (((await customer.client.get(path)).body as { data: unknown[] }).data.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Types on the first page and presses the button: one click. */
async function search(page: Page, q: string): Promise<void> {
  await page.getByRole('searchbox').fill(q);
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.waitForURL('**/search?**');
}

it.skipIf(noBrowser !== null).each([
  ['with scripts', true, 'jane.doe@example.com'],
  ['without', false, 'janet.doe@example.com'],
])('two clicks lead from an e-mail address to the reason and a retry, %s', { timeout: 120_000 }, async (_how, javaScriptEnabled, email) => {
  await crm.script([{ status: 422, body: REJECTION }]);
  await customer.post(anEvent(email, 'Jane', 250));
  await untilFailed(email);
  const { page, complaints } = await signedIn(stage, customer, {}, { javaScriptEnabled });

  await search(page, email.toUpperCase());
  const rows = page.getByRole('row').filter({ hasText: 'Jane Doe, Example Corp' });
  expect(await rows.count()).toBe(5);
  const rejected = rows.filter({ hasText: 'Lead rejected: personal e-mail domains are blocked' });
  expect(await rejected.getByText('Failed', { exact: true }).count()).toBe(1);
  if (javaScriptEnabled) {
    expect(await accessibilityViolations(page)).toEqual([]);
    await picture(page, 'search');
  }

  await crm.script([{ status: 200, body: 'thank you' }]);
  await rejected.getByRole('button', { name: /^Retry now/ }).click();
  await page.waitForURL('**/deliveries/dlv_*');
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Jane Doe, Example Corp');
  expect(await page.title()).toMatch(/^Jane Doe, Example Corp/);
  const arrived = page.getByText('thank you').filter({ visible: true }).first();
  while (!javaScriptEnabled && !(await arrived.isVisible())) await page.reload();
  await arrived.waitFor();
  await page.getByRole('heading', { name: 'This event at other webhooks' }).waitFor();
  await picture(page, 'search-delivery');
  expect(complaints).toEqual([]);
});

it.skipIf(noBrowser !== null)('what a filter has kept back is found by the same search, and explained', { timeout: 60_000 }, async () => {
  const options = { colorScheme: 'dark', viewport: { width: 390, height: 800 } } as const;
  const { page, complaints } = await signedIn(stage, customer, {}, options);
  await search(page, 'joe.small@example.com');
  await page.getByText('This visitor was skipped, because this is not true: company size is at least 200.').waitFor();
  expect(await accessibilityViolations(page)).toEqual([]);
  await picture(page, 'search-phone');
  await page.getByRole('link', { name: /^This event at all webhooks/ }).click();
  await page.getByRole('heading', { name: 'Skipped: not sent' }).waitFor();
  expect(await page.getByRole('row').filter({ hasText: 'Joe Doe, Example Corp' }).count()).toBe(5);

  await search(page, 'nobody@example.org');
  await page.getByRole('heading', { name: 'Nothing was found for “nobody@example.org”' }).waitFor();
  expect(await accessibilityViolations(page)).toEqual([]);
  await picture(page, 'search-nothing');
  expect(complaints).toEqual([]);
});
