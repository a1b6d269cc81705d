import type { DeliveryDetail } from '../../src/domain/delivery.ts';
import { decodeEventMessage } from '../../src/domain/event-message.ts';
import { deliveryId } from '../../src/domain/ids.ts';
import { MAX_WAIT_MS } from '../../src/domain/lifecycle.ts';
import type { Arrival } from './endpoints.ts';
import type { FaultRun } from './fault-run.ts';

/** Attempts that a delivery gets without a person's doing. */
const AUTOMATIC_ATTEMPTS = 4;

const decoder = new TextDecoder();

/** What is wrong with a run's books: every event against what the queue took, what the logs say and what the endpoints saw. */
export async function imbalance(run: FaultRun): Promise<string[]> {
  const wrong: string[] = [];
  const queued = queuedEvents(run);
  wrong.push(...ingestFaults(run, queued));
  if (run.queue.dead.length > 0) wrong.push(`${run.queue.dead.length} messages were given up`);
  const arrivals = Map.groupBy(run.endpoints.arrivals, ({ deliveryId: id }) => id);
  for (const webhookId of run.webhookIds) {
    const log = await run.host(webhookId).call((outbox) => outbox.list({}, 1_000, null));
    const listed = new Set(log.deliveries.map(({ id }) => id));
    for (const [eventId, body] of queued) {
      const id = deliveryId(eventId, webhookId);
      const detail = await run.host(webhookId).call((outbox) => outbox.find(id));
      if (!listed.delete(id) || !detail) wrong.push(`${id} is not in the log`);
      else wrong.push(...deliveryFaults(run, detail, { eventId, body }, arrivals.get(id) ?? []));
      arrivals.delete(id);
    }
    wrong.push(...[...listed].map((id) => `${id} is in the log, of an event that was never queued`));
  }
  wrong.push(...[...arrivals.keys()].map((id) => `${id} arrived, of an event that was never queued`));
  return wrong;
}

/** The events that the queue took, with the bytes it first took them with. */
function queuedEvents(run: FaultRun): Map<string, string> {
  const events = new Map<string, string>();
  for (const message of run.queue.taken.map(decodeEventMessage)) {
    for (const { id, payload } of message.events) {
      const body = decoder.decode(payload);
      // What the service itself tells an organization: nobody here subscribes to it.
      if (body.includes('"visitor.identified"') && !events.has(id)) events.set(id, body);
    }
  }
  return events;
}

/** A 202 means queued, and a request is queued as a whole or not at all. */
function ingestFaults(run: FaultRun, queued: ReadonlyMap<string, string>): string[] {
  const wrong: string[] = [];
  for (const { id, event } of run.promised) {
    if (queued.get(id) !== run.made[event]?.body) wrong.push(`${id} was accepted, and the queue has not got it as it was posted`);
  }
  const bodies = new Set(queued.values());
  for (const { post } of run.made) {
    const taken = post.events.filter((number) => bodies.has(run.made[number]!.body));
    if (taken.length > 0 && taken.length < post.events.length) wrong.push(`of the events ${post.events} only ${taken} were queued`);
    const promised = new Set(run.promised.filter(({ event }) => post.events.includes(event)).map(({ id }) => id));
    if (promised.size > post.events.length) wrong.push(`the ids of ${post.events} changed: ${[...promised]}`);
  }
  return wrong;
}

type Outcome = { number: number; outcome: string; responseStatus: number | null };

/** One delivery's log against what arrived. */
function deliveryFaults(run: FaultRun, detail: DeliveryDetail, event: { eventId: string; body: string }, arrived: Arrival[]): string[] {
  const { status, reason, attemptCount, attempts } = detail;
  const wrong: string[] = [];
  // Only a first attempt can be made twice: where it was made before the queue, or the producer, sent the event again.
  const repeated = run.queue.redelivered > 0 || isKeyed(event.eventId);
  const expect = (holds: boolean, what: string) => {
    if (!holds)
      wrong.push(
        `${detail.id}: ${what}: ${JSON.stringify({ status, reason, attemptCount, attempts: attempts.map(brief), arrived: arrived.map(({ attempt, status: answer }) => [attempt, answer]) })}`,
      );
  };
  expect(['delivered', 'failed', 'discarded'].includes(status) && detail.finishedAt !== null, 'it has not ended');
  expect(detail.eventId === event.eventId && detail.payload === event.body, 'the log has another event');
  expect(
    attempts.every(({ number }, index) => number === index + 1) && attempts.length === attemptCount,
    'attempts are missing from the log',
  );
  expect(attemptCount <= AUTOMATIC_ATTEMPTS, 'too many attempts');
  for (const each of arrived) {
    expect(each.eventId === event.eventId && each.body === event.body, 'another event arrived');
    // A first attempt whose outcome was lost with its maker may be all that there was before the webhook was disabled.
    expect(each.attempt <= attemptCount || (each.attempt === 1 && repeated), 'an attempt arrived that the log does not know');
  }
  for (const { number, responseStatus } of attempts as Outcome[]) {
    const same = arrived.filter(({ attempt }) => attempt === number);
    expect(same.length <= 1 || (number === 1 && repeated), `attempt ${number} arrived twice`);
    expect(
      responseStatus === null || same.some(({ status: answer }) => answer === responseStatus),
      `attempt ${number} was not answered so`,
    );
  }
  const answers = arrived.map(({ status: answer }) => answer);
  if (status === 'delivered') expect(answers.includes(200), 'it was never acknowledged');
  if (reason === 'attempts_exhausted') expect(attemptCount === AUTOMATIC_ATTEMPTS, 'it was given up early');
  if (reason === 'endpoint_gone') expect(answers.includes(410), 'nothing said that the endpoint is gone');
  if (reason === 'expired') expect(detail.finishedAt! - detail.createdAt >= MAX_WAIT_MS, 'it expired early');
  if (status === 'failed') expect(!attempts.some(({ outcome }) => outcome === 'succeeded'), 'it failed though it was acknowledged');
  return wrong;
}

function brief({ number, outcome, responseStatus }: Outcome): [number, string, number | null] {
  return [number, outcome, responseStatus];
}

function isKeyed(eventId: string): boolean {
  return eventId.startsWith('evt_Z');
}
