import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { beforeAll, expect, it } from 'vitest';
import { mintId } from '../../src/domain/ids.ts';
import { anEntry } from '../support/audit.ts';
import { aMessage, anEvent, consume, endpointInbox, givenOrganization, givenWebhook, outboxOf, runAlarm } from '../support/deliveries.ts';

/*
 * An outbox with more in it than one turn of its thread may touch: whatever is asked of it, it goes in steps, and serves others between
 * two of them. What a turn does is counted in rows, which no machine is too slow for: 50,000 index entries take about 5 ms, 200 rows
 * that are written about 10 ms.
 */

/** Rows: enough to tell a statement that reads all of them from a step. */
const ROWS = 300_000;
/** In a turn at most; two steps can fall into what is counted as one. */
const MOST_READ = 2 * 101_000;
const MOST_WRITTEN = 2 * 1_500;
const INSERTED_AT_ONCE = 50_000;

let organization: string;
let webhook: string;

beforeAll(async () => {
  organization = await givenOrganization();
  webhook = await givenWebhook(organization, { url: endpointInbox().url });
  await consume([aMessage([anEvent(organization)])]);
  await runInDurableObject(outboxOf(webhook), async (_, { storage }) => {
    const now = Date.now();
    for (let from = 0; from < ROWS; from += INSERTED_AT_ONCE) {
      storage.sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${from + INSERTED_AT_ONCE - 1})
         INSERT INTO deliveries (created_at, id, event_id, event, session_id, status, attempt_count, failures, expires_at, due_at, trigger, payload)
         SELECT ?1 + i / 20, printf('dlv_%026d', i), printf('evt_%026d', i), 'visitor.identified', printf('ses_%020d', i), 'pending', 0, 0,
           ?1 + 259200000, ?1 + i / 20, 'event', zeroblob(300) FROM n`,
        now - 3_600_000,
      );
      await scheduler.wait(0);
    }
    const circuit = { health: 'open', since: now, failures: 10, failingSince: now, announced: true, failedDeliveries: [], successes: 0 };
    storage.kv.put('vitals', { circuit: { ...circuit, probeAt: now + 600_000, probeWaitMs: 600_000 }, running: [], notBefore: 0 });
  });
  await evictDurableObject(outboxOf(webhook));
}, 300_000);

/** Does something of the outbox; the most rows that a turn of its thread read and wrote meanwhile. */
async function mostInATurn(work: () => Promise<unknown>): Promise<{ read: number; written: number }> {
  const most = { read: 0, written: 0 };
  let cursors: { rowsRead: number; rowsWritten: number }[] = [];
  const restore = await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage.sql) as { exec: (...args: unknown[]) => { rowsRead: number; rowsWritten: number } };
    const { exec } = prototype;
    prototype.exec = function (...args) {
      const cursor = exec.apply(this, args);
      cursors.push(cursor);
      return cursor;
    };
    return () => {
      prototype.exec = exec;
    };
  });
  let isOver = false;
  const turns = runInDurableObject(outboxOf(webhook), async () => {
    while (!isOver) {
      const turn = cursors;
      cursors = [];
      most.read = Math.max(
        most.read,
        turn.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
      );
      most.written = Math.max(
        most.written,
        turn.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
      );
      await scheduler.wait(0);
    }
  });
  try {
    await work();
  } finally {
    isOver = true;
    await turns;
    restore();
  }
  return most;
}

const outbox = () => outboxOf(webhook);

it.each<[string, () => Promise<unknown>]>([
  ['a delivery that comes', async () => expect((await consume([aMessage([anEvent(organization)])])).acknowledged).toHaveLength(1)],
  ['a page of the log', async () => expect((await outbox().list({}, 100, null)).deliveries).toHaveLength(100)],
  ['a page of what is retrying, which is nothing', () => outbox().list({ status: 'retrying' }, 100, null)],
  ['a page of what has failed, which is nothing', () => outbox().list({ status: 'failed' }, 100, null)],
  ['a search for somebody who is not there', () => outbox().list({ q: 'nobody@example.com' }, 100, null)],
  ['statistics', async () => expect((await outbox().statistics('24h'))?.waiting).toBeGreaterThanOrEqual(ROWS)],
  ['the alarm', () => runAlarm(webhook)],
])('%s is a bounded piece of work', { timeout: 300_000 }, async (_what, work) => {
  expectBounded(await mostInATurn(work));
});

it('a recovery of all of them is asked for and goes on in bounded pieces', { timeout: 300_000 }, async () => {
  await runInDurableObject(outbox(), (_, { storage }) => {
    storage.sql.exec("UPDATE deliveries SET status = 'failed', reason = 'attempts_exhausted', due_at = NULL WHERE due_at IS NOT NULL");
  });
  expectBounded(await mostInATurn(async () => expect(await outbox().recover(0, Date.now())).toBeGreaterThanOrEqual(ROWS)));
  expectBounded(await mostInATurn(() => runAlarm(webhook)));
});

it('a cancellation of what waits is asked for and goes on in bounded pieces', { timeout: 300_000 }, async () => {
  const until = Date.now() + 1;
  const cancel = () => outbox().cancel({ since: 0, until }, anEntry(organization, { action: 'deliveries.canceled' }));
  // The alarm's steps, and those of what is due, go on beside each other.
  expectBounded(await mostInATurn(async () => expect(await cancel()).toBeGreaterThan(1_000)), 4);
  expectBounded(await mostInATurn(() => runAlarm(webhook)), 4);
});

it('an erasure of a person goes through all of them in bounded pieces', { timeout: 300_000 }, async () => {
  const request = { id: mintId('erasure', Date.now()), field: 'visitor.email', value: 'ada@example.com', requestedAt: Date.now() };
  expectBounded(await mostInATurn(() => outbox().erasePerson(request)));
  expectBounded(await mostInATurn(() => runAlarm(webhook)));
});

function expectBounded({ read, written }: { read: number; written: number }, together = 1): void {
  expect(read).toBeLessThan(together * MOST_READ);
  expect(written).toBeLessThan(together * MOST_WRITTEN);
}
