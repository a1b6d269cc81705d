import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityViolations, launchChromium, noBrowser, openPage } from '../support/browser.ts';
import { signUp } from '../support/customer.ts';
import { layoutFaults } from '../support/page-layout.ts';
import { type SomeWorker, sharedWorker } from '../support/worker.ts';

interface OpenApi extends Record<string, unknown> {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; 'x-audience'?: string }>>;
  webhooks: Record<string, Record<string, unknown>>;
}

/** Each page's operation that is tried: with what it is prefilled with, and no key. */
const TRIED = { '/docs/api': 'Webhooks-createWebhook', '/docs/platform': 'Organizations-putOrganization' };
/** axe looks at hundreds of elements, which takes its time on a busy machine. */
const TOUR_MS = 120_000;

let worker: SomeWorker;
let browser: Browser | undefined;

beforeAll(async () => {
  worker = await sharedWorker();
  if (!noBrowser) browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
});

async function readOpenApi(): Promise<OpenApi> {
  return await (await fetch(`${worker.origin}/openapi.json`)).json();
}

it('/openapi.json is OpenAPI 3.1, by a validator that others wrote', async () => {
  const document = await readOpenApi();
  expect(document.openapi).toMatch(/^3\.1\./);
  const result = await new Validator().validate(document);
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

describe.skipIf(noBrowser)('the reference in a real browser', () => {
  async function open(path: string, colorScheme: 'light' | 'dark' = 'light', width = 1_280) {
    if (!browser) throw new Error('There is no browser.');
    const { page, complaints } = await openPage(browser, { colorScheme, viewport: { width, height: 900 } });
    const requested: string[] = [];
    page.on('request', (sent) => requested.push(sent.url()));
    const response = await page.goto(`${worker.origin}${path}`);
    expect(response?.headers()['content-security-policy']).toContain("default-src 'none'");
    await page.locator('.opblock').first().waitFor();
    return { page, complaints, requested };
  }

  it('shows every operation: the customers’ and producers’ on one page, those of the operator on another', async () => {
    const { paths, webhooks } = await readOpenApi();
    const operations = Object.values(paths).flatMap((path) =>
      Object.entries(path).filter(([key]) => /^(get|put|post|patch|delete)$/.test(key)),
    );
    const ofOperator = operations.filter(([, operation]) => operation['x-audience'] === 'operator').length;
    expect(ofOperator).toBeGreaterThan(10);
    const expected = { '/docs/api': operations.length - ofOperator + Object.keys(webhooks).length, '/docs/platform': ofOperator };
    for (const [path, count] of Object.entries(expected)) {
      const { page, complaints, requested } = await open(path);
      await page
        .locator('.opblock')
        .nth(count - 1)
        .waitFor();
      expect([path, await page.locator('.opblock').count()]).toEqual([path, count]);
      expect(complaints).toEqual([]);
      expect(requested.filter((url) => !url.startsWith(worker.origin) && !url.startsWith('data:'))).toEqual([]);
      expect(await page.getByText('DELETE', { exact: true }).count()).toBeGreaterThan(0);
      await page.context().close();
    }
  });

  it('shows an example of each answer, and each error by its code', async () => {
    const { page, complaints } = await open('/docs/api');
    await page.locator('#operations-Events-postEvents .opblock-summary-control').click();
    const operation = page.locator('#operations-Events-postEvents');
    await operation.locator('.response[data-code="202"]', { hasText: 'evt_01JDCQ7Z8W5M3KXN4R2T6V9YBA' }).waitFor();
    for (const [status, code] of Object.entries({
      400: 'malformed_json',
      401: 'missing_api_key',
      413: 'payload_too_large',
      503: 'queue_unavailable',
    })) {
      await operation.locator(`.response[data-code="${status}"]`, { hasText: `"code": "${code}"` }).waitFor();
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('lets somebody try an operation with their key, prefilled with what does no harm', async () => {
    const customer = await signUp(worker);
    const { page, complaints } = await open('/docs/api');
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    await page.locator('.auth-container input').fill(customer.key);
    await page.locator('.auth-btn-wrapper .authorize').click();
    await page.locator('.auth-btn-wrapper .btn-done').click();
    const operation = page.locator('#operations-Webhooks-createWebhook');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    const body = JSON.parse(await operation.locator('textarea').first().inputValue());
    expect(body).toEqual({ url: 'https://hooks.example.com/bullseye', events: ['visitor.identified'], generateSecret: true });
    await operation.locator('input[placeholder="organizationId"]').fill(customer.organizationId);
    await operation.getByRole('button', { name: 'Execute' }).click();
    await operation.locator('.live-responses-table .response-col_status', { hasText: '201' }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it.each([
    ['light', 390],
    ['dark', 1_280],
  ] as const)(
    'has no fault that axe knows, %s and %i px wide: with an operation open and tried, and while somebody signs in',
    async (colorScheme, width) => {
      for (const [path, id] of Object.entries(TRIED)) {
        const { page } = await open(path, colorScheme, width);
        const operation = page.locator(`#operations-${id}`);
        await operation.locator('.opblock-summary-control').click();
        await operation.getByRole('button', { name: 'Try it out' }).click();
        await operation.getByRole('button', { name: 'Execute' }).click();
        await operation.locator('.live-responses-table .response-col_status', { hasText: '401' }).waitFor();
        expect([path, await accessibilityViolations(page)]).toEqual([path, []]);
        await page.getByRole('button', { name: 'Authorize' }).first().click();
        await page.getByRole('heading', { name: 'Available authorizations' }).waitFor();
        expect([path, await accessibilityViolations(page)]).toEqual([path, []]);
        await page.context().close();
      }
    },
    TOUR_MS,
  );

  it('fits on phones: nothing is cut at the side, and nothing has to be pushed there', async () => {
    for (const [path, id] of Object.entries(TRIED)) {
      const { page } = await open(path, 'light', 320);
      const operation = page.locator(`#operations-${id}`);
      await operation.locator('.opblock-summary-control').click();
      await operation.locator('.responses-table').waitFor();
      // The page's own top bar stands over what is scrolled, which is no fault of this page.
      const faults = (await layoutFaults(page, [320, 390])).filter((fault) => !fault.includes('overlap'));
      expect([path, faults]).toEqual([path, []]);
      await page.context().close();
    }
  });

  it('keeps what is open in its address, which leads back there', async () => {
    const { page } = await open('/docs/api');
    await page.locator('#operations-Events-postEvents .opblock-summary-control').click();
    await page.waitForURL(/#\/Events\/postEvents$/);
    await page.reload();
    await page.locator('#operations-Events-postEvents .opblock-body').waitFor();
    await page.context().close();
  });

  it('is dark for those who like it dark', async () => {
    const brightness = async (colorScheme: 'light' | 'dark') => {
      const { page } = await open('/docs/api', colorScheme);
      const colours = await page.evaluate<string[]>(
        `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.opblock-summary-path')).color]`,
      );
      await page.context().close();
      return colours.map((colour) => (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0));
    };
    const [lightPage = 0, lightText = 0] = await brightness('light');
    const [darkPage = 0, darkText = 0] = await brightness('dark');
    expect(lightPage - lightText).toBeGreaterThan(300);
    expect(darkText - darkPage).toBeGreaterThan(300);
  });
});

/** The headers of a static file, asked for by this host: `fetch` chooses the host itself. */
async function headersBy(host: string): Promise<IncomingHttpHeaders> {
  const asked = request(`${worker.origin}/docs-assets/reference.js`, { headers: { Host: host } });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(200);
  return response.headers;
}

it('static files are of the type that they say, and off loopback for https alone', async () => {
  for (const host of ['localhost:8787', new URL(worker.origin).host]) {
    expect(await headersBy(host)).toMatchObject({ 'x-content-type-options': 'nosniff' });
    expect(await headersBy(host)).not.toHaveProperty('strict-transport-security');
  }
  for (const host of ['webhooks.example.com', 'bullseye-webhooks.example.workers.dev']) {
    expect(await headersBy(host)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=31536000',
    });
  }
});
