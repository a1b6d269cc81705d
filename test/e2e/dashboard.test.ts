import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser, openPage } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { bodyBytes, type Inbox, inbox } from '../support/receiver.ts';
import { givenStage, PAGES, signedIn, signIn } from '../support/stage.ts';

const stage = givenStage({ vars: { RETRY_SCHEDULE: '1s,1h,1h' } });

async function webhookIdOf(customer: Customer): Promise<string> {
  const { body } = await customer.client.get(`/organization/${customer.organizationId}/webhooks`);
  return (body as { webhooks: { id: string }[] }).webhooks[0]?.id ?? '';
}

const anEvent = (organizationId: string) =>
  JSON.stringify({
    event: 'visitor.identified',
    timestamp: new Date().toISOString(),
    organization_id: organizationId,
    session_id: 'ses_1',
    visitor: { email: 'ada@example.com' },
  });

/** From setting a webhook up to deleting it, as a customer does it. Without a script a page is fetched again instead of bringing itself up to date. */
async function walk(page: Page, customer: Customer, endpoint: Inbox, withScript: boolean): Promise<void> {
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  const link = (name: string) => page.getByRole('link', { name, exact: true });
  const tab = (name: string) => page.getByRole('navigation', { name: 'Webhook' }).getByRole('link', { name });
  const visible = (text: string | RegExp) => page.getByText(text).filter({ visible: true }).first();
  const shows = (text: string | RegExp) => visible(text).waitFor();
  /** What comes about while the page is open. */
  const comesToShow = async (text: string | RegExp) => {
    await page.waitForLoadState();
    while (!withScript && !(await visible(text).isVisible())) await page.reload();
    await shows(text);
  };

  await page.getByRole('link', { name: 'Add Webhook' }).click();
  await page.getByLabel('Endpoint URL').fill('http://example.com/not-secure');
  await page.getByLabel('Description').fill('Into the CRM');
  await button('Save').click();
  await page
    .getByText(/https:\/\//)
    .first()
    .waitFor();
  expect(await page.getByLabel('Description').inputValue()).toBe('Into the CRM');

  await page.getByLabel('Endpoint URL').fill(endpoint.url);
  await page.getByRole('checkbox', { name: 'visitor.identified' }).check();
  await page.getByRole('radio', { name: 'Make one for me' }).check();
  await button('Save').click();
  await shows('The webhook is saved');
  const secret = (await page.getByText(/^whsec_/).textContent()) ?? '';

  await link('I have copied it').click();
  await button('Send test event').click();
  await shows(/The test event arrived: 204/);
  await link('Continue').click();
  await shows('Your webhook is ready');
  const [test] = await endpoint.arrived(1);
  const body = Buffer.from(bodyBytes(test!));
  new Webhook(secret).verify(body.toString(), test!.headers);
  expect(test!.headers['x-bullseye-signature']).toBe(createHmac('sha256', secret).update(body).digest('hex'));

  await endpoint.script([{ status: 500, body: '{"error":"out of order"}' }]);
  await customer.post(anEvent(customer.organizationId));
  await endpoint.arrived(3);
  await page
    .getByRole('link', { name: new URL(endpoint.url).host })
    .first()
    .click();
  await tab('Deliveries').click();
  await page.waitForURL('**/deliveries');
  await comesToShow('Retrying');
  await page.getByRole('row').filter({ hasText: 'Retrying' }).getByRole('link').click();
  await shows('out of order');

  await endpoint.script([{ status: 200, body: 'thank you' }]);
  await button('Retry now').click();
  await comesToShow('thank you');
  await comesToShow('Delivered');

  await page
    .getByRole('link', { name: new URL(endpoint.url).host })
    .first()
    .click();
  await tab('Settings').click();
  await link('Rotate the secret').click();
  await button('Rotate secret').click();
  await shows('This is the new secret.');
  await shows(/The old secret keeps working for another/);
  const rotated = (await page.getByText(/^whsec_/).textContent()) ?? '';
  expect(rotated).not.toBe(secret);
  await button('Send test event').click();
  await shows(/The test event arrived: 200/);
  const afterRotation = (await endpoint.requests()).at(-1)!;
  for (const key of [secret, rotated]) new Webhook(key).verify(Buffer.from(bodyBytes(afterRotation)).toString(), afterRotation.headers);

  await page
    .getByRole('link', { name: new URL(endpoint.url).host })
    .first()
    .click();
  await tab('Settings').click();
  await link('Pause').click();
  await button('Pause').click();
  await shows('This webhook is paused');
  const before = (await endpoint.requests()).length;
  await customer.post(anEvent(customer.organizationId));
  await customer.deliveryThatIs(await webhookIdOf(customer), 'discarded');
  await button('Resume').first().click();
  await shows('The webhook gets events again.');
  await button(/^Retry all that match/).click();
  await shows('1 delivery starts over.');
  await endpoint.arrived(before + 1);

  await tab('Settings').click();
  await link('Delete webhook').click();
  await button('Delete webhook').click();
  await shows('This is not its name.');
  await page.getByLabel('type its name').fill(new URL(endpoint.url).host);
  await button('Delete webhook').click();
  await shows('is deleted.');
  await shows('No webhooks yet');
  await button('Sign out').click();
  await page.getByLabel('API key').waitFor();
}

describe.skipIf(noBrowser)('a customer in a browser', () => {
  it.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('sets a webhook up, tests it, retries, rotates, pauses, recovers and deletes it, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const { page, complaints } = await signedIn(stage, customer, {}, { javaScriptEnabled });
    await walk(page, customer, inbox(stage.receiver.origin), javaScriptEnabled);
    // What the browser itself says of the form that was refused.
    expect(complaints.filter((complaint) => !complaint.includes('422'))).toEqual([]);
    await page.context().close();
  });

  it('sees what happens while a page is open, without losing what they had opened', async () => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    const webhookId = await customer.webhook(endpoint.url);
    const { page, complaints } = await signedIn(stage, customer);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/deliveries`);
    await page.getByText('Nothing has been sent yet.').waitFor();
    await page.getByLabel('Search', { exact: true }).fill('half typed');
    await customer.post(anEvent(customer.organizationId));
    await page.getByText('Delivered').last().waitFor();
    expect(await page.getByLabel('Search', { exact: true }).inputValue()).toBe('half typed');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('sends a form again after they stopped it on its way', async () => {
    const customer = await signUp(stage.worker);
    const webhookId = await customer.webhook(inbox(stage.receiver.origin).url);
    const { page } = await openPage(stage.browser);
    await page.clock.install();
    await signIn(page, stage.worker, customer);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}`);
    // An answer that leads nowhere leaves the page as stopping does.
    let sent = 0;
    await page.route('**/test-event', (route) => {
      sent += 1;
      return route.fulfill({ status: 204 });
    });
    const press = async () => {
      await page.getByRole('button', { name: 'Send test event' }).first().click();
      await page.getByRole('button', { name: 'Sending…' }).first().waitFor();
    };
    await press();
    await page.clock.fastForward(10_000);
    await press();
    await expect.poll(() => sent).toBe(2);
    await page.context().close();
  });

  it('hears that an attempt is being made for as long as it is', async () => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    await endpoint.script([{ status: 500 }]);
    const webhookId = await customer.webhook(endpoint.url);
    await customer.post(anEvent(customer.organizationId));
    // The third attempt of the schedule is an hour away.
    await expect.poll(async () => (await customer.newestDelivery(webhookId))?.attempts.length, { timeout: 20_000 }).toBe(2);
    const { id } = await customer.deliveryThatIs(webhookId, 'retrying');
    await endpoint.script([{ status: 200, delayMs: 3_000, body: 'thank you' }]);
    const { page } = await signedIn(stage, customer);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/deliveries/${id}`);
    await page.getByRole('button', { name: 'Retry now' }).click();
    await page.getByText('An attempt is being made now.').waitFor();
    await page.getByText('thank you').waitFor();
    expect(await page.getByText(/being made/).count()).toBe(0);
    await page.context().close();
  });

  it('is told that a page is not up to date, and since when, until it is again', async () => {
    const customer = await signUp(stage.worker);
    const webhookId = await customer.webhook(inbox(stage.receiver.origin).url);
    const { page } = await openPage(stage.browser);
    await page.clock.install();
    await signIn(page, stage.worker, customer);
    for (const outage of ['offline', 'refused', 'silent', 'broken']) {
      await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}`);
      const said = page.getByRole('status').filter({ hasText: /^Last updated \d\d:\d\d:\d\d · trying again$/ });
      expect(await said.count()).toBe(0);
      const live = (url: URL) => url.pathname === `${PAGES}/${webhookId}`;
      if (outage === 'offline') await page.context().setOffline(true);
      else
        await page.route(live, (route) => {
          if (outage === 'refused') return route.abort('connectionrefused');
          if (outage === 'broken') return route.fulfill({ status: 502, body: 'Bad Gateway' });
          // Never answered.
          return undefined;
        });
      await page.clock.runFor(4_000);
      await said.waitFor();
      expect(await said.isVisible()).toBe(true);
      if (outage === 'broken') expect(await accessibilityViolations(page)).toEqual([]);
      await page.context().setOffline(false);
      await page.unroute(live);
      await page.clock.runFor(15_000);
      await said.waitFor({ state: 'detached' });
    }
    await page.context().close();
  });

  it.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('finds the form that they had filled in after their session had ended, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const endpoint = inbox(stage.receiver.origin);
    const { page } = await signedIn(stage, customer, {}, { javaScriptEnabled });
    await page.getByRole('link', { name: 'Add Webhook' }).click();
    await page.getByLabel('Endpoint URL').fill(endpoint.url);
    await page.getByLabel('Description').fill('Into the CRM');
    await page.getByText('About your webhooks').first().click();
    await page.getByLabel('All events').check();
    await page.getByRole('radio', { name: 'No secret' }).check();
    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Your session has ended').waitFor();
    expect(new URL(page.url()).searchParams.get('next')).toBe(`${PAGES}/new`);
    if (javaScriptEnabled) expect(await accessibilityViolations(page)).toEqual([]);
    const { body } = await customer.client.post(`/organization/${customer.organizationId}/api-keys`, { name: 'x', scopes: ['write'] });
    await page.getByLabel('API key').fill((body as { plainKey: string }).plainKey);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Nothing has been saved yet').waitFor();
    expect(await page.getByLabel('Endpoint URL').inputValue()).toBe(endpoint.url);
    expect(await page.getByLabel('Description').inputValue()).toBe('Into the CRM');
    expect(await page.getByLabel('All events').isChecked()).toBe(true);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The webhook is saved').waitFor();
    await page.context().close();
  });

  it('keeps what was typed into a page that is live, when their session ends', async () => {
    const customer = await signUp(stage.worker);
    const webhookId = await customer.webhook(inbox(stage.receiver.origin).url);
    const { page } = await signedIn(stage, customer);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/settings`);
    await page.getByLabel('Description').fill('half typed');
    await page.context().clearCookies();
    await page.getByText('Your session has ended. Sign in in another tab').waitFor();
    expect(await page.getByLabel('Description').inputValue()).toBe('half typed');
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/settings`);
    await page.getByLabel('API key').waitFor();
    await page.context().close();
  });

  it.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('stands in the first field that is wrong after a form was refused, %s', async (_how, javaScriptEnabled) => {
    const customer = await signUp(stage.worker);
    const { page, complaints } = await signedIn(stage, customer, {}, { javaScriptEnabled });
    await page.goto(`${stage.worker.origin}${PAGES}/new`);
    await page.getByText('Retries and pace').click();
    await page.getByLabel('Most deliveries per second').fill('0');
    await page.getByRole('checkbox', { name: 'visitor.identified' }).uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('3 things need another look').waitFor();
    const url = page.getByLabel('Endpoint URL');
    await expect.poll(() => page.locator('*:focus').getAttribute('id')).toBe('url');
    expect(await url.getAttribute('aria-describedby')).toContain('url-error');
    if (javaScriptEnabled) expect(await accessibilityViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Most deliveries per second' }).click();
    expect(await page.locator('*:focus').getAttribute('id')).toBe('maxPerSecond');
    await url.fill('https://hooks.example.com/in');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('2 things need another look').waitFor();
    await expect.poll(() => page.locator('*:focus').getAttribute('id')).toBe('event-visitors');
    expect(complaints.filter((complaint) => !complaint.includes('422'))).toEqual([]);
    await page.context().close();
  });

  it('has what is new read from the address of the settings while a refused form of theirs is shown', async () => {
    const customer = await signUp(stage.worker);
    const webhookId = await customer.webhook(inbox(stage.receiver.origin).url);
    const { page } = await signedIn(stage, customer);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/settings`);
    await page.getByLabel('Endpoint URL').fill('ftp://nowhere');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('#url-error').waitFor();
    expect(await page.getByLabel('Endpoint URL').inputValue()).toBe('ftp://nowhere');
    const looked = page.waitForRequest((request) => request.headers()['x-live'] === '1');
    expect(new URL((await looked).url()).pathname).toBe(`${PAGES}/${webhookId}/settings`);
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('a page', () => {
  it('weighs less than 100 kB, compressed, with all that it loads', async () => {
    const customer = await signUp(stage.worker);
    const webhookId = await customer.webhook(`${stage.receiver.origin}/to/nowhere`);
    const { page } = await signedIn(stage, customer);
    const paths = new Set([`${PAGES}/${webhookId}`]);
    page.on('request', (request) => paths.add(new URL(request.url()).pathname));
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}`);
    const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    let bytes = 0;
    for (const path of paths) {
      const response = await fetch(stage.worker.origin + path, { headers: { Cookie: cookies } });
      bytes += gzipSync(Buffer.from(await response.arrayBuffer())).length;
    }
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThan(100_000);
    await page.context().close();
  });
});
