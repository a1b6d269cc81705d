import { describe, expect, it } from 'vitest';
import { PAGES } from '../../src/docs/contents.ts';
import { accessibilityViolations, noBrowser, openPage } from '../support/browser.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { givenStage } from '../support/stage.ts';

const stage = givenStage();

const WIDTHS = [320, 390, 1_280];
/** Every page is looked at, which takes its time on a busy machine. */
const TOUR_MS = 180_000;
const paths = [...PAGES.map(({ path }) => path), '/docs/search?q=retry', '/docs/nothing'];

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

  it('is read and searched without scripts', async () => {
    const { page } = await openPage(stage.browser, { javaScriptEnabled: false });
    await page.goto(`${stage.worker.origin}/docs/webhooks/payload`);
    await page.getByRole('navigation', { name: 'Documentation' }).getByRole('link', { name: 'Verify signatures' }).click();
    await page.getByRole('heading', { level: 1, name: 'Verify signatures' }).waitFor();
    await page.getByText('Python', { exact: true }).click();
    await page.getByText('import hmac').first().waitFor();
    await page.getByRole('searchbox').fill('rotate');
    await page.keyboard.press('Enter');
    await page.getByRole('main').getByRole('link', { name: 'Rotate a secret', exact: true }).click();
    await page.waitForURL(/rotating-secrets/);
  });

  it('is searched by the Worker, which asks nobody else, from the references too', async () => {
    const { page, complaints } = await openPage(stage.browser);
    const requested: string[] = [];
    page.on('request', (sent) => requested.push(sent.url()));
    for (const path of ['/docs', '/docs/api']) {
      await page.goto(`${stage.worker.origin}${path}`);
      await page.getByRole('searchbox').fill('<b>"rotate"</b>');
      await page.keyboard.press('Enter');
      await page.getByText('Nothing was found for “<b>"rotate"</b>”.').waitFor();
      expect(await page.getByRole('searchbox').inputValue()).toBe('<b>"rotate"</b>');
    }
    expect(complaints).toEqual([]);
    expect(requested.filter((url) => !url.startsWith(stage.worker.origin))).toEqual([]);
  });

  it('asks what to look for where nothing is said', async () => {
    const answer = await fetch(`${stage.worker.origin}/docs/search`);
    expect([answer.status, answer.headers.get('Content-Security-Policy')]).toEqual([200, expect.not.stringContaining('script')]);
    expect(await answer.text()).toContain('Say at the top what you look for.');
    expect(await (await fetch(`${stage.worker.origin}/docs/search?q=${'rotate '.repeat(1_000)}`)).text()).toContain('Rotate a secret');
  });
});
