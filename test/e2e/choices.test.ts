import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { bodyBytes, inbox } from '../support/receiver.ts';
import { givenStage, PAGES, signedIn } from '../support/stage.ts';

const stage = givenStage();

/** Both cores may be busy with other tests. */
const PATIENCE = { timeout: 20_000 };
const HOWS = [
  ['with scripts', true],
  ['without scripts', false],
] as const;

/** Somebody who is signed in, at a page. */
const reader = async (customer: Customer, path = '', options: BrowserContextOptions = {}) =>
  await signedIn(stage, customer, { path }, options);

const visitorOf = (organizationId: string, name: string, company: { employee_count: number; location: string }) => ({
  ...{ event: 'visitor.identified', timestamp: new Date().toISOString(), organization_id: organizationId, session_id: crypto.randomUUID() },
  visitor: { email: `${name}@example.com`, first_name: name, last_name: 'Doe' },
  company: { name: `${name} Corp`, ...company },
});

const press = async (page: Page, name: string) => await page.getByRole('button', { name, exact: true }).click();
const group = (page: Page, name: string) => page.getByRole('group', { name, exact: true });

async function fillCondition(page: Page, name: string, [field, comparison, value]: [string, string, string]): Promise<void> {
  const condition = group(page, name);
  await condition.getByLabel('Field', { exact: true }).selectOption({ label: field });
  await condition.getByLabel('Comparison').selectOption({ label: comparison });
  if (value !== '') await condition.getByLabel('Value', { exact: true }).fill(value);
}

describe.skipIf(noBrowser)('only US companies with more than 50 people, once a person a month, into Slack', () => {
  it.each(HOWS)('are set up from the first page on, with the dashboard alone, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const slack = inbox(stage.receiver.origin);
    const { page, complaints } = await reader(customer, '', { javaScriptEnabled });
    await page.getByRole('link', { name: 'Add Webhook' }).click();
    await page.getByLabel('Endpoint URL').fill(slack.url);
    await page.getByLabel('Description').fill('Sales');

    await page.getByText('Only some events').click();
    await fillCondition(page, 'Condition 1', ['Company location', 'ends with', 'United States']);
    await press(page, 'Add a condition');
    await fillCondition(page, 'Condition 2', ['Company size', 'is more than', '50']);
    await page.getByRole('button', { name: 'Preview' }).first().click();
    await page.getByText('The example would be sent.').waitFor();

    if (!(await page.getByLabel('Send each').isVisible())) await page.getByText('Once per person').click();
    await page.getByLabel('Send each').check();
    await page.getByLabel('Days', { exact: true }).fill('30');

    if (!(await page.getByLabel('Slack message').isVisible())) await page.getByText('What is sent', { exact: true }).click();
    await page.getByLabel('Slack message').check();
    await page.getByRole('button', { name: 'Preview' }).last().click();
    await page.getByText('Jane Doe · Example Corp', { exact: true }).waitFor();
    await page.getByRole('radio', { name: 'No secret' }).check();
    await press(page, 'Save');
    await page.getByText('The webhook is saved').waitFor();
    for (const name of ['Continue to the test', 'Skip', 'Open the webhook']) await page.getByRole('link', { name, exact: true }).click();
    await page
      .getByText(
        'Only visitors where company location ends with “United States” and company size is more than 50 · each e-mail address once in 30 days · as a Slack message',
      )
      .waitFor();

    const austin = 'Austin, Texas, United States';
    const events = [
      visitorOf(customer.organizationId, 'Ann', { employee_count: 51, location: austin }),
      visitorOf(customer.organizationId, 'Small', { employee_count: 50, location: austin }),
      visitorOf(customer.organizationId, 'Abroad', { employee_count: 5_000, location: 'Berlin, Germany' }),
      visitorOf(customer.organizationId, 'ANN', { employee_count: 51, location: austin }),
      visitorOf(customer.organizationId, 'Bea', { employee_count: 9_000, location: austin }),
    ];
    await customer.producer.postText('/events', JSON.stringify(events));
    await slack.arrived(2);
    // What comes later shows that nothing of the others is still on its way.
    await customer.post(JSON.stringify(visitorOf(customer.organizationId, 'Last', { employee_count: 51, location: austin })));
    await slack.arrived(3);
    const texts = (await slack.requests()).map((request) => JSON.parse(Buffer.from(bodyBytes(request)).toString()).text as string);
    expect(texts.map((text) => text.split(':')[0]).toSorted()).toEqual([
      'Ann Doe · Ann Corp',
      'Bea Doe · Bea Corp',
      'Last Doe · Last Corp',
    ]);

    await page.reload();
    await page.getByText('Skipped as repeats').waitFor();
    await page.getByRole('link', { name: 'Which ones' }).last().click();
    await page.getByText('ANN Doe, ANN Corp').waitFor();
    await page.getByText('Skipped as a repeat: each e-mail address once in 30 days.').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('the form of a webhook', () => {
  const formOf = (page: Page) => page.locator('form.card');

  it('has a preview that follows the typing', async () => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    const webhookId = await customer.webhook(endpoint.url);
    for (let size = 1; size <= 5; size++) {
      await customer.post(JSON.stringify(visitorOf(customer.organizationId, `Nr ${size}`, { employee_count: 100 * size, location: 'X' })));
    }
    await endpoint.arrived(5);
    await expect
      .poll(
        async () =>
          (
            (await customer.client.get(`/organization/${customer.organizationId}/webhooks/${webhookId}/stats`)).body as {
              totals: { delivered: number };
            }
          ).totals.delivered,
      )
      .toBe(5);
    const { page, complaints } = await reader(customer, `/${webhookId}/settings`);
    await page.getByText('Only some events').click();
    await page.getByText('Of the last 5 events, 5 would be sent.').waitFor();
    await fillCondition(page, 'Condition 1', ['Company size', 'is more than', '200']);
    await page.getByText('Of the last 5 events, 3 would be sent.').waitFor();
    expect(await page.locator('details.sample').count()).toBe(3);
    await page.getByText('Nr 5 Doe, Nr 5 Corp').click();
    const value = group(page, 'Condition 1').getByLabel('Value', { exact: true });
    await value.fill('many');
    await page.getByText('It cannot be tried yet:').first().waitFor();
    await value.fill('400');
    await page.getByText('Of the last 5 events, 1 would be sent.').waitFor();
    // What the reader has opened stays open, and who types goes on typing.
    expect(await page.locator('details.sample[open]').count()).toBe(0);
    expect(await page.locator('*:focus').getAttribute('name')).toBe('conditionValue');
    await page.getByText('What is sent', { exact: true }).click();
    await page.getByLabel('Your own template').check();
    await page.getByLabel('Template', { exact: true }).fill('{\n  "mail": {{ visitor.email | jsn }}\n}');
    await page.getByText('Line 2, column').first().waitFor();
    expect(await page.locator('pre.flawed').textContent()).toContain('2 │   "mail": {{ visitor.email | jsn }}');
    await page.getByLabel('Template', { exact: true }).fill('{ "mail": {{ visitor.email | json }} }');
    await page.locator('#preview-payload').getByText('"mail": "jane.doe@example.com"').waitFor();
    expect(await page.locator('pre.flawed').count()).toBe(0);
    expect(complaints).toEqual([]);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.context().close();
  });

  it.each(HOWS)('keeps what was typed while conditions and headers are added and removed, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const { page, complaints } = await reader(customer, '/new', { javaScriptEnabled });
    const focused = async () => await page.locator('*:focus').getAttribute('id');
    const opened = async (fold: string) => {
      if ((await page.locator(`#${fold}`).getAttribute('open')) === null) await page.locator(`#${fold} > summary`).click();
    };
    await page.getByLabel('Endpoint URL').fill('https://hooks.example.com/in');
    await opened('fold-headers');
    await page.getByRole('radio', { name: 'Your own headers' }).check();
    await group(page, 'Header 1').getByLabel('Name').fill('X-Key');
    await group(page, 'Header 1').getByLabel('Value').fill('a value to keep');
    await press(page, 'Add a header');
    await expect.poll(focused, PATIENCE).toBe('header-1');
    await group(page, 'Header 2').getByLabel('Name').fill('X-Gone');
    await opened('fold-filter');
    await fillCondition(page, 'Condition 1', ['Industry', 'is one of', 'Law, "Banking, Insurance"']);
    await press(page, 'Add a group');
    await expect.poll(focused, PATIENCE).toBe('condition-1-0-field');
    await fillCondition(page, 'Condition 2.1', ['Device', 'is', 'mobile']);
    await fillCondition(page, 'Condition 2.2', ['Another field…', 'is not known', '']);
    await group(page, 'Condition 2.2').getByLabel('Field, as its path in the event').fill('company.lead_owner');
    await press(page, 'Add a condition here');
    await expect.poll(focused, PATIENCE).toBe('condition-1-2-field');
    await press(page, 'Remove condition 2.3');
    await expect.poll(focused, PATIENCE).toBe('add-condition');
    await opened('fold-headers');
    await press(page, 'Remove header 2');
    await expect.poll(focused, PATIENCE).toBe('add-header');
    expect(await group(page, 'Condition 2.2').getByLabel('Field, as its path in the event').inputValue()).toBe('company.lead_owner');
    if (javaScriptEnabled) expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByRole('radio', { name: 'No secret' }).check();
    await press(page, 'Save');
    await page.getByText('The webhook is saved').waitFor();
    const { body } = await customer.client.get(`/organization/${customer.organizationId}/webhooks`);
    const [webhook] = (body as { webhooks: Record<string, unknown>[] }).webhooks;
    expect(webhook).toMatchObject({
      filter: {
        all: [
          { field: 'company.industry', operator: 'one_of', value: ['Law', 'Banking, Insurance'] },
          {
            any: [
              { field: 'session.device_type', operator: 'equals', value: 'mobile' },
              { field: 'company.lead_owner', operator: 'not_exists' },
            ],
          },
        ],
      },
      headerNames: ['X-Key'],
    });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it.each(HOWS)('is saved by the key Enter, and no other button is pressed, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const { page } = await reader(customer, '/new', { javaScriptEnabled });
    await page.getByLabel('Description').fill('By the keyboard');
    await page.getByLabel('Endpoint URL').fill('https://hooks.example.com/in');
    await page.keyboard.press('Enter');
    await page.getByText('The webhook is saved').waitFor();
    await page.context().close();
  });

  it('takes what is filled in for the choice that it belongs to', async () => {
    const customer = await signUp(stage.worker);
    const { page } = await reader(customer, '/new');
    await page.getByText('Once per person').click();
    await page.getByLabel('Days', { exact: true }).fill('7');
    expect(await page.getByLabel('Send each').isChecked()).toBe(true);
    await page.getByLabel('Send each').uncheck();
    expect(await page.getByLabel('Send each').isChecked()).toBe(false);
    await page.context().close();
  });

  it('says that the preview could not be reached, and goes on without it', async () => {
    const customer = await signUp(stage.worker);
    const { page } = await reader(customer, '/new');
    await page.getByText('Only some events').click();
    await page.getByText('The example would be sent.').waitFor();
    let answer: 'none' | 'error' = 'none';
    await page.route(`**${PAGES}/new`, (route) => {
      if (!route.request().headers()['x-live']) return route.continue();
      return answer === 'none' ? route.abort('connectionrefused') : route.fulfill({ status: 500, body: '' });
    });
    const value = group(page, 'Condition 1').getByLabel('Value', { exact: true });
    await value.fill('x');
    const said = page.getByRole('status').filter({ hasText: 'The preview is not up to date' });
    await said.waitFor();
    await press(page, 'Add a condition');
    expect([await value.inputValue(), await group(page, 'Condition 2').count()]).toEqual(['x', 0]);
    // Where there is an answer, but none of use, it does what it does without a script.
    answer = 'error';
    await Promise.all([page.waitForEvent('load'), press(page, 'Add a condition')]);
    expect([await value.inputValue(), await group(page, 'Condition 2').count()]).toEqual(['x', 1]);
    await page.context().close();
  });

  it('answers buttons in their order, and typing beside them', async () => {
    const customer = await signUp(stage.worker);
    const { page } = await reader(customer, '/new');
    await page.getByText('Only some events').click();
    await page.getByText('The example would be sent.').waitFor();
    await page.evaluate("for (let times = 0; times < 3; times++) document.getElementById('add-condition').click();");
    await page.getByText('Once per person').click();
    await page.getByLabel('Days', { exact: true }).fill('9');
    await expect.poll(() => page.locator('.condition').count(), PATIENCE).toBe(4);
    await page.getByText('Sends each e-mail address once in 9 days.').waitFor();
    expect(await page.getByLabel('Days', { exact: true }).inputValue()).toBe('9');
    await page.context().close();
  });

  it('says that a session has ended, and what was typed stays', async () => {
    const customer = await signUp(stage.worker);
    const { page } = await reader(customer, '/new');
    await page.getByText('Only some events').click();
    await page.context().clearCookies();
    await group(page, 'Condition 1').getByLabel('Value', { exact: true }).fill('typed');
    await page.getByText('Your session has ended. Sign in in another tab').waitFor();
    expect(await group(page, 'Condition 1').getByLabel('Value', { exact: true }).inputValue()).toBe('typed');
    await page.context().close();
  });

  it.each([
    ['light', 'light'],
    ['dark', 'dark'],
  ] as const)('is accessible, and nothing overlaps, with everything open and refused: %s', async (_how, colorScheme) => {
    const customer = await signUp(stage.worker);
    const { page } = await reader(customer, '/new', { colorScheme });
    await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
    await fillCondition(page, 'Condition 1', ['Company size', 'is one of', '']);
    await page.getByLabel('Your own template').check();
    await page.getByLabel('Only these').check();
    await page.getByRole('radio', { name: 'User name and password (Basic)' }).check();
    await page.getByRole('radio', { name: 'Your own', exact: true }).check();
    await page.getByLabel('Days', { exact: true }).fill('0');
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(await layoutFaults(page)).toEqual([]);
    await page.getByLabel('User name', { exact: true }).fill('ada');
    await press(page, 'Save');
    await page.getByText('things need another look').waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(await layoutFaults(page)).toEqual([]);
    expect(await formOf(page).locator('details.fold[open]').count()).toBe(5);
    await page.context().close();
  });
});
