import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { addEntry, dropEntriesBefore, dropSurplusEntries, listEntries } from '../../src/db/audit-log.ts';
import { databaseOf } from '../../src/db/client.ts';
import { dropExpired } from '../../src/db/dashboard-sessions.ts';
import { listBusy, listInTurn, markBusy } from '../../src/db/outboxes.ts';
import { busyOutboxes, dashboardLinks, dashboardSessions, erasures, outboxErasures, webhooks } from '../../src/db/schema.ts';
import { leastIdAt } from '../../src/domain/ids.ts';
import worker from '../../src/index.ts';
import { sweep, TURNS } from '../../src/upkeep/sweep.ts';
import { createOrganization } from '../support/api.ts';
import { anEntry } from '../support/audit.ts';
import { driveDate } from '../support/clock.ts';
import { makeLink, signedIn } from '../support/dashboard.ts';
import {
  alarmOf,
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  untilEnded,
} from '../support/deliveries.ts';

const MINUTE = 60_000;
const db = databaseOf(env.DB);

driveDate();
beforeEach(async () => {
  for (const table of [busyOutboxes, outboxErasures, webhooks]) await db.delete(table);
});

/** Outboxes that answer as they are told; by itself one is idle. */
function outboxesThat(answers: { fail?: readonly string[]; wait?: readonly string[]; whenPoked?: (id: string) => Promise<void> }) {
  const { fail = [], wait = [], whenPoked = async () => {} } = answers;
  const called: string[] = [];
  const call = async (id: string) => {
    called.push(id);
    if (fail.includes(id)) throw new Error('the outbox does not answer');
  };
  const outbox = (id: string) => ({
    poke: async () => {
      await call(id);
      await whenPoked(id);
      return wait.includes(id);
    },
    usage: async () => ({ source: null, days: new Map() }),
    erase: () => call(id),
  });
  return { environment: { ...env, OUTBOX: { getByName: outbox } as unknown as Env['OUTBOX'] }, called };
}

const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `whk_${prefix}_${index}`);
const markedBusy = async () => (await listBusy(env.DB, 1_000)).map(({ webhookId }) => webhookId);
const toErase = async () => (await db.select().from(outboxErasures)).map(({ webhookId }) => webhookId);

async function givenErasures(ids: readonly string[], requestedAt: number): Promise<void> {
  for (const webhookId of ids) await db.insert(outboxErasures).values({ webhookId, requestedAt });
}

/** How many statements D1 is asked for. */
function counted(environment: Env): { environment: Env; statements: () => number } {
  let statements = 0;
  const prepare = (query: string) => {
    statements++;
    return env.DB.prepare(query);
  };
  return { environment: { ...environment, DB: { prepare } as unknown as D1Database }, statements: () => statements };
}

describe('an outbox whose alarm was lost', () => {
  const sweepAt = (scheduledTime: number) =>
    worker.scheduled({ scheduledTime, cron: '* * * * *', noRetry: () => {} } as ScheduledController, env);

  it('is found within a day though D1 was never told that it is busy, and then looked after every minute', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    await consume([aMessage([anEvent(organization)])]);
    await db.delete(busyOutboxes);
    await runInDurableObject(outboxOf(webhook), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(outboxOf(webhook));

    const { row } = (await env.DB.prepare('SELECT rowid AS row FROM webhooks WHERE id = ?').bind(webhook).first<{ row: number }>())!;
    const turn = row - 1;
    await sweepAt((turn + 1) * MINUTE);
    expect(await markedBusy()).not.toContain(webhook);
    await sweepAt((TURNS + turn) * MINUTE);
    expect(await markedBusy()).toContain(webhook);
    expect(await alarmOf(webhook)).not.toBeNull();
    await untilEnded(webhook);
    expect(await deliveriesOf(webhook)).toMatchObject([{ status: 'delivered', attemptCount: 2 }]);
  });
});

describe('the turns of webhooks that nobody marked', () => {
  /** Whose turn it is in each of some sweeps. */
  const sharesOf = async (sweeps: number, turns: number, limit: number): Promise<string[][]> => {
    const shares: string[][] = [];
    for (let number = 0; number < sweeps; number++) {
      shares.push((await listInTurn(env.DB, 7_000 + number, turns, limit)).map(({ webhookId }) => webhookId));
    }
    return shares;
  };
  const givenWebhooks = async (count: number): Promise<string[]> => {
    const organization = await givenOrganization();
    const ids: string[] = [];
    for (let made = 0; made < count; made++) ids.push(await givenWebhook(organization, { url: 'https://hooks.example.com/in' }));
    return ids;
  };

  it('come once a day, evenly spread', async () => {
    const all = await givenWebhooks(12);
    const shares = await sharesOf(5, 5, 500);
    expect(shares.flat().toSorted()).toEqual(all.toSorted());
    expect(Math.max(...shares.map(({ length }) => length))).toBe(3);
  });

  it('do not move while webhooks come and go', async () => {
    const [first, ...others] = await givenWebhooks(7);
    const before = await sharesOf(5, 5, 500);
    await db.delete(webhooks).where(eq(webhooks.id, first!));
    await givenWebhooks(20);
    const after = await sharesOf(5, 5, 500);
    for (const [index, share] of before.entries()) expect(after[index]).toEqual(expect.arrayContaining(share.filter((id) => id !== first)));
    expect(after.flat()).toEqual(expect.arrayContaining(others));
  });

  it('come round more slowly, but to every webhook, where there are more than a day’s sweeps can take', async () => {
    const all = await givenWebhooks(23);
    // Two turns of three a day: 6 a day, so that 23 take 4 days.
    const shares = await sharesOf(8, 2, 3);
    expect(shares.flat().toSorted()).toEqual(all.toSorted());
    expect(Math.max(...shares.map(({ length }) => length))).toBeLessThanOrEqual(3);
  });

  it('are no one’s where there are no webhooks', async () => {
    expect(await sharesOf(3, 2, 3)).toEqual([[], [], []]);
  });
});

describe('a line whose head always fails', () => {
  const LIMIT = 3;

  it('of busy outboxes: those behind it are poked, and the head has its turns as well', async () => {
    const now = Date.now();
    const [head, behind] = [named('head', 2 * LIMIT), named('behind', 4)];
    for (const [index, id] of [...head, ...behind].entries()) await markBusy(env.DB, id, now - 1_000 + index);
    const { environment, called } = outboxesThat({ fail: head });
    for (let minute = 0; minute < 4; minute++) await sweep(environment, now + minute * MINUTE, LIMIT);
    expect(called).toEqual(expect.arrayContaining(behind));
    expect((await markedBusy()).toSorted()).toEqual(head.toSorted());
    for (let minute = 4; minute < 8; minute++) await sweep(environment, now + minute * MINUTE, LIMIT);
    for (const id of head) expect(called.filter((each) => each === id).length).toBeGreaterThan(1);
  });

  it('of busy outboxes that stay busy: the others pass', async () => {
    const now = Date.now();
    const [head, behind] = [named('busy', LIMIT), named('behind', 1)];
    for (const [index, id] of [...head, ...behind].entries()) await markBusy(env.DB, id, now - 1_000 + index);
    const { environment, called } = outboxesThat({ wait: head });
    await sweep(environment, now, LIMIT);
    await sweep(environment, now + MINUTE, LIMIT);
    expect(called.slice(LIMIT)).toContain(behind[0]);
    expect((await markedBusy()).toSorted()).toEqual(head.toSorted());
  });

  it('of erasures: those behind it are erased, also those that fall due meanwhile, and the head is tried again', async () => {
    const now = Date.now();
    const [head, behind, later] = [named('head', 2 * LIMIT), named('behind', 4), named('later', 2)];
    await givenErasures(head, now - 10 * MINUTE);
    await givenErasures(behind, now - 9 * MINUTE);
    await givenErasures(later, now - MINUTE);
    const { environment, called } = outboxesThat({ fail: head });
    for (let minute = 0; minute < 8; minute++) await sweep(environment, now + minute * MINUTE, LIMIT);
    expect(called).toEqual(expect.arrayContaining([...behind, ...later]));
    expect((await toErase()).toSorted()).toEqual(head.toSorted());
    for (const id of head) expect(called.filter((each) => each === id).length).toBeGreaterThan(1);

    const answering = outboxesThat({});
    for (let minute = 8; minute < 10; minute++) await sweep(answering.environment, now + minute * MINUTE, LIMIT);
    expect(await toErase()).toEqual([]);
  });
});

describe('an erasure', () => {
  it('waits until nothing can be recorded any more by those that knew the webhook', async () => {
    const [recent, due] = [named('recent', 1), named('due', 1)];
    const now = Date.now();
    await givenErasures(recent, now - 119_000);
    await givenErasures(due, now - 120_000);
    await sweep(outboxesThat({}).environment, now);
    expect(await toErase()).toEqual(recent);
  });
});

describe('a sweep', () => {
  it('asks D1 for no more statements for many outboxes than for a few', async () => {
    // Other tests leave erasures that are never done, and each has statements of its own.
    await db.delete(erasures);
    const statementsFor = async (count: number): Promise<number> => {
      const now = Date.now();
      const [idle, waiting, unreachable] = [named('idle', count), named('waiting', count), named('unreachable', count)];
      for (const webhookId of [...idle, ...waiting, ...unreachable]) await markBusy(env.DB, webhookId, now - 1_000);
      await givenErasures([...idle, ...unreachable], now - 10 * MINUTE);
      const { environment, statements } = counted(outboxesThat({ fail: unreachable, wait: waiting }).environment);
      await sweep(environment, now, 3 * count);
      expect((await markedBusy()).toSorted()).toEqual([...waiting, ...unreachable].toSorted());
      expect((await toErase()).toSorted()).toEqual(unreachable.toSorted());
      return statements();
    };
    const few = await statementsFor(1);
    expect(few).toBeLessThanOrEqual(13);
    for (const table of [busyOutboxes, outboxErasures]) await db.delete(table);
    expect(await statementsFor(40)).toBe(few);
  });

  it('leaves a mark that an outbox has made anew since the sweep saw it', async () => {
    const now = Date.now();
    const [idle, again] = [named('idle', 1), named('again', 1)];
    for (const webhookId of [...idle, ...again]) await markBusy(env.DB, webhookId, now - 1_000);
    // It says that nothing waits there, and before the sweep has noted that, something does.
    const whenPoked = async (id: string) => (again.includes(id) ? await markBusy(env.DB, id, now + 5) : undefined);
    await sweep(outboxesThat({ whenPoked }).environment, now);
    expect(await listBusy(env.DB, 10)).toEqual([{ webhookId: again[0], since: now + 5 }]);
  });

  it('does not move a mark back that an outbox has made anew while others wait in the line', async () => {
    const now = Date.now();
    const [busy] = named('busy', 1);
    await markBusy(env.DB, busy!, now - 1_000);
    const whenPoked = async () => await markBusy(env.DB, busy!, now + 5);
    await sweep(outboxesThat({ wait: [busy!], whenPoked }).environment, now, 1);
    expect(await listBusy(env.DB, 10)).toEqual([{ webhookId: busy, since: now + 5 }]);
  });

  it('does the rest of its work where a part fails', async () => {
    const now = Date.now();
    const [busy, deleted] = [named('busy', 1), named('deleted', 1)];
    await markBusy(env.DB, busy[0]!, now - 1_000);
    await givenErasures(deleted, now - 10 * MINUTE);
    const { environment } = outboxesThat({});
    const prepare = (query: string) => {
      if (query.includes('busy_outboxes')) throw new Error('D1_ERROR: out of order');
      return env.DB.prepare(query);
    };
    await sweep({ ...environment, DB: { prepare } as unknown as D1Database }, now);
    expect(await toErase()).toEqual([]);
    expect(await markedBusy()).toEqual(busy);
    await sweep(environment, now + MINUTE);
    expect(await markedBusy()).toEqual([]);
  });
});

describe('sessions and links that have expired', () => {
  it('are dropped once an hour, of organizations too to which nobody comes', async () => {
    const [organization, hour] = [await createOrganization(), 60 * MINUTE];
    await signedIn(organization);
    await makeLink(organization.id);
    const rows = async () => [...(await db.select().from(dashboardSessions)), ...(await db.select().from(dashboardLinks))].length;
    // The used link, the session it made, and a link.
    expect(await rows()).toBe(3);
    const nextHour = Math.ceil(Date.now() / hour) * hour;
    await sweep(env, nextHour + hour);
    expect(await rows(), 'links are over after 15 minutes').toBe(1);
    await sweep(env, nextHour + 13 * hour + MINUTE);
    expect(await rows(), 'it is not their turn').toBe(1);
    await sweep(env, nextHour + 14 * hour);
    expect(await rows()).toBe(0);
  });

  it('take turns where there are many', async () => {
    const organization = await createOrganization();
    for (let count = 0; count < 5; count++) await signedIn(organization);
    const left = async () => (await db.select().from(dashboardSessions)).length;
    await dropExpired(db, Date.now() + 13 * 60 * MINUTE, 2);
    expect(await left()).toBe(3);
    await dropExpired(db, Date.now(), 2);
    expect(await left(), 'those that are alive stay').toBe(3);
  });
});

describe('entries of audit logs', () => {
  const DAY = 24 * 60 * MINUTE;
  const entriesOf = async (organizationId: string) => (await listEntries(db, organizationId, { limit: 100 })).map(({ id }) => id);
  const given = async (organizationId: string, ats: readonly number[]) => {
    const entries = ats.map((at) =>
      anEntry(organizationId, { at, id: `${leastIdAt('auditEntry', at)}${crypto.randomUUID().slice(0, 8)}` }),
    );
    for (const entry of entries) await addEntry(db, entry);
    return entries.map(({ id }) => id);
  };

  it('are dropped once they are 400 days old, and not before', async () => {
    const [organization, now] = [await givenOrganization(), Date.now()];
    const [, kept, newest] = await given(organization, [now - 400 * DAY - 1, now - 400 * DAY, now]);
    await sweep(env, now);
    expect(await entriesOf(organization)).toEqual([newest, kept]);
  });

  it('take turns where there are many, the oldest first', async () => {
    const [organization, now] = [await givenOrganization(), Date.now()];
    const ids = await given(
      organization,
      [1, 2, 3].map((at) => now - 401 * DAY + at),
    );
    await dropEntriesBefore(db, now - 400 * DAY, 2);
    expect(await entriesOf(organization)).toEqual([ids[2]]);
  });

  it('are dropped where an organization has too many of them, the oldest first, and of no other one', async () => {
    const [organization, other, now] = [await givenOrganization(), await givenOrganization(), Date.now()];
    const ids = await given(
      organization,
      [1, 2, 3, 4, 5].map((at) => now + at),
    );
    const others = await given(other, [now - DAY, now]);
    await dropSurplusEntries(db, 1, 3);
    expect(await entriesOf(organization)).toEqual([ids[4], ids[3], ids[2], ids[1]]);
    await dropSurplusEntries(db, 10, 3);
    expect(await entriesOf(organization)).toEqual([ids[4], ids[3], ids[2]]);
    expect(await entriesOf(other)).toEqual(others.toReversed());
  });
});
