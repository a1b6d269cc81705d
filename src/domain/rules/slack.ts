import type { Fact, Message } from './message.ts';
import { fitting } from './message-text.ts';

/*
 * Slack's incoming webhooks: Block Kit, with a text for notifications. Published limits: 50 blocks; a section has 3,000 characters of text, or 10
 * fields of 2,000 each. All blocks together are refused beyond about 13,000 characters, which no page says (slackapi/bolt-js, issue 2509).
 */
const MAX_FIELDS = 10;
const MAX_FIELD_LENGTH = 2_000;
const MAX_FACTS_LENGTH = 8_000;

/** The only characters that Slack has an escape for; with them out of the way no `<!channel>`, `<@U123>` or link can be written. */
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** Bold, italics and others begin and end at the edge of a word, and cannot be escaped: there they become letters that look alike. */
const MARKS = /(?<![\p{L}\p{N}])[*_~`]|[*_~`](?![\p{L}\p{N}])/gu;
const LOOK_ALIKES: Readonly<Record<string, string>> = { '*': '∗', _: 'ˍ', '~': '∼', '`': 'ˋ' };

export function slackMessage({ title, sentence, facts, footer }: Message): Record<string, unknown> {
  const head = [`*${escaped(title)}*`, ...(sentence === null ? [] : [escaped(sentence)])];
  const fields = fitting(facts.map(fieldOf), MAX_FACTS_LENGTH, (field) => field.length);
  const sections = Array.from({ length: Math.ceil(fields.length / MAX_FIELDS) }, (_, index) => ({
    type: 'section',
    fields: fields.slice(index * MAX_FIELDS, (index + 1) * MAX_FIELDS).map(mrkdwn),
  }));
  return {
    text: head.length === 1 ? escaped(title) : `${escaped(title)}: ${head[1]}`,
    // Slack fetches nothing for a preview: a link may be good for one visit only.
    unfurl_links: false,
    unfurl_media: false,
    blocks: [{ type: 'section', text: mrkdwn(head.join('\n')) }, ...sections, { type: 'context', elements: [mrkdwn(escaped(footer))] }],
  };
}

function fieldOf({ label, text, link }: Fact): string {
  const name = `*${escaped(label)}*\n`;
  const linked = link === null ? null : `${name}<${escapedMarkup(link)}|${escaped(text)}>`;
  return linked !== null && linked.length <= MAX_FIELD_LENGTH ? linked : name + escaped(text);
}

/** `verbatim` keeps Slack from making mentions and links of what only looks like them: `@here`, `#sales`. */
function mrkdwn(text: string): Record<string, unknown> {
  return { type: 'mrkdwn', text, verbatim: true };
}

function escaped(text: string): string {
  return escapedMarkup(text.replace(MARKS, (mark) => LOOK_ALIKES[mark] as string));
}

function escapedMarkup(text: string): string {
  return text.replace(/[&<>]/g, (character) => ESCAPES[character] as string);
}
