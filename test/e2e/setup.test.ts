import { createHmac } from 'node:crypto';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { bodyBytes, type Inbox, inbox, type ReceivedRequest } from '../support/receiver.ts';
import { givenStage, signedIn } from '../support/stage.ts';

const stage = givenStage();

/** Both cores may be busy with other tests. */
const PATIENCE = { timeout: 20_000 };
const HOWS = [
  ['with scripts', true],
  ['without scripts', false],
] as const;
const FIRST = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** Somebody who is signed in, at a page. */
const reader = async (customer: Customer, path = '', options: BrowserContextOptions = {}) =>
  await signedIn(stage, customer, { path }, options);

const press = async (page: Page, name: string) => await page.getByRole('button', { name, exact: true }).click();
const follow = async (page: Page, name: string) => await page.getByRole('link', { name, exact: true }).click();
const shows = async (page: Page, text: string | RegExp) => await page.getByText(text).filter({ visible: true }).first().waitFor();

/** Whether a delivery's signatures are those of a secret: by a library that others wrote, and by the header of the body alone. */
function signedBy(request: ReceivedRequest, secret: string): { standard: boolean; body: boolean } {
  const body = Buffer.from(bodyBytes(request));
  let standard = true;
  try {
    new Webhook(secret).verify(body.toString(), request.headers);
  } catch {
    standard = false;
  }
  return { standard, body: request.headers['x-bullseye-signature'] === createHmac('sha256', secret).update(body).digest('hex') };
}

const newestOf = async (endpoint: Inbox) => (await endpoint.requests()).at(-1)!;

describe.skipIf(noBrowser)('a new webhook', () => {
  it.each(HOWS)(
    'takes the six steps of the product’s public page, and three more until it is known to work, %s',
    async (_how, javaScriptEnabled) => {
      const customer = await signUp(stage.worker);
      const endpoint = inbox(stage.receiver.origin);
      await endpoint.script([{ status: 200, body: '{"status":"success"}' }]);
      const { page, complaints } = await reader(customer, '', { javaScriptEnabled });
      await shows(page, 'Integrations');
      await follow(page, 'Add Webhook');
      await page.getByLabel('Endpoint URL').fill(endpoint.url);
      await page.getByRole('radio', { name: 'Make one for me' }).check();
      await page.getByRole('checkbox', { name: 'visitor.identified' }).check();
      await press(page, 'Save');

      await shows(page, 'The webhook is saved');
      const secret =
        (await page
          .locator('main .step')
          .getByText(/^whsec_/)
          .textContent()) ?? '';
      expect(await page.locator('[aria-current="step"]').textContent()).toBe('Copy the secret');
      await follow(page, 'I have copied it');
      await press(page, 'Send test event');
      await shows(page, /The test event arrived: 200 after/);
      await shows(page, '"status": "success"');
      const [request] = await endpoint.arrived(1);
      expect(signedBy(request!, secret)).toEqual({ standard: true, body: true });
      await follow(page, 'Continue');
      await shows(page, 'Your webhook is ready');
      await follow(page, 'Open the webhook');
      await page.getByRole('navigation', { name: 'Webhook' }).waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    },
  );

  it.each(HOWS)(
    'whose endpoint rejects the test says so and what helps, and is tried again from there, %s',
    async (_how, javaScriptEnabled) => {
      const customer = await signUp(stage.worker);
      const endpoint = inbox(stage.receiver.origin);
      await endpoint.script([{ status: 404, body: '{"error":"no such hook"}' }]);
      const webhookId = await customer.webhook(endpoint.url);
      const { page } = await reader(customer, `/${webhookId}/setup`, { javaScriptEnabled });
      await follow(page, 'Continue to the test');
      await press(page, 'Send test event');
      await shows(page, /The test event failed:/);
      await shows(page, '"error": "no such hook"');
      await shows(page, /There is nothing at this URL/);
      if (javaScriptEnabled) {
        expect(await accessibilityViolations(page)).toEqual([]);
        expect(await layoutFaults(page)).toEqual([]);
      }
      await endpoint.script([{ status: 204 }]);
      await press(page, 'Send it again');
      await shows(page, /The test event arrived: 204 after/);
      await page.context().close();
    },
  );

  it.each(HOWS)(
    'keeps the field of one’s own secret out of the way until it is chosen, and is saved without it, %s',
    async (_how, javaScriptEnabled) => {
      const customer = await signUp(stage.worker);
      const { page } = await reader(customer, '/new', { javaScriptEnabled });
      const own = page.getByLabel('Your own secret');
      expect(await own.isVisible()).toBe(false);
      await page.getByRole('radio', { name: 'Use my own' }).check();
      await own.fill('typed');
      await page.getByRole('radio', { name: 'Make one for me' }).check();
      expect(await own.isVisible()).toBe(false);
      await page.getByLabel('Endpoint URL').fill('https://hooks.example.com/{id}');
      await press(page, 'Save');
      await shows(page, '“{id}” looks like a placeholder.');
      await page.getByLabel('The URL is right').check();
      await press(page, 'Save');
      await shows(page, 'The webhook is saved');
      await shows(page, 'The secret that you typed was not used.');
      await page.context().close();
    },
  );

  it.each([
    ['https://hooks.zapier.com/hooks/catch/1/abc/', 'Zapier', 'Zapier cannot check signatures'],
    ['https://hooks.slack.com/services/T1/B2/c3', 'Slack', 'Slack needs each event as a Slack message'],
  ])('for %s opens what to do in %s', async (url, name, said) => {
    const customer = await signUp(stage.worker);
    const webhookId = await customer.webhook(url, FIRST);
    const { page } = await reader(customer, `/${webhookId}/setup`);
    expect(await page.locator('.recipes details[open] > summary').allTextContents()).toEqual([name]);
    await shows(page, said);
    expect(await accessibilityViolations(page)).toEqual([]);
    await follow(page, 'My tool cannot check signatures: skip');
    await shows(page, 'See whether it arrives');
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('a secret', () => {
  it.each(HOWS)('is rotated, both work for a while, and the old one is stopped after a question, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    const webhookId = await customer.webhook(endpoint.url, FIRST);
    const { page, complaints } = await reader(customer, `/${webhookId}/settings`, { javaScriptEnabled });
    const settings = page.url();
    await follow(page, 'Rotate the secret');
    const cost = page.getByText('If you stop it now');
    await page.getByLabel('Keep the old secret working for').waitFor();
    await expect.poll(() => cost.isVisible()).toBe(false);
    await page.getByLabel('Keep the old secret working for').selectOption({ label: 'No time: stop it now' });
    expect(await cost.isVisible()).toBe(true);
    if (javaScriptEnabled) expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByLabel('Keep the old secret working for').selectOption({ label: '24 hours' });
    await press(page, 'Rotate secret');
    await shows(page, 'This is the new secret.');
    const second = (await page.getByText(/^whsec_/).textContent()) ?? '';
    await press(page, 'Send test event');
    await shows(page, /The test event arrived/);
    const both = await newestOf(endpoint);
    expect(signedBy(both, FIRST)).toEqual({ standard: true, body: true });
    expect(signedBy(both, second)).toEqual({ standard: true, body: false });

    await page.goto(settings);
    await shows(page, /The old secret keeps working for another/);
    await follow(page, 'Stop it now');
    await shows(page, 'Stop the old secret now?');
    if (javaScriptEnabled) expect(await accessibilityViolations(page)).toEqual([]);
    await press(page, 'Stop the old secret');
    await shows(page, 'The old secret stops working');
    await expect
      .poll(async () => {
        await press(page, (await page.getByRole('button', { name: 'Send it again' }).count()) > 0 ? 'Send it again' : 'Send test event');
        await shows(page, /The test event arrived/);
        return signedBy(await newestOf(endpoint), second);
      }, PATIENCE)
      .toEqual({ standard: true, body: true });
    expect(signedBy(await newestOf(endpoint), FIRST)).toEqual({ standard: false, body: false });
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('the page of tests', () => {
  it('shows what will be sent as it is typed, and the answer with what was typed', async () => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    const webhookId = await customer.webhook(endpoint.url);
    const real = { event: 'visitor.identified', timestamp: new Date().toISOString(), organization_id: customer.organizationId };
    await customer.post(JSON.stringify({ ...real, session_id: 'ses_real', visitor: { email: 'real@example.com' } }));
    await customer.deliveryThatIs(webhookId, 'delivered');
    const { page, complaints } = await reader(customer, `/${webhookId}/test-event`);
    const event = page.getByLabel('The event');
    const preview = page.locator('#preview-test');
    await page.getByLabel('Begin with').selectOption({
      index: await page
        .locator('#source option')
        .count()
        .then((all) => all - 1),
    });
    await expect.poll(() => event.inputValue(), PATIENCE).toContain('real@example.com');
    await preview.getByText('real@example.com').waitFor();
    await event.fill((await event.inputValue()).replace('real@example.com', 'typed@example.com'));
    await preview.getByText('typed@example.com').waitFor();
    await event.fill('{ "event":');
    await preview.getByText('This is not JSON').waitFor();
    await page.getByLabel('Begin with').selectOption('type:visitor.identified');
    await preview.getByText('jane.doe@example.com').waitFor();
    await event.fill((await event.inputValue()).replace('jane.doe@example.com', 'sent@example.com'));
    await endpoint.script([{ status: 422, body: '{"error":"no such lead"}' }]);
    await press(page, 'Send test event');
    await shows(page, /The test event failed:/);
    await shows(page, '"error": "no such lead"');
    expect(await event.inputValue()).toContain('sent@example.com');
    expect(JSON.parse(Buffer.from(bodyBytes(await newestOf(endpoint))).toString()).visitor.email).toBe('sent@example.com');
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(await layoutFaults(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('does all of it by its buttons without scripts', async () => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    const webhookId = await customer.webhook(endpoint.url);
    const { page } = await reader(customer, `/${webhookId}/test-event`, { javaScriptEnabled: false });
    await page.getByLabel('Begin with').selectOption('type:webhook.failing');
    await press(page, 'Use this');
    const event = page.getByLabel('The event');
    expect(JSON.parse(await event.inputValue()).event).toBe('webhook.failing');
    await event.fill((await event.inputValue()).replaceAll('Leads to the CRM', 'Typed'));
    await press(page, 'Preview');
    await page.locator('#preview-test').getByText('Typed').waitFor();
    await press(page, 'Send test event');
    await shows(page, /The test event arrived: 204 after/);
    expect(await event.inputValue()).toContain('Typed');
    expect(JSON.parse(Buffer.from(bodyBytes(await newestOf(endpoint))).toString()).webhook.name).toBe('Typed');
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('deleting a webhook in use', () => {
  it.each(HOWS)('asks for its name, and says what is lost, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    const webhookId = await customer.webhook(endpoint.url);
    const real = { event: 'visitor.identified', timestamp: new Date().toISOString(), organization_id: customer.organizationId };
    await customer.post(JSON.stringify({ ...real, session_id: 'ses_real', visitor: {} }));
    await customer.deliveryThatIs(webhookId, 'delivered');
    const { page } = await reader(customer, `/${webhookId}/settings`, { javaScriptEnabled });
    await follow(page, 'Delete webhook');
    await shows(page, 'The record of 1 delivery of the last 30 days is erased');
    await press(page, 'Delete webhook');
    await shows(page, 'This is not its name.');
    if (javaScriptEnabled) expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByLabel('type its name').fill(` ${new URL(endpoint.url).host.toUpperCase()} `);
    await press(page, 'Delete webhook');
    await shows(page, 'is deleted.');
    await page.context().close();
  });
});
