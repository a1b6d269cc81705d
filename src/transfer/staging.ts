import { type Issue, MAX_ISSUES } from '../domain/issue.ts';
import type { ExportKey } from './export-key.ts';
import { KINDS, type KindName } from './kinds.ts';
import { type StoredRow, storedRow } from './rows.ts';
import { openToken, openWebhook } from './sealing.ts';

/** Rows are kept together up to so many characters (D1: a value has at most 2 MB), so that 100 MB are 200 statements (1,000 an invocation). */
const CHUNK_LENGTH = 500_000;
const CHUNK_ROWS = 500;

/** An import that broke off is dropped after so long. */
const ABANDONED_AFTER_MS = 3_600_000;

export interface StagingContext {
  d1: D1Database;
  exportKey: ExportKey;
  masterKeys: readonly string[];
  nowMs: number;
  /** Why a webhook may not point to a URL; null: it may. */
  flawOfUrl(url: string): string | null;
}

/** A line as it came. */
type Line = Readonly<Record<string, unknown>> & { type: KindName };

/**
 * Keeps what an import brings in a table of its own, in pieces, while it comes: memory has one piece of it, and nothing of it is in force. In the
 * end one transaction takes all of it over (applied.ts).
 */
export class Staging {
  readonly id = crypto.randomUUID();
  readonly #context: StagingContext;
  #kind: KindName | null = null;
  #lines: { line: Line; number: number }[] = [];
  #length = 0;
  #chunks = 0;
  /** What is wrong with the lines so far; the first MAX_ISSUES. */
  readonly issues: Issue[] = [];

  constructor(context: StagingContext) {
    this.#context = context;
  }

  async begin(): Promise<void> {
    const { d1, nowMs } = this.#context;
    await dropAbandoned(d1, nowMs);
    await d1.prepare('INSERT INTO imports (id, created_at) VALUES (?1, ?2)').bind(this.id, nowMs).run();
  }

  /** @param number the line's own, for who reads what is wrong with it */
  async add(line: Line, number: number, length: number): Promise<void> {
    if (line.type !== this.#kind || this.#length + length > CHUNK_LENGTH || this.#lines.length === CHUNK_ROWS) await this.flush();
    this.#kind = line.type;
    this.#lines.push({ line, number });
    this.#length += length;
  }

  /** Keeps what has come since the last time. */
  async flush(): Promise<void> {
    const { d1 } = this.#context;
    const [kind, lines] = [this.#kind, this.#lines];
    [this.#lines, this.#length] = [[], 0];
    if (kind === null || lines.length === 0) return;
    const there =
      kind === 'webhook'
        ? await webhooksThere(
            d1,
            lines.map(({ line }) => line.id),
          )
        : null;
    const rows = await Promise.all(lines.map(({ line, number }) => this.#rowOf(line, number, there)));
    if (this.issues.length > 0) return;
    await d1
      .prepare('INSERT INTO import_chunks (import_id, number, kind, data) VALUES (?1, ?2, ?3, ?4)')
      .bind(this.id, this.#chunks++, kind, JSON.stringify(rows))
      .run();
  }

  /** Drops what was kept. */
  async end(): Promise<void> {
    await this.#context.d1.prepare('DELETE FROM imports WHERE id = ?1').bind(this.id).run();
  }

  note(number: number, { field, message }: Issue): void {
    const place = `lines[${number}]`;
    if (this.issues.length < MAX_ISSUES) this.issues.push({ field: field === '' ? place : `${place}.${field}`, message });
  }

  async #rowOf(line: Line, number: number, there: Map<string, ThereWebhook> | null): Promise<StoredRow> {
    const { row, issues } = storedRow(KINDS[line.type], line);
    for (const issue of issues) this.note(number, issue);
    if (issues.length > 0) return row;
    const flaw = line.type === 'webhook' ? this.#context.flawOfUrl(String(row.url)) : null;
    if (flaw !== null) this.note(number, { field: 'url', message: flaw });
    try {
      return { ...row, ...(await this.#unsealed(line, row, there)) };
    } catch {
      this.note(number, { field: 'sealed', message: 'This does not open with the key of `X-Export-Key`' });
      return row;
    }
  }

  async #unsealed({ type, sealed = null }: Line, row: StoredRow, there: Map<string, ThereWebhook> | null): Promise<StoredRow> {
    const { exportKey } = this.#context;
    if (type === 'webhook') {
      const id = String(row.id);
      return await openWebhook(id, sealed as string | null, there?.get(id), this.#context);
    }
    if (type !== 'alert_address') return {};
    return { token: await openToken(String(row.organizationId), String(row.address), String(sealed), exportKey) };
  }
}

type ThereWebhook = NonNullable<Parameters<typeof openWebhook>[2]>;

/** The secrets of those webhooks that this instance has already. */
async function webhooksThere(d1: D1Database, ids: readonly unknown[]): Promise<Map<string, ThereWebhook>> {
  const columns =
    'id, secret, previous_secret AS previousSecret, previous_secret_expires_at AS previousSecretExpiresAt, secret_ring AS secretRing, headers';
  const { results } = await d1
    .prepare(`SELECT ${columns} FROM webhooks WHERE id IN (SELECT value FROM json_each(?1))`)
    .bind(JSON.stringify(ids))
    .all<Omit<ThereWebhook, 'secretRing'> & { id: string; secretRing: string | null }>();
  return new Map(results.map((row) => [row.id, { ...row, secretRing: row.secretRing === null ? null : JSON.parse(row.secretRing) }]));
}

/** Drops imports that broke off long ago: their Worker has ended. */
export async function dropAbandoned(d1: D1Database, nowMs: number): Promise<void> {
  await d1
    .prepare('DELETE FROM imports WHERE created_at < ?1')
    .bind(nowMs - ABANDONED_AFTER_MS)
    .run();
}
