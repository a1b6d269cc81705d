import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { ulid } from 'ulid';
import type { AttemptRecord, NewDelivery } from '../../src/domain/delivery/delivery.ts';
import { type DeliveryState, waiting } from '../../src/domain/delivery/lifecycle.ts';
import { deliveryId } from '../../src/domain/ids.ts';
import { MIGRATIONS } from '../../src/outbox/books/migrations.ts';
import { Store } from '../../src/outbox/books/store.ts';
import type { ArchivedDelivery } from '../../src/outbox/log/bundle.ts';

/*
 * Logs of years in seconds: deliveries are written into the files of the local runtime's objects while it is stopped, by the same code that
 * writes them in an outbox (Store, on Node's SQLite). A million take a minute or two.
 */

/** How deliveries are stored: delivered at once, as nearly all are, or each in a row of its own, as those that were retried. */
export type LogForm = 'archived' | 'rows';

export interface LongLog {
  organizationId: string;
  webhookId: string;
  deliveries: number;
  form: LogForm;
  /** Whom the oldest delivery is about, which the endpoint has rejected; undefined: nobody in particular, and it was delivered. */
  oldest?: { email: string; first_name: string; last_name: string };
}

const DAY_MS = 86_400_000;
/** Deliveries are kept for 30 days. */
const SPAN_MS = 25 * DAY_MS;
/** Deliveries of a bundle, as an array of events brings them. */
const BUNDLE = 100;
const encoder = new TextEncoder();

/** Fills the logs of webhooks that have had a delivery each, so that their objects are there. The runtime must be stopped. */
export function fillLogs(persistTo: string, logs: readonly LongLog[], now = Date.now()): void {
  const files = outboxFiles(persistTo);
  for (const log of logs) {
    const file = files.find((path) => isOf(path, log.webhookId));
    if (!file) throw new Error(`no file of ${log.webhookId}`);
    const database = new DatabaseSync(file);
    database.exec('PRAGMA synchronous = OFF');
    fill(new Store(storageOn(database)), log, now);
    database.close();
  }
}

function fill(store: Store, log: LongLog, now: number): void {
  const start = now - SPAN_MS;
  store.atomically(() => {
    let bundle: ArchivedDelivery[] = [];
    for (let index = 0; index < log.deliveries; index++) {
      // Those of a bundle within a second.
      const at = start + Math.floor((index - (index % BUNDLE)) * (SPAN_MS / log.deliveries)) + (index % BUNDLE);
      const each = deliveryOf(log, index, at);
      if (log.form === 'rows' || each.state.status === 'failed') store.insert(each.delivery, each.state, each.attempt);
      else bundle.push(each);
      if (bundle.length < BUNDLE && index < log.deliveries - 1) continue;
      store.addToArchive(bundle);
      bundle = [];
    }
  });
}

function deliveryOf(log: LongLog, index: number, at: number): ArchivedDelivery {
  const eventId = `evt_${ulid(at)}`;
  const rejected = index === 0 ? log.oldest : undefined;
  const visitor = rejected ?? { email: `visitor-${index}@example.net`, first_name: 'Ada', last_name: `Lovelace ${index}` };
  const event = {
    ...{ event: 'visitor.identified', timestamp: new Date(at).toISOString(), organization_id: log.organizationId },
    ...{ session_id: `ses_${log.webhookId.slice(-6)}_${index}`, visitor: { ...visitor, job_title: 'Head of Computing' } },
    company: {
      name: `Company ${index % 5_000}`,
      industry: 'Machinery',
      employee_count: index % 900,
      domain: `company-${index % 5_000}.example`,
    },
    session: { landing_page: 'https://www.example.com/pricing', pages_visited: 7, utm_source: 'newsletter', device_type: 'desktop' },
  };
  const delivery: NewDelivery = {
    ...{ id: deliveryId(eventId, log.webhookId), eventId, event: event.event, sessionId: event.session_id, acceptedAt: at },
    payload: encoder.encode(JSON.stringify(event)),
  };
  const attemptCount = rejected || log.form === 'rows' ? 2 : 1;
  const ended = { attemptCount, dueAt: null, finishedAt: at + 60_000, lastResponseStatus: rejected ? 422 : 200, lastDurationMs: 84 };
  const status = rejected
    ? ({ status: 'failed', reason: 'attempts_exhausted', failures: 2 } as const)
    : ({ status: 'delivered', reason: null, failures: attemptCount - 1 } as const);
  const state: DeliveryState = { ...waiting(at), ...ended, ...status };
  return { delivery, state, attempt: attemptOf(at, rejected ? 422 : 200, attemptCount) };
}

function attemptOf(startedAt: number, responseStatus: number, number: number): AttemptRecord {
  const isRejected = responseStatus === 422;
  return {
    ...{ number, trigger: number === 1 ? 'event' : 'schedule', startedAt, durationMs: 84, outcome: isRejected ? 'failed' : 'succeeded' },
    requestHeaders: { 'Content-Type': 'application/json', 'X-Bullseye-Event': 'visitor.identified' },
    ...{ responseStatus, responseHeaders: { 'content-type': 'application/json' }, responseBodyEncoding: 'utf-8' },
    responseBody: isRejected ? REJECTION : '{"ok":true}',
    ...{ responseBodyTruncated: false, error: isRejected ? 'The endpoint answered 422' : null },
  };
}

/** What the endpoint has answered to the oldest. */
export const REJECTION = '{"message":"Lead rejected: personal e-mail domains are blocked"}';

function outboxFiles(persistTo: string): string[] {
  return readdirSync(persistTo, { recursive: true, encoding: 'utf8' })
    .filter((path) => /Outbox[/\\][^/\\]+\.sqlite$/.test(path) && !path.endsWith('metadata.sqlite'))
    .map((path) => join(persistTo, path));
}

/** Whether a file has a delivery of a webhook: these have an end of its id. */
function isOf(path: string, webhookId: string): boolean {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE name = 'deliveries' OR name GLOB 'archive_*'").all();
  const found = tables.some(({ name }) => {
    const column = name === 'deliveries' ? 'id' : 'heads';
    return database.prepare(`SELECT 1 FROM ${name} WHERE instr(${column}, ?) > 0 LIMIT 1`).get(webhookId.slice(-6)) !== undefined;
  });
  database.close();
  return found;
}

/** As much of an object's storage as the books need, on Node's SQLite. */
function storageOn(database: DatabaseSync): DurableObjectStorage {
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const exec = (query: string, ...values: SQLInputValue[]) => {
    const statement = statements.get(query) ?? database.prepare(query);
    statements.set(query, statement);
    if (/^\s*SELECT/i.test(query)) return { toArray: () => statement.all(...values), rowsWritten: 0 };
    return { toArray: () => [], rowsWritten: Number(statement.run(...values).changes) };
  };
  const transactionSync = <T>(work: () => T): T => {
    database.exec('BEGIN');
    const result = work();
    database.exec('COMMIT');
    return result;
  };
  return {
    sql: { exec },
    kv: { get: (key: string) => (key === 'schemaVersion' ? MIGRATIONS.length : undefined), put: () => {} },
    transactionSync,
  } as unknown as DurableObjectStorage;
}
