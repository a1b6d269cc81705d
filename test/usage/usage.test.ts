import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import type { OutboxConfig } from '../../src/db/configuration.ts';
import { usageTold, webhooks } from '../../src/db/schema.ts';
import { mintId } from '../../src/domain/ids.ts';
import { dayOf } from '../../src/domain/text/day.ts';
import { dayText, type Use } from '../../src/domain/usage.ts';
import worker from '../../src/index.ts';
import { OutboxUsage } from '../../src/outbox/log/usage.ts';
import { UntoldUse } from '../../src/outbox/reports/untold-use.ts';
import { sweep, TURNS } from '../../src/upkeep/sweep.ts';
import { collectUse } from '../../src/usage/collecting.ts';
import {
  client,
  createKey,
  createOrganization,
  createProducerKey,
  createWebhook,
  eventually,
  expectStatus,
  ORIGIN,
  PLATFORM_KEY,
  platform,
  type TestOrganization,
} from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox, outboxOf, untilEnded } from '../support/deliveries.ts';
import { inOutbox, newDelivery, vanish } from '../support/outbox.ts';
import { tellAtOnce } from '../support/telling.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LARGE = { field: 'company.employee_count', operator: 'at_least', value: 200 };

driveDate(Math.floor(Date.now() / DAY) * DAY + DAY / 2);
beforeEach(() => tellAtOnce());
afterEach(() => {
  vi.restoreAllMocks();
});

const use = (events: number, deliveries = events, attempts = deliveries): Use => ({ events, deliveries, attempts });
const NONE = use(0);
const today = () => dayText(dayOf(Date.now()));
const daysAgo = (days: number) => dayText(dayOf(Date.now()) - days);

/** An organization with some webhooks, the first of them made first. */
async function given(...inputs: Record<string, unknown>[]) {
  const organization = await createOrganization();
  const hooks: string[] = [];
  for (const input of inputs) {
    // Ids that are made later sort later.
    vi.setSystemTime(Date.now() + 1);
    hooks.push((await createWebhook(organization, { url: endpointInbox().url, events: ['*'], ...input })).id);
  }
  // Consumers read it anew.
  vi.setSystemTime(Date.now() + 5_000);
  const post = async (events = 1, extra: Record<string, unknown> = {}) =>
    await consume([aMessage(Array.from({ length: events }, () => anEvent(organization.id, extra)))]);
  return { organization, hooks, post };
}

/** The days on which something was used. */
async function usageOf({ path, admin }: TestOrganization, query = ''): Promise<Record<string, Use>> {
  return used((await expectStatus(admin.get(`${path}/usage${query}`), 200)).body.days);
}

function used(days: ({ day: string } & Use)[]): Record<string, Use> {
  return Object.fromEntries(days.filter(({ deliveries, events }) => deliveries + events > 0).map(({ day, ...each }) => [day, each]));
}

async function platformUse(day = today()): Promise<Use> {
  const { body } = await expectStatus(platform.get(`/platform/usage?from=${day}&to=${day}`), 200);
  return body.totals;
}

const minus = (a: Use, b: Use): Use => use(a.events - b.events, a.deliveries - b.deliveries, a.attempts - b.attempts);

/** A day of the cron, in which each webhook has its turn. */
async function aDayOfSweeps(): Promise<void> {
  const start = Date.now();
  // Each webhook has the turn of its row's number: a few rows, a few sweeps.
  const { last } = (await env.DB.prepare('SELECT max(rowid) AS last FROM webhooks').first<{ last: number | null }>())!;
  const first = TURNS - (Math.floor(start / MINUTE) % TURNS);
  for (let turn = 0; turn < (last ?? 0); turn++) await sweep(env, start + (first + turn) * MINUTE);
}

describe("an organization's usage", () => {
  it('has an event once, however many webhooks it goes to, and each of their deliveries', async () => {
    const { organization, hooks, post } = await given({}, {}, { events: ['visitor.identified'] });
    await post(2);
    for (const hook of hooks) await endedDeliveriesOf(hook, 2);
    expect(await usageOf(organization)).toEqual({ [today()]: use(2, 6) });
  });

  it('has an event that only a later webhook subscribes to, and none that nobody does', async () => {
    const { organization, hooks, post } = await given({ events: ['webhook.*'] }, { events: ['visitor.*'] });
    await post();
    await endedDeliveriesOf(hooks[1]!, 1);
    await post(1, { event: 'company.seen' });
    expect(await usageOf(organization)).toEqual({ [today()]: use(1) });
  });

  it('has an event that comes while its webhook is disabled, which is no attempt; while the plan has no webhooks it has none', async () => {
    const { organization, hooks, post } = await given({ enabled: false });
    await post(2);
    await endedDeliveriesOf(hooks[0]!, 2);
    expect(await usageOf(organization)).toEqual({ [today()]: use(2, 2, 0) });
    await expectStatus(platform.put(organization.path, { name: 'Lower', plan: 'growth' }), 200);
    vi.setSystemTime(Date.now() + 5_000);
    await post(3);
    expect(await usageOf(organization)).toEqual({ [today()]: use(2, 2, 0) });
  });

  it('has events that filters keep back once, whether others get them or nobody does', async () => {
    const { organization, hooks, post } = await given({ filter: LARGE }, { filter: LARGE }, { filter: { ...LARGE, value: 50 } });
    await post(1, { company: { employee_count: 10 } });
    await post(1, { company: { employee_count: 100 } });
    await post(1, { company: { employee_count: 1_000 } });
    await endedDeliveriesOf(hooks[2]!, 2);
    await endedDeliveriesOf(hooks[0]!, 1);
    await endedDeliveriesOf(hooks[1]!, 1);
    expect(await usageOf(organization)).toEqual({ [today()]: use(3, 4) });
  });

  it('has events that ingest does not even queue because every filter keeps them back', async () => {
    const { organization } = await given({ filter: LARGE }, { filter: LARGE });
    const event = (employees: number) => ({
      ...{ event: 'visitor.identified', timestamp: '2026-11-23T10:00:00Z', organization_id: organization.id, session_id: 'ses_1' },
      ...{ visitor: {}, company: { employee_count: employees } },
    });
    await expectStatus(platform.post('/events', event(1)), 202);
    await eventually(async () => (await usageOf(organization))[today()]?.events === 1);
    await expectStatus(platform.post('/events', [event(1), event(2)]), 202);
    await eventually(async () => (await usageOf(organization))[today()]?.events === 3);
    expect(await usageOf(organization)).toEqual({ [today()]: use(3, 0) });
  });

  it('has events that `once` keeps back, in one webhook or in all of them', async () => {
    const once = { per: 'visitor.email', days: 30 };
    const { organization, hooks, post } = await given({ once }, {});
    await post(3);
    await endedDeliveriesOf(hooks[1]!, 3);
    await endedDeliveriesOf(hooks[0]!, 1);
    expect(await usageOf(organization)).toEqual({ [today()]: use(3, 4) });
    const both = await given({ once }, { once });
    await both.post(3);
    for (const hook of both.hooks) await endedDeliveriesOf(hook, 1);
    expect(await usageOf(both.organization)).toEqual({ [today()]: use(3, 2) });
  });

  it('counts a message that the queue brings twice once, and one whose events came in several messages as well', async () => {
    const once = { per: 'visitor.email', days: 30 };
    const { organization, hooks } = await given({ once }, {});
    const events = [anEvent(organization.id), anEvent(organization.id)];
    const message = aMessage(events);
    await consume([message]);
    await consume([message, { ...message, id: 'again', attempts: 2 }]);
    await consume([aMessage(events.slice(1), 2)]);
    await endedDeliveriesOf(hooks[1]!, 2);
    await endedDeliveriesOf(hooks[0]!, 1);
    expect(await usageOf(organization)).toEqual({ [today()]: use(2, 3) });
  });

  it('counts attempts on the day of their event: retries, and days later those by hand', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const { organization, hooks, post } = await given({ url: endpoint.url });
    vi.setSystemTime((Math.floor(Date.now() / DAY) + 1) * DAY - 60_000);
    const accepted = today();
    await post();
    await untilEnded(hooks[0]!);
    expect(today()).not.toBe(accepted);
    expect(await usageOf(organization)).toEqual({ [accepted]: use(1, 1, 4) });
    vi.setSystemTime(Date.now() + 5 * DAY);
    expect(await usageOf(organization)).toEqual({ [accepted]: use(1, 1, 4) });
    const { id } = (await deliveriesOf(hooks[0]!))[0]!;
    await expectStatus(organization.admin.post(`${organization.path}/webhooks/${hooks[0]}/deliveries/${id}/retry`), 202);
    await eventually(async () => (await usageOf(organization))[accepted]?.attempts === 5);
    await aDayOfSweeps();
    expect(await usageOf(organization)).toEqual({ [accepted]: use(1, 1, 5) });
  });

  it('divides days at midnight, by UTC', async () => {
    const { organization, hooks, post } = await given({});
    const midnight = (Math.floor(Date.now() / DAY) + 1) * DAY;
    vi.setSystemTime(midnight - 1);
    await post();
    vi.setSystemTime(midnight);
    await post(2);
    await endedDeliveriesOf(hooks[0]!, 3);
    expect(await usageOf(organization)).toEqual({ [dayText(dayOf(midnight) - 1)]: use(1), [dayText(dayOf(midnight))]: use(2) });
    const day = dayText(dayOf(midnight) - 1);
    expect(await usageOf(organization, `?from=${day}&to=${day}`)).toEqual({ [day]: use(1) });
  });

  it("has neither tests nor the service's own events", async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 410 }]);
    const { organization, hooks, post } = await given(
      { url: endpoint.url, events: ['visitor.identified'] },
      { events: ['webhook.disabled'] },
    );
    await expectStatus(organization.admin.post(`${organization.path}/webhooks/${hooks[1]}/test`), 200);
    await post();
    await endedDeliveriesOf(hooks[0]!, 1);
    await consume([aMessage([anEvent(organization.id, { event: 'webhook.disabled', webhook: { id: hooks[0] } })])]);
    await endedDeliveriesOf(hooks[1]!, 2);
    expect(await usageOf(organization)).toEqual({ [today()]: use(1) });
  });

  it('counts what was stored when its object vanished', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }, { status: 200 }]);
    const { organization, hooks, post } = await given({ url: endpoint.url }, {});
    await post(3);
    await vi.waitUntil(async () => (await deliveriesOf(hooks[0]!)).some(({ attemptCount }) => attemptCount > 0));
    for (const hook of hooks) await vanish(hook);
    await untilEnded(hooks[0]!);
    await endedDeliveriesOf(hooks[1]!, 3);
    const usage = Object.values(await usageOf(organization))[0]!;
    const attempts = (await Promise.all(hooks.map(deliveriesOf))).flat().reduce((sum, each) => sum + each.attemptCount, 0);
    expect(usage).toEqual(use(3, 6, attempts));
  });

  it('goes on to count what a webhook had that is deleted, and its log with it', async () => {
    const { organization, hooks, post } = await given({}, {});
    await post(3);
    for (const hook of hooks) await endedDeliveriesOf(hook, 3);
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${hooks[0]}`), 204);
    await eventually(async () => (await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)) === 0);
    expect(await usageOf(organization)).toEqual({ [today()]: use(3, 6) });
    // Others may bring something by a configuration of seconds ago: it is erased once more, and counted as well.
    vi.setSystemTime(Date.now() + 1);
    await inOutbox(hooks[0]!, async (outbox) => {
      const config = { plan: 'scale', webhook: { ...(await configOf(hooks[1]!)), id: hooks[0] } } as Parameters<typeof outbox.deliver>[0];
      const { id: eventId, payload } = anEvent(organization.id);
      const delivery = {
        id: `dlv_${eventId.slice(4)}ABCDEF`,
        eventId,
        event: 'visitor.identified',
        sessionId: null,
        acceptedAt: Date.now(),
        payload,
      };
      await outbox.deliver(config, [delivery], Date.now());
    });
    await endedDeliveriesOf(hooks[0]!, 1);
    await sweep(env, Date.now() + 121_000);
    expect(await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)).toBe(0);
    expect(await usageOf(organization)).toEqual({ [today()]: use(4, 7) });
    await sweep(env, Date.now() + 181_000);
    expect(await usageOf(organization)).toEqual({ [today()]: use(4, 7) });
  });

  it('is not told again by what comes after the webhook was deleted, though it is of earlier hours', async () => {
    const { organization, hooks, post } = await given({}, {});
    await post(3);
    for (const hook of hooks) await endedDeliveriesOf(hook, 3);
    vi.setSystemTime(Date.now() + 3 * HOUR);
    // In one object: it has counted these hours, and remembers them.
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${hooks[0]}`), 204);
    await eventually(async () => (await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)) === 0);
    expect(await usageOf(organization)).toEqual({ [today()]: use(3, 6) });
    vi.setSystemTime(Date.now() + 1);
    const config = { plan: 'scale', webhook: { ...(await configOf(hooks[1]!)), id: hooks[0]! } } as unknown as OutboxConfig;
    await outboxOf(hooks[0]!).deliver(config, [{ ...newDelivery(hooks[0]!), acceptedAt: Date.now() }], Date.now());
    await endedDeliveriesOf(hooks[0]!, 1);
    await sweep(env, Date.now() + 121_000);
    expect(await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)).toBe(0);
    expect(await usageOf(organization)).toEqual({ [today()]: use(4, 7) });
  });

  it('is kept though D1 cannot be told of it when the webhook is deleted; the log is erased all the same', async () => {
    const { organization, hooks, post } = await given({}, {});
    await post(2);
    for (const hook of hooks) await endedDeliveriesOf(hook, 2);
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const tell = vi.spyOn(UntoldUse.prototype, 'tell').mockResolvedValue(false);
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${hooks[0]}`), 204);
    await eventually(async () => tell.mock.calls.length > 0 && (await deliveriesOf(hooks[0]!)).length === 0);
    expect(await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].map(([key]) => key))).toEqual(['untoldUse']);
    tell.mockRestore();
    error.mockRestore();
    expect(await usageOf(organization)).toEqual({ [today()]: use(0, 2) });
    await sweep(env, Date.now() + 121_000);
    expect(await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)).toBe(0);
    expect(await usageOf(organization)).toEqual({ [today()]: use(2, 4) });
  });

  it('is not erased before it is counted', async () => {
    const { organization, hooks, post } = await given({});
    await post();
    await endedDeliveriesOf(hooks[0]!, 1);
    await aDayOfSweeps();
    await post();
    await endedDeliveriesOf(hooks[0]!, 2);
    // A log that takes more than one call's time.
    const since = vi.spyOn(OutboxUsage.prototype, 'since').mockResolvedValueOnce(null).mockResolvedValueOnce(null);
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${hooks[0]}`), 204);
    await eventually(async () => (await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)) === 0);
    expect(since.mock.calls.length).toBeGreaterThan(2);
    expect(await usageOf(organization)).toEqual({ [today()]: use(2) });
  });

  it('has what was recorded while D1 was told of the rest', async () => {
    const { organization, hooks, post } = await given({}, {});
    await post();
    for (const hook of hooks) await endedDeliveriesOf(hook, 1);
    const config = { plan: 'scale', webhook: { ...(await configOf(hooks[1]!)), id: hooks[0]! } } as unknown as OutboxConfig;
    const tell = UntoldUse.prototype.tell;
    const told = vi.spyOn(UntoldUse.prototype, 'tell').mockImplementation(async function (this: UntoldUse, untold) {
      const isTold = await tell.call(this, untold);
      if (told.mock.calls.length > 1) return isTold;
      await outboxOf(hooks[0]!).deliver(config, [{ ...newDelivery(hooks[0]!), acceptedAt: Date.now() }], Date.now());
      await endedDeliveriesOf(hooks[0]!, 2);
      return isTold;
    });
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${hooks[0]}`), 204);
    await eventually(async () => (await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)) === 0);
    expect(told.mock.calls.length).toBe(2);
    expect(await usageOf(organization)).toEqual({ [today()]: use(2, 3) });
  });

  it('that takes for ever to count does not keep what is deleted from being erased', async () => {
    const { organization, hooks, post } = await given({});
    await post();
    await endedDeliveriesOf(hooks[0]!, 1);
    await aDayOfSweeps();
    await post();
    await endedDeliveriesOf(hooks[0]!, 2);
    const warning = vi.spyOn(console, 'warn').mockImplementation(() => {});
    vi.spyOn(OutboxUsage.prototype, 'since').mockImplementation(async () => {
      vi.setSystemTime(Date.now() + 8_000);
      return null;
    });
    await expectStatus(organization.admin.delete(`${organization.path}/webhooks/${hooks[0]}`), 204);
    await eventually(async () => (await inOutbox(hooks[0]!, (_, { kv }) => [...kv.list()].length)) === 0);
    expect(warning.mock.calls.map(([line]) => JSON.parse(line).event)).toContain('outbox.use_not_counted');
    vi.restoreAllMocks();
    // What the cron had collected.
    expect(await usageOf(organization)).toEqual({ [today()]: use(1) });
  });

  it('is kept for longer than deliveries are, and for 400 days', async () => {
    const { organization, hooks, post } = await given({}, {});
    const accepted = today();
    await post(2);
    for (const hook of hooks) await endedDeliveriesOf(hook, 2);
    for (const days of [1, 20, 31, 40]) {
      vi.setSystemTime(Date.parse(accepted) + days * DAY + DAY / 2);
      for (const hook of hooks) await inOutbox(hook, async (outbox) => await outbox.alarm());
      await aDayOfSweeps();
    }
    for (const hook of hooks) expect(await deliveriesOf(hook)).toEqual([]);
    expect(await usageOf(organization, `?from=${accepted}`)).toEqual({ [accepted]: use(2, 4) });
    // What outboxes have told of it is not kept any more: it is final.
    expect(await databaseOf(env.DB).select().from(usageTold)).toEqual([]);
    vi.setSystemTime(Date.parse(accepted) + 399 * DAY + DAY / 2);
    await sweep(env, Math.ceil(Date.now() / (60 * MINUTE)) * 60 * MINUTE);
    expect(await usageOf(organization, `?from=${accepted}`)).toEqual({ [accepted]: use(2, 4) });
    vi.setSystemTime(Date.now() + DAY);
    await sweep(env, Math.ceil(Date.now() / (60 * MINUTE)) * 60 * MINUTE);
    expect(await usageOf(organization, `?from=${accepted}&to=${accepted}`)).toEqual({});
  });
});

/** A webhook's configuration, as an outbox gets it. */
async function configOf(webhook: string) {
  const row = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook)).get();
  return { ...row, choices: null };
}

describe('asking for usage', () => {
  it('answers with each of the last 30 days, those without any as well, with totals and the quota', async () => {
    const { organization, hooks, post } = await given({});
    await post(2);
    await endedDeliveriesOf(hooks[0]!, 2);
    const { body } = await expectStatus(organization.admin.get(`${organization.path}/usage`), 200);
    expect(body).toMatchObject({ from: daysAgo(29), to: today(), totals: use(2) });
    expect(body.days).toHaveLength(30);
    expect(body.days[0]).toEqual({ day: daysAgo(29), ...NONE });
    expect(body.days.at(-1)).toEqual({ day: today(), ...use(2) });
    expect(body.quota).toEqual({ plan: 'scale', eventsPerDay: null, webhooks: 20, keptDays: 30 });
  });

  it('can be as CSV, as far back as it is kept', async () => {
    const { organization, hooks, post } = await given({});
    await post(2);
    await endedDeliveriesOf(hooks[0]!, 2);
    const { body } = await expectStatus(organization.admin.get(`${organization.path}/usage/export`), 200);
    const lines = body.trim().split('\r\n');
    expect(lines).toHaveLength(401);
    expect(lines[1]).toBe(`${daysAgo(399)},0,0,0`);
    expect(lines.at(-1)).toBe(`${today()},2,2,2`);
    const short = await expectStatus(organization.admin.get(`${organization.path}/usage/export?from=${today()}`), 200);
    expect(short.body).toBe(`Day (UTC),Events,Deliveries,Attempts\r\n${today()},2,2,2\r\n`);
  });

  it.each([
    ['from=2027-02-30', 'from'],
    ['to=yesterday', 'to'],
    ['from=2027-01-02&to=2027-01-01', 'from'],
    ['from=2025-01-01&to=2026-12-31', 'from'],
    ['day=2027-01-01', 'day'],
  ])('is refused with %s', async (query, field) => {
    const { organization } = await given();
    for (const path of [`${organization.path}/usage`, '/platform/usage']) {
      expect(await platform.get(`${path}?${query}`)).toMatchObject({ status: 422, body: { details: { field } } });
    }
  });

  it('needs a key of the organization, or of the platform; of all organizations the latter', async () => {
    const [own, other] = [await given(), await given()];
    const reader = client(await createKey(own.organization.id, ['read']));
    const path = `${own.organization.path}/usage`;
    for (const each of [path, `${path}/export`]) {
      expect((await reader.get(each)).status).toBe(200);
      expect((await platform.get(each)).status).toBe(200);
      expect((await other.organization.admin.get(each)).status).toBe(404);
    }
    expect((await client(undefined).get(path)).status).toBe(401);
    expect((await client(await createProducerKey()).get(path)).status).toBe(403);
    expect((await platform.get('/organization/org_nobody/usage')).status).toBe(404);
    expect((await own.organization.admin.get('/platform/usage')).status).toBe(403);
    expect((await client(await createProducerKey()).get('/platform/usage')).status).toBe(403);
  });

  it('is told to come back while a log is still being counted', async () => {
    const { organization } = await given({});
    vi.spyOn(OutboxUsage.prototype, 'since').mockResolvedValue(null);
    const answer = await organization.admin.get(`${organization.path}/usage`);
    expect(answer).toMatchObject({ status: 503, body: { code: 'outbox_unavailable' } });
    expect(answer.headers.get('Retry-After')).toBe('5');
  });
});

/** Webhooks that nothing ever came for. */
async function addWebhooks({ id }: TestOrganization, count: number): Promise<void> {
  const now = Date.now();
  await env.DB.prepare(
    `INSERT INTO webhooks (id, organization_id, url, events, enabled, health, health_since, fresh_since, format, created_at, updated_at)
     SELECT value, ?2, 'https://x.example.com', '[]', 1, 'healthy', 0, 0, 'event', 0, 0 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(Array.from({ length: count }, () => mintId('webhook', now))), id)
    .run();
}

async function removeWebhooks(): Promise<void> {
  await env.DB.prepare("DELETE FROM webhooks WHERE url = 'https://x.example.com'").run();
}

describe('the usage of all organizations', () => {
  it('is that of each together, and stays when one of them is deleted', async () => {
    const before = await platformUse();
    const [one, other] = [await given({}, {}), await given({})];
    await one.post(2);
    await other.post();
    for (const hook of one.hooks) await endedDeliveriesOf(hook, 2);
    await endedDeliveriesOf(other.hooks[0]!, 1);
    expect(minus(await platformUse(), before)).toEqual(use(3, 5));
    await aDayOfSweeps();
    await aDayOfSweeps();
    expect(minus(await platformUse(), before)).toEqual(use(3, 5));
    await one.post();
    for (const hook of one.hooks) await endedDeliveriesOf(hook, 3);
    await expectStatus(platform.delete(one.organization.path), 204);
    for (const hook of one.hooks) await eventually(async () => (await inOutbox(hook, (_, { kv }) => [...kv.list()].length)) === 0);
    expect(minus(await platformUse(), before)).toEqual(use(4, 7));
    expect((await platform.get(`${one.organization.path}/usage`)).status).toBe(404);
    const { results } = await env.DB.prepare('SELECT * FROM usage WHERE organization_id = ?').bind(one.organization.id).all();
    expect(results).toEqual([]);
    // Somebody new with its id has nothing of it.
    await expectStatus(platform.put(one.organization.path, { name: 'Anew', plan: 'scale' }), 201);
    expect((await platform.get(`${one.organization.path}/usage`)).body.totals).toEqual(NONE);
  });

  it('is complete as it stands while outboxes answer; else up to the last day that the cron has collected', async () => {
    const { hooks, post } = await given({});
    await post();
    await endedDeliveriesOf(hooks[0]!, 1);
    // Others have deleted webhooks before, whose outboxes are still to be erased once more.
    await sweep(env, Date.now() + 5 * MINUTE);
    expect((await platform.get('/platform/usage')).body.completeThrough).toBe(today());
    const deleted = await given({});
    await expectStatus(deleted.organization.admin.delete(`${deleted.organization.path}/webhooks/${deleted.hooks[0]}`), 204);
    expect((await platform.get('/platform/usage')).body.completeThrough).toBe(daysAgo(2));
    await sweep(env, Date.now() + 5 * MINUTE);
    expect((await platform.get('/platform/usage')).body.completeThrough).toBe(today());
    vi.spyOn(OutboxUsage.prototype, 'since').mockRejectedValue(new Error('silent'));
    expect((await platform.get('/platform/usage')).body.completeThrough).toBe(daysAgo(2));
  });

  it('does not wait for outboxes beyond 20 s: what is not asked by then is told as the cron collected it', async () => {
    const { organization } = await given({});
    await addWebhooks(organization, 100);
    const since = vi.spyOn(OutboxUsage.prototype, 'since').mockImplementation(async () => {
      vi.setSystemTime(Date.now() + 11_000);
      return { source: null, days: new Map() };
    });
    expect((await platform.get('/platform/usage')).body.completeThrough).toBe(daysAgo(2));
    expect(since.mock.calls.length).toBeLessThan(50);
    await removeWebhooks();
  });

  it('asks no outboxes where there are many', async () => {
    const { organization, hooks, post } = await given({});
    await post();
    await endedDeliveriesOf(hooks[0]!, 1);
    await aDayOfSweeps();
    const collected = await platformUse();
    await post();
    await endedDeliveriesOf(hooks[0]!, 2);
    await addWebhooks(organization, 500);
    const { body } = await platform.get(`/platform/usage?from=${today()}`);
    expect(body).toMatchObject({ completeThrough: daysAgo(2), totals: collected });
    await removeWebhooks();
    expect(minus(await platformUse(), collected)).toEqual(use(1));
  });
});

describe('what the cron collects', () => {
  it('costs rows only where something has changed', async () => {
    const { organization, hooks, post } = await given({});
    await post();
    await endedDeliveriesOf(hooks[0]!, 1);
    const collect = async () => {
      const writes: number[] = [];
      const metered = new Proxy(env.DB, {
        get: (d1, name) =>
          name === 'batch'
            ? async (statements: D1PreparedStatement[]) => {
                const results = await d1.batch(statements);
                writes.push(...results.map(({ meta }) => meta.rows_written));
                return results;
              }
            : typeof d1[name as keyof D1Database] === 'function'
              ? (d1[name as keyof D1Database] as (...given: unknown[]) => unknown).bind(d1)
              : d1[name as keyof D1Database],
      });
      await collectUse({ ...env, DB: metered } as Env, [{ webhookId: hooks[0]!, organizationId: organization.id }], Date.now());
      return writes.reduce((sum, each) => sum + each, 0);
    };
    const first = await collect();
    expect(first).toBeGreaterThan(0);
    expect(await collect()).toBe(0);
    await post();
    await endedDeliveriesOf(hooks[0]!, 2);
    // Three rows that are there already: of the organization, of all, and of what was told.
    expect(await collect()).toBe(3);
    // docs/usage.md: some ten for each webhook and day. A day is told when it is under way and once it is over, and what was told is dropped later.
    expect(first + 3 + 3).toBeLessThanOrEqual(12);
  });

  it('is no less though an answer comes late', async () => {
    const { organization, hooks, post } = await given({});
    await post(2);
    await endedDeliveriesOf(hooks[0]!, 2);
    const asked = [{ webhookId: hooks[0]!, organizationId: organization.id }];
    await collectUse(env, asked, Date.now());
    const since = OutboxUsage.prototype.since;
    vi.spyOn(OutboxUsage.prototype, 'since').mockImplementationOnce(async function (this: OutboxUsage, ...given) {
      const { source } = (await since.apply(this, given))!;
      return { source, days: new Map([[dayOf(Date.now()), use(1)]]) };
    });
    await collectUse(env, asked, Date.now());
    expect(await usageOf(organization)).toEqual({ [today()]: use(2) });
  });

  it('is of a log that takes more than one call as well: it is asked on at once', async () => {
    const { organization, hooks, post } = await given({});
    await post(2);
    await endedDeliveriesOf(hooks[0]!, 2);
    vi.spyOn(OutboxUsage.prototype, 'since').mockResolvedValueOnce(null).mockResolvedValueOnce(null);
    await collectUse(env, [{ webhookId: hooks[0]!, organizationId: organization.id }], Date.now());
    const { results } = await env.DB.prepare('SELECT deliveries FROM usage WHERE organization_id = ?').bind(organization.id).all();
    expect(results).toEqual([{ deliveries: 2 }]);
  });

  it('is told once more where D1 did not take it', async () => {
    const { organization, hooks, post } = await given({});
    await post(2);
    await endedDeliveriesOf(hooks[0]!, 2);
    let batches = 0;
    const faulty = new Proxy(env.DB, {
      get: (d1, name) => {
        if (name === 'batch' && batches++ === 0) throw new Error('D1 is busy');
        const value = d1[name as keyof D1Database];
        return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(d1) : value;
      },
    });
    await collectUse({ ...env, DB: faulty } as Env, [{ webhookId: hooks[0]!, organizationId: organization.id }], Date.now());
    const { results } = await env.DB.prepare('SELECT deliveries FROM usage WHERE organization_id = ?').bind(organization.id).all();
    expect(results).toEqual([{ deliveries: 2 }]);
  });

  it('goes on where one outbox does not answer, or is still counting', async () => {
    const { organization, hooks, post } = await given({}, {});
    await post(2);
    for (const hook of hooks) await endedDeliveriesOf(hook, 2);
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const since = OutboxUsage.prototype.since;
    let first: OutboxUsage | null = null;
    vi.spyOn(OutboxUsage.prototype, 'since').mockImplementation(async function (this: OutboxUsage, ...given) {
      first ??= this;
      return this === first ? null : await since.apply(this, given);
    });
    await collectUse(
      env,
      hooks.map((webhookId) => ({ webhookId, organizationId: organization.id })),
      Date.now(),
    );
    expect(error.mock.calls.map(([line]) => JSON.parse(line).event)).toEqual(['usage.not_collected']);
    const { results } = await env.DB.prepare('SELECT deliveries FROM usage WHERE organization_id = ?').bind(organization.id).all();
    expect(results).toEqual([{ deliveries: 2 }]);
    vi.restoreAllMocks();
    expect(await usageOf(organization)).toEqual({ [today()]: use(2, 4) });
  });
});

describe('quotas', () => {
  const QUOTAS = '{"scale":{"webhooks":2,"eventsPerDay":10,"keptDays":7}}';
  const withQuotas = { ...env, QUOTAS } as Env;

  async function request(method: string, path: string, json?: unknown) {
    const ctx = createExecutionContext();
    const body = json === undefined ? undefined : JSON.stringify(json);
    const headers = { 'X-API-Key': PLATFORM_KEY, ...(json !== undefined && { 'Content-Type': 'application/json' }) };
    const asked = new Request(`${ORIGIN}/api/v1${path}`, { method, headers, body }) as Parameters<typeof worker.fetch>[0];
    const response = await worker.fetch(asked, withQuotas, ctx);
    const answer = { status: response.status, body: (await response.json()) as Record<string, unknown> };
    await waitOnExecutionContext(ctx);
    return answer;
  }

  it('of webhooks refuse a further one, and leave those that are there alone', async () => {
    const { organization, hooks } = await given({}, {}, {});
    const input = { url: 'https://hooks.example.com/in', events: ['*'] };
    expect(await request('POST', `${organization.path}/webhooks`, input)).toMatchObject({
      status: 403,
      body: { code: 'webhook_quota_reached', details: { plan: 'scale', limit: 2 } },
    });
    expect((await request('PATCH', `${organization.path}/webhooks/${hooks[2]}`, { description: 'stays' })).status).toBe(200);
    const another = await given({});
    expect((await request('POST', `${another.organization.path}/webhooks`, input)).status).toBe(201);
    expect((await request('POST', `${another.organization.path}/webhooks`, input)).status).toBe(403);
    await expectStatus(platform.put(another.organization.path, { name: 'Higher', plan: 'enterprise' }), 200);
    expect((await request('POST', `${another.organization.path}/webhooks`, input)).status).toBe(201);
  });

  it('are in the answer', async () => {
    const { organization } = await given();
    const { body } = await request('GET', `${organization.path}/usage`);
    expect(body.quota).toEqual({ plan: 'scale', eventsPerDay: 10, webhooks: 2, keptDays: 7 });
  });

  it('of events are told in the log when they come near and when they are reached, once each; and nothing is dropped', async () => {
    const { organization, hooks, post } = await given({});
    const told: unknown[] = [];
    vi.spyOn(console, 'warn').mockImplementation((line) => {
      const { event, day, events, quota, organization: whose } = JSON.parse(line);
      if (whose === organization.id) told.push([event, day, events, quota]);
    });
    const collect = async () => await collectUse(withQuotas, [{ webhookId: hooks[0]!, organizationId: organization.id }], Date.now());
    let posted = 0;
    for (const events of [7, 1, 1, 3, 5]) {
      await post(events);
      posted += events;
      await endedDeliveriesOf(hooks[0]!, posted);
      await collect();
      await collect();
    }
    expect(told).toEqual([
      ['usage.quota_near', today(), 8, 10],
      ['usage.quota_reached', today(), 12, 10],
    ]);
    expect(await deliveriesOf(hooks[0]!)).toHaveLength(17);
    expect((await deliveriesOf(hooks[0]!)).every(({ status }) => status === 'delivered')).toBe(true);
  });

  it('that cannot be read fail every request, and the log says which setting it is', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const ctx = createExecutionContext();
    const asked = new Request(`${ORIGIN}/health`) as Parameters<typeof worker.fetch>[0];
    const response = await worker.fetch(asked, { ...env, QUOTAS: '{"gold":{}}' } as Env, ctx).catch((thrown) => thrown);
    await waitOnExecutionContext(ctx);
    expect(response instanceof Response ? response.status : 500).toBeGreaterThanOrEqual(500);
    const said = response instanceof Error ? response.message : error.mock.calls.flat().join();
    expect(said).toContain('QUOTAS: there is no plan');
  });
});
