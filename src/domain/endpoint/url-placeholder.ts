/** What stands for something to be filled in: `{id}`, `<token>`, `:account`, `YOUR_KEY`, `XXXXXXXX`, `…`. A browser may have escaped it. */
const PLACEHOLDERS: readonly RegExp[] = [
  /\{[^{}]*\}/,
  /<[^<>]*>/,
  /%7B.*?%7D/i,
  /%3C.*?%3E/i,
  /(?<=\/):[a-z][a-z_]*/i,
  /(?<![a-z0-9])your[-_][a-z0-9_-]*/i,
  /(?<![a-z0-9])x{4,}(?![a-z0-9])/i,
  /\.\.\.|…/,
];

/** The part of a URL that was to be filled in, and was not; null: there is none. It is a guess: whoever typed the URL is asked. */
export function placeholderIn(url: string): string | null {
  for (const pattern of PLACEHOLDERS) {
    const found = pattern.exec(url);
    if (found) return found[0];
  }
  return null;
}
