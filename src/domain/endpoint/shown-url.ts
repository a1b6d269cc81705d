/*
 * A webhook's URL as pages show it. Its path and its query can be all that it takes to post to it (Slack, Teams, Discord, Zapier, Make), so
 * whoever may only read sees where it leads and no more.
 */

/** What is left out of a shown URL. */
const CUT = '…';

/** A first part of a path that is words, such as `services`, `lead-import` or `v3`. Tokens (Make has them there) are longer than a word. */
const WORDS = /^[a-z]{1,14}(?:[-_.][a-z]{1,14}){0,2}\d{0,2}$/i;

/** The host, and the first part of the path where it is a word: `hooks.slack.com/services/…`. No query, no fragment. */
export function urlWithoutSecrets(url: string): string {
  const parsed = URL.parse(url);
  if (!parsed) return CUT;
  const { host, pathname, search, hash } = parsed;
  const [first = '', ...rest] = pathname.slice(1).split('/');
  const isShown = WORDS.test(first);
  const isCut = (first !== '' && !isShown) || rest.some((part) => part !== '') || search !== '' || hash !== '';
  const shown = isShown ? `${host}/${first}` : host;
  return isCut ? `${shown}/${CUT}` : shown;
}

/** A URL without its scheme, whole or cut in the middle: its end tells two of the same host apart. @param most characters */
export function shortUrl(url: string, most = Number.POSITIVE_INFINITY): string {
  const text = url.replace(/^https?:\/\//, '').replace(/\/$/, '');
  if (text.length <= most) return text;
  const tail = Math.floor((most - CUT.length) / 3);
  const head = most - CUT.length - tail;
  // Half a surrogate pair is no character.
  return `${text.slice(0, head)}${CUT}${text.slice(text.length - tail)}`.toWellFormed();
}

/** What a person sees of a webhook's URL. @param mayWrite whether they may change webhooks: then the URL is no secret to them */
export function shownUrl(url: string, { mayWrite, most }: { mayWrite: boolean; most?: number }): string {
  return mayWrite ? shortUrl(url, most) : shortUrl(urlWithoutSecrets(url), most);
}
