import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser } from '../support/browser.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { inbox } from '../support/receiver.ts';
import { givenStage, PAGES, signedIn } from '../support/stage.ts';

const stage = givenStage();

interface Given {
  customer: Customer;
  webhookId: string;
  page: Page;
  complaints: string[];
  open(part: string): Promise<void>;
  /** Posts so many events, and waits until they are listed. */
  post(events: number): Promise<void>;
}

/** Somebody who is signed in, with a webhook to which these events have gone. */
async function given(events: number, options: BrowserContextOptions = {}): Promise<Given> {
  const customer = await signUp(stage.worker);
  const webhookId = await customer.webhook(inbox(stage.receiver.origin).url, 'a secret');
  const path = `/organization/${customer.organizationId}/webhooks/${webhookId}/deliveries`;
  const listed = async () => ((await customer.client.get(path)).body as { data: unknown[] }).data.length;
  const post = async (more: number) => {
    const before = await listed();
    const organization = { organization_id: customer.organizationId };
    const event = {
      event: 'visitor.identified',
      timestamp: '2026-11-23T10:00:00Z',
      ...organization,
      visitor: { email: 'ada@example.com' },
    };
    for (let at = 0; at < more; at++) await customer.post(JSON.stringify({ ...event, session_id: `ses_${before + at}` }));
    await expect.poll(listed).toBe(before + more);
  };
  await post(events);
  const { page, complaints } = await signedIn(stage, customer, {}, options);
  const open = async (part: string) => void (await page.goto(`${stage.worker.origin}${PAGES}/${webhookId}${part}`));
  return { customer, webhookId, page, complaints, open, post };
}

const focused = (page: Page) => page.evaluate('document.activeElement?.closest("tr")?.id ?? document.activeElement?.id ?? ""');
const rows = (page: Page) => page.locator('tbody tr[id^="dlv_"]').evaluateAll((all) => all.map(({ id }) => id));

describe.skipIf(noBrowser)('times', () => {
  it.each([
    ['Asia/Kolkata', 19_800_000],
    ['America/New_York', -18_000_000],
  ])('are those of the reader’s clocks from the first page on, which names the zone: %s', async (timezoneId, offsetMs) => {
    const { page, open, complaints } = await given(1, { timezoneId });
    const name = timezoneId.replace('_', ' ');
    await open('/deliveries');
    const time = page.locator('tbody time').first();
    const instant = (await time.getAttribute('datetime')) ?? '';
    expect(await time.getAttribute('title')).toBe(instant);
    const local = new Date(Date.parse(instant) + offsetMs).toISOString();
    expect(await time.textContent()).toContain(local.slice(11, 19));
    await page.getByText('Event, attempts and time').click();
    await page.getByLabel(`From (${name})`).fill(local.slice(0, 16));
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/from=/);
    expect(await rows(page)).toHaveLength(1);
    await page.getByLabel(`To (${name})`).fill(local.slice(0, 16));
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('No delivery matches these filters.').waitFor();
    await open('');
    await page.getByText(`Times in ${name}`).first().waitFor();
    await page.getByText(`Times are in the time zone ${name}.`).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('are those of the reader’s clocks without a script, too, once one has told the zone', async () => {
    const { page, webhookId } = await given(1, { timezoneId: 'Asia/Tokyo' });
    const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const html = await (await fetch(`${stage.worker.origin}${PAGES}/${webhookId}/deliveries`, { headers: { Cookie: cookies } })).text();
    const [, instant = '', text = ''] = /<time datetime="([^"]*)"[^>]*>([^<]*)</.exec(html) ?? [];
    expect(text).toContain(new Date(Date.parse(instant) + 32_400_000).toISOString().slice(11, 19));
    expect(html).toContain('From (Asia/Tokyo)');
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('a list that is open', () => {
  it('is live: what is new comes on top and is marked, and the focus stays where it is', async () => {
    const { page, open, post } = await given(2);
    await open('/deliveries');
    await page.getByText(/^Live · updated \d\d:\d\d:\d\d$/).waitFor();
    const before = await rows(page);
    await page.locator(`[id="${before[0]}"] a`).focus();
    await post(1);
    await page.locator('tbody tr[id^="dlv_"]').nth(2).waitFor();
    const after = await rows(page);
    expect(after.slice(1)).toEqual(before);
    expect(await page.locator('tr.new').evaluateAll((all) => all.map(({ id }) => id))).toEqual([after[0]]);
    expect(await focused(page)).toBe(before[0]);
    expect(await page.locator('#live-news').textContent()).toBe('New in the list: 1');
    await page.context().close();
  });

  it('is paused by a button, on the pages of the tab that come after it as well, and goes on', async () => {
    const { page, open, post } = await given(1);
    await open('/deliveries');
    await page.getByRole('button', { name: 'Stop updates' }).click();
    await page.getByText(/^Paused · as of \d\d:\d\d:\d\d$/).waitFor();
    let looks = 0;
    page.on('request', (request) => {
      if (request.headers()['x-live']) looks++;
    });
    await open('');
    await open('/deliveries');
    await post(1);
    await page.getByText(/^Paused/).waitFor();
    expect(await rows(page)).toHaveLength(1);
    expect(looks).toBe(0);
    await page.getByRole('button', { name: 'Update again' }).click();
    await page.locator('tbody tr[id^="dlv_"]').nth(1).waitFor();
    await page.context().close();
  });

  it('says that it is not up to date while it cannot be reached, and no more once it can', async () => {
    const { page, open } = await given(1);
    await open('/deliveries');
    await page.context().setOffline(true);
    await page.getByText(/Last updated \d\d:\d\d:\d\d · trying again/).waitFor();
    expect(await page.getByText(/^Live/).isVisible()).toBe(false);
    await page.context().setOffline(false);
    await page.getByText(/^Live · updated/).waitFor();
    await page.context().close();
  });
});

it.skipIf(noBrowser)('a page on which nothing changes does not say that it is live', async () => {
  const { page, open } = await given(1);
  await open('/deliveries');
  expect(await page.getByText(/^Live/).isVisible()).toBe(true);
  await open('/delete');
  expect(await page.getByText(/^Live/).isVisible()).toBe(false);
  await page.context().close();
});

describe.skipIf(noBrowser)('keys', () => {
  it('move through the rows and from one delivery to the next, search, and show what they are', async () => {
    const { page, open, complaints } = await given(3);
    await open('/deliveries');
    const ids = await rows(page);
    await page.keyboard.press('j');
    expect(await focused(page)).toBe(ids[0]);
    await page.keyboard.press('j');
    expect(await focused(page)).toBe(ids[1]);
    await page.keyboard.press('k');
    expect(await focused(page)).toBe(ids[0]);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/deliveries/${ids[0]}`);
    await page.keyboard.press('j');
    await page.waitForURL(`**/deliveries/${ids[1]}`);
    await page.keyboard.press('k');
    await page.waitForURL(`**/deliveries/${ids[0]}`);
    await open('/deliveries');
    await page.keyboard.press('/');
    expect(await focused(page)).toBe('q');
    await page.keyboard.type('j/?');
    expect(await page.getByRole('searchbox').inputValue()).toBe('j/?');
    await page.getByRole('searchbox').fill('');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor({ state: 'hidden' });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('are nobody’s who has turned them off', async () => {
    const { page, open } = await given(2);
    await open('/deliveries');
    await page.getByRole('button', { name: 'Keyboard: ?' }).click();
    await page.getByLabel('Use single keys as shortcuts').uncheck();
    await page.getByRole('button', { name: 'Close' }).click();
    await open('/deliveries');
    await page.keyboard.press('j');
    await page.keyboard.press('/');
    await page.keyboard.press('?');
    expect(await focused(page)).toBe('');
    expect(await page.getByRole('dialog').isVisible()).toBe(false);
    await page.context().close();
  });
});

describe.skipIf(noBrowser)('a chart', () => {
  it('says its numbers to whoever goes through it by the arrow keys, or touches it', async () => {
    const { page, open, complaints } = await given(2, { hasTouch: true });
    await open('?period=1h');
    await page
      .getByText(/: show the chart/)
      .first()
      .click();
    const chart = page.getByRole('img', { name: /^Deliveries in the last hour: 2 delivered/ });
    const tip = page.locator('.chart-frame:visible + .chart-tip').first();
    await chart.focus();
    await page.keyboard.press('End');
    await expect.poll(() => tip.textContent()).toMatch(/: \d delivered, \d failed, \d discarded$/);
    const last = await tip.textContent();
    await page.keyboard.press('Home');
    await expect.poll(() => tip.textContent()).toMatch(/: 0 delivered/);
    await page.keyboard.press('Escape');
    const box = (await chart.boundingBox())!;
    await page.touchscreen.tap(box.x + box.width - 26, box.y + 60);
    await expect.poll(() => tip.textContent()).toBe(last);
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
