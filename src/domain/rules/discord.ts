import type { Fact, Message } from './message.ts';
import { fitting, parted } from './message-text.ts';

/*
 * Discord's webhooks: one embed. Published limits: a title of 256 characters, a description of 4,096, 25 fields with names of 256 and values of
 * 1,024, a footer of 2,048, and 6,000 in all.
 */
const MAX_FACTS_LENGTH = 4_500;

/** Discord's marks, wherever they stand; and those that only begin a line. */
const MARKS = /[\\*_~`|<>[\]()]|^[#+-]|(?<=^\d+)\.(?=\s)/g;

export function discordMessage({ title, sentence, facts, footer }: Message): Record<string, unknown> {
  const fields = fitting(facts.map(fieldOf), MAX_FACTS_LENGTH, ({ name, value }) => name.length + value.length);
  return {
    embeds: [
      { title: escaped(title), ...(sentence !== null && { description: escaped(sentence) }), fields, footer: { text: parted(footer) } },
    ],
    // Nobody is called, whatever the texts say.
    allowed_mentions: { parse: [] },
  };
}

/** A link stands by itself: Discord shows none whose text is an address. */
function fieldOf({ label, text, link }: Fact): { name: string; value: string; inline: boolean } {
  return { name: escaped(label), value: link ?? escaped(text), inline: true };
}

function escaped(text: string): string {
  return text.replace(MARKS, '\\$&');
}
