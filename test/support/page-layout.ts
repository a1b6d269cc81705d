import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Widths that pages are looked at in, in CSS pixels: phones, tablets, half a screen, 200 % zoom of 1,280 (640), desktops. */
export const WIDTHS = [320, 360, 390, 414, 480, 560, 620, 640, 700, 768, 834, 900, 1_024, 1_280, 1_440, 1_600] as const;

const SCRIPT = readFileSync(join(import.meta.dirname, 'layout-faults.js'), 'utf8');

/** What is wrong with the layout of the page as it is shown, in lines such as `640 px: …`, at each width. */
export async function layoutFaults(page: Page, widths: readonly number[] = WIDTHS): Promise<string[]> {
  const faults: string[] = [];
  await page.waitForLoadState();
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    const found: string[] = await page.evaluate(SCRIPT);
    faults.push(...found.map((fault) => `${width} px: ${fault}`));
  }
  return faults;
}
