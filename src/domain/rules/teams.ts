import type { Fact, Message } from './message.ts';
import { fitting, parted } from './message-text.ts';

/*
 * What the webhooks of Teams' Workflows take: a message with an adaptive card. Its published limit is 28 KB; messages of more than 21 KB have
 * been refused, so it stays well below. All texts are text runs, in which neither Markdown nor HTML means anything, so there is nothing to escape; tags
 * are parted all the same, since elsewhere `<at>` is a mention.
 */
const MAX_FACTS_BYTES = 16_000;

const encoder = new TextEncoder();

export function teamsMessage({ title, sentence, facts, footer }: Message): Record<string, unknown> {
  const head = [paragraph([run(title, { size: 'Large', weight: 'Bolder' })]), ...(sentence === null ? [] : [paragraph([run(sentence)])])];
  const rows = fitting(facts.map(rowOf), MAX_FACTS_BYTES, (row) => encoder.encode(JSON.stringify(row)).length);
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.2',
    fallbackText: parted(title),
    body: [...head, ...rows, paragraph([run(footer, { size: 'Small', isSubtle: true })])],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card }] };
}

function rowOf({ label, text, link }: Fact): Record<string, unknown> {
  const value = run(text, link === null ? {} : { selectAction: { type: 'Action.OpenUrl', url: link } });
  return { ...paragraph([run(`${label}: `, { weight: 'Bolder' }), value]), spacing: 'Small' };
}

function paragraph(inlines: Record<string, unknown>[]): Record<string, unknown> {
  return { type: 'RichTextBlock', inlines };
}

function run(text: string, looks: Record<string, unknown> = {}): Record<string, unknown> {
  return { type: 'TextRun', text: parted(text), ...looks };
}
