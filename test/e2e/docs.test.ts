import { describe, expect, it } from 'vitest';
import { PAGES } from '../../src/docs/contents.ts';
import { accessibilityViolations, noBrowser, openPage } from '../support/browser.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { givenStage } from '../support/stage.ts';

const stage = givenStage();

const WIDTHS = [320, 390, 1_280];
/** Every page is looked at, which takes its time on a busy machine. */
const TOUR_MS = 180_000;
const paths = [...PAGES.map(({ path }) => path), '/docs/nothing'];

describe.skipIf(noBrowser)('the documentation', () => {
  it.each(['light', 'dark'] as const)(
    'has no fault that axe knows on any page, %s, and the console stays empty',
    async (colorScheme) => {
      const { page, complaints } = await openPage(stage.browser, { colorScheme });
      const faults: string[] = [];
      for (const path of paths) {
        await page.goto(`${stage.worker.origin}${path}`);
        faults.push(...(await accessibilityViolations(page)).map((fault) => `${path}: ${fault}`));
      }
      expect(faults).toEqual([]);
      // The page that is none says so in its status, which the browser tells.
      expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
    },
    TOUR_MS,
  );

  it(
    'fits on phones and on desks',
    async () => {
      const { page } = await openPage(stage.browser);
      const faults: string[] = [];
      for (const path of paths) {
        await page.goto(`${stage.worker.origin}${path}`);
        faults.push(...(await layoutFaults(page, WIDTHS)).map((fault) => `${path} at ${fault}`));
      }
      expect(faults).toEqual([]);
    },
    TOUR_MS,
  );

  it('is read without scripts: the search is not there, the list of pages is', async () => {
    const { page } = await openPage(stage.browser, { javaScriptEnabled: false });
    await page.goto(`${stage.worker.origin}/docs/webhooks/payload`);
    expect(await page.getByRole('searchbox').isVisible()).toBe(false);
    await page.getByRole('navigation', { name: 'Documentation' }).getByRole('link', { name: 'Verify signatures' }).click();
    await page.getByRole('heading', { level: 1, name: 'Verify signatures' }).waitFor();
    await page.getByText('Python', { exact: true }).click();
    await page.getByText('import hmac').first().waitFor();
  });

  it('is searched with the keyboard, and asks nobody else', async () => {
    const { page, complaints } = await openPage(stage.browser);
    const requested: string[] = [];
    page.on('request', (sent) => requested.push(sent.url()));
    await page.goto(`${stage.worker.origin}/docs`);
    await page.getByRole('searchbox').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('rotate');
    await page.getByRole('region', { name: 'Search results' }).getByRole('link', { name: 'Rotate a secret', exact: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.waitForURL(/rotat/);
    expect(complaints).toEqual([]);
    expect(requested.filter((url) => !url.startsWith(stage.worker.origin))).toEqual([]);
  });

  it('says so where nothing is found', async () => {
    const { page } = await openPage(stage.browser);
    await page.goto(`${stage.worker.origin}/docs`);
    await page.getByRole('searchbox').fill('xylophone');
    await page.getByText('Nothing was found for “xylophone”.').waitFor();
  });
});
