import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalWorker } from '../../src/commands/local-worker.ts';
import { dim, say } from '../../src/commands/terminal.ts';
import { signUp } from '../support/customer.ts';
import { fillLogs, type LogForm } from '../support/long-log.ts';
import { inbox } from '../support/receiver.ts';
import { startReceiver } from '../support/receiver-server.ts';
import { eventText } from './event-text.ts';
import { PageReader } from './page-reader.ts';
import type { PartResult } from './part.ts';
import { figure, type Table } from './table.ts';

/*
 * Search: how long it takes from an e-mail address to the oldest of a million deliveries, over 20 webhooks, and how soon the pages come. The
 * runtime is one process here: what webhooks do beside each other when deployed, each in its own object, they do one after the other.
 */

const DELIVERIES = 1_000_000;
const RUNS = 5;
const JANE = { email: 'jane.doe@example.com', first_name: 'Jane', last_name: 'Doe' };
/** Pages of a search: beyond, it does not end. */
const MAX_PAGES = 1_000;

interface Case {
  title: string;
  webhooks: number;
  form: LogForm;
}

const CASES: readonly Case[] = [
  { title: '20 webhooks, delivered at once', webhooks: 20, form: 'archived' },
  { title: '20 webhooks, each in a row of its own', webhooks: 20, form: 'rows' },
  { title: 'one webhook, delivered at once', webhooks: 1, form: 'archived' },
];

interface Measured {
  foundAfterMs: number;
  pages: number;
  firstPageMs: number;
  longestPageMs: number;
  /** Of each page of the dashboard, the median. */
  htmlMs: Record<string, number>;
}

/** @param events deliveries in all, if not a million */
export async function search({
  events = DELIVERIES,
  runs = RUNS,
}: {
  events: number | undefined;
  runs: number | undefined;
}): Promise<PartResult> {
  const measured: { title: string; result: Measured | null }[] = [];
  for (const each of CASES) measured.push({ title: each.title, result: await measure(each, events, runs) });
  const done = measured.flatMap(({ title, result }) => (result ? [{ title, ...result }] : []));
  const searches: Table = {
    title: `Search: from an e-mail address to the oldest of ${events.toLocaleString('en')} deliveries`,
    header: ['', 'found after, s', 'pages', 'first page, ms', 'longest page, ms'],
    rows: done.map(({ title, foundAfterMs, pages, firstPageMs, longestPageMs }) => [
      title,
      figure(foundAfterMs / 1_000),
      ...[pages, firstPageMs, longestPageMs].map((value) => figure(value)),
    ]),
    note: 'The goals: found within 20 s; the first page within 300 ms.',
  };
  const names = Object.keys(done[0]?.htmlMs ?? {});
  const pages: Table = {
    title: 'Pages with as many deliveries, ms (the goal: 300)',
    header: ['', ...names],
    rows: done.map(({ title, htmlMs }) => [title, ...names.map((name) => figure(htmlMs[name] ?? null))]),
  };
  return { part: 'search', tables: [searches, pages], details: measured, sound: done.length === measured.length };
}

/** Null: she was not found. */
async function measure({ title, webhooks, form }: Case, deliveries: number, runs: number): Promise<Measured | null> {
  const persistTo = mkdtempSync(join(tmpdir(), 'bullseye-bench-'));
  const receiver = await startReceiver();
  let worker = await startLocalWorker({ persistTo });
  try {
    const customer = await signUp(worker);
    const ids: string[] = [];
    for (let each = 0; each < webhooks; each++) ids.push(await customer.webhook(inbox(receiver.origin).url));
    await customer.post(eventText(customer.organizationId, 0));
    for (const id of ids) await customer.deliveryThatIs(id, 'delivered');
    await worker.stop();
    say(dim(`search: ${title}: filling`));
    const { organizationId } = customer;
    const log = { organizationId, deliveries: Math.ceil(deliveries / webhooks), form };
    fillLogs(
      persistTo,
      ids.map((webhookId, at) => ({ ...log, webhookId, ...(at === 0 && { oldest: JANE }) })),
    );
    worker = await startLocalWorker({ persistTo });
    say(dim(`search: ${title}: looking`));
    const reader = await PageReader.signIn(worker.origin, customer.on(worker));
    const [webhook = ''] = ids;
    const newest = await customer.on(worker).newestDelivery(webhook);
    const htmlMs: Record<string, number> = {};
    const paths = {
      webhooks: '',
      overview: `/${webhook}`,
      deliveries: `/${webhook}/deliveries`,
      delivery: `/${webhook}/deliveries/${newest?.id}`,
    };
    for (const [name, path] of Object.entries(paths)) htmlMs[name] = await reader.medianMs(path, runs);
    const found = await find(reader);
    return found && { ...found, htmlMs };
  } finally {
    await worker.stop();
    await receiver.close();
    rmSync(persistTo, { recursive: true, force: true });
  }
}

/** Follows the search's pages, as its script does, to the one that has her. */
async function find(reader: PageReader): Promise<Omit<Measured, 'htmlMs'> | null> {
  const times: number[] = [];
  let path: string | undefined = `/search?q=${encodeURIComponent(JANE.email)}`;
  while (path !== undefined && times.length < MAX_PAGES) {
    const { html, ms } = await reader.read(path);
    times.push(ms);
    if (html.includes('<tr id="dlv_')) {
      const foundAfterMs = times.reduce((sum, each) => sum + each, 0);
      return { foundAfterMs, pages: times.length, firstPageMs: times[0] ?? 0, longestPageMs: Math.max(...times) };
    }
    path = /href="([^"]*)" data-further/.exec(html)?.[1]?.replaceAll('&amp;', '&');
  }
  return null;
}
