import { ulid } from 'ulid';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AttemptRecord, NewDelivery } from '../../../src/domain/delivery/delivery.ts';
import { waiting } from '../../../src/domain/delivery/lifecycle.ts';
import { deliveryId } from '../../../src/domain/ids.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { driveDate } from '../../support/clock.ts';
import { givenScripted, outboxOf, untilEnded } from '../../support/deliveries.ts';
import { bring, deliver, findDelivery, inOutbox, newDelivery } from '../../support/outbox.ts';
import type { Reply } from '../../support/receiver.ts';

driveDate(Date.now() + 86_400_000);
afterEach(() => {
  vi.restoreAllMocks();
});

const ok: Reply = { status: 200 };
const JANE = {
  visitor: { email: 'Jane.Doe@Example.com', first_name: 'Jane', last_name: 'Doe' },
  company: { name: 'Müller & Söhne "GmbH"', domain: 'mueller.example' },
  session_id: 'ses_Jane1',
};
const SUBJECT = 'Jane Doe, Müller & Söhne "GmbH"';
const jane = (webhook: string): NewDelivery => ({ ...newDelivery(webhook, JANE), sessionId: JANE.session_id });

const found = async (webhook: string, q: string, more = {}) => {
  const { deliveries } = await outboxOf(webhook).list({ q, ...more }, 100, null);
  return deliveries.map(({ id, subject }) => ({ id, subject }));
};

const SEARCHES = [
  'jane.doe@example.com',
  'doe@EX',
  'jane doe',
  'MÜLLER & sö',
  'söhne "gmbh"',
  'mueller.ex',
  SUBJECT,
  'ses_jane1',
  'jane\u0085doe',
];

describe('somebody is found by e-mail, name, company, domain, session and ids, in any case', () => {
  it('where their delivery arrived at once', async () => {
    const { webhook } = await givenScripted([ok]);
    const wanted = jane(webhook);
    await deliver(webhook, newDelivery(webhook), wanted, newDelivery(webhook));
    for (const q of [...SEARCHES, wanted.id, wanted.eventId, wanted.id.slice(-9).toLowerCase()]) {
      expect(await found(webhook, q), q).toContainEqual({ id: wanted.id, subject: SUBJECT });
    }
    for (const q of SEARCHES) expect(await found(webhook, q), q).toHaveLength(1);
    expect(await found(webhook, 'john')).toEqual([]);
    expect(await found(webhook, 'jane', { status: 'failed' })).toEqual([]);
    expect(await found(webhook, 'jane', { event: 'company.*' })).toEqual([]);
    expect(await findDelivery(webhook, wanted.id)).toMatchObject({ subject: SUBJECT });
    expect(await outboxOf(webhook).summary(wanted.id)).toMatchObject({ subject: SUBJECT });
  });

  it('where it has a row of its own, waits, and has failed', async () => {
    const { webhook } = await givenScripted([{ status: 422 }]);
    const wanted = jane(webhook);
    await deliver(webhook, newDelivery(webhook), wanted, newDelivery(webhook));
    for (const q of SEARCHES) expect(await found(webhook, q), q).toEqual([{ id: wanted.id, subject: SUBJECT }]);
    expect(await found(webhook, 'jane', { status: 'retrying' })).toEqual([{ id: wanted.id, subject: SUBJECT }]);
    await untilEnded(webhook);
    for (const q of SEARCHES) expect(await found(webhook, q, { status: 'failed' }), q).toEqual([{ id: wanted.id, subject: SUBJECT }]);
    expect(await found(webhook, 'john', { status: 'failed' })).toEqual([]);
    expect(await outboxOf(webhook).retryNow(wanted.id)).toMatchObject({ kind: 'begun', delivery: { subject: SUBJECT } });
  });

  it('while its first attempt runs', async () => {
    const { endpoint, webhook } = await givenScripted([{ held: 'jane' }]);
    const wanted = jane(webhook);
    await bring(webhook, wanted, newDelivery(webhook));
    for (const q of SEARCHES) expect(await found(webhook, q), q).toEqual([{ id: wanted.id, subject: SUBJECT }]);
    await endpoint.release('jane', ok);
  });

  it('by what was accepted, where something else is sent', async () => {
    const { webhook } = await givenScripted([ok], { fields: ['session_id'] });
    const wanted = jane(webhook);
    await deliver(webhook, wanted);
    expect((await findDelivery(webhook, wanted.id)).payload).not.toContain('Doe');
    expect(await found(webhook, 'jane.doe')).toEqual([{ id: wanted.id, subject: SUBJECT }]);
  });

  it('however the event writes it', async () => {
    const { webhook } = await givenScripted([{ status: 500 }]);
    const wanted = jane(webhook);
    const text = new TextDecoder().decode(wanted.payload).replace('Jane.Doe', '\\u004aane.Doe').replace('"Müller', '"M\\u00fcller');
    await deliver(webhook, { ...wanted, payload: new TextEncoder().encode(text) });
    for (const q of SEARCHES) expect(await found(webhook, q), q).toEqual([{ id: wanted.id, subject: SUBJECT }]);
  });

  it.each([
    ['Straße', 'STRASSE', 'strasse', 'straße'],
    ['\u212aelvin \ufb01ne', 'kelvin', 'fine', 'Kelvin Fine'],
    ['ÉCOLE', 'école', 'cole'],
    ['山田太郎', '田太'],
    ['ΟΔΟΣ', 'οδος'],
    ['50% a_b', '50%', 'a_b', '% a'],
    ['a "quoted" \\ name', '"quoted"', 'd" \\ n'],
    ['n'.repeat(120), 'N'.repeat(120)],
  ])('with a row, whatever the letters: %s', async (company, ...searches) => {
    const { webhook } = await givenScripted([{ status: 500 }]);
    const wanted = newDelivery(webhook, { company: { name: company } });
    await deliver(webhook, newDelivery(webhook), wanted, newDelivery(webhook, { company: { name: 'Andere' } }));
    for (const q of searches)
      expect(
        (await found(webhook, q)).map(({ id }) => id),
        q,
      ).toEqual([wanted.id]);
  });

  it('but of another type of event the list does not say whom it is about', async () => {
    const { webhook } = await givenScripted([ok]);
    await deliver(webhook, newDelivery(webhook, { ...JANE, event: 'deal.won' }));
    expect(await found(webhook, 'jane.doe')).toMatchObject([{ subject: null }]);
  });
});

describe('somebody whose payload was erased', () => {
  it('is not found any more, and the list does not say whom it was about', async () => {
    const { webhook } = await givenScripted([ok]);
    const wanted = jane(webhook);
    await deliver(webhook, wanted, newDelivery(webhook));
    expect(await outboxOf(webhook).erasePayload(wanted.id)).toBe('erased');
    expect(await found(webhook, 'jane.doe')).toEqual([]);
    expect(await found(webhook, wanted.id)).toEqual([{ id: wanted.id, subject: null }]);
    expect(await findDelivery(webhook, wanted.id)).toMatchObject({ subject: null, payload: null });
  });
});

describe('what a version before has stored', () => {
  it('is found, and says whom it is about', async () => {
    const { webhook } = await givenScripted([ok]);
    const wanted = jane(webhook);
    await deliver(webhook, newDelivery(webhook), wanted, newDelivery(webhook));
    await inOutbox(webhook, (_, { sql }) => {
      const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name GLOB 'archive_*'").toArray();
      for (const { name } of tables) {
        for (const { place, heads } of sql.exec<{ place: number; heads: string }>(`SELECT place, heads FROM ${name}`).toArray()) {
          const before = (JSON.parse(heads) as unknown[][]).map((head) => head.slice(0, 11));
          sql.exec(`UPDATE ${name} SET heads = ? WHERE place = ?`, JSON.stringify(before), place);
        }
      }
    });
    for (const q of SEARCHES) expect(await found(webhook, q), q).toEqual([{ id: wanted.id, subject: SUBJECT }]);
    const { deliveries } = await outboxOf(webhook).list({}, 10, null);
    expect(deliveries.map(({ subject }) => subject).toSorted()).toEqual([SUBJECT, 'ada@example.com', 'ada@example.com']);
  });
});

const DAY_MS = 86_400_000;
const ATTEMPT: AttemptRecord = {
  ...{ number: 1, trigger: 'event', startedAt: 1, durationMs: 2, outcome: 'succeeded', requestHeaders: {}, responseStatus: 200 },
  ...{ responseHeaders: {}, responseBody: '', responseBodyEncoding: 'utf-8', responseBodyTruncated: false, error: null },
};

describe('a long log', () => {
  it('is looked through in bounded pieces, each of which says how far it has come, and nothing is passed over', {
    timeout: 60_000,
  }, async () => {
    const { webhook } = await givenScripted([ok]);
    const COUNT = 40_000;
    const EVERY = 9_000;
    const expected: string[] = [];
    await inOutbox(webhook, (_, storage) => {
      const store = new Store(storage);
      const start = Date.now() - 2 * DAY_MS;
      for (let from = 0; from < COUNT; from += 100) {
        const bundle = Array.from({ length: 100 }, (_each, index) => {
          const at = start + from * 4 + index;
          const isJane = (from + index) % EVERY === 7;
          const delivery = { ...(isJane ? jane(webhook) : newDelivery(webhook)), acceptedAt: at };
          // Not minted: that never goes back in time.
          const eventId = `evt_${ulid(at)}`;
          const id = deliveryId(eventId, webhook);
          if (isJane) expected.unshift(id);
          const state = { ...waiting(at), status: 'delivered', attemptCount: 1, dueAt: null, finishedAt: at + 5 } as const;
          return { delivery: { ...delivery, id, eventId, sessionId: null }, state, attempt: ATTEMPT };
        });
        store.archive.add(bundle);
      }
    });
    const ids: string[] = [];
    let pages = 0;
    let after = null;
    do {
      const page = await outboxOf(webhook).list({ q: 'jane doe' }, 100, after);
      ids.push(...page.deliveries.map(({ id }) => id));
      if (after && page.next) expect(page.next.createdAt).toBeLessThan((after as { createdAt: number }).createdAt);
      after = page.next;
      pages++;
    } while (after);
    expect(ids).toEqual(expected);
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(12);
  });
});

describe('a long log of rows', () => {
  it('is looked through in pieces, of which each is bounded in bytes too, and nothing is passed over', { timeout: 60_000 }, async () => {
    const { webhook } = await givenScripted([ok]);
    const COUNT = 30_000;
    const expected: string[] = [];
    await inOutbox(webhook, (_, storage) => {
      const store = new Store(storage);
      const start = Date.now() - 2 * DAY_MS;
      store.atomically(() => {
        for (let index = 0; index < COUNT; index++) {
          const at = start + Math.floor(index / 3);
          const isJane = index % 7_000 === 7;
          const delivery = { ...(isJane ? jane(webhook) : newDelivery(webhook)), acceptedAt: at };
          const eventId = `evt_${ulid(at)}`;
          const id = deliveryId(eventId, webhook);
          if (isJane) expected.unshift(id);
          const state = {
            ...waiting(at),
            status: 'failed',
            reason: 'attempts_exhausted',
            attemptCount: 4,
            dueAt: null,
            finishedAt: at + 5,
          } as const;
          store.insert({ ...delivery, id, eventId, sessionId: null }, state, ATTEMPT);
        }
      });
    });
    const readAll = async (filter: object, effort?: 'brief') => {
      const ids: string[] = [];
      let pages = 0;
      let after = null;
      do {
        const page = await outboxOf(webhook).list({ q: 'jane doe', ...filter }, 100, after, effort);
        ids.push(...page.deliveries.map(({ id }) => id));
        after = page.next;
        pages++;
      } while (after);
      return { ids, pages };
    };
    const all = await readAll({});
    expect(all.ids).toEqual(expected);
    expect(all.pages).toBeLessThan(6);
    expect((await readAll({ status: 'failed' })).ids).toEqual(expected);
    const glances = await readAll({}, 'brief');
    expect(glances.ids).toEqual(expected);
    expect(glances.pages).toBeGreaterThan(4 * all.pages);
  });
});
