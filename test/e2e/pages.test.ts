import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalWorker, startLocalWorker } from '../../src/commands/local-worker.ts';
import { accessibilityViolations, COLOUR_RULES, launchChromium, noBrowser, openPage, type WatchedPage } from '../support/browser.ts';
import { addressOf, DASHBOARD_PAGES, NOWHERE } from '../support/dashboard-pages.ts';
import { configWithEmail } from '../support/email-config.ts';
import { type Furnished, furnish } from '../support/furnished.ts';
import { startReceiver } from '../support/receiver-server.ts';

/*
 * Every page of the dashboard, as somebody sees it on a phone, a tablet and a desktop, in the light and in the dark: accessible, within its
 * window, and quiet in the browser's console.
 */

const PAGES = '/settings/integrations/webhooks';
const PUBLIC_URL = 'https://webhooks.bullseye.example';
const WIDTHS = [320, 834, 1_280] as const;
/** Read before there is a session. */
const FOR_ANYBODY = /^\/(sign-in|link\/|alerts\/(confirm|end)\/)/;
/** Everything opened that can be opened. */
const OPEN = "document.querySelectorAll('details').forEach((details) => { details.removeAttribute('name'); details.open = true; })";

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
/** Where the pages' pictures go; SCREENSHOTS=… in the environment keeps them for somebody to look at. */
const pictures = process.env.SCREENSHOTS ?? join(folder, 'pictures');
let worker: LocalWorker;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let browser: Browser;
let furnished: Furnished;
let anybody: WatchedPage;
let signedIn: WatchedPage;
let tokens: { linkToken: string; alertToken: string };

beforeAll(async () => {
  if (noBrowser) return;
  receiver = await startReceiver();
  const vars = { RETRY_SCHEDULE: '1h,1h,1h', PUBLIC_URL, ALERTS_FROM: 'alerts@example.com' };
  worker = await startLocalWorker({ persistTo: folder, vars, config: configWithEmail(folder) });
  browser = await launchChromium();
  furnished = await furnish(worker, receiver.origin);
  tokens = { linkToken: (await linkPath()).split('/').at(-1) ?? '', alertToken: await alertToken() };
  anybody = await openPage(browser);
  signedIn = await openPage(browser);
  await signedIn.page.goto(worker.origin + (await linkPath()));
  await signedIn.page.locator('main button.primary').click();
  await signedIn.page.waitForURL(`**${PAGES}`);
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function linkPath(): Promise<string> {
  const { organizationId, producer } = furnished.customer;
  const { body } = await producer.post(`/organization/${organizationId}/dashboard-links`, { scope: 'admin', subject: 'Ada Lovelace' });
  return new URL((body as { url: string }).url).pathname;
}

/** Of the mail that asks for a confirmation: wrangler writes what it would send to files, and says which. */
async function alertToken(): Promise<string> {
  for (;;) {
    const [, mail] = /^\s*Text: (\/\S+\.txt)$/m.exec(worker.output()) ?? [];
    if (mail !== undefined) return /\/alerts\/confirm\/(\S+)$/m.exec(readFileSync(mail, 'utf8'))?.[1] ?? '';
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.skipIf(noBrowser)('every page is accessible, fits its window, and is quiet', () => {
  it.each([...DASHBOARD_PAGES, NOWHERE])('%s', async (route) => {
    const { page, complaints } = FOR_ANYBODY.test(route) ? anybody : signedIn;
    await page.goto(`${worker.origin}${PAGES}${addressOf(route, { ...furnished.values, ...tokens })}`);
    await page.evaluate(OPEN);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: 'light' });
      const light = await accessibilityViolations(page);
      const name = join(pictures, `${route.replaceAll(/[^\w=.]+/g, '-')}-${width}`);
      const picture = await page.screenshot({ fullPage: true, path: `${name}.png` });
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await accessibilityViolations(page, COLOUR_RULES);
      if (width === 1_280) await page.screenshot({ fullPage: true, path: `${name}-dark.png` });
      // By what the PNG says of itself.
      const beyond = picture.readUInt32BE(16) - width;
      expect.soft({ width, light, dark, beyond }).toEqual({ width, light: [], dark: [], beyond: 0 });
    }
    // What the browser itself says of a page that is not there.
    expect(complaints.splice(0).filter((complaint) => route !== NOWHERE || !complaint.includes('404'))).toEqual([]);
  });
});
