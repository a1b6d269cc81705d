import type { AttemptRecord, DeliveryDetail, DeliveryPage, DeliveryPosition } from '../../src/domain/delivery/delivery.ts';
import { MAX_WAIT_MS } from '../../src/domain/delivery/lifecycle.ts';
import { MAX_SKIPPED, type SkippedEvent } from '../../src/domain/delivery/skipped-event.ts';
import { decodeEventMessage } from '../../src/domain/event/event-message.ts';
import { deliveryId } from '../../src/domain/ids.ts';
import { LIMITS } from '../platform/limits.ts';
import type { MishapKind } from '../platform/mishaps.ts';
import type { Arrival } from './endpoints.ts';
import { erasureFaults, isToBeErased } from './erased.ts';
import type { FaultRun } from './fault-run.ts';
import { formOf, isUnwanted, personOf } from './producer.ts';

/** Attempts that a delivery gets without a person's doing. */
const AUTOMATIC_ATTEMPTS = 4;
/** With all retries and redeliveries, and the longest wait between probes, everything is over within this after a storm. */
const OVER_AFTER_MS = 3 * 3_600_000;
/** Deliveries of a log that are asked for at a time. */
const PAGE = 500;
/** An attempt is noted, and sent, in the turn in which it begins. */
const NOTED_WITHIN_MS = 1;
/** After this an outbox waits no more for a courier. */
const COURIER_MS = 46_000;

const decoder = new TextDecoder();

/** Events' bodies by their ids. */
type Events = Map<string, string>;

/** What is wrong with a run's books: every event against what the queue took, what the logs say and what the endpoints saw. */
export async function imbalance(run: FaultRun): Promise<string[]> {
  const wrong: string[] = [];
  const queued = queuedEvents(run);
  wrong.push(...ingestFaults(run, queued), ...limitFaults(run));
  // An outbox that sweeps its log every 12 hours would find what it had forgotten: nothing may lean on that.
  const lateMs = run.tookMs - run.scenario.stormMs;
  if (!run.scenario.losesAlarms && lateMs > OVER_AFTER_MS)
    wrong.push(`it was over only ${Math.round(lateMs / 60_000)} minutes after the storm`);
  if (run.queue.dead.length > 0) wrong.push(`${run.queue.dead.length} messages were given up`);
  const arrivals = Map.groupBy(run.endpoints.arrivals, ({ deliveryId: id }) => id);
  for (const webhookId of run.webhookIds) {
    const { hasForm } = scenarioOf(run, webhookId);
    const ids = await loggedIds(run, webhookId);
    const listed = new Set(ids);
    if (listed.size < ids.length) wrong.push(`the log of ${webhookId} lists deliveries twice`);
    const goingOut = eventsGoingOut(run, webhookId, queued, listed);
    wrong.push(...(await skippedFaults(run, webhookId, queued, goingOut)));
    let erased = 0;
    for (const [eventId, body] of goingOut) {
      const id = deliveryId(eventId, webhookId);
      const detail = await run.host(webhookId).call((outbox) => outbox.find(id));
      if (!listed.delete(id) || !detail) wrong.push(`${id} is not in the log`);
      else {
        const sent = hasForm ? formOf(body) : body;
        const isErased = isToBeErased(run, detail.createdAt, numberOf(body));
        if (isErased) erased++;
        wrong.push(...deliveryFaults(run, webhookId, detail, { eventId, body, sent, isErased }, arrivals.get(id) ?? []));
      }
      arrivals.delete(id);
    }
    for (const [id, number] of run.tests) {
      const detail = listed.has(id) ? await run.host(webhookId).call((outbox) => outbox.find(id)) : null;
      if (!detail || !isToBeErased(run, detail.createdAt, number)) continue;
      erased++;
      if (detail.payload !== null) wrong.push(`the test ${id} still has its payload`);
    }
    const others = new Set(listed);
    if (run.scenario.erasure) wrong.push(...(await erasureFaults(run, webhookId, listed, erased)));
    for (const id of others) if (!listed.has(id)) arrivals.delete(id);
    wrong.push(
      ...[...listed].filter((id) => !run.tests.has(id)).map((id) => `${id} is in the log, of an event that was never queued, or kept back`),
    );
  }
  const strange = [...arrivals.keys()].filter((id) => !run.tests.has(id));
  wrong.push(...strange.map((id) => `${id} arrived, of an event that was never queued, or kept back`));
  return wrong;
}

/** The events that a webhook gets: those that its filter lets through, and where it wants each person once, of each the one that it has got. */
function eventsGoingOut(run: FaultRun, webhookId: string, queued: Events, listed: ReadonlySet<string>): Events {
  const { once } = scenarioOf(run, webhookId);
  const wanted = [...queued].filter(([, body]) => isWanted(run, webhookId, body));
  if (!once) return new Map(wanted);
  const people = Map.groupBy(wanted, ([, body]) => personOf(numberOf(body))).values();
  // Where it has got none, that is found wrong of any.
  return new Map(people.map((events) => events.find(([id]) => listed.has(deliveryId(id, webhookId))) ?? (events[0] as [string, string])));
}

/** What an outbox lists as repeated is exact, as far as its list goes; what is filtered it is told at best. */
async function skippedFaults(run: FaultRun, webhookId: string, queued: Events, goingOut: Events): Promise<string[]> {
  const skipped = await run.host(webhookId).call((outbox) => outbox.skipped());
  const [filtered, repeated] = (['filtered', 'repeated'] as const).map((reason) => skipped.filter(({ why }) => why === reason)) as [
    SkippedEvent[],
    SkippedEvent[],
  ];
  run.skipped.filtered += filtered.length;
  run.skipped.repeated += repeated.length;
  const idsOf = (events: SkippedEvent[]) => events.map(({ eventId }) => eventId).toSorted();
  const wrong: string[] = [];
  const expected = new Set([...queued].filter(([id, body]) => isWanted(run, webhookId, body) && !goingOut.has(id)).map(([id]) => id));
  const listed = new Set(idsOf(repeated));
  const missing = [...expected].filter((id) => !listed.has(id));
  if (missing.length > 0 && skipped.length < MAX_SKIPPED) wrong.push(`${webhookId} does not list ${missing} as repeated`);
  for (const id of idsOf(repeated)) if (!expected.delete(id)) wrong.push(`${webhookId} lists ${id} as repeated, or lists it twice`);
  const strange = idsOf(filtered).filter((id) => queued.has(id) && isWanted(run, webhookId, queued.get(id) as string));
  return [...wrong, ...strange.map((id) => `${webhookId} lists ${id} as filtered`)];
}

const scenarioOf = (run: FaultRun, webhookId: string) => run.scenario.webhooks[run.webhookIds.indexOf(webhookId)]!;
const numberOf = (body: string): number => (JSON.parse(body) as { n: number }).n;

function isWanted(run: FaultRun, webhookId: string, body: string): boolean {
  return !scenarioOf(run, webhookId).keepsBack || !isUnwanted(numberOf(body));
}

/** A webhook's whole log, page by page. */
async function loggedIds(run: FaultRun, webhookId: string): Promise<string[]> {
  const ids: string[] = [];
  let after: DeliveryPosition | null = null;
  do {
    const from: DeliveryPosition | null = after;
    const page: DeliveryPage = await run.host(webhookId).call((outbox) => outbox.list({}, PAGE, from));
    ids.push(...page.deliveries.map(({ id }) => id));
    after = page.next;
  } while (after !== null);
  return ids;
}

/** What the platform would not have let pass, or would have slowed down. */
function limitFaults(run: FaultRun): string[] {
  const wrong: string[] = [];
  for (const { name, most, waited, refused, uncaught } of run.objects.flatMap(({ contexts }) => contexts)) {
    if (most.connections > LIMITS.connections || waited > 0) wrong.push(`${name} wanted ${most.connections} connections at a time`);
    if (refused > 0) wrong.push(`${name} wanted ${refused} subrequests too many`);
    if (uncaught !== undefined) wrong.push(`a timer of ${name} threw: ${uncaught}`);
  }
  return wrong;
}

/** The events that the queue took, with the bytes it first took them with. */
function queuedEvents(run: FaultRun): Events {
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
  const isDropped = (event: number) => run.scenario.webhooks.every(({ keepsBack }) => keepsBack) && isUnwanted(event);
  for (const { id, event } of run.promised) {
    // Where nobody wants it, it need not be.
    if (isDropped(event) && !queued.has(id)) continue;
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

/** One delivery's log against what arrived. */
function deliveryFaults(
  run: FaultRun,
  webhookId: string,
  detail: DeliveryDetail,
  event: { eventId: string; body: string; sent: string | null; isErased: boolean },
  arrived: Arrival[],
): string[] {
  const { status, reason, attemptCount, attempts } = detail;
  const wrong: string[] = [];
  const expect = (holds: boolean, what: string) => {
    if (!holds) {
      const seen = arrived.map(({ attempt, status: answer, at }) => [attempt, answer, at]);
      wrong.push(
        `${detail.id}: ${what}: ${JSON.stringify({ status, reason, attemptCount, attempts: attempts.map(brief), arrived: seen })}`,
      );
    }
  };
  const happened = (kinds: readonly MishapKind[], from: number, to: number) => run.mishaps.has(kinds, webhookId, from, to, detail.id);
  expect(['delivered', 'failed', 'discarded'].includes(status) && detail.finishedAt !== null, 'it has not ended');
  const accepted = event.sent === event.body || event.isErased ? null : event.body;
  // Of one that was never to be attempted it may not have been made.
  const sent = event.isErased ? null : event.sent;
  const isAsSent = detail.payload === sent || (accepted !== null && status === 'discarded' && detail.payload === null);
  expect(detail.eventId === event.eventId && isAsSent, 'the log has another event');
  expect(detail.acceptedPayload === accepted, 'the log has not got what was accepted');
  expect((detail.payloadErasedAt !== null) === event.isErased, event.isErased ? 'it was not erased' : 'it was erased');
  expect(
    attempts.every(({ number }, index) => number === index + 1) && attempts.length === attemptCount,
    'attempts are missing from the log',
  );
  const automatic = attempts.filter(({ trigger }) => trigger !== 'manual').length;
  expect(automatic <= AUTOMATIC_ATTEMPTS, 'too many attempts');
  for (const each of arrived) {
    expect(each.eventId === event.eventId && each.body === event.sent, 'another event arrived');
    // One whose outcome was lost with its maker may be all that there was before the webhook was disabled.
    const isLost = () => happened(['vanished', 'storage'], begunAt(each), Number.POSITIVE_INFINITY);
    expect(each.attempt <= attemptCount || isLost(), 'an attempt arrived that the log does not know');
  }
  for (const { number, outcome, startedAt, responseStatus, error } of attempts) {
    const same = arrived.filter(({ attempt }) => attempt === number);
    for (const [index, again] of same.slice(1).entries()) {
      expect(isExcused(happened, number, same[index]!, again), `attempt ${number} arrived twice, though its outcome was known`);
    }
    expect(
      responseStatus === null || same.some(({ status: answer }) => answer === responseStatus),
      `attempt ${number} was not answered so`,
    );
    const next = attempts[number]?.startedAt ?? Number.POSITIVE_INFINITY;
    const isExplained = () => happened(['vanished', 'unanswered', 'storage'], startedAt - 1, next);
    expect(outcome !== 'interrupted' || isExplained(), `nothing interrupted attempt ${number}`);
    expect(!/subrequest/i.test(error ?? ''), `a fault of ours is the endpoint's in attempt ${number}`);
  }
  const answers = arrived.map(({ status: answer }) => answer);
  if (status === 'delivered') expect(answers.includes(200), 'it was never acknowledged');
  // A person's attempt of one that waits takes the place of the scheduled one.
  if (reason === 'attempts_exhausted') expect(attemptCount >= AUTOMATIC_ATTEMPTS, 'it was given up early');
  if (reason === 'endpoint_gone') expect(answers.includes(410), 'nothing said that the endpoint is gone');
  if (reason === 'not_rendered')
    expect(event.sent === null && attemptCount === 0 && (detail.error !== null || event.isErased), 'it can be rendered');
  if (reason === 'person_erased') expect(event.isErased, 'its person was not erased');
  if (event.sent === null) expect(reason === 'not_rendered' || status === 'discarded', 'it cannot be rendered, and has not failed so');
  if (reason === 'expired') expect(detail.finishedAt! - detail.createdAt >= MAX_WAIT_MS, 'it expired early');
  if (status === 'failed') expect(!attempts.some(({ outcome }) => outcome === 'succeeded'), 'it failed though it was acknowledged');
  return wrong;
}

/**
 * An attempt is made again only where nobody knows how it ended: its outbox vanished, or could not keep what it knew. Of the second
 * attempt on, the outbox notes beforehand that it is made: only where that failed, too, can it be made again with its number.
 */
function isExcused(
  happened: (kinds: readonly MishapKind[], from: number, to: number) => boolean,
  number: number,
  first: Arrival,
  again: Arrival,
): boolean {
  // One can overtake the other on its way.
  const [from, to] = [Math.min(begunAt(first), begunAt(again)), Math.max(first.sent.at, again.sent.at)];
  return happened(number === 1 ? ['vanished', 'storage'] : ['storage'], from, to);
}

/** When an attempt began, at the earliest: a courier can have been busy with what nobody waits for any more. */
function begunAt({ sent, webhookId }: Arrival): number {
  return sent.at - (sent.by === webhookId ? NOTED_WITHIN_MS : COURIER_MS);
}

function brief({ number, trigger, outcome, responseStatus }: AttemptRecord): [number, string, string, number | null] {
  return [number, trigger, outcome, responseStatus];
}
