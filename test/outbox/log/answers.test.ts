import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { interruptedAttempt } from '../../../src/attempt/attempt.ts';
import type { AttemptRecord } from '../../../src/domain/delivery/delivery.ts';
import { describeFailure } from '../../../src/domain/delivery/outcome.ts';
import { mintId } from '../../../src/domain/ids.ts';
import { Store } from '../../../src/outbox/books/store.ts';
import { platform } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, givenScripted, outboxOf, untilEnded } from '../../support/deliveries.ts';
import type { Reply } from '../../support/receiver.ts';

driveDate();

/** Failed deliveries straight in the log, each with its only attempt. */
async function givenRow(webhook: string, session: string, record: AttemptRecord, rows = 1): Promise<void> {
  await runInDurableObject(outboxOf(webhook), (_, { storage }) => {
    const columns =
      'created_at, id, event_id, event, session_id, status, reason, attempt_count, failures, expires_at, trigger, first_attempt, payload';
    const values = `?1, ?2, ?3, 'visitor.identified', ?4, 'failed', 'attempts_exhausted', 1, 1, 9e15, 'event', ?5, x'7b7d'`;
    const { sql } = new Store(storage);
    for (let row = 0; row < rows; row++) {
      const id = mintId('event', 1_000).slice(4);
      sql.exec(`INSERT INTO deliveries (${columns}) VALUES (${values})`, 1_000, `dlv_${id}`, `evt_${id}`, session, JSON.stringify(record));
    }
  });
}

/** A webhook whose deliveries have ended, each answered at every attempt by one of these, in their order; what is listed with a query, by session. */
async function givenAnswered(...replies: Reply[]) {
  const { organization, webhook, path, endpoint } = await givenScripted([]);
  for (const [at, reply] of replies.entries()) {
    await endpoint.script([reply]);
    await consume([aMessage([anEvent(organization, { session_id: `ses_${at}` })])]);
    await untilEnded(webhook);
  }
  const listed = async (query: string) => {
    const { status, body } = await platform.get(`${path}/deliveries?${query}`);
    return status === 200 ? body.data.map(({ sessionId }: { sessionId: string }) => sessionId).toSorted() : status;
  };
  return { webhook, path, listed };
}

describe('the filter by response', () => {
  it('finds what the last attempt was answered with, by class and by status', async () => {
    const { listed } = await givenAnswered({ status: 204 }, { status: 302 }, { status: 422 }, { status: 404 }, { status: 500 });
    expect(await listed('response=2xx')).toEqual(['ses_0']);
    expect(await listed('response=204')).toEqual(['ses_0']);
    expect(await listed('response=3xx')).toEqual(['ses_1']);
    expect(await listed('response=4xx')).toEqual(['ses_2', 'ses_3']);
    expect(await listed('response=422')).toEqual(['ses_2']);
    expect(await listed('response=5xx')).toEqual(['ses_4']);
    expect(await listed('response=4xx&status=delivered')).toEqual([]);
    expect(await listed('response=503')).toEqual([]);
  });

  it('tells what was not answered in time from what could not be reached, and from what nobody knows', async () => {
    const { webhook, listed } = await givenAnswered({ reset: true }, { status: 500 });
    const error = describeFailure(new DOMException('No answer in time', 'TimeoutError'), 30_000);
    const timedOut = { ...interruptedAttempt(1, 'event', 1_000), outcome: 'failed', durationMs: 30_000, error };
    await givenRow(webhook, 'ses_timeout', timedOut as AttemptRecord);
    await givenRow(webhook, 'ses_interrupted', interruptedAttempt(1, 'event', 1_000));
    expect(await listed('response=timeout')).toEqual(['ses_timeout']);
    expect(await listed('response=unreachable')).toEqual(['ses_0']);
    expect(await listed('response=unreachable&status=failed')).toEqual(['ses_0']);
    expect(await listed('response=5xx')).toEqual(['ses_1']);
  });

  it('looks at a bounded number of attempts for a page, and goes on from there', async () => {
    const { webhook, path } = await givenAnswered();
    await givenRow(webhook, 'ses_interrupted', interruptedAttempt(1, 'event', 1_000), 450);
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const { body }: { body: { data: unknown[]; nextCursor: string | null } } = await platform.get(
        `${path}/deliveries?response=timeout${cursor && `&cursor=${cursor}`}`,
      );
      expect(body.data).toEqual([]);
      cursor = body.nextCursor;
      pages++;
    }
    expect(pages).toBe(3);
  });

  it('is refused where it is none', async () => {
    const { listed } = await givenAnswered();
    for (const query of ['response=many', 'response=', 'minAttempts=0', 'minAttempts=51', 'minAttempts=two'])
      expect(await listed(query)).toBe(422);
  });

  it('counts for a delivery that is looked up by its id as well', async () => {
    const { webhook, listed } = await givenAnswered({ status: 422 });
    const [delivery] = await deliveriesOf(webhook);
    expect(await listed(`q=${delivery!.id}&response=422`)).toEqual(['ses_0']);
    expect(await listed(`q=${delivery!.id}&response=5xx`)).toEqual([]);
    expect(await listed(`q=${delivery!.id}&minAttempts=5`)).toEqual([]);
  });
});

describe('the filter by attempts', () => {
  it('finds what was attempted so often, or more', async () => {
    const { listed } = await givenAnswered({ status: 204 }, { status: 500 });
    expect(await listed('minAttempts=1')).toEqual(['ses_0', 'ses_1']);
    expect(await listed('minAttempts=2')).toEqual(['ses_1']);
    expect(await listed('minAttempts=4')).toEqual(['ses_1']);
    expect(await listed('minAttempts=5')).toEqual([]);
  });
});

describe('what stands beside a delivery', () => {
  it('is the delivery above and the one below, of those that a filter leaves, whether they are archived or have rows', async () => {
    const { webhook } = await givenAnswered({ status: 204 }, { status: 422 }, { status: 204 }, { status: 422 }, { status: 204 });
    const all = await deliveriesOf(webhook);
    const ids = all.map(({ id }) => id);
    for (const [at, id] of ids.entries()) {
      expect(await outboxOf(webhook).neighbours(id, {})).toEqual({ newer: ids[at - 1] ?? null, older: ids[at + 1] ?? null });
    }
    const rejected = all.filter(({ lastResponseStatus }) => lastResponseStatus === 422).map(({ id }) => id);
    expect(await outboxOf(webhook).neighbours(rejected[0]!, { response: '4xx' })).toEqual({ newer: null, older: rejected[1] });
    expect(await outboxOf(webhook).neighbours(rejected[1]!, { status: 'failed' })).toEqual({ newer: rejected[0], older: null });
    const arrived = all.filter(({ status }) => status === 'delivered').map(({ id }) => id);
    expect(await outboxOf(webhook).neighbours(arrived[1]!, { status: 'delivered' })).toEqual({ newer: arrived[0], older: arrived[2] });
    expect(await outboxOf(webhook).neighbours(arrived[1]!, { to: all[2]!.createdAt })).toMatchObject({ newer: null });
  });

  it('is each of many that came at about the same time, once, and in their order', async () => {
    const { organization, webhook } = await givenScripted([{ status: 204 }]);
    for (let batch = 0; batch < 3; batch++) await consume([aMessage(Array.from({ length: 7 }, () => anEvent(organization)))]);
    await untilEnded(webhook);
    const ids = (await deliveriesOf(webhook)).map(({ id }) => id);
    expect(ids).toHaveLength(21);
    const walked: string[] = [];
    for (let id: string | null = ids.at(-1)!; id !== null; id = (await outboxOf(webhook).neighbours(id, {})).newer) walked.push(id);
    expect(walked).toEqual(ids.toReversed());
  });

  it('is nothing for a delivery that there is not', async () => {
    const { webhook } = await givenAnswered({ status: 204 });
    expect(await outboxOf(webhook).neighbours('dlv_nothing', {})).toEqual({ newer: null, older: null });
  });
});
