import type { Who } from '../event/subject.ts';
import type { Needle } from '../text/needle.ts';

/**
 * Why an event made no delivery of a webhook that subscribes to it.
 * - `filtered`: the webhook's filter kept it back.
 * - `repeated`: an event with the same value had gone out within its days (`once`).
 */
export type SkipReason = 'filtered' | 'repeated';

/** The most skipped events that are listed of a webhook: the latest. */
export const MAX_SKIPPED = 100;

export interface SkippedEvent {
  eventId: string;
  event: string;
  /** Whom it is about (domain/event/subject.ts). */
  subject: string | null;
  /** The same as a search finds it. Missing in what versions before have told, and of what was repeated. */
  who?: Who | null;
  /** When it was accepted; milliseconds since the epoch. */
  at: number;
  why: SkipReason;
  /** The places in the filter that kept it back, such as `filter.all[1]`; none where it is `repeated`. */
  failedConditions: string[];
}

/** One that the filter kept back. */
export type FilteredEvent = Omit<SkippedEvent, 'why'>;

/** What an isolate tells an outbox of the events that its webhook's filter has kept back. */
export interface FilteredBundle {
  /** How many, by the start of the slot (SLOT_MS) in which they were accepted. */
  counts: Map<number, number>;
  /** Of these, how many this webhook counts as used (domain/usage.ts), by the day of acceptance. Versions before do not say. */
  events?: Map<number, number>;
  /** The latest of them, at most MAX_SKIPPED, in any order. */
  latest: FilteredEvent[];
}

/** Sorts the latest first. */
export function latestFirst(a: SkippedEvent, b: SkippedEvent): number {
  return b.at - a.at;
}

/** The same without saying whom those are about that were accepted until a time: somebody among them may have been erased. */
export function withoutSubjects({ latest, ...bundle }: FilteredBundle, until: number): FilteredBundle {
  return { ...bundle, latest: latest.map((each) => (each.at <= until ? withoutSubject(each) : each)) };
}

/** The same without saying whom it is about. */
export function withoutSubject<T extends FilteredEvent>(event: T): T {
  return { ...event, subject: null, who: null };
}

/** Whether a text is a part of what tells whom it is about, or of its id. */
export function isAbout({ eventId, event, subject, who = null }: SkippedEvent, needle: Needle): boolean {
  return needle.isIn(eventId) || needle.isIn(subject) || needle.isInWho(event, who);
}
