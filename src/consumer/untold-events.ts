import { type FilteredBundle, type FilteredEvent, MAX_SKIPPED } from '../domain/delivery/skipped-event.ts';
import { SLOT_MS } from '../domain/delivery/statistics.ts';
import { subjectFrom, whoOf } from '../domain/event/subject.ts';
import { matcherOf } from '../domain/rules/condition.ts';
import { dayOf } from '../domain/text/day.ts';
import type { FilteredWebhook } from '../domain/webhook/webhook.ts';
import { logError } from '../log.ts';
import { onceFor } from '../once-for.ts';
import { Telling } from '../telling.ts';
import type { Deadline } from '../within.ts';
import type { InboundEvent } from './fan-out.ts';

/** What is gathered at most: webhooks, and characters of what is listed. Beyond these events are not counted, or counted and not listed. */
const MAX_WEBHOOKS = 1_000;
const MAX_CHARACTERS = 2_000_000;

/** What an isolate has yet to tell outboxes of filtered events. */
export const untoldEventsOf = onceFor((_: Env) => new UntoldEvents());

/** Events that webhooks' filters have kept back, as an isolate remembers them until it tells each webhook's outbox (telling.ts). */
export class UntoldEvents {
  #byWebhook = new Map<string, Required<FilteredBundle>>();
  #characters = 0;
  readonly #telling = new Telling();

  /** Notes an event that a webhook's filter has kept back. @param isCounting whether this webhook counts it as used */
  note(
    { id: webhookId, filter }: FilteredWebhook,
    { id, event, value, acceptedAt }: Pick<InboundEvent, 'id' | 'event' | 'value' | 'acceptedAt'>,
    isCounting = false,
  ): void {
    const gathered = this.#byWebhook.get(webhookId) ?? { counts: new Map<number, number>(), events: new Map<number, number>(), latest: [] };
    if (!filter || (gathered.counts.size === 0 && this.#byWebhook.size === MAX_WEBHOOKS)) return;
    this.#byWebhook.set(webhookId, gathered);
    const { counts, events, latest } = gathered;
    const [slot, day] = [Math.floor(acceptedAt / SLOT_MS) * SLOT_MS, dayOf(acceptedAt)];
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
    if (isCounting) events.set(day, (events.get(day) ?? 0) + 1);
    if (this.#characters >= MAX_CHARACTERS) return;
    const who = whoOf(value);
    const listed = {
      eventId: id,
      event,
      subject: subjectFrom(event, who),
      who,
      at: acceptedAt,
      failedConditions: matcherOf(filter).failed(value),
    };
    this.#characters += charactersOf(listed);
    latest.push(listed);
    const dropped = latest.length > MAX_SKIPPED ? latest.shift() : undefined;
    if (dropped) this.#characters -= charactersOf(dropped);
  }

  /** Has the outboxes told soon of what is noted, by the invocation that is under way. */
  tellSoon(env: Env, waitUntil: (work: Promise<unknown>) => void, now: number): void {
    if (this.#byWebhook.size > 0) this.#telling.soon((deadline) => this.#tell(env, deadline), waitUntil, now);
  }

  async #tell(env: Env, deadline: Deadline): Promise<void> {
    const gathered = this.#byWebhook;
    this.#byWebhook = new Map();
    this.#characters = 0;
    await Promise.all([...gathered].map(([webhookId, bundle]) => tell(env, webhookId, bundle, deadline)));
  }
}

/** What cannot be told is dropped: it is known to the log alone. */
async function tell(env: Env, webhookId: string, bundle: FilteredBundle, deadline: Deadline): Promise<void> {
  try {
    await deadline.bound(env.OUTBOX.getByName(webhookId).tellSkipped(bundle));
  } catch (error) {
    const events = [...bundle.counts.values()].reduce((sum, count) => sum + count, 0);
    logError('outbox.not_told_of_filtered', error, { webhook: webhookId, events });
  }
}

function charactersOf({ eventId, event, subject, who, failedConditions }: FilteredEvent): number {
  const texts = [eventId, event, subject ?? '', ...Object.values(who ?? {}), ...failedConditions];
  return texts.reduce((sum, { length }) => sum + length, 0);
}
