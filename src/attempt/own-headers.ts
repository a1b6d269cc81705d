import { MASKED, Mask } from '../domain/access/mask.ts';
import { isObject } from '../domain/json-schema/parts.ts';

/** The scheme of a header's value and what follows it, which is the secret. */
const WITH_SCHEME = /^(?:basic|bearer) +(.+)$/i;

/** What a request is negotiated with: no secret, and words that answers have by themselves (`application/json`). */
const NEGOTIATED = /^(?:accept(?:-.*)?|cache-control|prefer)$/i;

/** Headers that a webhook's owner has given it: as they are sent, as the log shows them, and what hides their values wherever they come back. */
export interface OwnHeaders {
  values: Readonly<Record<string, string>>;
  masked: Readonly<Record<string, string>>;
  mask: Mask;
}

/** Reads headers as they were sealed: JSON of their names and values. Its errors quote nothing of it. */
export function readOwnHeaders(text: string): OwnHeaders {
  const values = parse(text);
  if (!isRecordOfText(values)) throw new Error("the webhook's own headers are not names with values");
  // `fetch` takes spaces at either end away.
  const secrets = Object.entries(values).flatMap(([name, value]) => (NEGOTIATED.test(name) ? [] : value.trim()));
  return {
    values,
    masked: Object.fromEntries(Object.keys(values).map((name) => [name, MASKED])),
    mask: new Mask(secrets.flatMap((value) => [value, WITH_SCHEME.exec(value)?.[1] ?? value])),
  };
}

/** The JSON value of a text; undefined where it is none. A parser's own error would quote it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecordOfText(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
}
