import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { takeFaults } from '../../src/log.ts';
import { sweep } from '../../src/upkeep/sweep.ts';
import { databaseBehind } from '../rehearsal/database-behind.ts';
import { expectStatus, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import type { Page } from '../support/dashboard.ts';
import {
  aMessage,
  anEvent,
  consume,
  endedDeliveriesOf,
  endpointInbox,
  givenOrganization,
  givenScripted,
  givenWebhook,
  outboxOf,
} from '../support/deliveries.ts';
import { meterThatFails, operatorSignedIn } from '../support/operator.ts';

/*
 * What somebody on call would see, with faults as they come: the first line of `/operator` names the cause, and leads to the paragraph of the runbook
 * that says what to do.
 */
const MINUTE_MS = 60_000;
driveDate();

/** A minute goes by, and the cron runs. */
async function aMinute(environment: Env = env): Promise<void> {
  vi.setSystemTime(Date.now() + MINUTE_MS);
  await sweep(environment, Date.now());
}

/** What the first screen says, and where it leads. */
async function firstScreen(vars?: Partial<Env>): Promise<{ sentence: string; runbook: string | null; page: Page }> {
  const person = await operatorSignedIn(vars);
  const page = await person.get('/operator');
  expect(page.status).toBe(200);
  const [, verdict = ''] = /<section id="verdict"(.*?)<\/section>/s.exec(page.html) ?? [];
  const [, line = ''] = /<p class="verdict-line"[^>]*>(.*?)<\/p>/s.exec(verdict) ?? [];
  const [, runbook = null] = /href="\/operator\/runbook#([^"]+)"/.exec(verdict) ?? [];
  const sentence = line
    .replace(/<[^>]*>/g, '')
    .replaceAll('&#39;', "'")
    .trim();
  if (runbook !== null) expect((await person.get('/operator/runbook')).html).toContain(` id="${runbook}"`);
  return { sentence, runbook, page };
}

const named = async (name: string) => {
  const id = await givenOrganization();
  await env.DB.prepare('UPDATE organizations SET name = ? WHERE id = ?').bind(name, id).run();
  return id;
};

/** Another hour: nothing of what was before is news. */
async function anHourLater(): Promise<void> {
  vi.setSystemTime(Date.now() + 61 * MINUTE_MS);
  takeFaults();
  await aMinute();
}

describe('while nothing is wrong', () => {
  it('it says so, and how much goes through', async () => {
    const { organization, endpoint } = await givenScripted([]);
    await aMinute();
    await consume([aMessage(Array.from({ length: 50 }, () => anEvent(organization)))]);
    await endpoint.arrived(50);
    await aMinute();
    const { sentence, runbook, page } = await firstScreen();
    expect(sentence).toBe('All is well: nothing fails, and nothing is late.');
    expect(runbook).toBeNull();
    expect(page.text).toContain('Events accepted 10 ');
  });
});

describe('an endpoint that is down', () => {
  it('is named, with why it fails, and that nobody else waits for it', async () => {
    await anHourLater();
    const broken = endpointInbox();
    await broken.script(Array.from({ length: 60 }, () => ({ status: 503 })));
    const organization = await named('Tyrell');
    const webhook = await givenWebhook(organization, { url: broken.url });
    await consume([aMessage(Array.from({ length: 12 }, () => anEvent(organization)))]);
    await broken.arrived(10);
    await vi.waitFor(async () => expect((await outboxOf(webhook).status()).health).toBe('open'));
    // The next call makes sure that D1 knows that something waits there.
    await consume([aMessage([anEvent(organization)])]);
    await vi.waitFor(async () =>
      expect(await env.DB.prepare('SELECT 1 FROM busy_outboxes WHERE webhook_id = ?').bind(webhook).first()).not.toBeNull(),
    );
    await aMinute();
    const { sentence, runbook, page } = await firstScreen();
    expect(sentence).toMatch(
      new RegExp(
        `^It is them: ${new URL(broken.url).host} of Tyrell answers with errors \\(503\\); \\d+ deliveries wait for it\\. Nobody else waits for it\\.$`,
      ),
    );
    expect(runbook).toBe('an-endpoint-is-down');
    expect(page.html).toContain(`/operator/organizations/${organization}`);
    expect(page.html).not.toContain(broken.url);
    await env.DB.prepare('UPDATE webhooks SET enabled = 0 WHERE id = ?').bind(webhook).run();
    await env.DB.prepare('DELETE FROM busy_outboxes').run();
  });
});

describe('an endpoint that does not answer', () => {
  it('is named with its first failure: the cron need not have asked, and others of its attempts run on', async () => {
    await anHourLater();
    const silent = endpointInbox();
    await silent.script([{ held: 'first' }, { held: 'second' }]);
    const organization = await named('Wallace');
    const webhook = await givenWebhook(organization, { url: silent.url });
    await consume([aMessage([anEvent(organization), anEvent(organization)])]);
    await silent.arrived(2);
    expect((await firstScreen()).sentence).toMatch(/^All is well/);
    await silent.release('first', { status: 504 });
    for (let screen = await firstScreen(); !screen.sentence.startsWith('It is them'); screen = await firstScreen())
      await scheduler.wait(20);
    const { sentence, runbook, page } = await firstScreen();
    expect(sentence).toBe(`It is them: ${new URL(silent.url).host} of Wallace answers with errors (504). Nobody else waits for it.`);
    expect(runbook).toBe('an-endpoint-is-down');
    expect(page.html).toContain(`/operator/organizations/${organization}`);
    await silent.script([{ status: 204 }]);
    await silent.release('second', { status: 204 });
    vi.setSystemTime(Date.now() + 2 * MINUTE_MS);
    await endedDeliveriesOf(webhook, 2);
    await aMinute();
    expect((await firstScreen()).sentence).toMatch(/^All is well/);
  });
});

describe('a database that is slow, or down', () => {
  /** D1, of which each statement takes so long on the driven date; null: it fails. */
  const database = (delayMs: number | null): D1Database =>
    databaseBehind(env.DB, async () => {
      if (delayMs === null) throw new Error('D1_ERROR: the database is out of order');
      vi.setSystemTime(Date.now() + delayMs);
    });

  it('is named: it is slow', async () => {
    await anHourLater();
    await aMinute({ ...env, DB: database(1_500) });
    const { sentence, runbook } = await firstScreen();
    expect(sentence).toMatch(/^It is us: the database \(D1\) is slow: a small question took \d/);
    expect(runbook).toBe('d1-is-gone');
  });

  it('is named: it does not answer; the page needs it for names alone', async () => {
    await anHourLater();
    const broken = { ...env, DB: database(null) };
    await aMinute(broken);
    const { sentence, runbook, page } = await firstScreen({ DB: broken.DB });
    expect(sentence).toMatch(
      /^It is us: the database \(D1\) does not answer: D1_ERROR: the database is out of order\. Events are accepted and delivered by what is known/,
    );
    expect(runbook).toBe('d1-is-gone');
    expect(page.text).toContain('Database no answer');
    expect(page.text).toContain('sweep.failed');
  });
});

describe('a queue that is behind', () => {
  const behind = (oldestMs: number): Partial<Env> => {
    const metrics = async () => ({
      backlogCount: 48_211,
      backlogBytes: 90_000_000,
      oldestMessageTimestamp: new Date(Date.now() - oldestMs),
    });
    return { EVENTS: { metrics } as unknown as Queue };
  };

  it('is named, with how many messages wait and for how long', async () => {
    await anHourLater();
    await aMinute({ ...env, ...behind(7 * MINUTE_MS) });
    const { sentence, runbook, page } = await firstScreen(behind(7 * MINUTE_MS));
    expect(sentence).toBe('It is us: the queue is behind: 48,211 messages wait, the oldest for 7 min.');
    expect(runbook).toBe('the-queue-is-behind');
    expect(page.text).toContain('EVENTS 48,211 90,000 kB waits for 7 min');
  });
});

describe('a poison message', () => {
  it('is named with its reason, and what is good of it is redriven', async () => {
    await anHourLater();
    const { organization, webhook } = await givenScripted([]);
    const poison = { ...aMessage([anEvent(organization)]), body: new Uint8Array([9, 9, 9]) };
    const usedUp = aMessage([anEvent(organization)]);
    await consume([poison, usedUp], env, 'bullseye-events-dead');
    await aMinute();
    const { sentence, runbook } = await firstScreen();
    expect(sentence).toMatch(/^It is us: 2 messages could not be processed and are parked\. The newest: It/);
    expect(runbook).toBe('a-message-cannot-be-processed');
    const person = await operatorSignedIn();
    expect((await person.get('/operator/parked-messages')).text).toContain('It cannot be read');
    await person.submit(`/operator/parked-messages/${usedUp.id}/redrive`);
    await person.submit(`/operator/parked-messages/${poison.id}/delete`);
    expect((await endedDeliveriesOf(webhook, 1))[0]).toMatchObject({ status: 'delivered' });
    await aMinute();
    expect((await firstScreen()).sentence).toMatch(/^All is well/);
  });
});

describe('a message that fails each time', () => {
  it('is named with the fault that it meets, long before its redeliveries are used up', async () => {
    await anHourLater();
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpointInbox().url });
    const deliver = async () => {
      throw new TypeError('x is undefined');
    };
    const broken = { ...env, OUTBOX: { getByName: () => ({ deliver }) } as unknown as Env['OUTBOX'] };
    const message = aMessage([anEvent(organization)]);
    for (const attempts of [1, 2]) await consume([{ ...message, attempts }], broken);
    expect((await firstScreen()).sentence).toMatch(/^All is well/);
    await consume([{ ...message, attempts: 3 }], broken);
    const { sentence, runbook } = await firstScreen();
    expect(sentence).toBe(
      'It is us: a message cannot be processed: it has failed 3 times, and comes again. The fault: outbox.not_delivered_to: x is undefined',
    );
    expect(runbook).toBe('a-message-cannot-be-processed');
    expect((await consume([{ ...message, attempts: 4 }])).acknowledged).toEqual([message.id]);
    expect((await endedDeliveriesOf(webhook, 1))[0]).toMatchObject({ status: 'delivered' });
  });
});

describe('a flood by one organization', () => {
  it('is named, with its share of what comes', async () => {
    await anHourLater();
    const [quiet, loud] = [await named('Quiet'), await named('Loud Ltd')];
    for (let minute = 0; minute < 15; minute++) {
      await consume([aMessage([anEvent(quiet), anEvent(loud)])]);
      await aMinute();
    }
    for (let message = 0; message < 20; message++) await consume([aMessage(Array.from({ length: 100 }, () => anEvent(loud)))]);
    await consume([aMessage([anEvent(quiet)])]);
    const { sentence, runbook, page } = await firstScreen();
    expect(sentence).toMatch(/^It is them: the organization Loud Ltd floods: 99 % of 2,0\d\d events of the last 5 minutes are its own\./);
    expect(runbook).toBe('an-organization-floods');
    expect(page.html).toContain(`/operator/organizations/${loud}`);
  });
});

describe('figures that stand still', () => {
  it('are told apart from all being well: the cron has not run', async () => {
    await anHourLater();
    vi.setSystemTime(Date.now() + 10 * MINUTE_MS);
    const { sentence, runbook } = await firstScreen();
    expect(sentence).toMatch(/^It is us: the cron has not run for 10 min/);
    expect(runbook).toBe('the-figures-stand-still');
  });

  it('are so while the Meter does not answer; an event goes its way as if nothing were', async () => {
    const lame = { ...env, METER: meterThatFails() };
    const { organization, webhook, endpoint } = await givenScripted([]);
    const message = aMessage([anEvent(organization)]);
    expect(await consume([message], lame)).toEqual({ acknowledged: [message.id], retried: [] });
    await endpoint.arrived(1);
    expect((await endedDeliveriesOf(webhook, 1))[0]).toMatchObject({ status: 'delivered' });
    await expectStatus(platform.get('/platform/metrics'), 200);
    const { sentence, runbook } = await firstScreen({ METER: lame.METER });
    expect(sentence).toMatch(/^It is us: the Meter does not answer/);
    expect(runbook).toBe('the-figures-stand-still');
  });
});
