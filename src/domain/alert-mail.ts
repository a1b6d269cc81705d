import {
  MAX_COUNTED_WAITING,
  type Notice,
  noticeEvent,
  type Told,
  WEBHOOK_DISABLE_WARNING,
  WEBHOOK_DISABLED,
  WEBHOOK_FAILING,
} from './event/operational-event.ts';
import { plain } from './rules/message-text.ts';
import { alertOf } from './rules/operational-message.ts';
import { MAX_NAME_LENGTH, spokenNameOf } from './webhook/webhook.ts';

/*
 * The mails that people are told by: what they say, as plain text and as HTML with nothing in it but paragraphs and links. What customers wrote
 * is one line of bounded length, and is escaped.
 */

const MAX_ANSWER_LENGTH = 300;

/** What a mail says. */
export interface MailText {
  subject: string;
  text: string;
  html: string;
}

/** A paragraph: its text, and where it leads. */
interface Paragraph {
  text: string;
  link?: string;
}

/** Who sends a mail, and for whom. */
export interface MailParties {
  /** The product's name. */
  product: string;
  /** The organization's name. */
  organization: string;
}

/**
 * The mail that tells of what has happened to a webhook.
 * @param notices oldest first; one at least
 * @param endUrl where one click ends such mails
 */
export function alertMail(parties: MailParties, notices: readonly Notice[], told: Told, endUrl: string, nowMs: number): MailText {
  const latest = notices.at(-1);
  if (!latest) throw new RangeError('a mail tells of something');
  const { host } = latest;
  const name = plain(spokenNameOf({ ...told, url: `https://${host}/` }), MAX_NAME_LENGTH);
  const paragraphs: Paragraph[] = [
    { text: name === host ? `Webhook ${name}:` : `Webhook ${name} (${host}):` },
    ...notices.map((notice) => ({ text: `${timeOf(notice.at, nowMs)}: ${sentenceOf(notice, told)}` })),
    ...(latest.since === null ? [] : [{ text: `Failing since: ${timeOf(latest.since, nowMs)}` }]),
    { text: `Deliveries that wait: ${told.waiting < MAX_COUNTED_WAITING ? told.waiting : `${MAX_COUNTED_WAITING} or more`}` },
    ...(latest.lastAnswer === null ? [] : [{ text: `Last answer: ${plain(latest.lastAnswer, MAX_ANSWER_LENGTH)}` }]),
    ...(told.link === null ? [] : [{ text: 'Open the webhook', link: told.link }]),
    ...ending(parties, endUrl),
  ];
  return mailOf(`${productOf(parties)}: webhook ${name} ${headlineOf(latest, nowMs)}`, paragraphs);
}

/** The mail that asks whether an address is to get alerts. It is the only one that the address gets until it has confirmed. */
export function confirmationMail(parties: MailParties, confirmUrl: string): MailText {
  return mailOf(`${productOf(parties)}: confirm this address for alerts`, [
    {
      text: `Somebody at ${organizationOf(parties)} wants this address to be told when one of their webhooks fails, and when it works again.`,
    },
    { text: 'Confirm the address', link: confirmUrl },
    { text: 'If you do not expect this, ignore it: you get no alerts unless you confirm.' },
  ]);
}

/** The mail that shows that alerts arrive. */
export function trialMail(parties: MailParties, endUrl: string): MailText {
  return mailOf(`${productOf(parties)}: a trial of your alerts`, [
    { text: 'This is a trial. Nothing has happened to your webhooks: somebody wanted to see that alerts arrive here.' },
    ...ending(parties, endUrl),
  ]);
}

function ending(parties: MailParties, endUrl: string): Paragraph[] {
  return [
    { text: `You get this because this address was confirmed for alerts of ${organizationOf(parties)}.` },
    { text: 'End these mails', link: endUrl },
  ];
}

/** What the subject says of it. */
function headlineOf({ event, at, since, isFull, disableAt }: Notice, nowMs: number): string {
  if (event === WEBHOOK_DISABLED) return 'was disabled';
  if (event === WEBHOOK_DISABLE_WARNING)
    return disableAt === undefined ? 'will be disabled' : `will be disabled at ${timeOf(disableAt, nowMs)}`;
  if (event === WEBHOOK_FAILING) return isFull ? 'takes too few deliveries' : `has failed since ${timeOf(since ?? at, nowMs)}`;
  return 'works again';
}

function sentenceOf(notice: Notice, told: Told): string {
  return alertOf(noticeEvent(notice, told))?.sentence ?? notice.event;
}

/** `14:05 UTC` where that is today, else with its day. */
function timeOf(ms: number, nowMs: number): string {
  const [day = '', time = ''] = new Date(ms).toISOString().split('T');
  const clock = `${time.slice(0, 5)} UTC`;
  return new Date(nowMs).toISOString().startsWith(day) ? clock : `${day} ${clock}`;
}

function productOf({ product }: MailParties): string {
  return plain(product, MAX_NAME_LENGTH);
}

function organizationOf({ organization }: MailParties): string {
  return plain(organization, MAX_NAME_LENGTH);
}

function mailOf(subject: string, paragraphs: readonly Paragraph[]): MailText {
  const text = paragraphs.map(({ text: said, link }) => (link === undefined ? said : `${said}: ${link}`)).join('\n\n');
  const html = paragraphs.map(
    ({ text: said, link }) => `<p>${link === undefined ? escaped(said) : `<a href="${escaped(link)}">${escaped(said)}</a>`}</p>`,
  );
  return { subject, text: `${text}\n`, html: `<!doctype html><html lang="en"><body>${html.join('\n')}</body></html>` };
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
