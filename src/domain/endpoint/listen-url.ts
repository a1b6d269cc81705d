/*
 * A webhook of the command `listen` has no endpoint that the service could reach: its deliveries go through the listener's WebSocket
 * (listener/listener.ts). Its URL says so by its scheme, and for people where the command forwards them.
 */

const SCHEME = 'listen:';
/** Where nothing is forwarded: the command shows deliveries, and acknowledges them. */
const SHOWN = 'terminal';
/** In characters, as `forwardTo` is written. */
export const MAX_FORWARD_LENGTH = 2_048;

/** What SQL finds such webhooks by. */
export const LISTEN_URL_PATTERN = `${SCHEME}%`;

/** The most webhooks of `listen` an organization can have at a time. They do not count among its others. */
export const MAX_LISTENERS = 3;

/** Whether deliveries of a webhook go to a `listen` command. */
export function isListenUrl(url: string): boolean {
  return url.startsWith(SCHEME);
}

/** How many of some webhooks count against an organization's limit: those of `listen` do not. */
export function countOfEndpoints(webhooks: readonly { url: string }[]): number {
  return webhooks.filter(({ url }) => !isListenUrl(url)).length;
}

/** What a webhook of `listen` is called. */
export function listenName(url: string): string {
  return `listen ${URL.parse(url)?.host ?? SHOWN}`;
}

/**
 * The URL of a webhook of `listen`; null where the command cannot forward there. A query and a user name can be secrets of the developer's: they
 * stay on their machine.
 * @param forwardTo where the command forwards deliveries; null: nowhere
 */
export function listenUrl(forwardTo: string | null): string | null {
  if (forwardTo === null) return `${SCHEME}//${SHOWN}`;
  const url = URL.parse(forwardTo);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return null;
  return `${SCHEME}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
}
