import { devices, type Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { launchChromium, noBrowser } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { addressOf, DASHBOARD_PAGES, NOWHERE } from '../support/dashboard-pages.ts';
import { layoutFaults, WIDTHS } from '../support/page-layout.ts';
import { type Inbox, inbox } from '../support/receiver.ts';
import { givenStage, PAGES, signedIn } from '../support/stage.ts';

const stage = givenStage({ vars: { RETRY_SCHEDULE: '1h,1h,1h' } });

/** Signed in by a one-time link, with a language whose dates are long. */
async function reader(customer: Customer, browser = stage.browser): Promise<Page> {
  const options = { locale: 'es-ES', deviceScaleFactor: 2 };
  return (await signedIn({ ...stage, browser }, customer, { subject: 'W'.repeat(200) }, options)).page;
}

const eventOf = (organizationId: string, rest: Record<string, unknown> = {}) =>
  JSON.stringify({
    ...{ event: 'visitor.identified', timestamp: new Date().toISOString(), organization_id: organizationId, session_id: 'ses_1' },
    ...{ visitor: { email: 'ada@example.com' }, ...rest },
  });

/** Everything opened that can be opened. */
const OPEN = "document.querySelectorAll('details').forEach((details) => { details.removeAttribute('name'); details.open = true; })";

interface Shown {
  customer: Customer;
  endpoint: Inbox;
  webhookId: string;
  deliveryId: string;
}

/** What customers have: short names, a failure and a success. */
async function usual(): Promise<Shown> {
  const customer = await signUp(stage.worker);
  const endpoint = inbox(stage.receiver.origin);
  const webhookId = await customer.webhook(endpoint.url, 'a secret');
  await customer.client.patch(`/organization/${customer.organizationId}/webhooks/${webhookId}`, { headers: { 'X-Key': 'a value' } });
  await customer.client.post(`/organization/${customer.organizationId}/webhooks/${webhookId}/secret/rotate`, { overlapSeconds: 86_400 });
  await customer.post(eventOf(customer.organizationId));
  await customer.deliveryThatIs(webhookId, 'delivered');
  await endpoint.script([{ status: 500, headers: { 'X-Trace': 'abc' }, body: '{"error":"out of order"}' }]);
  await customer.post(eventOf(customer.organizationId));
  const { id: deliveryId } = await customer.deliveryThatIs(webhookId, 'retrying');
  return { customer, endpoint, webhookId, deliveryId };
}

/** The longest that each thing may be, without a place to break a line. */
async function longest(): Promise<Shown> {
  const shown = await usual();
  const { customer, endpoint, webhookId } = shown;
  const long = `a${'b'.repeat(126)}c`;
  await customer.producer.put(`/event-types/${long}`, { description: 'W'.repeat(300), example: { event: long, text: 'x'.repeat(300) } });
  await customer.producer.put(`/organization/${customer.organizationId}`, { name: 'Ω'.repeat(100), plan: 'scale' });
  const path = `a.${'p'.repeat(250)}`;
  const changes = {
    ...{ description: 'd'.repeat(500), events: [long, 'visitor.identified'] },
    filter: { any: [{ field: path, operator: 'not_equals', value: 'v'.repeat(900) }, { all: [{ field: 'event', operator: 'exists' }] }] },
    ...{ once: { per: path, days: 365 }, fields: ['event', path, 'text'], format: 'template' },
    template: `{ "a": "${'t'.repeat(2_000)}" }`,
    headers: { ['H'.repeat(100)]: 'h'.repeat(1_000), 'X-Short': 'x' },
    retrySchedule: Array.from({ length: 12 }, () => '1h'),
  };
  await endpoint.script([{ status: 500, headers: { [`X-${'t'.repeat(120)}`]: 'u'.repeat(400) }, body: 'v'.repeat(2_000) }]);
  await customer.client.patch(`/organization/${customer.organizationId}/webhooks/${webhookId}`, {
    ...changes,
    url: `${endpoint.url}/${'p'.repeat(1_900)}`,
  });
  await expect
    .poll(async () => {
      await customer.post(eventOf(customer.organizationId, { event: long, session_id: 's'.repeat(200) }));
      const newest = await customer.newestDelivery(webhookId);
      return newest !== null && newest.id !== shown.deliveryId && newest.attempts.length > 0;
    })
    .toBe(true);
  const newest = await customer.newestDelivery(webhookId);
  return { ...shown, deliveryId: newest?.id ?? '' };
}

describe.skipIf(noBrowser).each([
  ['what customers have', usual],
  ['the longest of everything', longest],
])('with %s, nothing overlaps or leaves the page, from a phone to a wide screen', (_what, given) => {
  it('on every page', async () => {
    const { customer, webhookId, deliveryId } = await given();
    const page = await reader(customer);
    const values = { webhookId, deliveryId, linkToken: 'none', alertToken: 'none' };
    for (const route of [...DASHBOARD_PAGES, NOWHERE]) {
      const path = addressOf(route, values);
      await page.goto(`${stage.worker.origin}${PAGES}${path}`);
      await page.evaluate(OPEN);
      expect.soft({ path, faults: await layoutFaults(page) }).toEqual({ path, faults: [] });
    }
    await page.context().close();
    // Every page at every width, as slow as a busy machine is.
  }, 240_000);

  it('where a form was refused, and where a message is shown', async () => {
    const { customer, webhookId } = await given();
    const page = await reader(customer);
    const narrow = WIDTHS.filter((width) => width < 1_000);
    await page.goto(`${stage.worker.origin}${PAGES}/new`);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('#url-error').waitFor();
    expect(await layoutFaults(page, narrow)).toEqual([]);
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/settings`);
    await page.getByRole('button', { name: 'Reveal the secret' }).click();
    await page.getByText('This is the secret').waitFor();
    expect(await layoutFaults(page, narrow)).toEqual([]);
    await page.getByRole('button', { name: 'Reveal the values' }).click();
    await page.locator('.header-list').waitFor();
    expect(await layoutFaults(page, narrow)).toEqual([]);
    await page.getByRole('link', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('heading', { name: 'This webhook is paused' }).waitFor();
    expect(await layoutFaults(page, narrow)).toEqual([]);
    await customer.producer.put(`/organization/${customer.organizationId}`, { name: 'Moved down', plan: 'growth' });
    for (const path of ['', '/new', `/${webhookId}`]) {
      await page.goto(`${stage.worker.origin}${PAGES}${path}`);
      expect({ path, faults: await layoutFaults(page, narrow) }).toEqual({ path, faults: [] });
    }
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('the tabs of a webhook', () => {
  it.each([320, 360, 390, 1_280])('are all in view at %i px, whichever is open', async (width) => {
    const { customer, webhookId } = await usual();
    const page = await reader(customer);
    await page.setViewportSize({ width, height: 800 });
    for (const part of ['', '/deliveries', '/verify', '/settings']) {
      await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}${part}`);
      const tabs = page.getByRole('navigation', { name: 'Webhook' });
      expect(await tabs.locator('a').count()).toBe(4);
      const frame = await tabs.boundingBox();
      for (const tab of await tabs.locator('a').all()) {
        const box = await tab.boundingBox();
        expect(box!.x).toBeGreaterThanOrEqual(frame!.x - 1);
        expect(box!.x + box!.width).toBeLessThanOrEqual(frame!.x + frame!.width + 1);
      }
      expect(await tabs.locator('a[aria-current="page"]').isVisible()).toBe(true);
    }
    await page.context().close();
  });
});

/** Pages with all that there is: charts, tables, filters, code, forms. */
const PARTS = ['', '/deliveries?event=visitor.identified', '/deliveries/DELIVERY', '/settings'];

describe.skipIf(noBrowser)('the pages', () => {
  /** Looks at each of them, as it is changed. */
  async function onEach(
    look: (page: Page, path: string) => Promise<void>,
    prepare: (page: Page) => Promise<unknown> = async () => {},
    within = stage.browser,
  ) {
    const { customer, webhookId, deliveryId } = await usual();
    const page = await reader(customer, within);
    for (const path of ['', ...PARTS.map((part) => `/${webhookId}${part.replace('DELIVERY', deliveryId)}`)]) {
      await page.goto(`${stage.worker.origin}${PAGES}${path}`);
      await page.evaluate(OPEN);
      await prepare(page);
      await look(page, path);
    }
    await page.context().close();
  }

  it('scale with the letters that a reader has chosen, and stay whole with twice the usual size', async () => {
    const large = await launchChromium(['--blink-settings=defaultFontSize=32']);
    const letters = 'parseFloat(getComputedStyle(document.querySelector("h1")).fontSize)';
    const look = async (page: Page, path: string) => {
      expect(await page.evaluate(letters)).toBe(48);
      expect.soft({ path, faults: await layoutFaults(page, [640, 834, 1_280, 1_600]) }).toEqual({ path, faults: [] });
    };
    try {
      await onEach(look, undefined, large);
    } finally {
      await large.close();
    }
  });

  it('are whole in a language that is written from right to left, with addresses and code from left to right', async () => {
    await onEach(
      async (page, path) => {
        expect.soft({ path, faults: await layoutFaults(page, [320, 834, 1_280]) }).toEqual({ path, faults: [] });
        const directions = 'new Set([...document.querySelectorAll("code, pre, .url")].map((each) => getComputedStyle(each).direction))';
        expect(await page.evaluate(`[...${directions}].filter((direction) => direction !== "ltr")`)).toEqual([]);
      },
      (page) => page.evaluate("document.documentElement.dir = 'rtl'"),
    );
  });

  it('tell the tab that is open from the others with colours of the reader’s own', async () => {
    const { customer, webhookId } = await usual();
    const page = await reader(customer);
    await page.emulateMedia({ forcedColors: 'active' });
    await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}/settings`);
    const styles = '[...document.querySelectorAll(".tabs a")].map((tab) => getComputedStyle(tab).borderBottom)';
    const borders = (await page.evaluate(styles)) as string[];
    const others = new Set(borders.slice(0, -1));
    expect(others.size).toBe(1);
    expect(others).not.toContain(borders.at(-1));
    await page.context().close();
  });

  it('have rows that are a link as a whole, and large enough, for fingers', async () => {
    const { customer, webhookId, deliveryId } = await usual();
    const path = `/${webhookId}/deliveries`;
    const { page } = await signedIn(stage, customer, { scope: 'read', path }, { ...devices['Pixel 7'] });
    const row = page.locator(`[id="${deliveryId}"]`);
    const box = (await row.boundingBox())!;
    expect(box.height).toBeGreaterThanOrEqual(24);
    await page.touchscreen.tap(box.x + box.width - 8, box.y + box.height - 6);
    await page.waitForURL(`**/deliveries/${deliveryId}*`);
    await page.context().close();
  });
});
