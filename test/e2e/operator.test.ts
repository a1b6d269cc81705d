import { beforeAll, describe, expect, it } from 'vitest';
import { accessibilityViolations, noBrowser, openPage, picture, type WatchedPage } from '../support/browser.ts';
import { type Furnished, furnish } from '../support/furnished.ts';
import { PAGES } from '../support/operator-pages.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { givenStage } from '../support/stage.ts';

/*
 * The pages of `/operator` on the runtime of `wrangler dev`, in a browser: a new operator signs in and reads what is wrong; every page is accessible in
 * the light and in the dark, fits a phone, and is quiet in the browser's console.
 */
const WIDTHS = [320, 834, 1_280] as const;
const GIVE_UP_MS = 90_000;
/** How wide a page is with all that it has. */
const CONTENT_WIDTH = 'Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)';

const vars = { RETRY_SCHEDULE: '1h,1h,1h', PUBLIC_URL: 'https://webhooks.bullseye.example', ALERTS_FROM: 'alerts@example.com' };
const stage = givenStage({ vars, withEmail: true });
let furnished: Furnished;
let operator: WatchedPage;

beforeAll(async () => {
  if (noBrowser) return;
  furnished = await furnish(stage.worker, stage.receiver.origin);
  operator = await openPage(stage.browser);
}, 240_000);

/** The cron, which `wrangler dev` runs when it is asked to. */
async function runCron(): Promise<void> {
  const { ok, status } = await fetch(`${stage.worker.origin}/cdn-cgi/handler/scheduled`);
  if (!ok) throw new Error(`the cron answered ${status}`);
}

describe.skipIf(noBrowser)('an operator', () => {
  it('signs in, reads which endpoint fails and why, and gets to what to do', { timeout: 120_000 }, async () => {
    const { page } = operator;
    await page.goto(`${stage.worker.origin}/operator`);
    await page.getByLabel('Platform key').fill('bsk_platform_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await page.locator('#key-error').textContent()).toBe('The API key is unknown, revoked or expired.');
    await page.getByLabel('Platform key').fill(stage.worker.platformKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${stage.worker.origin}/operator`);
    await runCron();
    const sentence = page.locator('#verdict .verdict-line');
    // The page keeps itself up to date.
    await expect.poll(() => sentence.textContent(), { timeout: GIVE_UP_MS }).toMatch(/It is them: 127\.0\.0\.1:\d+ of Acme Analytics /);
    // What consumers have counted is told within half a minute.
    await expect.poll(() => page.locator('#busiest').textContent(), { timeout: GIVE_UP_MS }).toContain('Acme Analytics');
    await page.getByRole('link', { name: 'What to do: the runbook' }).click();
    await page.waitForURL('**/operator/runbook#an-endpoint-is-down');
    expect(await page.locator('h2#an-endpoint-is-down').textContent()).toBe('An endpoint is down');
  });

  it('finds an organization, and signs in to its dashboard', async () => {
    const { page } = operator;
    await page.goto(`${stage.worker.origin}/operator/organizations`);
    await page.getByLabel('Name or id').fill('analytics');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('link', { name: 'Acme Analytics' }).click();
    expect(await page.locator('#webhooks').textContent()).toContain('Leads into the CRM');
    await page.getByRole('button', { name: 'Sign in to their dashboard' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL('**/settings/integrations/webhooks');
    expect(await page.locator('.organization').textContent()).toBe('Acme Analytics');
  });
});

describe.skipIf(noBrowser)('every page for operators is accessible, fits its window, and is quiet', () => {
  const pages = [
    ...PAGES,
    '/operator/organizations?q=nobody',
    '/operator/organizations/:id',
    '/operator/sign-in',
    '/operator/nothing/here',
  ];

  it.each(pages)('%s', async (route) => {
    const { page, complaints } = operator;
    complaints.splice(0);
    await page.goto(stage.worker.origin + route.replace(':id', furnished.customer.organizationId));
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const name = `operator${route.replaceAll(/[^\w=.]+/g, '-')}-${width}`;
      await page.emulateMedia({ colorScheme: 'light' });
      const light = await accessibilityViolations(page);
      await picture(page, name);
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await accessibilityViolations(page);
      if (width !== 834) await picture(page, `${name}-dark`);
      const beyond = (await page.evaluate<number>(CONTENT_WIDTH)) - width;
      expect.soft({ width, light, dark, beyond }).toEqual({ width, light: [], dark: [], beyond: 0 });
    }
    expect.soft(await layoutFaults(page)).toEqual([]);
    // What the browser itself says of a page that is not there.
    expect(complaints.splice(0).filter((complaint) => !route.endsWith('/here') || !complaint.includes('404'))).toEqual([]);
  });
});
