import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { readWebhook } from '../../src/db/configuration.ts';
import { webhooks } from '../../src/db/schema.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
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
  runAlarm,
} from '../support/deliveries.ts';
import { deliver, findDelivery, newDeliveries, newDelivery } from '../support/outbox.ts';

const MINUTE = 60_000;

driveDate();

function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

async function inDatabase(webhook: string) {
  const [row] = await databaseOf(env.DB).select().from(webhooks).where(eq(webhooks.id, webhook));
  return row!;
}

/** A webhook whose endpoint is down, with `count` deliveries of which enough have failed to open its circuit. */
async function givenOpenCircuit(count = 5) {
  const endpoint = endpointInbox();
  await endpoint.script([{ status: 503 }]);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url });
  await consume([aMessage(Array.from({ length: count }, () => anEvent(organization)))]);
  while ((await outboxOf(webhook).status()).health !== 'open') {
    passTime(2 * MINUTE);
    await runAlarm(webhook);
  }
  // D1 learns of it by the same alarm.
  expect((await inDatabase(webhook)).health).toBe('open');
  return { endpoint, organization, webhook };
}

describe('a webhook whose endpoint keeps failing', () => {
  it('is failing after three failures in a row, and D1 learns it', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 500 }]);
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url });
    await consume([aMessage([anEvent(organization), anEvent(organization), anEvent(organization)])]);
    await runAlarm(webhook);
    await vi.waitFor(async () => expect(await inDatabase(webhook)).toMatchObject({ health: 'failing' }));
    expect((await readWebhook(env.DB, webhook))?.webhook.healthSince).toBe((await outboxOf(webhook).status()).since);
  });

  it('opens its circuit: deliveries are held with the retries they have, and one at a time is a probe, at growing intervals', async () => {
    const { endpoint, organization, webhook } = await givenOpenCircuit();
    const before = (await endpoint.requests()).length;
    await consume([aMessage(Array.from({ length: 8 }, () => anEvent(organization)))]);
    expect(await endpoint.requests()).toHaveLength(before);

    const waits: number[] = [];
    for (let probe = 1; probe <= 6; probe++) {
      const { nextProbeAt } = await outboxOf(webhook).status();
      waits.push(Math.round((nextProbeAt! - Date.now()) / 1_000));
      vi.setSystemTime(nextProbeAt! - 1);
      await runAlarm(webhook);
      expect(await endpoint.requests()).toHaveLength(before + probe - 1);
      vi.setSystemTime(nextProbeAt!);
      await runAlarm(webhook);
      expect(await endpoint.requests()).toHaveLength(before + probe);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600]);
    const details = await Promise.all((await deliveriesOf(webhook)).map(({ id }) => outboxOf(webhook).find(id)));
    const probes = details.flatMap((detail) => detail!.attempts).filter(({ trigger }) => trigger === 'probe');
    expect(probes).toHaveLength(6);
    // The newest that were never attempted are probed; the others keep the retries they have.
    const held = details.slice(0, 8).map((detail) => detail!.attempts.map(({ trigger }) => trigger));
    expect(held).toEqual([...Array(6).fill(['probe']), [], []]);
  });

  it('is probed with the newest where all of them have been attempted', async () => {
    const { webhook } = await givenOpenCircuit();
    vi.setSystemTime((await outboxOf(webhook).status()).nextProbeAt! + 10 * MINUTE);
    await runAlarm(webhook);
    const details = await Promise.all((await deliveriesOf(webhook)).map(({ id }) => outboxOf(webhook).find(id)));
    const probed = details.filter((detail) => detail!.attempts.some(({ trigger }) => trigger === 'probe'));
    expect(probed.map((detail) => detail!.id)).toEqual([details[0]!.id]);
  });

  it('is not held up by records that it rejects while it acknowledges others: no circuit opens', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200 }, { status: 422 }]);
    const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
    await deliver(webhook, newDelivery(webhook));
    await deliver(webhook, ...newDeliveries(webhook, 30));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'healthy' });
    expect((await deliveriesOf(webhook)).filter(({ lastResponseStatus }) => lastResponseStatus === 422)).toHaveLength(30);
    await endpoint.script([{ status: 200 }]);
    const next = newDelivery(webhook);
    await deliver(webhook, next);
    expect(await findDelivery(webhook, next.id)).toMatchObject({ status: 'delivered' });
  });

  it('is open where it rejects everything, for more than an hour after it acknowledged anything', async () => {
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200 }, { status: 422 }]);
    const webhook = await givenWebhook(await givenOrganization(), { url: endpoint.url });
    await deliver(webhook, newDelivery(webhook));
    passTime(61 * MINUTE);
    await deliver(webhook, ...newDeliveries(webhook, 12));
    expect(await outboxOf(webhook).status()).toMatchObject({ health: 'open' });
  });

  it('closes it when a probe succeeds: everything held is delivered, and the webhook is healthy again', async () => {
    const { endpoint, organization, webhook } = await givenOpenCircuit();
    await consume([aMessage(Array.from({ length: 6 }, () => anEvent(organization)))]);
    const held = (await deliveriesOf(webhook)).filter(({ finishedAt }) => finishedAt === null);
    await endpoint.script([{ status: 200 }]);

    vi.setSystemTime((await outboxOf(webhook).status()).nextProbeAt!);
    await runAlarm(webhook);
    // What is scheduled for later goes on by its schedule.
    while ((await deliveriesOf(webhook)).some(({ finishedAt }) => finishedAt === null)) {
      passTime(40 * MINUTE);
      await runAlarm(webhook);
    }

    const after = await deliveriesOf(webhook);
    expect(held.map(({ id }) => after.find((delivery) => delivery.id === id)?.status)).toEqual(held.map(() => 'delivered'));
    expect((await outboxOf(webhook).status()).health).toBe('healthy');
    expect((await inDatabase(webhook)).health).toBe('healthy');
  });

  it('says so in the API: its health, since when, and when the next probe goes out', async () => {
    const { organization, webhook } = await givenOpenCircuit();
    const { since, nextProbeAt } = await outboxOf(webhook).status();
    expect(await platform.get(`/organization/${organization}/webhooks/${webhook}`)).toMatchObject({
      status: 200,
      body: { health: 'open', healthSince: new Date(since).toISOString(), nextProbeAt: new Date(nextProbeAt!).toISOString() },
    });
  });

  it('is attempted at once where its owner has mended it, without waiting for the next probe', async () => {
    const { organization, webhook } = await givenOpenCircuit();
    await consume([aMessage([anEvent(organization)])]);
    const mended = endpointInbox();
    passTime(1_000);

    const { body } = await platform.patch(`/organization/${organization}/webhooks/${webhook}`, { url: mended.url });
    expect(body).toMatchObject({ health: 'healthy', url: mended.url });
    // The change tells the outbox, once it is answered.
    await vi.waitFor(async () => expect(await alarmOf(webhook)).toBeLessThanOrEqual(Date.now() + 1));
    await runAlarm(webhook);

    expect(await mended.requests()).toHaveLength(1);
    expect((await outboxOf(webhook).status()).health).toBe('healthy');
  });

  describe('and that is not to be delivered to any more, while its circuit is open and the next probe is far', () => {
    /** With deliveries that are held, and others that are scheduled for before the next probe. */
    async function givenFarProbe() {
      const given = await givenOpenCircuit();
      const aHundred = () => aMessage(Array.from({ length: 100 }, () => anEvent(given.organization)));
      await consume([aHundred(), aHundred()]);
      for (let probe = 1; probe <= 6; probe++) {
        vi.setSystemTime((await outboxOf(given.webhook).status()).nextProbeAt!);
        await runAlarm(given.webhook);
      }
      const { nextProbeAt } = await outboxOf(given.webhook).status();
      expect(nextProbeAt! - Date.now()).toBeGreaterThan(9 * MINUTE);
      return { ...given, nextProbeAt: nextProbeAt! };
    }

    const waitingOf = async (webhook: string) => {
      const { deliveries } = await outboxOf(webhook).list({}, 400, null);
      return deliveries.filter(({ finishedAt }) => finishedAt === null);
    };

    it.each<[string, object, (path: string, organization: string) => Promise<unknown>]>([
      ['because its owner has paused it', { reason: 'webhook_disabled' }, (path) => platform.patch(path, { enabled: false })],
      [
        'because the plan does not include webhooks',
        { reason: 'plan_not_eligible' },
        (_, organization) => platform.put(`/organization/${organization}`, { name: 'Acme', plan: 'growth' }),
      ],
    ])('discards what it holds at once, and the rest when it falls due: %s', async (_why, ended, change) => {
      const { endpoint, organization, webhook, nextProbeAt } = await givenFarProbe();
      const before = (await endpoint.requests()).length;
      const dueTimes = (await waitingOf(webhook)).map(({ nextAttemptAt }) => nextAttemptAt!);
      await change(`/organization/${organization}/webhooks/${webhook}`, organization);
      await vi.waitFor(async () => expect(await alarmOf(webhook)).toBeLessThanOrEqual(Date.now() + 1));
      const held = dueTimes.filter((at) => at <= Date.now()).length;
      expect(held).toBeGreaterThan(150);
      expect(held).toBeLessThan(dueTimes.length);
      await runAlarm(webhook);
      expect(await waitingOf(webhook)).toHaveLength(dueTimes.length - held);
      while ((await waitingOf(webhook)).length > 0) {
        const [first] = (await waitingOf(webhook)).map(({ nextAttemptAt }) => nextAttemptAt!).toSorted((a, b) => a - b);
        expect(await alarmOf(webhook)).toBe(first);
        vi.setSystemTime(first!);
        await runAlarm(webhook);
      }
      expect(Date.now()).toBeLessThan(Math.max(nextProbeAt, ...dueTimes) + 1);
      expect((await deliveriesOf(webhook))[0]).toMatchObject({ status: 'discarded', ...ended });
      expect(await endpoint.requests()).toHaveLength(before);
    });

    it('discards what it holds at once where a probe has met 410', async () => {
      const { endpoint, webhook, nextProbeAt } = await givenFarProbe();
      await endpoint.script([{ status: 410 }]);
      vi.setSystemTime(nextProbeAt);
      await runAlarm(webhook);
      const probed = (await outboxOf(webhook).list({}, 400, null)).deliveries.filter(({ reason }) => reason === 'endpoint_gone');
      expect(probed).toHaveLength(1);
      expect((await waitingOf(webhook)).filter(({ nextAttemptAt }) => nextAttemptAt! <= Date.now())).toEqual([]);
    });

    it('holds it again once it is, for as long as the endpoint does not answer', async () => {
      const { endpoint, organization, webhook } = await givenFarProbe();
      await platform.put(`/organization/${organization}`, { name: 'Acme', plan: 'growth' });
      await vi.waitFor(async () => expect(await alarmOf(webhook)).toBeLessThanOrEqual(Date.now() + 1));
      await runAlarm(webhook);
      await platform.put(`/organization/${organization}`, { name: 'Acme', plan: 'scale' });
      passTime(5_000);
      const before = (await endpoint.requests()).length;
      await consume([aMessage([anEvent(organization)])]);
      await runAlarm(webhook);
      expect((await deliveriesOf(webhook))[0]).toMatchObject({ status: 'pending', attemptCount: 0 });
      expect(await alarmOf(webhook)).toBe((await outboxOf(webhook).status()).nextProbeAt);
      expect(await endpoint.requests()).toHaveLength(before);
    });
  });

  it('fails what has been held for three days as expired', async () => {
    const { organization, webhook } = await givenOpenCircuit();
    await consume([aMessage([anEvent(organization)])]);
    const [held] = await deliveriesOf(webhook);
    passTime(3 * 24 * 60 * MINUTE);
    await runAlarm(webhook);
    expect(await outboxOf(webhook).find(held!.id)).toMatchObject({ status: 'failed', reason: 'expired', attemptCount: 0 });
    expect((await deliveriesOf(webhook)).every(({ finishedAt }) => finishedAt !== null)).toBe(true);
  });
});

describe('a webhook whose owner has set a pace', () => {
  it('is attempted no faster than that', async () => {
    const endpoint = endpointInbox();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url, maxPerSecond: 20 });
    vi.useRealTimers();
    await consume([aMessage(Array.from({ length: 10 }, () => anEvent(organization)))]);
    const received = await endpoint.arrived(10);
    // Ten attempts begin over at least nine intervals of 50 ms; a slow machine only makes it longer.
    const details = await Promise.all((await deliveriesOf(webhook)).map(({ id }) => outboxOf(webhook).find(id)));
    const starts = details.map((detail) => detail!.attempts[0]?.startedAt ?? Number.NaN).toSorted((a, b) => a - b);
    expect(starts[9]! - starts[0]!).toBeGreaterThanOrEqual(8 * 50);
    expect(received).toHaveLength(10);
  });
});
