import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** The one without a window draws the same pages with a third less of CPU. */
const CHROMIUMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const CHROMIUM = CHROMIUMS.find((path) => existsSync(path));
const MISSING = `Chromium is not at ${CHROMIUMS.join(' or ')}: apt-get install chromium`;
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];
/** How long a browser may take for a step; a busy machine is slow. */
const STEP_TIMEOUT_MS = 20_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Why browser tests cannot run here; null where they can. In CI they run or fail. */
export const noBrowser = CHROMIUM || process.env.CI === 'true' ? null : MISSING;

/** @param more flags, of settings that a person can change and a page cannot */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
  if (!CHROMIUM) throw new Error(MISSING);
  return await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...more] });
}

/** A page, and all that its console and its requests complained of. */
export interface WatchedPage {
  page: Page;
  complaints: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  const complaints: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    const error = request.failure()?.errorText;
    // A page that is left stops loading.
    if (error !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${error}`);
  });
  return { page, complaints };
}

/** Keeps a picture of a page for somebody to look at, if SCREENSHOTS=… in the environment says in which folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ fullPage: true, path: join(folder, `${name}.png`) });
}

interface Axe {
  run(options: { resultTypes: string[] }): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

/** What axe-core finds wrong with a page, in a line for each. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  // Half a megabyte, once for each page.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(AXE);
  // Colours change over a moment where the theme has just changed.
  await page.evaluate('Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {})))');
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    // All rules are tried; selectors are not made for the thousands of elements that keep to them.
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' … ')}`);
  });
}
