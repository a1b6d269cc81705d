/** What could steer how a text is shown, and has no place in one line: control characters, and marks of direction that none can see. */
const BLANKS = /[\p{Cc}\s]+/gu;
const INVISIBLE = /(?![\u200c\u200d])\p{Cf}/gu;
/** Where products look for mentions of everybody: `@channel`. An address such as jane@here.com is none. What begins with `<`, each product has its way with. */
const MENTION = /(?<![\w.+-])@(?=channel|here|everyone)/gi;
/** The beginning of a tag: `<!here>`, `<@U123>`, `<at>`. */
const TAG = /<(?=[\w!@#/:&?])/g;
/** Takes no room, and parts what a mention would be. */
const ZERO_WIDTH_SPACE = '\u200b';

/** Longest link, in characters. */
const MAX_LINK_LENGTH = 1_000;
/** How much of a link is shown, in characters. */
const MAX_SHOWN_LINK_LENGTH = 80;

/** A text as chats show it: one line without anything invisible, mentions disarmed, and cut. */
export function plain(text: string, maxLength: number): string {
  const line = text
    .slice(0, 4 * maxLength)
    .toWellFormed()
    .replace(BLANKS, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return cut(line.replace(MENTION, `$&${ZERO_WIDTH_SPACE}`), maxLength);
}

/** A text with its tags parted, where a product has no escape for them. */
export function parted(text: string): string {
  return text.replace(TAG, `$&${ZERO_WIDTH_SPACE}`);
}

function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  // A cut may not part a character that takes two units.
  return `${text
    .slice(0, maxLength - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '')
    .trimEnd()}…`;
}

/**
 * Where a value leads, if it is a web address: without credentials, and with what the products' own marks could be written in percent.
 * @returns null where it is none
 */
export function linkOf(text: string): string | null {
  if (!/^https?:\/\//i.test(text) || text.length > MAX_LINK_LENGTH) return null;
  const url = URL.parse(text);
  const isPlain = url?.username === '' && url.password === '';
  if (!isPlain) return null;
  const link = url.href.replace(/[()*[\]`|~@<>]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  return link.length > MAX_LINK_LENGTH ? null : link;
}

/** A link in short: its host is what readers go by, so it comes first and whole. */
export function shownLink(link: string): string {
  return cut(link.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, ''), MAX_SHOWN_LINK_LENGTH);
}

/** As many rows as fit, from the first on: what a message has in all is bounded, too. */
export function fitting<Row>(rows: readonly Row[], limit: number, sizeOf: (row: Row) => number): Row[] {
  let left = limit;
  return rows.filter((row) => {
    const size = sizeOf(row);
    if (size > left) return false;
    left -= size;
    return true;
  });
}
