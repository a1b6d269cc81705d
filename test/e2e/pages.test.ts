import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser, openPage, picture, type WatchedPage } from '../support/browser.ts';
import { addressOf, DASHBOARD_PAGES, NOWHERE } from '../support/dashboard-pages.ts';
import { type Furnished, furnish } from '../support/furnished.ts';
import { givenStage, PAGES, signedIn } from '../support/stage.ts';

/*
 * Every page of the dashboard, as somebody sees it on a phone, a tablet and a desktop, in the light and in the dark: accessible, within its
 * window, and quiet in the browser's console.
 */

const PUBLIC_URL = 'https://webhooks.bullseye.example';
const WIDTHS = [320, 834, 1_280] as const;
/** Read before there is a session. */
const FOR_ANYBODY = /^\/(sign-in|link\/|alerts\/(confirm|end)\/)/;
/** Everything opened that can be opened. */
const OPEN = "document.querySelectorAll('details').forEach((details) => { details.removeAttribute('name'); details.open = true; })";

/** How wide a page is with all that it has. */
const CONTENT_WIDTH = 'Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)';

const vars = { RETRY_SCHEDULE: '1h,1h,1h', PUBLIC_URL, ALERTS_FROM: 'alerts@example.com' };
const stage = givenStage({ vars, withEmail: true });
let furnished: Furnished;
let anybody: WatchedPage;
let insider: WatchedPage;
let tokens: { linkToken: string; alertToken: string };

beforeAll(async () => {
  if (noBrowser) return;
  furnished = await furnish(stage.worker, stage.receiver.origin);
  tokens = { linkToken: await linkToken(), alertToken: await alertToken() };
  anybody = await openPage(stage.browser);
  insider = await signedIn(stage, furnished.customer, { subject: 'Ada Lovelace' });
}, 240_000);

async function linkToken(): Promise<string> {
  const { organizationId, producer } = furnished.customer;
  const { body } = await producer.post(`/organization/${organizationId}/dashboard-links`, { scope: 'admin', subject: 'Ada Lovelace' });
  return (body as { url: string }).url.split('/').at(-1) ?? '';
}

/** Of the mail that asks for a confirmation: wrangler writes what it would send to files, and says which. */
async function alertToken(): Promise<string> {
  for (;;) {
    const [, mail] = /^\s*Text: (\/\S+\.txt)$/m.exec(stage.worker.output()) ?? [];
    if (mail !== undefined) return /\/alerts\/confirm\/(\S+)$/m.exec(readFileSync(mail, 'utf8'))?.[1] ?? '';
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.skipIf(noBrowser)('every page is accessible, fits its window, and is quiet', () => {
  it.each([...DASHBOARD_PAGES, NOWHERE])('%s', async (route) => {
    const { page, complaints } = FOR_ANYBODY.test(route) ? anybody : insider;
    await page.goto(`${stage.worker.origin}${PAGES}${addressOf(route, { ...furnished.values, ...tokens })}`);
    await page.evaluate(OPEN);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const name = `${route.replaceAll(/[^\w=.]+/g, '-')}-${width}`;
      await page.emulateMedia({ colorScheme: 'light' });
      const light = await accessibilityViolations(page);
      await picture(page, name);
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await accessibilityViolations(page);
      if (width === 1_280) await picture(page, `${name}-dark`);
      const beyond = (await page.evaluate<number>(CONTENT_WIDTH)) - width;
      expect.soft({ width, light, dark, beyond }).toEqual({ width, light: [], dark: [], beyond: 0 });
    }
    // What the browser itself says of a page that is not there.
    expect(complaints.splice(0).filter((complaint) => route !== NOWHERE || !complaint.includes('404'))).toEqual([]);
  });
});
