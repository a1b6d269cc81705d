import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { databaseOf } from '../../../src/db/client.ts';
import { alertAddresses, alerts } from '../../../src/db/schema.ts';
import { driveDate } from '../../support/clock.ts';
import { alarmOf, endpointInbox, givenOrganization, givenWebhook, outboxOf, runAlarm, untilEnded } from '../../support/deliveries.ts';
import { aMailbox, givenAddress, linkIn } from '../../support/mails.ts';
import { deliver, inOutbox, newDelivery, vanish } from '../../support/outbox.ts';
import type { Inbox } from '../../support/receiver.ts';

const MINUTE = 60_000;
const MAIL_EVERY_MS = 60 * MINUTE;
const ADA = 'ada@example.com';
const GRACE = 'grace@example.com';

driveDate();
const mailbox = aMailbox();

let endpoint: Inbox;
let organization: string;
let webhook: string;
beforeEach(async () => {
  endpoint = endpointInbox();
  organization = await givenOrganization();
  webhook = await givenWebhook(organization, { url: endpoint.url, description: 'CRM' });
});

/** It works, and from then on fails for good. */
async function outage(): Promise<void> {
  await endpoint.script([{ status: 200 }, { status: 500 }]);
  await deliver(webhook, newDelivery(webhook));
  await failForGood();
}

async function failForGood(): Promise<void> {
  await deliver(webhook, newDelivery(webhook));
  await untilEnded(webhook, 31 * MINUTE);
  await alarm();
}

/** It works, so that the outage is over. */
async function recovery(): Promise<void> {
  await endpoint.script([{ status: 200 }]);
  await deliver(webhook, newDelivery(webhook));
  await untilEnded(webhook, MINUTE);
  await alarm();
}

/** What the outbox does when its alarm fires. */
const alarm = () => inOutbox(webhook, (outbox) => outbox.alarm());
interface State {
  waiting: unknown[];
  current: object | null;
  lastAt: number | null;
  dueAt: number | null;
}
/** What the outbox has still to mail. */
const stateOf = () => inOutbox(webhook, (_, { kv }) => kv.get<State>('alerts')!);
const subjects = () => mailbox.sent.map(({ subject }) => subject.replace(/(\d{4}-\d\d-\d\d )?\d\d:\d\d UTC/, 'TIME'));
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

const FAILED = 'Bullseye: webhook CRM has failed since TIME';
const WORKS = 'Bullseye: webhook CRM works again';

describe('a mail about a webhook', () => {
  it('is sent to each confirmed address, one by one, with the headers that end it with one click', async () => {
    const ada = await givenAddress(organization, ADA);
    await givenAddress(organization, GRACE);
    await databaseOf(env.DB)
      .insert(alertAddresses)
      .values({ organizationId: organization, address: 'eve@example.com', token: `eve-${organization}`, createdAt: 1 });
    await outage();
    expect(mailbox.sent.map(({ to }) => to)).toEqual([ADA, GRACE]);
    const [mail] = mailbox.sentTo(ADA);
    expect(subjects()).toEqual([FAILED, FAILED]);
    expect(mail!.from).toEqual({ email: 'alerts@bullseye.example', name: 'Bullseye' });
    const end = linkIn(mail!, 'End these mails');
    expect(end).toBe(`https://webhooks.bullseye.example/settings/integrations/webhooks/alerts/end/${ada.token}`);
    expect(mail!.headers).toEqual({
      'Auto-Submitted': 'auto-generated',
      'List-Unsubscribe': `<${end}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    });
    expect(linkIn(mail!, 'Open the webhook')).toBe(`https://webhooks.bullseye.example/settings/integrations/webhooks/${webhook}`);
    expect(mail!.text).toContain('Last answer: The endpoint answered 500');
    // Nothing of it is left to be done.
    expect(await inOutbox(webhook, (_, { kv }) => kv.get('alerts'))).toMatchObject({ waiting: [], current: null, dueAt: null });
  });

  it('is sent once an hour at most, and what came meanwhile is in the next', async () => {
    await givenAddress(organization, ADA);
    await outage();
    expect(subjects()).toEqual([FAILED]);
    const firstAt = Date.now();
    await recovery();
    expect(subjects()).toEqual([FAILED]);
    expect(await alarmOf(webhook)).toBe(firstAt + MAIL_EVERY_MS);
    vi.setSystemTime(firstAt + MAIL_EVERY_MS - 1);
    await alarm();
    expect(subjects()).toEqual([FAILED]);
    vi.setSystemTime(firstAt + MAIL_EVERY_MS);
    await runAlarm(webhook);
    expect(subjects()).toEqual([FAILED, WORKS]);
    await alarm();
    expect(mailbox.sent).toHaveLength(2);
    // After an hour without any the next one is sent at once, with what came first at its top.
    later(MAIL_EVERY_MS);
    await endpoint.script([{ status: 500 }]);
    await failForGood();
    expect(subjects()).toEqual([FAILED, WORKS, FAILED]);
  });

  it('tells of what happened in one hour in one mail', async () => {
    await givenAddress(organization, ADA);
    await outage();
    const [firstAt] = [Date.now()];
    await recovery();
    // The next outage is told of an hour after the last at the earliest.
    vi.setSystemTime(firstAt + MAIL_EVERY_MS - MINUTE);
    await endpoint.script([{ status: 410 }]);
    await deliver(webhook, newDelivery(webhook));
    await alarm();
    await alarm();
    vi.setSystemTime(firstAt + MAIL_EVERY_MS);
    await alarm();
    expect(subjects()).toEqual([FAILED, 'Bullseye: webhook CRM was disabled']);
    const text = mailbox.sent[1]!.text;
    expect(text.indexOf('takes deliveries again')).toBeGreaterThan(0);
    expect(text.indexOf('takes deliveries again')).toBeLessThan(text.indexOf('was disabled: its endpoint answered 410 Gone.'));
  });

  it('tells of the chosen events alone', async () => {
    await givenAddress(organization, ADA);
    await databaseOf(env.DB)
      .insert(alerts)
      .values({ organizationId: organization, events: ['webhook.recovered'], updatedAt: 1 });
    await outage();
    expect(mailbox.sent).toEqual([]);
    await recovery();
    expect(subjects()).toEqual([WORKS]);
  });

  it('goes by the addresses as they are when it is sent', async () => {
    await givenAddress(organization, ADA);
    await outage();
    await recovery();
    await databaseOf(env.DB).delete(alertAddresses);
    await givenAddress(organization, GRACE);
    later(MAIL_EVERY_MS);
    await alarm();
    expect(mailbox.sent.map(({ to }) => to)).toEqual([ADA, GRACE]);
  });

  it('is not kept where nobody is to be told', async () => {
    await outage();
    await givenAddress(organization, ADA);
    await alarm();
    expect(mailbox.sent).toEqual([]);
    expect(await inOutbox(webhook, (_, { kv }) => kv.get('alerts'))).toMatchObject({ waiting: [], dueAt: null });
  });

  it('is not noted at all by a deployment without e-mail', async () => {
    (env as unknown as { EMAIL?: SendEmail }).EMAIL = undefined;
    await givenAddress(organization, ADA);
    await outage();
    expect(await inOutbox(webhook, (_, { kv }) => kv.get('alerts'))).toBeUndefined();
  });
});

describe('a mail that cannot be sent', () => {
  it('is tried again, also by the object after this one, until it is; those who have had it get it once', async () => {
    for (const address of [ADA, GRACE]) await givenAddress(organization, address);
    mailbox.fails(ADA, new Error('the service is down'));
    await outage();
    expect(mailbox.sent.map(({ to }) => to)).toEqual([GRACE]);
    await vanish(webhook);
    for (let tries = 0; tries < 3; tries++) {
      vi.setSystemTime((await alarmOf(webhook))!);
      await runAlarm(webhook);
    }
    expect(mailbox.sent.map(({ to }) => to)).toEqual([GRACE]);
    mailbox.fails(ADA, null);
    vi.setSystemTime((await alarmOf(webhook))!);
    await runAlarm(webhook);
    expect(mailbox.sent.map(({ to }) => to)).toEqual([GRACE, ADA]);
    expect(subjects()).toEqual([FAILED, FAILED]);
    later(MAIL_EVERY_MS);
    await alarm();
    expect(mailbox.sent).toHaveLength(2);
  });

  it('waits longer from try to try, and does not hold up deliveries', async () => {
    await givenAddress(organization, ADA);
    mailbox.fails(ADA, new Error('the service is down'));
    await outage();
    const waits: number[] = [];
    for (let tries = 0; tries < 8; tries++) {
      waits.push(((await alarmOf(webhook))! - Date.now()) / MINUTE);
      vi.setSystemTime((await alarmOf(webhook))!);
      await alarm();
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    await endpoint.script([{ status: 200 }]);
    await deliver(webhook, newDelivery(webhook));
    expect((await outboxOf(webhook).list({}, 1, null)).deliveries[0]).toMatchObject({ status: 'delivered' });
  });

  it('to an address that takes none is not tried again', async () => {
    await givenAddress(organization, ADA);
    mailbox.fails(ADA, Object.assign(new Error('recipient is suppressed'), { code: 'E_RECIPIENT_SUPPRESSED' }));
    await outage();
    mailbox.fails(ADA, null);
    later(MAIL_EVERY_MS);
    await alarm();
    expect(mailbox.sent).toEqual([]);
  });

  it('is given up after about a day, and what came since is in the next', async () => {
    await givenAddress(organization, ADA);
    mailbox.fails(ADA, new Error('the service is down'));
    await outage();
    const begunAt = Date.now();
    while ((await stateOf()).current !== null) {
      vi.setSystemTime((await alarmOf(webhook))!);
      await alarm();
    }
    expect((Date.now() - begunAt) / 3_600_000).toBeGreaterThan(20);
    expect((Date.now() - begunAt) / 3_600_000).toBeLessThan(30);
    mailbox.fails(ADA, null);
    await recovery();
    expect(subjects()).toEqual([WORKS]);
  });

  it('does not hold up what came since for longer than the hour, for those who have had it nor for those who have not', async () => {
    for (const address of [ADA, GRACE]) await givenAddress(organization, address);
    mailbox.fails(ADA, new Error('no such mailbox'));
    await outage();
    const firstAt = Date.now();
    expect(mailbox.sent.map(({ to }) => to)).toEqual([GRACE]);
    await recovery();
    while (mailbox.sent.length < 2 && Date.now() < firstAt + 2 * MAIL_EVERY_MS) {
      vi.setSystemTime((await alarmOf(webhook))!);
      await alarm();
    }
    expect(Date.now()).toBe(firstAt + MAIL_EVERY_MS);
    expect(mailbox.sent.map(({ to }) => to)).toEqual([GRACE, GRACE]);
    mailbox.fails(ADA, null);
    vi.setSystemTime((await alarmOf(webhook))!);
    await alarm();
    expect(mailbox.sent.map(({ to }) => to)).toEqual([GRACE, GRACE, ADA]);
    expect(subjects()).toEqual([FAILED, WORKS, WORKS]);
  });

  it('does not hold up what comes when its hour is over already', async () => {
    for (const address of [ADA, GRACE]) await givenAddress(organization, address);
    mailbox.fails(ADA, new Error('no such mailbox'));
    await outage();
    const firstAt = Date.now();
    while (Date.now() < firstAt + 3 * MAIL_EVERY_MS) {
      vi.setSystemTime((await alarmOf(webhook))!);
      await alarm();
    }
    await recovery();
    expect(mailbox.sent.map(({ to }) => to)).toEqual([GRACE, GRACE]);
  });

  it('to anybody is in the next one, where there is one', async () => {
    await givenAddress(organization, ADA);
    mailbox.fails(ADA, new Error('the service is down'));
    await outage();
    await recovery();
    const state = await stateOf();
    mailbox.fails(ADA, null);
    vi.setSystemTime(state.lastAt! + MAIL_EVERY_MS);
    await alarm();
    expect(subjects()).toEqual([WORKS]);
    const { text } = mailbox.sent[0]!;
    expect(text.indexOf('has failed')).toBeGreaterThan(0);
    expect(text.indexOf('has failed')).toBeLessThan(text.indexOf('takes deliveries again'));
    expect(await stateOf()).toMatchObject({ waiting: [], current: null, dueAt: null });
  });

  it('leaves nothing behind in an outbox that is erased meanwhile', async () => {
    await givenAddress(organization, ADA);
    const sending = Promise.withResolvers<void>();
    const sent = Promise.withResolvers<void>();
    (env as unknown as { EMAIL: unknown }).EMAIL = {
      send: async () => {
        sending.resolve();
        await sent.promise;
      },
    };
    await endpoint.script([{ status: 200 }, { status: 500 }]);
    await deliver(webhook, newDelivery(webhook));
    const failing = failForGood();
    await sending.promise;
    await outboxOf(webhook).erase();
    sent.resolve();
    await failing;
    expect(await inOutbox(webhook, (_, { kv }) => [...kv.list()])).toEqual([]);
  });
});
