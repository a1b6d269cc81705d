import { createRequire } from 'node:module';

/*
 * What chat products take by their published limits, and what their texts may not say: mentions, links that are none, HTML. Each gives what is
 * wrong with a message.
 */

interface MicrosoftCards {
  AdaptiveCard: new () => { parse: (card: unknown, context: ParseContext) => void; toJSON: () => unknown };
  SerializationContext: new (version: unknown) => ParseContext;
  Versions: Record<'v1_2', unknown>;
}
interface ParseContext {
  eventCount: number;
  getEventAt: (index: number) => { message: string };
}

/** Microsoft's own parser of cards. It has no schema of this version to give away, and its module for imports runs in bundlers only. */
const microsoft = createRequire(import.meta.url)('adaptivecards/dist/adaptivecards.min.js') as MicrosoftCards;

type Json = Record<string, unknown>;
const encoder = new TextEncoder();

/** Block Kit: docs.slack.dev/reference/block-kit. */
export function slackFlaws(body: Json): string[] {
  const blocks = body.blocks as Json[];
  const texts = blocks.flatMap(({ text, fields, elements }) => [text, ...((fields ?? []) as Json[]), ...((elements ?? []) as Json[])]);
  const objects = texts.filter((text): text is { type: string; text: string; verbatim: boolean } => text !== undefined);
  const all = [String(body.text), ...objects.map(({ text }) => text)];
  return flaws([
    [blocks.length >= 1 && blocks.length <= 50, 'blocks'],
    [blocks.every(({ type }) => ['section', 'context'].includes(type as string)), 'type of a block'],
    [blocks.every(({ type, text, fields }) => type !== 'section' || (text === undefined) !== (fields === undefined)), 'section'],
    [blocks.every(({ fields }) => fields === undefined || within((fields as Json[]).length, 1, 10)), 'fields of a section'],
    [blocks.every(({ fields }) => ((fields ?? []) as { text: string }[]).every(({ text }) => within(text.length, 1, 2_000))), 'field'],
    [blocks.every(({ elements }) => elements === undefined || within((elements as Json[]).length, 1, 10)), 'elements of a context'],
    [objects.every(({ type, text, verbatim }) => type === 'mrkdwn' && verbatim && within(text.length, 1, 3_000)), 'text'],
    [objects.reduce((length, { text }) => length + text.length, 0) <= 13_000, 'all texts'],
    [within(String(body.text).length, 1, 4_000), 'text for notifications'],
    // Every angle bracket belongs to a link with a text, every ampersand to an entity.
    [all.every((text) => !/[<>]/.test(text.replace(/<https?:\/\/[^<>|\s]+\|[^<>|]+>/g, ''))), 'angle bracket'],
    [all.every((text) => !/&(?!amp;|lt;|gt;)/.test(text)), 'ampersand'],
    ...textFlaws(all),
  ]);
}

/** Embeds: docs.discord.com/developers/resources/message, "Embed Limits". */
export function discordFlaws(body: Json): string[] {
  const [embed, ...others] = body.embeds as Json[];
  const { title, description, fields, footer } = embed as { title: string; description?: string; fields: Json[]; footer: { text: string } };
  const pairs = fields as { name: string; value: string }[];
  const marked = [title, description ?? '', ...pairs.flatMap(({ name, value }) => [name, value])];
  return flaws([
    [others.length === 0, 'embeds'],
    [within(title.trim().length, 1, 256), 'title'],
    [(description ?? '').length <= 4_096, 'description'],
    [pairs.length <= 25, 'fields'],
    [pairs.every(({ name, value }) => within(name.trim().length, 1, 256) && within(value.trim().length, 1, 1_024)), 'field'],
    [within(footer.text.trim().length, 1, 2_048), 'footer'],
    [[...marked, footer.text].join('').length <= 6_000, 'all texts'],
    [JSON.stringify(body.allowed_mentions) === '{"parse":[]}', 'allowed mentions'],
    // Outside links, which Discord takes as they are, no mark is left that has not been escaped.
    [marked.every((text) => /^https?:\/\/\S+$/.test(text) || !/(?<!\\)(?:\\\\)*[*_~`|<>[\]()]/.test(text)), 'mark'],
    ...textFlaws([...marked, footer.text]),
  ]);
}

/** Adaptive cards by Microsoft's own parser; what Teams takes of them, in bytes. */
export function teamsFlaws(body: Json): string[] {
  const [attachment, ...others] = body.attachments as { contentType: string; content: { version: string; body: Json[] } }[];
  const { content } = attachment as NonNullable<typeof attachment>;
  const context = new microsoft.SerializationContext(microsoft.Versions.v1_2);
  const card = new microsoft.AdaptiveCard();
  card.parse(content, context);
  const runs = content.body.flatMap(({ inlines }) => inlines as { text: string; selectAction?: { url: string } }[]);
  return flaws([
    [body.type === 'message' && others.length === 0, 'envelope'],
    [attachment?.contentType === 'application/vnd.microsoft.card.adaptive', 'content type'],
    [encoder.encode(JSON.stringify(body)).length <= 21_000, 'bytes'],
    [runs.every(({ text }) => text.trim() !== ''), 'text'],
    [runs.every(({ selectAction }) => !selectAction || /^https?:\/\/[^\s@]+$/.test(selectAction.url)), 'link'],
    ...Array.from({ length: context.eventCount }, (_, index) => [false, context.getEventAt(index).message] as const),
    // What the parser does not know it drops.
    [sameJson(card.toJSON(), content), 'property that cards do not have'],
    ...textFlaws(runs.map(({ text }) => text)),
  ]);
}

/** What no product may be sent: a mention that is live, characters that are none or cannot be seen, more than one line of the event's. */
function textFlaws(texts: readonly string[]): [boolean, string][] {
  return [
    [texts.every((text) => !/(?<![\w.+-])@(channel|here|everyone)/i.test(text)), 'mention of all'],
    [texts.every((text) => !/(?<!\\)<(?:[!@#]|\/?at\b)/i.test(text)), 'mention'],
    [texts.every((text) => text.isWellFormed()), 'Unicode'],
    [texts.every((text) => !/(?!\n)[\p{Cc}\u202a-\u202e]/u.test(text)), 'invisible character'],
  ];
}

function flaws(rules: readonly (readonly [holds: boolean, name: string])[]): string[] {
  return rules.filter(([holds]) => !holds).map(([, name]) => name);
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
