import { createServer } from 'node:net';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser, picture } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { type Inbox, inbox, type Reply } from '../support/receiver.ts';
import { givenStage, PAGES, signedIn } from '../support/stage.ts';

/*
 * Something is wrong with an endpoint: its owner sees what it is, and what to do, and has everything back in three clicks at most.
 */

// Attempts come soon, and nothing is held: every delivery fails for good within seconds.
const stage = givenStage({ vars: { RETRY_SCHEDULE: '1s,1s,1s', DELIVERY_TIMEOUT: '1s', CIRCUIT_THRESHOLD: '1000' } });

const reader = async (customer: Customer) => await signedIn(stage, customer, {}, { viewport: { width: 1_280, height: 900 } });

const anEvent = (organizationId: string) =>
  JSON.stringify({
    ...{
      event: 'visitor.identified',
      timestamp: new Date().toISOString(),
      organization_id: organizationId,
      session_id: crypto.randomUUID(),
    },
    visitor: { email: 'ada@example.com' },
  });

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function endpointThat(reply: Reply | 'refuses'): Promise<{ url: string; endpoint: Inbox | null }> {
  if (reply === 'refuses') return { url: `http://127.0.0.1:${await closedPort()}/in`, endpoint: null };
  const endpoint = inbox(stage.receiver.origin);
  await endpoint.script([reply]);
  return { url: endpoint.url, endpoint };
}

async function namedWebhook(customer: Customer, name: string, url: string): Promise<string> {
  const { body } = await customer.client.post(`/organization/${customer.organizationId}/webhooks`, { name, url, events: ['*'] });
  return (body as { id: string }).id;
}

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 2, name });

describe.skipIf(noBrowser)('the banner of an endpoint', () => {
  it.each<[string, Reply | 'refuses', string, RegExp, RegExp]>([
    [
      'rejects',
      { status: 422, body: '{"error":"Leads need a phone number"}' },
      'Your endpoint rejects deliveries',
      /422.*Leads need a phone/,
      /refuses what is in it/,
    ],
    ['has errors', { status: 500, body: 'out of order' }, 'Your endpoint has errors', /500.*out of order/, /Look into its log/],
    ['hangs', { hang: true }, 'Your endpoint does not answer', /No response within 1 s/, /answer first/],
    ['refuses connections', 'refuses', 'Your endpoint cannot be reached', /refused or broken off/, /your server runs/],
  ])('that %s says so, with the last answer, the attempt and what helps', async (what, reply, title, answer, help) => {
    const customer = await signUp(stage.worker);
    const { url } = await endpointThat(reply);
    const webhookId = await namedWebhook(customer, `CRM that ${what}`, url);
    for (let n = 0; n < 3; n++) await customer.post(anEvent(customer.organizationId));
    const { page, complaints } = await reader(customer);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}`);
    // The page finds out while it is open, and says it to whoever does not see it.
    await heading(page, title).waitFor();
    await page.getByRole('status').filter({ hasText: title }).waitFor({ state: 'attached' });
    await page.getByText(answer).first().waitFor();
    await page.getByText(help).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await picture(page, `attention-${what.replaceAll(' ', '-')}`);
    expect(await layoutFaults(page)).toEqual([]);
    await page.goto(`${stage.worker.origin}${PAGES}`);
    await page
      .getByRole('listitem')
      .filter({ hasText: `CRM that ${what}` })
      .getByRole('button', { name: 'Test again' })
      .waitFor();
    await picture(page, `attention-list-${what.replaceAll(' ', '-')}`);
    expect(await layoutFaults(page)).toEqual([]);
    await page
      .getByRole('table')
      .getByRole('link', { name: `CRM that ${what}` })
      .click();
    await page.getByRole('link', { name: 'See the attempt' }).click();
    await page.waitForURL('**/deliveries/**');
    await page
      .getByText(/Attempt \d/)
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('an outage', () => {
  /** An endpoint that has had errors until everything failed for good, and works again. */
  async function outageOver(events: number) {
    const customer = await signUp(stage.worker);
    const { url, endpoint } = await endpointThat({ status: 500 });
    const webhookId = await namedWebhook(customer, 'CRM', url);
    for (let n = 0; n < events; n++) await customer.post(anEvent(customer.organizationId));
    const failed = `/organization/${customer.organizationId}/webhooks/${webhookId}/deliveries?status=failed`;
    await expect
      .poll(async () => ((await customer.client.get(failed)).body as { data: object[] }).data.length, { timeout: 40_000 })
      .toBe(events);
    await endpoint!.script([{ status: 200 }]);
    const delivered = async () => {
      const { body } = await customer.client.get(failed.replace('failed', 'delivered'));
      return (body as { data: { test: boolean }[] }).data.filter(({ test }) => !test).length;
    };
    return { customer, webhookId, delivered };
  }

  it('that is fixed: from its banner to everything recovered in three clicks', async () => {
    const { customer, webhookId, delivered } = await outageOver(5);
    const { page } = await reader(customer);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}`);
    await heading(page, 'Your endpoint has errors').waitFor();
    await page.getByRole('button', { name: 'Test again' }).click();
    await page.getByText(/The test event arrived: 200/).waitFor();
    await page.getByRole('navigation', { name: 'Where you are' }).getByRole('link', { name: 'CRM' }).click();
    await heading(page, 'Your endpoint works again; 5 deliveries failed meanwhile').waitFor();
    await picture(page, 'attention-outage-over');
    expect(await layoutFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Retry all that failed (5)' }).click();
    await page.getByText('5 deliveries are retried.').waitFor();
    await expect.poll(delivered, { timeout: 40_000 }).toBe(5);
    await heading(page, /works again/).waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('that ended by itself: one click on the first page', async () => {
    const { customer, delivered } = await outageOver(3);
    await customer.post(anEvent(customer.organizationId));
    await expect.poll(delivered, { timeout: 40_000 }).toBe(1);
    const { page } = await reader(customer);
    await page.getByText('works again · 3 deliveries failed meanwhile').waitFor();
    await page.getByRole('button', { name: 'Retry all that failed (3)' }).click();
    await page.getByText('3 deliveries are retried.').waitFor();
    await expect.poll(delivered, { timeout: 40_000 }).toBe(4);
    await page.context().close();
  });
});
