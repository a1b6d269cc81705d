import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];
/** How long a browser may take for a step; a busy machine is slow. */
const STEP_TIMEOUT_MS = 20_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Why browser tests cannot run here; null where they can. In CI they run or fail. */
export const noBrowser =
  existsSync(CHROMIUM) || process.env.CI === 'true' ? null : `Chromium is not at ${CHROMIUM}: apt-get install chromium`;

/** @param more flags, of settings that a person can change and a page cannot */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
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

/** Those of axe-core's rules that a page can keep in one theme and break in another: they look at colours. */
export const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

interface Axe {
  run(options: { runOnly?: readonly string[] }): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

/**
 * What axe-core finds wrong with a page, in a line for each.
 *
 * @param runOnly names of rules; absent: all
 */
export async function accessibilityViolations(page: Page, runOnly?: readonly string[]): Promise<string[]> {
  await page.evaluate(AXE);
  // Colours change over a moment where the theme has just changed.
  await page.evaluate('Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {})))');
  const violations = await page.evaluate(async (rules) => {
    const { axe } = globalThis as unknown as { axe: Axe };
    return (await axe.run(rules ? { runOnly: rules } : {})).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' … ')}`,
    );
  }, runOnly);
  return violations;
}
