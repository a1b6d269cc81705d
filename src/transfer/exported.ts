import { getTableColumns, sql } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Database } from '../db/client.ts';
import type { WebhookRow } from '../db/webhooks.ts';
import { VERSION } from '../version.ts';
import type { ExportKey } from './export-key.ts';
import { columnsOf, KIND_NAMES, KINDS, type Kind, type KindName } from './kinds.ts';
import { sealToken, sealWebhook } from './sealing.ts';

/** The form of an export's lines. */
export const FORMAT = 1;

/** Rows that are read at a time: of webhooks few, since a template, a filter and headers make one tens of kB long. */
const PAGE: Partial<Record<KindName, number>> = { webhook: 200, event_type: 100 };
const USUAL_PAGE = 1_000;

/** What an export is made with. */
export interface ExportContext {
  db: Database;
  exportKey: ExportKey;
  masterKeys: readonly string[];
  nowMs: number;
}

type Row = Record<string, unknown> & { rowid: number };

/**
 * All configuration as lines of JSON: what it is, each thing, and at the end how many there were with a seal over all of it, so that an import
 * knows an export that broke off, or that somebody has changed. It is read page by page, and never held whole.
 *
 * It is no snapshot: each thing is as it was when its page was read. What is made after the beginning is left out, so that nothing comes
 * without what it belongs to.
 */
export async function* exportedLines(context: ExportContext): AsyncGenerator<string> {
  const { exportKey, nowMs } = context;
  const seal = exportKey.begin();
  let things = 0;
  const sealed = (line: object): string => {
    const text = JSON.stringify(line);
    seal.add(text);
    return text;
  };
  yield sealed({ type: 'export', format: FORMAT, version: VERSION, createdAt: new Date(nowMs).toISOString(), keyId: exportKey.id });
  for (const name of KIND_NAMES) {
    for await (const row of rowsOf(context, name)) {
      yield sealed(await lineOf(name, row, context));
      things++;
    }
  }
  yield JSON.stringify({ type: 'end', things, seal: seal.of() });
}

async function* rowsOf({ db, nowMs }: ExportContext, name: KindName): AsyncGenerator<Row> {
  const { table: of, stays } = KINDS[name] as Kind;
  const table = of as SQLiteTable;
  const limit = PAGE[name] ?? USUAL_PAGE;
  const isOld =
    'createdAt' in table
      ? sql`created_at <= ${nowMs}`
      : sql`organization_id in (select id from organizations where created_at <= ${nowMs})`;
  for (let last = 0; ; ) {
    const page = (await db
      .select({ ...getTableColumns(table), rowid: sql<number>`rowid` })
      .from(table)
      .where(sql`rowid > ${last} and ${isOld} and not (${sql.raw(stays ?? 'false')})`)
      .orderBy(sql`rowid`)
      .limit(limit)) as Row[];
    yield* page;
    if (page.length < limit) return;
    last = page.at(-1)?.rowid ?? last;
  }
}

async function lineOf(name: KindName, row: Row, context: ExportContext): Promise<object> {
  const own = Object.fromEntries(columnsOf(KINDS[name]).map((column) => [column, row[column]]));
  const sealed = await sealedOf(name, row, context);
  return { type: name, ...own, ...(sealed !== null && { sealed }) };
}

async function sealedOf(name: KindName, row: Row, context: ExportContext): Promise<string | null> {
  if (name === 'webhook') return await sealWebhook(row as unknown as WebhookRow, context);
  if (name !== 'alert_address') return null;
  return await sealToken(String(row.organizationId), String(row.address), String(row.token), context.exportKey);
}
