import { parseIsoTime } from '../text/iso-time.ts';
import { linkOf, plain, shownLink } from './message-text.ts';
import { alertOf } from './operational-message.ts';
import { valuesAt } from './path.ts';

/*
 * What a chat shows of an event. Each format lays it out and escapes it for its product, so the lengths here leave room for that in all of them:
 * an escaped character takes five in Slack, two in Discord.
 */

/** Most facts in a message: Slack shows ten in a section, Discord 25 in all. */
const MAX_FACTS = 20;
/** Longest title, sentence, label, fact and footer, in characters. */
const MAX_TITLE_LENGTH = 120;
const MAX_SENTENCE_LENGTH = 400;
const MAX_LABEL_LENGTH = 60;
const MAX_FACT_LENGTH = 300;
const MAX_FOOTER_LENGTH = 300;

export interface Message {
  title: string;
  /** What has happened, where the title does not say it. */
  sentence: string | null;
  facts: Fact[];
  /** The webhook that brings it, the event type and when. */
  footer: string;
}

/** A value of the event, as text. */
export interface Fact {
  label: string;
  text: string;
  /** Where it leads; `text` shows it in short then. */
  link: string | null;
}

type Event = Record<string, unknown>;

/** What every event has, and the footer says, or what no reader wants. */
const ENVELOPE = ['event', 'timestamp', 'organization_id', 'session_id'];

/** What a sales person wants to know, in this order. Several paths make one text. */
const OF_VISITORS: readonly [label: string, ...paths: string[]][] = [
  ['Job title', 'visitor.job_title'],
  ['E-mail', 'visitor.email'],
  ['LinkedIn', 'visitor.linkedin_url'],
  ['Location', 'visitor.location'],
  ['Company size', 'company.employee_count'],
  ['Industry', 'company.industry'],
  ['Company location', 'company.location'],
  ['Website', 'company.domain'],
  ['Landing page', 'session.landing_page'],
  ['Pages visited', 'session.pages_visited'],
  ['Source', 'session.utm_source', 'session.utm_medium'],
  ['Referrer', 'session.referrer'],
  ['Device', 'session.device_type'],
];
const NAMES = ['visitor.first_name', 'visitor.last_name', 'company.name'];

/**
 * What a chat shows of an event, whatever its type.
 * @param name what the webhook is called that brings it
 */
export function messageOf(event: Event, name: string): Message {
  const alert = alertOf(event);
  const isVisitor = event.event === 'visitor.identified';
  const known = isVisitor ? OF_VISITORS : [];
  const said = new Set([...ENVELOPE, ...(alert?.said ?? []), ...(isVisitor ? NAMES : []), ...known.flatMap(([, ...paths]) => paths)]);
  const facts: Fact[] = [];
  for (const [label, ...paths] of known) add(facts, label, textOf(event, paths));
  for (const [path, value] of leavesOf(event, '')) {
    if (facts.length === MAX_FACTS) break;
    const isTime = alert !== null && path === 'failing_since';
    if (!said.has(path)) add(facts, wordsOf(path), isTime ? timeOf({ timestamp: value }) : textFrom(value));
  }
  if (alert?.link && facts.length < MAX_FACTS) add(facts, 'Dashboard', alert.link);
  const title = alert?.title ?? (isVisitor ? visitorTitle(event) : wordsOf(String(event.event)));
  return {
    title: plain(title, MAX_TITLE_LENGTH) || 'Event',
    sentence: alert ? plain(alert.sentence, MAX_SENTENCE_LENGTH) : isVisitor ? 'A visitor of your website was identified.' : null,
    facts,
    footer: plain(['Bullseye', name, event.event, timeOf(event)].filter(Boolean).join(' · '), MAX_FOOTER_LENGTH),
  };
}

function visitorTitle(event: Event): string {
  const person = plain(
    textOf(event, ['visitor.first_name', 'visitor.last_name'], ' ') || textOf(event, ['visitor.email']),
    MAX_LABEL_LENGTH,
  );
  const company = plain(textOf(event, ['company.name']) || textOf(event, ['company.domain']), MAX_LABEL_LENGTH - 10);
  if (person === '') return company === '' ? 'A visitor' : `Somebody at ${company}`;
  return company === '' ? person : `${person} · ${company}`;
}

function add(facts: Fact[], label: string, text: string): void {
  const link = linkOf(text);
  const shown = plain(link ? shownLink(link) : withUnit(label, text), MAX_FACT_LENGTH);
  if (shown !== '') facts.push({ label: plain(label, MAX_LABEL_LENGTH) || 'Value', text: shown, link });
}

function withUnit(label: string, text: string): string {
  return label === 'Company size' && /^[\d\s.,+–-]+$/.test(text) ? `${text} employees` : text;
}

/** The plain values of an event, with their paths. A list is one value: lists of objects have nothing to show in a line. */
function* leavesOf(value: object, path: string): Generator<[path: string, value: unknown]> {
  for (const [key, inner] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) yield* leavesOf(inner, at);
    else yield [at, inner];
  }
}

function textOf(event: Event, paths: readonly string[], separator = ' / '): string {
  return paths
    .map((path) => valuesAt(event, path).map(textFrom).filter(Boolean).join(', '))
    .filter((text) => text !== '')
    .join(separator);
}

/** A value in a line: of a list or an object its plain values; of a list that has none, how many there are. */
function textFrom(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object' || value === null) return '';
  let text = '';
  for (const element of Object.values(value)) {
    if (typeof element === 'object' || element === '') continue;
    text += `${text === '' ? '' : ', '}${textFrom(element)}`;
    if (text.length > MAX_FACT_LENGTH) break;
  }
  return text === '' && Array.isArray(value) && value.length > 0 ? String(value.length) : text;
}

/** `order.line_items` as words: "Order line items". */
function wordsOf(name: string): string {
  const words = name.replace(/[._\s-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function timeOf({ timestamp }: Event): string {
  const time = typeof timestamp === 'string' ? parseIsoTime(timestamp) : null;
  return time === null ? '' : `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
