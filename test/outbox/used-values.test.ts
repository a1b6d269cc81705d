import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { NewDelivery } from '../../src/domain/delivery/delivery.ts';
import { deliveryId, keyedEventIds, mintId } from '../../src/domain/ids.ts';
import type { Choices, Once } from '../../src/domain/rules/choices.ts';
import { Store } from '../../src/outbox/books/store.ts';
import { UsedValues } from '../../src/outbox/used-values.ts';
import { driveDate } from '../support/clock.ts';
import { aNotice } from '../support/notices.ts';
import { inOutbox } from '../support/outbox.ts';

const DAY = 86_400_000;
/** A day's beginning, far enough in the past that all ids are minted. */
const START = Date.UTC(2026, 10, 1);
const WEBHOOK = mintId('webhook', 0);

driveDate(START);
afterEach(() => {
  vi.restoreAllMocks();
});

const PER_EMAIL: Once = { per: 'visitor.email', days: 30 };

function choicesOf(once: Once | null): Choices {
  return { once, fields: null, format: 'event', template: null, name: 'Acme', headers: null, retryScheduleMs: null };
}

/** A delivery of an event with an e-mail, accepted so many days after the start. */
function delivery(email: unknown, atDays = 0, extra: Record<string, unknown> = {}): NewDelivery {
  const acceptedAt = START + Math.round(atDays * DAY);
  const eventId = mintId('event', acceptedAt);
  const content = { event: 'visitor.identified', visitor: { email, first_name: 'Ada' }, ...extra };
  const payload = new TextEncoder().encode(JSON.stringify(content));
  return { id: deliveryId(eventId, WEBHOOK), eventId, event: content.event, sessionId: null, acceptedAt, payload };
}

/** An outbox of its own, in which values go out once; as the object loaded, and as one that is loaded after it. */
function withValues<T>(once: Once | null, work: (values: UsedValues, store: Store, storage: DurableObjectStorage) => T): Promise<T> {
  return inOutbox(mintId('webhook', Date.now()), (_, storage) => {
    const store = new Store(storage);
    const values = new UsedValues(storage.kv, store, WEBHOOK);
    if (once) values.adopt(choicesOf(once), 1);
    return work(values, store, storage);
  });
}

const passes = (values: UsedValues, ...deliveries: NewDelivery[]) => values.admit(deliveries).map(({ id }) => id);
const goesOut = (values: UsedValues, each: NewDelivery) => passes(values, each).length === 1;
const repeatedOf = (store: Store) => store.repeated.latest().map(({ eventId }) => eventId);
const tablesOf = ({ sql }: Store, prefix = 'once_') =>
  sql
    .exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '${prefix}*' ORDER BY rowid`)
    .toArray()
    .map(({ name }) => name);
const rowsIn = (store: Store) =>
  tablesOf(store).reduce((total, name) => total + store.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${name}`).one().n, 0);

describe('a value', () => {
  it('goes out once, however it is written; what has none goes out', async () => {
    await withValues(PER_EMAIL, (values, store) => {
      const [first, again, other] = [delivery('ada@x.example'), delivery(' ADA@x.example '), delivery('bob@x.example')];
      expect(passes(values, first, again, other)).toEqual([first.id, other.id]);
      for (const none of [null, '', ' ', [], {}, undefined]) {
        for (let times = 0; times < 2; times++) expect(goesOut(values, delivery(none))).toBe(true);
      }
      expect(repeatedOf(store)).toEqual([again.eventId]);
    });
  });

  it('is let through again with the event that it belongs to, and with no other', async () => {
    await withValues(PER_EMAIL, (values, store, storage) => {
      const first = delivery('ada@x.example');
      expect(goesOut(values, first)).toBe(true);
      // The object has vanished; the queue brings the message again.
      const loaded = new UsedValues(storage.kv, new Store(storage), WEBHOOK);
      expect(goesOut(loaded, delivery('ada@x.example'))).toBe(false);
      expect(goesOut(loaded, first)).toBe(true);
      expect(rowsIn(store)).toBe(1);
    });
  });

  it('is a row, and so is an event that repeats it, however often its message comes', async () => {
    await withValues(PER_EMAIL, (values, store) => {
      const [first, again] = [delivery('ada@x.example'), delivery('ada@x.example')];
      for (let times = 0; times < 3; times++) passes(values, first, again);
      expect(rowsIn(store)).toBe(1);
      expect(store.repeated.latest()).toEqual([
        { eventId: again.eventId, event: 'visitor.identified', subject: 'Ada', at: START, why: 'repeated', failedConditions: [] },
      ]);
      expect([...store.repeated.count(START, START + 1)]).toEqual([1]);
    });
  });

  it('that is repeated by an event with an Idempotency-Key counts it once, whenever that was accepted', async () => {
    const [eventId = ''] = await keyedEventIds([{ organizationId: 'org_1', payload: new Uint8Array() }], 'key');
    await withValues(PER_EMAIL, (values, store) => {
      passes(values, delivery('ada@x.example'));
      const keyed = (atDays: number) => ({ ...delivery('ada@x.example', atDays), id: deliveryId(eventId, WEBHOOK), eventId });
      for (const atDays of [0.4, 0.5, 1.2, 0.5]) expect(goesOut(values, keyed(atDays))).toBe(false);
      expect(store.repeated.latest()).toMatchObject([{ eventId, at: START + 0.4 * DAY }]);
      expect([...store.repeated.count(START, START + DAY), ...store.repeated.count(START + DAY, START + 2 * DAY)]).toEqual([1]);
    });
  });

  it('stands nowhere as it is, and as another hash in each outbox', async () => {
    const hashes: string[] = [];
    for (let outbox = 0; outbox < 2; outbox++) {
      await withValues(PER_EMAIL, (values, store, storage) => {
        passes(values, delivery('ada@x.example'));
        const rows = store.sql.exec(`SELECT hex(hash) AS hash, accepted_at, event_id FROM ${tablesOf(store)[0]}`).toArray();
        const kept = JSON.stringify([rows, ...storage.kv.list()]);
        expect(kept.toLowerCase()).not.toContain('x.example');
        hashes.push(String(rows[0]!.hash));
      });
    }
    expect(new Set(hashes).size).toBe(2);
    expect(hashes[0]).toHaveLength(32);
  });

  it('of events of the service itself counts for nothing', async () => {
    await withValues({ per: 'webhook.id', days: 1 }, (values) => {
      const told = aNotice({ at: START });
      for (let times = 0; times < 2; times++) expect(goesOut(values, delivery(null, 0, told))).toBe(true);
    });
  });
});

describe('the days of a value', () => {
  it('count from the acceptance of its event, to the millisecond', async () => {
    await withValues({ per: 'visitor.email', days: 2 }, (values) => {
      expect(goesOut(values, delivery('a', 0.3))).toBe(true);
      expect(goesOut(values, delivery('a', 2.3 - 1 / DAY))).toBe(false);
      expect(goesOut(values, delivery('a', 2.3))).toBe(true);
      expect(goesOut(values, delivery('a', 4.3 - 1 / DAY))).toBe(false);
    });
  });

  it('are the same in whichever order events come', async () => {
    await withValues({ per: 'visitor.email', days: 2 }, (values) => {
      expect(goesOut(values, delivery('a', 10))).toBe(true);
      // Accepted before the one that has gone out, and within its days.
      expect(goesOut(values, delivery('a', 9))).toBe(false);
      expect(goesOut(values, delivery('a', 8))).toBe(true);
      expect(goesOut(values, delivery('a', 6.5))).toBe(false);
      expect(goesOut(values, delivery('a', 11.5))).toBe(false);
      expect(goesOut(values, delivery('a', 12))).toBe(true);
    });
  });

  it('lead to what a list of all that has gone out says, for any events, also where the owner changes the days', {
    timeout: 60_000,
  }, async () => {
    const happening = fc.oneof(
      { weight: 9, arbitrary: fc.record({ value: fc.constantFrom('a', 'b'), at: fc.double({ min: 0, max: 60, noNaN: true }) }) },
      { weight: 3, arbitrary: fc.record({ repeats: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ days: fc.constantFrom(1, 2, 7, 30, 365) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(1, 3, 9, 30), fc.array(happening, { maxLength: 40 }), async (firstDays, happenings) => {
        await withValues({ per: 'visitor.email', days: firstDays }, (values) => {
          const gone: { value: string; at: number; eventId: string }[] = [];
          const seen: { value: string; delivery: NewDelivery }[] = [];
          let days: number = firstDays;
          for (const [index, happened] of happenings.entries()) {
            if ('days' in happened) {
              days = happened.days;
              values.adopt(choicesOf({ per: 'visitor.email', days }), 2 + index);
              continue;
            }
            const one =
              'repeats' in happened ? seen[happened.repeats] : { value: happened.value, delivery: delivery(happened.value, happened.at) };
            if (!one) continue;
            const { acceptedAt: at, eventId } = one.delivery;
            const near = gone.filter((each) => each.value === one.value && Math.abs(each.at - at) < days * DAY);
            const expected = near.length === 0 || near.some((each) => each.eventId === eventId);
            expect(goesOut(values, one.delivery)).toBe(expected);
            if (near.length === 0) gone.push({ value: one.value, at, eventId });
            if (!('repeats' in happened)) seen.push(one);
          }
        });
      }),
      { numRuns: 150 },
    );
  });
});

describe('values are forgotten', () => {
  it.each([
    [1, 3],
    [7, 10],
    [30, 9],
    [365, 9],
  ])('with the tables of their days: of %d days there are few, and none is looked in that cannot have it', async (days, most) => {
    await withValues({ per: 'visitor.email', days }, (values, store) => {
      const exec = vi.spyOn(Object.getPrototypeOf(store.sql), 'exec');
      let tables = 0;
      for (let day = 0; day < 3 * days; day += Math.max(1, Math.floor(days / 20))) {
        exec.mockClear();
        expect(goesOut(values, delivery(`${day}`, day))).toBe(true);
        const looks = exec.mock.calls.filter(([query]) => /FROM once_/.test(String(query))).length;
        expect(looks).toBeLessThanOrEqual(most);
        values.forget(START + day * DAY, START);
        tables = Math.max(tables, tablesOf(store).length);
        expect(exec.mock.calls.filter(([query]) => /^DELETE/.test(String(query)))).toEqual([]);
      }
      expect(tables).toBeLessThanOrEqual(most + 5);
      values.forget(START + 3 * days * DAY + 2 * (days + 10) * DAY, START);
      expect(tablesOf(store)).toEqual([]);
    });
  });

  it('not before an event that the queue brings late can meet them', async () => {
    await withValues({ per: 'visitor.email', days: 2 }, (values) => {
      goesOut(values, delivery('a', 0.9));
      values.forget(START + 6.9 * DAY, START);
      // Accepted on the value's last day, and on its way for four.
      expect(goesOut(values, delivery('a', 2.8))).toBe(false);
    });
  });

  it('with the oldest of them where the outbox has no room left: first what repeated some, then values', async () => {
    await withValues({ per: 'visitor.email', days: 8 }, (values, store) => {
      for (const day of [0, 1]) passes(values, delivery(`${day}`, day), delivery(`${day}`, day));
      const forgotten = () => [values.forgetOldest(), tablesOf(store, 'repeated_').length, tablesOf(store).length];
      expect([forgotten(), forgotten(), forgotten(), forgotten(), forgotten()]).toEqual([
        [true, 1, 2],
        [true, 0, 2],
        [true, 0, 1],
        [true, 0, 0],
        [false, 0, 0],
      ]);
    });
  });
});

describe('values start afresh', () => {
  it.each<[string, (Once | null)[]]>([
    ['with another path', [{ per: 'visitor.first_name', days: 30 }]],
    ['with a former one', [{ per: 'visitor.id', days: 30 }, PER_EMAIL]],
    ['after none', [null, PER_EMAIL]],
    ['where the same was chosen anew and nothing was seen of what was between', [{ ...PER_EMAIL, since: 5 }]],
  ])('%s, and what was kept is dropped at once', async (_what, changes) => {
    await withValues(PER_EMAIL, (values, store) => {
      expect(goesOut(values, delivery('ada@x.example'))).toBe(true);
      for (const [index, once] of changes.entries()) {
        values.adopt(choicesOf(once), 2 + index);
        expect(tablesOf(store)).toEqual([]);
      }
      expect(goesOut(values, delivery('ada@x.example'))).toBe(true);
      expect(goesOut(values, delivery('ada@x.example'))).toBe(false);
    });
  });

  it.each<[string, (values: UsedValues) => void]>([
    ['with other days', (values) => values.adopt(choicesOf({ ...PER_EMAIL, days: 365 }), 2)],
    ['with the same configuration again', (values) => values.adopt(choicesOf(PER_EMAIL), 2)],
    ['with a configuration that was read before the one that is known', (values) => values.adopt(choicesOf(null), 0)],
    ['with one of a version that does not know of it', (values) => values.adopt(undefined, 2)],
  ])('not %s', async (_what, change) => {
    await withValues(PER_EMAIL, (values, store, storage) => {
      const first = delivery('ada@x.example');
      expect(goesOut(values, first)).toBe(true);
      change(values);
      expect(goesOut(values, delivery('ada@x.example'))).toBe(false);
      const loaded = new UsedValues(storage.kv, store, WEBHOOK);
      change(loaded);
      expect(goesOut(loaded, delivery('ada@x.example'))).toBe(false);
    });
  });

  it('and until then nothing is kept of an outbox whose owner never wanted it', async () => {
    await withValues(null, (values, store, storage) => {
      values.adopt(choicesOf(null), 1);
      values.adopt(null, 2);
      for (let times = 0; times < 2; times++) expect(goesOut(values, delivery('ada@x.example'))).toBe(true);
      values.forget(START + 1_000 * DAY, START + 900 * DAY);
      expect([...storage.kv.list()]).toEqual([]);
      expect(store.isEmpty).toBe(true);
    });
  });
});

describe('a storage that refuses a write', () => {
  it.each([
    ['of a new value', /INSERT INTO once_/],
    ['of an event that repeats one', /INSERT INTO repeated_/],
    ['of a table of theirs', /CREATE TABLE repeated_/],
  ])('%s lets nothing of the call through, and nothing of it is kept', async (_what, pattern) => {
    await withValues(PER_EMAIL, (values, store, storage) => {
      const deliveries = [delivery('a'), delivery('b'), delivery('a')];
      const exec = storage.sql.exec.bind(storage.sql);
      vi.spyOn(Object.getPrototypeOf(storage.sql), 'exec').mockImplementation((...args) => {
        if (pattern.test(String(args[0]))) throw new Error('the storage is full');
        return exec(...(args as Parameters<typeof exec>));
      });
      expect(() => values.admit(deliveries)).toThrow('the storage is full');
      vi.restoreAllMocks();
      expect(tablesOf(store)).toEqual([]);
      expect(passes(values, ...deliveries)).toEqual(deliveries.slice(0, 2).map(({ id }) => id));
      expect(repeatedOf(store)).toHaveLength(1);
    });
  });

  it('of another path keeps the one before', async () => {
    await withValues(PER_EMAIL, (values, store, storage) => {
      goesOut(values, delivery('ada@x.example'));
      vi.spyOn(Object.getPrototypeOf(storage.kv), 'put').mockImplementation(() => {
        throw new Error('the storage is full');
      });
      expect(() => values.adopt(choicesOf({ per: 'visitor.first_name', days: 1 }), 2)).toThrow('the storage is full');
      vi.restoreAllMocks();
      expect(tablesOf(store)).toHaveLength(1);
      expect(goesOut(values, delivery('ada@x.example'))).toBe(false);
      values.adopt(choicesOf({ per: 'visitor.first_name', days: 1 }), 2);
      expect(goesOut(values, delivery('ada@x.example'))).toBe(true);
    });
  });
});

it('what was let through and is lost after all uses nothing up; what went out before does', async () => {
  await withValues(PER_EMAIL, (values) => {
    const [first, second] = [delivery('a'), delivery('b')];
    expect(goesOut(values, first)).toBe(true);
    expect(passes(values, first, second)).toHaveLength(2);
    values.release([first, second]);
    expect(goesOut(values, delivery('a'))).toBe(false);
    expect(goesOut(values, delivery('b'))).toBe(true);
  });
});
