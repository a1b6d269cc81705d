import { runInDurableObject } from 'cloudflare:test';
import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/outbox/books/store.ts';
import {
  type Answer,
  client,
  createKey,
  createOrganization,
  createWebhook,
  expectStatus,
  ORIGIN,
  PLATFORM_KEY,
} from '../../support/api.ts';
import { aMessage, anEvent, consume, endedDeliveriesOf, endpointInbox, outboxOf } from '../../support/deliveries.ts';

async function given(events = 0, extra: Record<string, unknown> = {}) {
  const organization = await createOrganization();
  const { id: webhook } = await createWebhook(organization, { url: endpointInbox().url, events: ['*'] });
  if (events > 0) {
    await consume([aMessage(Array.from({ length: events }, () => anEvent(organization.id, extra)))]);
    await endedDeliveriesOf(webhook, events);
  }
  const reader = client(await createKey(organization.id, ['read']));
  const path = `${organization.path}/webhooks/${webhook}/deliveries`;
  return { organization, webhook, reader, path, file: (query: string) => expectStatus(reader.get(`${path}/export?${query}`), 200) };
}

/** Rows straight in the log: one failed delivery a second. */
async function fill(webhook: string, deliveries: number): Promise<void> {
  await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
    new Store(storage).sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
       INSERT INTO deliveries (created_at, id, event_id, event, session_id, status, reason, attempt_count, failures, expires_at, trigger, payload)
       SELECT i * 1000, printf('dlv_%026d', i), printf('evt_%026d', i), 'visitor.identified', printf('ses_%d', i), 'failed', 'attempts_exhausted', 4, 4, 9e15,
         'event', zeroblob(10) FROM n`,
      deliveries,
    );
  });
}

const linesOf = ({ body }: Answer): string[] => body.split(/\r?\n/).filter(Boolean);

describe('a download of the deliveries', () => {
  it('as NDJSON has what the list has, newest first', async () => {
    const { reader, path, file } = await given(3);
    const answer = await file('format=ndjson');
    expect(answer.headers.get('Content-Type')).toBe('application/x-ndjson; charset=utf-8');
    expect(answer.headers.get('Content-Disposition')).toBe('attachment; filename="deliveries.ndjson"');
    expect(linesOf(answer).map((line) => JSON.parse(line))).toEqual((await reader.get(path)).body.data);
  });

  it('as CSV has columns in words, and nothing that a spreadsheet would run', async () => {
    const { file } = await given(1, { session_id: '=HYPERLINK("https://evil.example")' });
    const answer = await file('format=csv');
    expect(answer.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
    const [head, line, ...others] = linesOf(answer);
    expect(head).toBe(
      'Received (UTC),Status,Reason,Event,About,Test,Attempts,Last response,Last response took (ms),Next attempt (UTC),Finished (UTC),Session,Delivery,Event id,Webhook',
    );
    expect(line).toMatch(/^2\d{3}-[^,]+Z,delivered,,visitor\.identified,ada@example\.com,no,1,\d{3},/);
    expect(line).toContain(`,"'=HYPERLINK(""https://evil.example"")",dlv_`);
    expect(others).toEqual([]);
  });

  it('begins with a byte order mark as CSV, so that a spreadsheet reads it as UTF-8', async () => {
    const { path } = await given();
    const request = new Request(`${ORIGIN}/api/v1${path}/export`, { headers: { 'X-API-Key': PLATFORM_KEY } });
    const bytes = new Uint8Array(await (await exports.default.fetch(request)).arrayBuffer());
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  });

  it('is filtered as the list is, and refused as the list is', async () => {
    const { reader, path, file } = await given(2);
    expect(linesOf(await file('format=ndjson&status=failed'))).toEqual([]);
    expect(linesOf(await file('format=ndjson&response=2xx&minAttempts=1'))).toHaveLength(2);
    expect(linesOf(await file('status=failed'))).toHaveLength(1);
    for (const query of ['format=xml', 'status=lost', 'response=many', 'cursor=nothing', 'limit=5']) {
      expect((await reader.get(`${path}/export?${query}`)).status).toBe(422);
    }
  });

  it('is an organization’s own', async () => {
    const { path } = await given();
    const other = await createOrganization();
    expect((await other.admin.get(`${path}/export`)).status).toBe(404);
  });

  it('ends after 10,000 deliveries, says so, and goes on from there', { timeout: 60_000 }, async () => {
    const { webhook, file } = await given();
    await fill(webhook, 10_300);
    const first = linesOf(await file('format=ndjson')).map((line) => JSON.parse(line));
    expect(first).toHaveLength(10_001);
    const { nextCursor } = first.at(-1);
    const rest = linesOf(await file(`format=ndjson&cursor=${nextCursor}`)).map((line) => JSON.parse(line));
    expect(rest).toHaveLength(300);
    expect(new Set([...first.slice(0, -1), ...rest].map(({ id }) => id)).size).toBe(10_300);
    const csv = linesOf(await file('format=csv'));
    expect(csv).toHaveLength(10_002);
    expect(csv.at(-1)).toBe(`This is not all. Go on with cursor=${nextCursor},,,,,,,,,,,,,,`);
  });

  it('goes through a long log for the few that fit', { timeout: 60_000 }, async () => {
    const { webhook, file } = await given();
    await fill(webhook, 9_000);
    expect(linesOf(await file('format=ndjson&q=ses_77&status=failed')).map((line) => JSON.parse(line).sessionId)).toContain('ses_77');
  });
});
