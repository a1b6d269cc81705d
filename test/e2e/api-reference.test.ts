import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalWorker, startLocalWorker } from '../../src/commands/local-worker.ts';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

interface OpenApi extends Record<string, unknown> {
  openapi: string;
  paths: Record<string, Record<string, unknown>>;
  webhooks: Record<string, Record<string, unknown>>;
}

const folder = mkdtempSync(join(tmpdir(), 'bullseye-e2e-'));
let worker: LocalWorker;
let browser: Browser | undefined;

beforeAll(async () => {
  worker = await startLocalWorker({ persistTo: folder });
});
afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
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

it('/docs shows every operation in a real browser, and the console stays empty', async (context) => {
  if (!existsSync(CHROMIUM) && process.env.CI !== 'true') context.skip(`Chromium is not at ${CHROMIUM}: apt-get install chromium`);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  const page = await browser.newPage();
  const complaints: string[] = [];
  const requested: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requested.push(request.url()));

  const response = await page.goto(`${worker.origin}/docs`);
  expect(response?.headers()['content-security-policy']).toContain("default-src 'none'");
  const { paths, webhooks } = await readOpenApi();
  // What receivers get is shown like what clients ask.
  const operations = Object.values({ ...paths, ...webhooks }).flatMap((path) =>
    Object.keys(path).filter((key) => /^(get|put|post|patch|delete)$/.test(key)),
  );
  await page
    .locator('.opblock')
    .nth(operations.length - 1)
    .waitFor();
  expect(await page.locator('.opblock').count()).toBe(operations.length);
  expect(await page.locator('body').textContent()).toContain('/api/v1/events');

  const [first] = await page.locator('.opblock-summary-control').all();
  await first?.click();
  await page.locator('.opblock.is-open .opblock-body').first().waitFor();
  for (const [status, code] of Object.entries({
    400: 'malformed_json',
    401: 'missing_api_key',
    413: 'payload_too_large',
    503: 'queue_unavailable',
  })) {
    await page.locator(`.opblock.is-open .response[data-code="${status}"]`, { hasText: `"code": "${code}"` }).waitFor();
  }

  expect(complaints).toEqual([]);
  expect(requested.filter((url) => !url.startsWith(worker.origin) && !url.startsWith('data:'))).toEqual([]);
});

/** The headers of a static file, asked for by this host: `fetch` chooses the host itself. */
async function headersBy(host: string): Promise<IncomingHttpHeaders> {
  const asked = request(`${worker.origin}/docs-assets/docs.js`, { headers: { Host: host } });
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
