import { readOwnHeaders } from '../../attempt/own-headers.ts';
import { openSecret, sealSecret } from '../../db/secret-box.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { changedHeaders, type HeaderChanges, type HeaderValues, MAX_HEADERS } from '../../domain/endpoint/own-headers.ts';
import { namesOf, partsOf } from '../../domain/text/json-items.ts';
import { invalid } from '../errors.ts';

/** A webhook's own headers as the database keeps them. */
type HeaderColumns = Pick<WebhookRow, 'headers' | 'headerNames'>;

const NONE: HeaderColumns = { headers: null, headerNames: null };

/**
 * Refuses a request whose text names a header twice in the same letters: its value has the last of them alone.
 * @param bytes the body's bytes; none where a page asks
 */
export function requireNamesOnce(bytes: Uint8Array): void {
  const text = bytes.length > 0 ? partsOf(new TextDecoder().decode(bytes)).members?.get('headers')?.text : undefined;
  const names = text?.startsWith('{') ? namesOf(new TextEncoder().encode(text)) : [];
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw invalid([{ field: `headers.${twice}`, message: `\`${twice}\` is there more than once` }]);
}

/** The headers of a new webhook, sealed. */
export async function newHeaders(
  masterKeys: readonly string[],
  webhookId: string,
  given: HeaderChanges | null | undefined,
): Promise<HeaderColumns> {
  return await sealed(masterKeys, webhookId, changedHeaders({}, given ?? {}));
}

/**
 * The headers of a webhook that is changed. Set anew they are sealed anew and written, also where they are the present ones: who may write but
 * not read would else be told whether they are, a guess at a time. Those that are not given go when the URL moves to another origin: who may
 * write must not be able to send them to a server of their own.
 * @param given null: none; undefined: as they are
 * @returns undefined where they stay
 */
export async function headersAfter(
  masterKeys: readonly string[],
  before: Pick<WebhookRow, 'id' | 'url'> & HeaderColumns,
  { url, headers: given }: { url?: string | undefined; headers?: HeaderChanges | null | undefined },
): Promise<HeaderColumns | undefined> {
  const moves = url !== undefined && originOf(url) !== originOf(before.url);
  if (given === null || (moves && given === undefined)) return before.headers === null ? undefined : NONE;
  if (given === undefined || (Object.keys(given).length === 0 && !moves)) return undefined;
  const kept = moves ? {} : await openHeaders(masterKeys, before);
  const after = await sealed(masterKeys, before.id, changedHeaders(kept ?? {}, given));
  return after.headers === before.headers ? undefined : after;
}

/** A webhook's own headers with their values; null where it has none. Throws where they do not open: to take them for none would lose them. */
export async function openHeaders(
  masterKeys: readonly string[],
  { id, headers }: Pick<WebhookRow, 'id' | 'headers'>,
): Promise<HeaderValues | null> {
  return headers === null ? null : readOwnHeaders(await openSecret(masterKeys, id, headers)).values;
}

async function sealed(masterKeys: readonly string[], webhookId: string, headers: HeaderValues): Promise<HeaderColumns> {
  const headerNames = Object.keys(headers);
  if (headerNames.length === 0) return NONE;
  if (headerNames.length > MAX_HEADERS) {
    throw invalid([
      { field: 'headers', message: `A webhook has at most ${MAX_HEADERS} headers of its own; these would be ${headerNames.length}.` },
    ]);
  }
  return { headers: await sealSecret(masterKeys, webhookId, JSON.stringify(headers)), headerNames };
}

function originOf(url: string): string | undefined {
  return URL.parse(url)?.origin;
}
