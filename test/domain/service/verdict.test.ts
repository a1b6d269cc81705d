import { describe, expect, it } from 'vitest';
import { failingIn } from '../../../src/domain/service/endpoints.ts';
import type { Facts } from '../../../src/domain/service/facts.ts';
import { type EndpointState, type Minute, type Sample, type WaitingOutbox, waitingOf } from '../../../src/domain/service/figures.ts';
import { findingsOf, verdictOf } from '../../../src/domain/service/verdict.ts';
import { spanText } from '../../../src/domain/service/wording.ts';

const NOW = Date.UTC(2027, 0, 1, 3, 0, 30);
const MINUTE_MS = 60_000;
const NOW_MINUTE = Math.floor(NOW / MINUTE_MS);

const quiet = { messages: 0, bytes: 0, oldestAt: null };
const sampleOf = (given: Partial<Sample> = {}): Sample => ({
  ...{ at: NOW - 20_000, databaseMs: 4, queues: {}, waiting: waitingOf([]), parked: { messages: 0, newest: null }, sizes: null },
  ...given,
});
const minuteOf = (ago: number, given: Partial<Minute['figures']> = {}, sample: Sample | null = sampleOf()): Minute => ({
  minute: NOW_MINUTE - ago,
  figures: { counts: {}, faults: {}, organizations: [], ...given },
  sample,
});
const factsOf = (given: Partial<Facts> = {}): Facts => ({
  nowMs: NOW,
  minutes: [minuteOf(0)],
  meteredSince: 0,
  sampledAt: NOW - 20_000,
  queues: { EVENTS: quiet, DEAD_LETTERS: quiet },
  databaseMs: 5,
  databaseFault: null,
  webhookName: (id) => `${id}.example.com of Acme`,
  organizationName: (id) => `Name of ${id}`,
  ...given,
});
const said = (given: Partial<Facts>) => verdictOf(findingsOf(factsOf(given)));
const fault = (count: number) => ({ count, at: NOW, error: 'D1_ERROR: out of order' });
const failing = (given: Partial<WaitingOutbox> = {}): WaitingOutbox => ({
  ...{
    webhookId: 'hooks',
    waiting: 12,
    dueAt: NOW - 600_000,
    health: 'open',
    failingSince: NOW - 600_000,
    cause: 'does_not_answer',
    status: null,
  },
  ...given,
});

describe('the verdict', () => {
  it('is that all is well where nothing is wrong', () => {
    expect(said({})).toEqual({ whose: 'nobody', sentence: 'All is well: nothing fails, and nothing is late.', runbook: null });
  });

  it('names the endpoint, and why it fails', () => {
    expect(said({ minutes: [minuteOf(0, {}, sampleOf({ waiting: waitingOf([failing()]) }))] })).toEqual({
      whose: 'them',
      sentence: 'It is them: hooks.example.com of Acme does not answer; 12 deliveries wait for it. Nobody else waits for it.',
      runbook: 'an-endpoint-is-down',
    });
    const two = waitingOf([failing(), failing({ webhookId: 'crm', waiting: 1, cause: 'has_errors', status: 503, health: 'failing' })]);
    expect(said({ minutes: [minuteOf(0, {}, sampleOf({ waiting: two }))] }).sentence).toContain(
      '1 other endpoint fails, too. Nobody else waits for them.',
    );
  });

  it('names an endpoint that its outbox tells of, before the cron has asked', () => {
    const told = (given: Partial<EndpointState> = {}): EndpointState => ({
      ...{ webhookId: 'hooks', at: NOW - 5_000, health: 'healthy', failingSince: NOW - 5_000, cause: 'does_not_answer', status: null },
      ...given,
    });
    expect(said({ minutes: [minuteOf(0, { endpoints: [told()] })] }).sentence).toBe(
      'It is them: hooks.example.com of Acme does not answer. Nobody else waits for it.',
    );
    // The cron knows how much waits, too.
    const asked = sampleOf({ waiting: waitingOf([failing()]) });
    expect(said({ minutes: [minuteOf(0, { endpoints: [told({ at: NOW })] }, asked)] }).sentence).toContain('12 deliveries wait for it.');
    // Since then it has answered; or it failed before, and was told to be well since.
    const well = told({ failingSince: null, cause: null });
    expect(said({ minutes: [minuteOf(0, { endpoints: [well] }, asked)] }).sentence).toMatch(/^All is well/);
    expect(said({ minutes: [minuteOf(0, { endpoints: [well] }), minuteOf(1, { endpoints: [told({ at: NOW - 60_000 })] })] }).whose).toBe(
      'nobody',
    );
    expect(said({ minutes: [minuteOf(0, { endpoints: [told({ ...well, at: NOW - 30_000 })] }, asked)] }).whose).toBe('them');
    // It is forgotten where nothing more is told of it.
    expect(said({ minutes: [minuteOf(0), minuteOf(2, { endpoints: [told()] })] }).whose).toBe('them');
    expect(said({ minutes: [minuteOf(0), minuteOf(3, { endpoints: [told()] })] }).whose).toBe('nobody');
    // A minute of a version that did not tell.
    expect(failingIn([minuteOf(0)], NOW)).toEqual([]);
  });

  it('is that the database does not answer, or is slow, whatever else follows from it', () => {
    const faults = { 'configuration.read_failed': fault(40), 'outbox.faulted': fault(10) };
    expect(said({ databaseMs: null, minutes: [minuteOf(0, { faults })] })).toMatchObject({ whose: 'us', runbook: 'd1-is-gone' });
    expect(said({ minutes: [minuteOf(0, {}, sampleOf({ databaseMs: null }))] }).sentence).toContain('the database (D1) does not answer');
    expect(said({ minutes: [minuteOf(0, {}, sampleOf({ databaseMs: 3_200 }))] }).sentence).toContain(
      'is slow: a small question took 3.2 s',
    );
    expect(said({ databaseMs: null, databaseFault: 'nothing within 3 s' }).sentence).toContain(
      'It is us: the database (D1) does not answer: nothing within 3 s. Events',
    );
    // A page does not wait as long as the cron does.
    expect(said({ databaseMs: null, minutes: [minuteOf(0, {}, sampleOf({ databaseMs: 6_000 }))] }).sentence).toContain(
      'is slow: a small question took 6 s',
    );
    expect(said({ minutes: [minuteOf(1, { faults })] }).sentence).toContain(
      'the database (D1) failed 40 times in the last 5 minutes. Events',
    );
    expect(said({ minutes: [minuteOf(0, { faults: { 'webhook.read_failed': fault(2) } })] }).whose).toBe('nobody');
  });

  it('is not an outage of the database that is over: what goes on comes before it, and it is said that it is over', () => {
    const faults = { 'configuration.read_failed': { ...fault(40), at: NOW - 2 * MINUTE_MS } };
    expect(said({ minutes: [minuteOf(2, { faults })] })).toEqual({
      whose: 'nobody',
      sentence:
        'Nothing fails: the database (D1) failed 40 times in the last 5 minutes, the last time 2 min ago. It answers now: what waited for it goes on.',
      runbook: 'd1-is-gone',
    });
    const young = [minuteOf(0, { organizations: [{ id: 'org_a', events: 9_900 }], counts: { accepted: 10_000 } }), minuteOf(2, { faults })];
    expect(said({ minutes: young, meteredSince: NOW - 5 * MINUTE_MS }).runbook).toBe('an-organization-floods');
    expect(said({ databaseMs: null, minutes: [minuteOf(2, { faults })] }).whose).toBe('us');
  });

  it('is that the queue is behind, by the age of its oldest message or by how many there are', () => {
    const old = { messages: 1_234, bytes: 1, oldestAt: NOW - 8 * MINUTE_MS };
    expect(said({ queues: { EVENTS: old } })).toEqual({
      whose: 'us',
      sentence: 'It is us: the queue is behind: 1,234 messages wait, the oldest for 8 min.',
      runbook: 'the-queue-is-behind',
    });
    expect(said({ queues: { EVENTS: { messages: 50_000, bytes: 1, oldestAt: null } } }).sentence).toContain('50,000 messages wait.');
    expect(said({ queues: { EVENTS: null, DEAD_LETTERS: old } }).whose).toBe('nobody');
  });

  it('is that producers are refused', () => {
    expect(said({ minutes: [minuteOf(2, { faults: { 'api.queue_unavailable': fault(1) } })] })).toMatchObject({
      whose: 'us',
      runbook: 'a-queue-is-full',
    });
    expect(said({ minutes: [minuteOf(0), minuteOf(7, { faults: { 'api.queue_unavailable': fault(9) } })] }).whose).toBe('nobody');
  });

  it('is that a message is poison, as long as that is news', () => {
    const parkedAt = (at: number) => [
      minuteOf(0, {}, sampleOf({ parked: { messages: 1, newest: { at, reason: 'It cannot be read: x' } } })),
    ];
    expect(said({ minutes: parkedAt(NOW - 60_000) })).toEqual({
      whose: 'us',
      sentence: 'It is us: 1 message could not be processed and is parked. The newest: It cannot be read: x',
      runbook: 'a-message-cannot-be-processed',
    });
    expect(said({ minutes: parkedAt(NOW - 86_400_000) })).toMatchObject({
      whose: 'nobody',
      sentence: expect.stringMatching(/^Nothing fails: 1 message/),
    });
  });

  it('is that a message fails each time, with the fault that it meets', () => {
    const faults = {
      'message.keeps_failing': { count: 1, at: NOW, error: 'it has failed 3 times, and comes again' },
      'message.redelivered': fault(3),
      'outbox.not_delivered_to': { ...fault(3), error: 'x is undefined' },
    };
    expect(said({ minutes: [minuteOf(0, { faults })] })).toEqual({
      whose: 'us',
      sentence:
        'It is us: a message cannot be processed: it has failed 3 times, and comes again. The fault: outbox.not_delivered_to: x is undefined',
      runbook: 'a-message-cannot-be-processed',
    });
    const past = { ...faults, 'message.keeps_failing': { ...faults['message.keeps_failing'], at: NOW - 3 * MINUTE_MS } };
    expect(said({ minutes: [minuteOf(3, { faults: past })] }).sentence).toContain('and comes again (the last time 3 min ago). The fault');
    // Twice is chance.
    const { 'message.keeps_failing': _, ...twice } = faults;
    expect(said({ minutes: [minuteOf(0, { faults: twice })] }).whose).toBe('nobody');
    // All messages fail while the database does not answer.
    expect(said({ databaseMs: null, minutes: [minuteOf(0, { faults })] }).runbook).toBe('d1-is-gone');
  });

  it('is that one organization floods, where it has most of the events and many more than before', () => {
    const before = Array.from({ length: 30 }, (_, ago) =>
      minuteOf(5 + ago, { counts: { accepted: 100 }, organizations: [{ id: 'org_a', events: 20 }] }),
    );
    const flood = (events: number) => [
      minuteOf(0, {
        counts: { accepted: events + 100 },
        organizations: [
          { id: 'org_a', events },
          { id: 'org_b', events: 100 },
        ],
      }),
      ...before,
    ];
    expect(said({ minutes: flood(9_900) })).toEqual({
      whose: 'them',
      sentence:
        'It is them: the organization Name of org_a floods: 99 % of 10,000 events of the last 5 minutes are its own. Its own webhooks alone can be late by that.',
      runbook: 'an-organization-floods',
    });
    // Few events; or many, as usual.
    expect(said({ minutes: flood(400) }).whose).toBe('nobody');
    const usual = before.map((each) => ({ ...each, figures: { ...each.figures, organizations: [{ id: 'org_a', events: 1_900 }] } }));
    expect(said({ minutes: [...flood(9_900).slice(0, 1), ...usual] }).whose).toBe('nobody');
    // As usual, but the queue does not keep up with it.
    const behind = { EVENTS: { messages: 9_000, bytes: 1, oldestAt: NOW - 300_000 } };
    expect(said({ minutes: [...flood(9_900).slice(0, 1), ...usual], queues: behind }).sentence).toContain('floods');
    // Of before too little is known to say so. Something that is wrong goes before it.
    const young = flood(9_900).slice(0, 9);
    expect(said({ minutes: young })).toEqual({
      whose: 'nobody',
      sentence:
        'Nothing fails: most of what comes is from the organization Name of org_a: 99 % of 10,000 events of the last 5 minutes are its own. Whether that is usual is known after 15 minutes of figures.',
      runbook: 'an-organization-floods',
    });
    expect(said({ minutes: young, databaseMs: null }).whose).toBe('us');
  });

  it('is that faults of ours come, where they are many', () => {
    expect(said({ minutes: [minuteOf(0, { faults: { 'outbox.faulted': fault(7), 'courier.lost': fault(1) } })] })).toMatchObject({
      whose: 'us',
      sentence: 'It is us: 8 faults of ours in the last 5 minutes, most of them outbox.faulted: D1_ERROR: out of order',
      runbook: 'log-events',
    });
    const past = { ...fault(7), at: NOW - 4 * MINUTE_MS };
    expect(said({ minutes: [minuteOf(4, { faults: { 'outbox.faulted': past } })] }).sentence).toContain(
      '7 faults of ours in the last 5 minutes (the last time 4 min ago), most of them outbox.faulted',
    );
    expect(said({ minutes: [minuteOf(0, { faults: { 'courier.lost': fault(4) } })] }).whose).toBe('nobody');
  });

  it('is that nothing is known, where the cron or the Meter is silent', () => {
    expect(said({ minutes: null }).sentence).toContain('the Meter does not answer');
    expect(said({ minutes: [minuteOf(0, {}, null), minuteOf(9, {}, sampleOf({ at: NOW - 9 * MINUTE_MS }))] }).sentence).toContain(
      'the cron has not run for 9 min',
    );
    expect(said({ minutes: [], sampledAt: NOW - 5 * 3_600_000 }).sentence).toContain('It is us: the cron has not run for 5 h');
  });

  it('is nobody’s fault that a new service’s cron has not run yet, for 15 minutes', () => {
    const fresh = { minutes: [], meteredSince: NOW - 14 * MINUTE_MS, sampledAt: null };
    expect(said(fresh)).toEqual({
      whose: 'nobody',
      sentence: 'Nothing fails: the cron has not run yet, so what waits is not known. In a new deployment it begins within 15 minutes.',
      runbook: 'the-figures-stand-still',
    });
    // It does not hide what is wrong.
    expect(said({ ...fresh, databaseMs: null }).sentence).toContain('It is us: the database (D1) does not answer');
    // Whether or not there was ever an event.
    const never = 'It is us: the cron has never run: what waits is not known.';
    expect(said({ ...fresh, meteredSince: NOW - 15 * MINUTE_MS }).sentence).toBe(never);
    expect(said({ ...fresh, meteredSince: NOW - 15 * MINUTE_MS, minutes: [minuteOf(0, {}, null)] }).sentence).toBe(never);
  });

  it('tells what is late from what fails', () => {
    const paced = failing({ failingSince: null, health: 'healthy', cause: null });
    expect(said({ minutes: [minuteOf(0, {}, sampleOf({ waiting: waitingOf([paced]) }))] })).toMatchObject({
      whose: 'nobody',
      sentence: expect.stringContaining('late by 10 min though their endpoint does not fail'),
      runbook: 'deliveries-are-late',
    });
  });
});

it.each([
  [12, '12 ms'],
  [1_240, '1.2 s'],
  [45_000, '45 s'],
  [90_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('%d ms are %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});
