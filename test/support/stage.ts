import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import type { LocalWorker } from '../../src/commands/local-worker.ts';
import { launchChromium, noBrowser, openPage, type WatchedPage } from './browser.ts';
import type { Customer } from './customer.ts';
import { configWithEmail } from './email-config.ts';
import { startReceiver } from './receiver-server.ts';
import { type SomeWorker, sharedWorker, startWorker } from './worker.ts';

/** Where the dashboard begins. */
export const PAGES = '/settings/integrations/webhooks';

/** What tests of pages stand on. It is there from the first test of a file to its last one, if there is a browser. */
export interface Stage<W extends SomeWorker = SomeWorker> {
  worker: W;
  receiver: Awaited<ReturnType<typeof startReceiver>>;
  browser: Browser;
  /** A folder for what the file's tests write. */
  folder: string;
}

/** Of a Worker of the file's own. */
export interface StageSettings {
  vars: Readonly<Record<string, string>>;
  /** Whether it can send e-mails, as docs/deploying.md has whoever wants that change wrangler.toml. */
  withEmail?: boolean;
}

/** Called at the top of a file of tests. @param settings of a Worker of its own; absent: the Worker that such files share */
export function givenStage(): Stage;
export function givenStage(settings: StageSettings): Stage<LocalWorker>;
export function givenStage(settings?: StageSettings): Stage {
  const stage = { folder: mkdtempSync(join(tmpdir(), 'bullseye-e2e-')) } as Stage;
  let own: LocalWorker | undefined;
  beforeAll(async () => {
    if (noBrowser) return;
    stage.receiver = await startReceiver();
    if (settings) own = await startOwn(stage.folder, settings);
    stage.worker = own ?? (await sharedWorker());
    stage.browser = await launchChromium();
  });
  afterAll(async () => {
    await stage.browser?.close();
    await own?.stop();
    await stage.receiver?.close();
    rmSync(stage.folder, { recursive: true, force: true });
  });
  return stage;
}

async function startOwn(folder: string, { vars, withEmail = false }: StageSettings): Promise<LocalWorker> {
  return await startWorker({ persistTo: join(folder, 'state'), vars, ...(withEmail && { config: configWithEmail(folder) }) });
}

/** Who signs in, and where they go. */
export interface SignIn {
  scope?: string;
  /** The name that the audit log has of them. */
  subject?: string;
  /** A page of the dashboard, below its address. Absent: the first one. */
  path?: string;
}

/** Somebody with a browser of their own, signed in by a one-time link, as a person is who comes from elsewhere. */
export async function signedIn(
  { worker, browser }: Pick<Stage, 'worker' | 'browser'>,
  customer: Customer,
  who: SignIn = {},
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const watched = await openPage(browser, options);
  await signIn(watched.page, worker, customer, who);
  return watched;
}

/** The same in a page that is open. */
export async function signIn(
  page: Page,
  { origin }: SomeWorker,
  { organizationId, producer }: Customer,
  { scope = 'admin', subject, path = '' }: SignIn = {},
): Promise<void> {
  const { body } = await producer.post(`/organization/${organizationId}/dashboard-links`, { scope, subject });
  // A Worker that has a public address leads there.
  await page.goto(origin + new URL((body as { url: string }).url).pathname);
  // In whichever language.
  await page.locator('main button.primary').click();
  await page.waitForURL(`**${PAGES}`);
  if (path !== '') await page.goto(`${origin}${PAGES}${path}`);
}
