import { createExecutionContext } from 'cloudflare:test';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { app } from '../../../src/app.ts';
import { createOrganization, createWebhook, env, ORIGIN, read, type TestOrganization } from '../../support/api.ts';
import { aMessage, anEvent, consume } from '../../support/deliveries.ts';
import { inbox } from '../../support/receiver.ts';

let organization: TestOrganization;
let path: string;
let webhookId: string;
/** Its endpoint's. */
let url: string;
/** Another of the same organization. */
let secondId: string;
const EVENTS = 5;
/** Of the events, newest first. */
let eventIds: string[];

const list = async (query = '') => (await organization.admin.get(`${path}${query}`)).body;

beforeAll(async () => {
  organization = await createOrganization();
  const endpoint = inbox(inject('receiverOrigin'));
  await endpoint.script([{ status: 500, body: 'not now' }, { status: 200 }]);
  url = endpoint.url;
  webhookId = (await createWebhook(organization, { url, secret: 'whisper' })).id;
  secondId = (await createWebhook(organization, { url: inbox(inject('receiverOrigin')).url })).id;
  path = `${organization.path}/webhooks/${webhookId}/deliveries`;
  const events = Array.from({ length: EVENTS }, () => anEvent(organization.id));
  for (const event of events) await consume([aMessage([event])]);
  eventIds = events.map(({ id }) => id).reverse();
});

describe("a webhook's deliveries", () => {
  test('are listed newest first, with times as ISO 8601', async () => {
    const { data, nextCursor } = await list();
    expect(data.map(({ eventId }: { eventId: string }) => eventId)).toEqual(eventIds);
    expect(nextCursor).toBeNull();
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(data.at(-1)).toEqual({
      id: expect.stringMatching(/^dlv_/),
      webhookId,
      eventId: eventIds.at(-1),
      event: 'visitor.identified',
      test: false,
      subject: 'ada@example.com',
      sessionId: expect.any(String),
      status: 'retrying',
      reason: null,
      attemptCount: 1,
      nextAttemptAt: time,
      createdAt: time,
      finishedAt: null,
      lastResponseStatus: 500,
      lastDurationMs: expect.any(Number),
    });
  });

  test('come in pages that neither repeat nor leave out', async () => {
    const seen: string[] = [];
    let query = '?limit=2';
    for (let pages = 0; pages < 10; pages++) {
      const { data, nextCursor } = await list(query);
      expect(data.length).toBeLessThanOrEqual(2);
      seen.push(...data.map(({ eventId }: { eventId: string }) => eventId));
      if (nextCursor === null) break;
      query = `?limit=2&cursor=${nextCursor}`;
    }
    expect(seen).toEqual(eventIds);
  });

  test('are filtered by status, event and time', async () => {
    const countOf = async (query: string) => (await list(query)).data.length;
    expect(await countOf('?status=retrying')).toBeGreaterThan(0);
    expect(await countOf('?status=discarded')).toBe(0);
    expect(await countOf('?event=visitor.identified')).toBe(EVENTS);
    expect(await countOf('?event=company.identified')).toBe(0);
    for (const prefix of ['*', 'visitor.*']) expect(await countOf(`?event=${prefix}`)).toBe(EVENTS);
    for (const prefix of ['visitor.identified.*', 'visit.*', 'visitor', 'company.*', 'type.that_was_removed']) {
      expect(await countOf(`?event=${prefix}`)).toBe(0);
    }
    const [{ id }] = (await list()).data;
    expect(await countOf(`?q=${id}&event=visitor.*`)).toBe(1);
    expect(await countOf(`?q=${id}&event=company.*`)).toBe(0);
    expect(await countOf('?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00%2B01:00')).toBe(0);
    expect(await countOf('?from=2020-01-01T00:00:00Z')).toBe(EVENTS);
  });

  test('are read with their payload and attempts', async () => {
    const [listed] = (await list()).data.slice(-1);
    const { status, body } = await organization.admin.get(`${path}/${listed.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject(listed);
    expect(JSON.parse(body.payload).organization_id).toBe(organization.id);
    expect(body.attempts).toEqual([
      {
        number: 1,
        trigger: 'event',
        startedAt: expect.stringMatching(/Z$/),
        url,
        durationMs: expect.any(Number),
        outcome: 'failed',
        requestHeaders: expect.any(Object),
        responseStatus: 500,
        responseHeaders: expect.any(Object),
        responseBody: 'not now',
        responseBodyEncoding: 'utf-8',
        responseBodyTruncated: false,
        error: expect.any(String),
      },
    ]);
    expect(JSON.stringify(body)).not.toContain('whisper');
  });

  test('that do not exist are 404', async () => {
    expect(await organization.admin.get(`${path}/dlv_that_is_not`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test("are not to be had through another organization's webhook", async () => {
    const other = await createOrganization();
    const [{ id }] = (await list()).data;
    const theirs = await createWebhook(other);
    expect((await other.admin.get(`${other.path}/webhooks/${webhookId}/deliveries/${id}`)).status).toBe(404);
    expect((await other.admin.get(`${other.path}/webhooks/${theirs.id}/deliveries/${id}`)).status).toBe(404);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['status=lost', 'status'],
    ['event=', 'event'],
    ['event=*.identified', 'event'],
    ['event=Visitor.*', 'event'],
    ['event=visitor*', 'event'],
    ['event=visitor.**', 'event'],
    [`event=${'a'.repeat(131)}`, 'event'],
    ['from=yesterday', 'from'],
    ['to=2026-13-01T00:00:00Z', 'to'],
    ['from=2026-02-31', 'from'],
    ['cursor=%00', 'cursor'],
    ['cursor=WzEsMl0', 'cursor'],
    ['cursor=bm90IGpzb24', 'cursor'],
    [`cursor=${'A'.repeat(501)}`, 'cursor'],
  ])('asked with %s are 422', async (query, field) => {
    const answer = await organization.admin.get(`${path}?${query}`);
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
  });

  test('asked with a + that a query turns into a space are told so', async () => {
    expect((await list('?from=2026-11-23T14:00:00+01:00')).message).toMatch(
      /^from: .*2026-11-23T14:05:09\.123\+01:00.*Write \+ as %2B in a query/,
    );
    expect((await list('?from=2026-11-23T14:00:00%2B01:00')).data).toEqual(expect.any(Array));
  });

  test('are found by a part of an id', async () => {
    const [{ id, eventId, sessionId }] = (await list()).data;
    for (const part of [id, eventId, eventId.slice(-8)]) {
      expect((await list(`?q=${part}`)).data).toContainEqual(expect.objectContaining({ id }));
    }
    expect((await list(`?q=${encodeURIComponent(sessionId)}`)).data).toContainEqual(expect.objectContaining({ id }));
    expect((await list('?q=nothing-like-it')).data).toEqual([]);
  });

  test('are 503 while the outbox cannot be reached', async () => {
    const overloaded = () => Promise.reject(new Error('overloaded'));
    const broken = { list: overloaded, find: overloaded, summary: overloaded };
    const OUTBOX = { getByName: () => broken } as unknown as Env['OUTBOX'];
    for (const at of [path, `${path}/dlv_x`, `${organization.path}/events/${eventIds[0]}`]) {
      const request = new Request(`${ORIGIN}/api/v1${at}`, { headers: { 'X-API-Key': organization.key } });
      const answer = await read(await app.fetch(request, { ...env, OUTBOX }, createExecutionContext()));
      expect(answer).toMatchObject({ status: 503, body: { code: 'outbox_unavailable' } });
      expect(answer.headers.get('Retry-After')).toBe('5');
    }
  });
});

describe('an event', () => {
  test('is read with its delivery to each webhook it went to', async () => {
    const [id] = eventIds;
    const { status, body } = await organization.admin.get(`${organization.path}/events/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, event: 'visitor.identified', createdAt: expect.stringMatching(/Z$/) });
    expect(body.deliveries.map((each: { webhookId: string }) => each.webhookId).toSorted()).toEqual([webhookId, secondId].toSorted());
    for (const delivery of body.deliveries) {
      expect(
        (await organization.admin.get(`${organization.path}/webhooks/${delivery.webhookId}/deliveries/${delivery.id}`)).body,
      ).toMatchObject(delivery);
    }
  });

  test('that went to no webhook of the organization is 404, whosever it is', async () => {
    const other = await createOrganization();
    await createWebhook(other);
    const [id = ''] = eventIds;
    const { data } = await list();
    // Of its own organization, but not whole.
    for (const part of [
      id.slice(4),
      `xxx_${id.slice(4)}`,
      `EVT_${id.slice(4)}`,
      id.toLowerCase(),
      `${id}X`,
      id.slice(0, -1),
      `evt_test_${id.slice(4)}`,
    ]) {
      const at = `${organization.path}/events/${encodeURIComponent(part)}`;
      expect({ part, status: (await organization.admin.get(at)).status }).toEqual({ part, status: 404 });
      expect({ part, status: (await organization.admin.delete(`${at}/payload`)).status }).toEqual({ part, status: 404 });
    }
    for (const part of [data[0].id.slice(4), `xxx_${data[0].id.slice(4)}`, data[0].id.toLowerCase(), `${data[0].id}0`]) {
      for (const answer of [await organization.admin.get(`${path}/${part}`), await organization.admin.delete(`${path}/${part}/payload`)]) {
        expect({ part, status: answer.status }).toEqual({ part, status: 404 });
      }
    }
    for (const id of [eventIds[0], 'evt_that_is_not', 'nonsense', '%00']) {
      expect(await other.admin.get(`${other.path}/events/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
  });
});
