import { type Facts, type Finding, LATE_MINUTES, type Lately } from './facts.ts';
import { type Minute, minuteAt } from './figures.ts';
import { queueBehind } from './queues.ts';
import { numberText } from './wording.ts';

/** What one organization must have to flood: so many events of late, more than half of all, and so many times what it had before. */
const FLOOD_EVENTS = 1_000;
const FLOOD_SHARE = 0.5;
const FLOOD_TIMES = 5;
/** Minutes before, of which some must be known to say what is usual. */
const BEFORE_MINUTES = 30;
const KNOWN_BEFORE = 10;

/** The organization that most of what comes is of, where that is much; and whether it floods: null where too little is known of before to say so. */
function loudest(
  facts: Facts,
  { counts, organizations, faults }: Lately,
  minutes: readonly Minute[],
): { share: string; name: string; floods: boolean | null } | null {
  const { id, events } = organizations[0] ?? { id: '', events: 0 };
  const all = counts.accepted ?? 0;
  if (events < FLOOD_EVENTS || events <= all * FLOOD_SHARE) return null;
  const share = `${Math.floor((100 * events) / all)} % of ${numberText(all)} events of the last ${LATE_MINUTES} minutes are its own`;
  const usual = usualOf(id, minutes, facts.nowMs);
  const isTooMuch = queueBehind(facts).length > 0 || faults['outbox.full'] !== undefined;
  const isNews = usual === null ? null : events / LATE_MINUTES >= FLOOD_TIMES * usual;
  return { share, name: facts.organizationName(id), floods: isTooMuch || isNews };
}

/** That one organization floods. */
export function floods(facts: Facts, now: Lately, minutes: readonly Minute[]): Finding[] {
  const loud = loudest(facts, now, minutes);
  if (!loud?.floods) return [];
  const sentence = `the organization ${loud.name} floods: ${loud.share}. Its own webhooks alone can be late by that.`;
  return [{ whose: 'them', sentence, runbook: 'an-organization-floods' }];
}

/** That most of what comes is of one organization, where nobody can know yet whether that is usual. */
export function unknownFlood(facts: Facts, now: Lately, minutes: readonly Minute[]): Finding[] {
  const loud = loudest(facts, now, minutes);
  if (loud?.floods !== null) return [];
  const known = KNOWN_BEFORE + LATE_MINUTES;
  const sentence = `most of what comes is from the organization ${loud.name}: ${loud.share}. Whether that is usual is known after ${known} minutes of figures.`;
  return [{ whose: 'nobody', sentence, runbook: 'an-organization-floods' }];
}

/** How many events an organization usually has in a minute; null: too little is known to say so. */
function usualOf(id: string, minutes: readonly Minute[], nowMs: number): number | null {
  const now = minuteAt(nowMs);
  const before = minutes.filter(({ minute }) => minute <= now - LATE_MINUTES && minute > now - LATE_MINUTES - BEFORE_MINUTES);
  if (before.length < KNOWN_BEFORE) return null;
  const events = before.map(({ figures }) => figures.organizations.find((each) => each.id === id)?.events ?? 0);
  return events.reduce((sum, each) => sum + each, 0) / before.length;
}
