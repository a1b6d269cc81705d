import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeCursor } from '../../../src/api/parameters.ts';
import { MAX_LISTENERS } from '../../../src/domain/endpoint/listen-url.ts';
import { MAX_WEBHOOKS } from '../../../src/domain/webhook/webhook.ts';
import { Outbox } from '../../../src/outbox/outbox.ts';
import {
  type Client,
  client,
  createKey,
  createOrganization,
  createWebhook,
  expectStatus,
  type TestOrganization,
} from '../../support/api.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox, outboxOf } from '../../support/deliveries.ts';

const WEBHOOKS = 4;
const EVENTS = 9;

let own: TestOrganization;
let reader: Client;
let webhooks: string[];
let path: string;

interface Listed {
  id: string;
  webhookId: string;
  eventId: string;
  createdAt: string;
  subject: string | null;
}

/** Waits until every delivery of a webhook has been attempted: what outlasts a call goes on beside it. */
async function untilAttempted(webhook: string): Promise<void> {
  for (;;) {
    const deliveries = await deliveriesOf(webhook);
    if (deliveries.length === EVENTS && deliveries.every(({ status }) => status !== 'pending')) return;
    await runDurableObjectAlarm(outboxOf(webhook));
    await scheduler.wait(10);
  }
}

beforeAll(async () => {
  own = await createOrganization();
  reader = client(await createKey(own.id, ['read']));
  path = `${own.path}/deliveries`;
  webhooks = [];
  for (let each = 0; each < WEBHOOKS; each++) {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: each === 0 ? 422 : 200 }]);
    webhooks.push((await createWebhook(own, { url: endpoint.url })).id);
  }
  for (let each = 0; each < EVENTS; each++) {
    const visitor = each === 2 ? { email: 'jane.doe@example.com', first_name: 'Jane' } : { email: `visitor${each}@example.net` };
    await consume([aMessage([anEvent(own.id, { visitor })])]);
  }
  for (const webhook of webhooks) await untilAttempted(webhook);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const get = async (query = '') => (await reader.get(`${path}${query}`)).body;

/** All pages, and how long their cursors were. */
async function pages(query: string): Promise<{ data: Listed[]; longestCursor: number }> {
  const data: Listed[] = [];
  let longestCursor = 0;
  let at = `?${query}`;
  for (let count = 0; count < 100; count++) {
    const page = await get(at);
    expect(page.unavailable).toEqual([]);
    data.push(...page.data);
    if (page.nextCursor === null) return { data, longestCursor };
    longestCursor = Math.max(longestCursor, page.nextCursor.length);
    expect(page.searchedSince).toMatch(/Z$/);
    at = `?${query}&cursor=${page.nextCursor}`;
  }
  throw new Error('the pages do not end');
}

describe("an organization's deliveries", () => {
  it('are those of all its webhooks, newest first', async () => {
    const page = await get('?limit=100');
    expect(page).toEqual({ data: expect.any(Array), nextCursor: null, unavailable: [] });
    const data: Listed[] = page.data;
    expect(data).toHaveLength(WEBHOOKS * EVENTS);
    expect(new Set(data.map(({ webhookId }) => webhookId))).toEqual(new Set(webhooks));
    const order = data.map(({ createdAt, id }) => [Date.parse(createdAt), id] as const);
    expect(order).toEqual(order.toSorted(([a, one], [b, other]) => b - a || (one < other ? 1 : -1)));
  });

  it.each([1, 3, 7])('come in pages of %i that neither repeat nor leave out, with a cursor that stays short', async (limit) => {
    const { data, longestCursor } = await pages(`limit=${limit}`);
    expect(data.map(({ id }) => id)).toEqual((await get('?limit=100')).data.map(({ id }: Listed) => id));
    expect(longestCursor).toBeLessThan(2_000);
  });

  it('are filtered as those of one webhook are', async () => {
    expect((await pages('status=retrying&limit=4')).data).toHaveLength(EVENTS);
    expect((await pages('event=company.*')).data).toEqual([]);
    const { data } = await pages('q=Jane.DOE@example&limit=3');
    expect(data.map(({ webhookId }) => webhookId).toSorted()).toEqual(webhooks.toSorted());
    expect(new Set(data.map(({ subject }) => subject))).toEqual(new Set(['Jane']));
    expect((await get(`?q=${data[0]?.eventId}`)).data).toHaveLength(WEBHOOKS);
    expect((await get('?to=2020-01-01')).data).toEqual([]);
  });

  it('are the organization’s own', async () => {
    const other = await createOrganization();
    await createWebhook(other);
    expect((await other.admin.get(`${other.path}/deliveries`)).body.data).toEqual([]);
    expect((await other.admin.get(path)).status).toBe(404);
    expect((await own.admin.get(`${other.path}/deliveries`)).status).toBe(404);
  });

  it('come in pages however many webhooks have nothing to show, those of `listen` and those that are deleted meanwhile included', async () => {
    const full = await createOrganization();
    const { id } = await createWebhook(full);
    // It could have something, so that it has a place in the cursor.
    const deleted = await createWebhook(full, { events: ['webhook.failing'] });
    const createQuiet = () => createWebhook(full, { events: ['webhook.failing'] });
    for (let made = 2; made < MAX_WEBHOOKS; made++) await createQuiet();
    const listener = { events: ['webhook.failing'] };
    for (let made = 0; made < MAX_LISTENERS; made++) await expectStatus(full.admin.post(`${full.path}/listeners`, listener), 201);
    for (let sent = 0; sent < 3; sent++) await consume([aMessage([anEvent(full.id)])]);
    const page = async (query: string) => (await expectStatus(full.admin.get(`${full.path}/deliveries?limit=1${query}`), 200)).body;
    const first = await page('');
    await expectStatus(full.admin.delete(`${full.path}/webhooks/${deleted.id}`), 204);
    await createQuiet();
    const second = await page(`&cursor=${first.nextCursor}`);
    const third = await page(`&cursor=${second.nextCursor}`);
    const shown = [first, second, third].flatMap(({ data }) => data.map((each: Listed) => each.id));
    expect(new Set(shown)).toEqual(new Set((await deliveriesOf(id)).map((each) => each.id)));
    expect(shown).toHaveLength(3);
  });

  it('are none where there is no webhook', async () => {
    const other = await createOrganization();
    expect((await other.admin.get(`${other.path}/deliveries`)).body).toEqual({ data: [], nextCursor: null, unavailable: [] });
  });

  it('do not need a key that may change anything', async () => {
    expect((await reader.get(path)).status).toBe(200);
  });

  it.each([
    ['that of one webhook’s list', () => writeCursor(Date.now(), 'dlv_1')],
    ['no JSON', () => 'bm90IGpzb24'],
    ['of another shape', () => btoa('[1,"a",[["whk_1",-1]]]').replaceAll('=', '')],
    [
      'one with too many places',
      () => btoa(JSON.stringify([1, 'a', Array(MAX_WEBHOOKS + MAX_LISTENERS + 1).fill(['whk', 1])])).replaceAll('=', ''),
    ],
    ['too long', () => 'A'.repeat(4_001)],
  ])('with a cursor that is %s are 422', async (_what, cursor) => {
    expect(await reader.get(`${path}?cursor=${cursor()}`)).toMatchObject({ status: 422, body: { details: { field: 'cursor' } } });
  });

  it.each(['limit=0', 'status=lost', 'q=', 'webhook=x'])('asked with %s are 422', async (query) => {
    expect((await reader.get(`${path}?${query}`)).status).toBe(422);
  });
});

describe('a webhook that cannot be reached', () => {
  const unreachable = (...ids: string[]) => {
    const { list } = Outbox.prototype;
    return vi.spyOn(Outbox.prototype, 'list').mockImplementation(function (this: Outbox, ...args) {
      const { name } = (this as unknown as { ctx: DurableObjectState }).ctx.id;
      if (ids.includes(name ?? '')) throw new Error('not now');
      return list.apply(this, args);
    });
  };

  it('is named, and does not hide the others: what it has comes with a later page', async () => {
    const [away = ''] = webhooks;
    const all = (await get('?limit=100')).data.map(({ id }: Listed) => id);
    for (const whenAway of [[0], [1], [0, 1, 2], [2, 5]]) {
      const ids: string[] = [];
      let cursor: string | null = '';
      for (let at = 0; cursor !== null; at++) {
        const isAway = whenAway.includes(at);
        if (isAway) unreachable(away);
        const page = await get(`?limit=5${cursor && `&cursor=${cursor}`}`);
        vi.restoreAllMocks();
        expect(page.unavailable).toEqual(isAway ? [away] : []);
        if (isAway) expect(page.data.some(({ webhookId }: Listed) => webhookId === away)).toBe(false);
        ids.push(...page.data.map(({ id }: Listed) => id));
        cursor = page.nextCursor;
      }
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.toSorted()).toEqual(all.toSorted());
    }
  });

  it('is left alone in the end: a 503 that says to ask again, and the same page when it is back', async () => {
    const [away = ''] = webhooks;
    unreachable(away);
    const { data, nextCursor } = await get('?limit=100');
    expect(data).toHaveLength((WEBHOOKS - 1) * EVENTS);
    expect(await reader.get(`${path}?cursor=${nextCursor}`)).toMatchObject({ status: 503 });
    vi.restoreAllMocks();
    const rest = await get(`?limit=100&cursor=${nextCursor}`);
    expect(rest).toMatchObject({ nextCursor: null, unavailable: [] });
    expect(rest.data.map(({ webhookId }: Listed) => webhookId)).toEqual(Array(EVENTS).fill(away));
  });

  it('is a 503 where none can be reached', async () => {
    unreachable(...webhooks);
    expect(await reader.get(path)).toMatchObject({ status: 503, body: { code: 'outbox_unavailable' } });
  });
});

it('an outbox of the version before, which does not say whom a delivery is about, is listed all the same', async () => {
  const { list } = Outbox.prototype;
  vi.spyOn(Outbox.prototype, 'list').mockImplementation(function (this: Outbox, ...args) {
    const page = list.apply(this, args);
    return { ...page, deliveries: page.deliveries.map(({ subject, ...rest }) => rest as typeof rest & { subject: null }) };
  });
  expect((await get('?limit=1')).data).toMatchObject([{ subject: null }]);
});
