import { layOut } from '../domain/text/json-items.ts';
import { readJsonText } from '../domain/text/json-text.ts';
import { within } from '../within.ts';
import { ApiError, invalid } from './errors.ts';

/** Largest body of a configuration request, in bytes. */
export const MAX_CONFIG_BODY_BYTES = 256_000;
/**
 * What is still read of a body without a declared length once it is too large, and thrown away. A client that is cut off while
 * it sends gets a reset connection (or a proxy's 500) instead of the 413; one that sends for ever is not listened to for ever.
 */
export const MAX_DISCARDED_BYTES = 5_000_000;
const MAX_DISCARD_MS = 2_000;
/** Deepest nesting of a configuration body: serializing a deeper one again would exhaust the stack. */
const MAX_DEPTH = 100;
const UTF_8 = /^charset\s*=\s*(?:utf-?8|"utf-?8")$/;

/**
 * The body of a request, as long as it has at most `maxBytes`: 413 by its declared length before anything is read, or once
 * more has come than may and the rest is discarded.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new ApiError('payload_too_large', `The body must not be larger than ${maxBytes} bytes.`, { maxBytes });
  if (Number(request.headers.get('Content-Length')) > maxBytes) throw tooLarge();
  // A declared length is the transport's to keep: what comes has that many bytes, in one step.
  if (request.headers.has('Content-Length')) {
    const whole = await request.arrayBuffer();
    if (whole.byteLength > maxBytes) throw tooLarge();
    return new Uint8Array(whole);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await discardRest(reader);
      throw tooLarge();
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Reads on within bounds of size and of time. Whatever goes wrong meanwhile, the answer is the refusal that is decided already. */
export async function discardRest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { maxBytes = MAX_DISCARDED_BYTES, maxMs = MAX_DISCARD_MS }: { maxBytes?: number; maxMs?: number } = {},
): Promise<void> {
  const readOn = async () => {
    for (let left = maxBytes; left > 0; ) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.length;
    }
  };
  await within(maxMs, readOn()).catch(() => {});
  await reader.cancel().catch(() => {});
}

/** Refuses a body that says it is something else than JSON (or another type) in UTF-8, or that it is compressed. One that says nothing is taken for it. */
export function requireContent({ headers }: Request, expected = 'application/json'): void {
  // Of the parameters a charset alone means something.
  const [type, ...parameters] = (headers.get('Content-Type') ?? expected).split(';').map((part) => part.trim().toLowerCase());
  const charsets = parameters.filter((parameter) => parameter.startsWith('charset'));
  if (type !== expected || !charsets.every((charset) => UTF_8.test(charset))) {
    throw new ApiError('unsupported_content_type', `The body must be JSON in UTF-8: Content-Type: ${expected}.`, { accepted: expected });
  }
  if (!['', 'identity'].includes((headers.get('Content-Encoding') ?? '').trim().toLowerCase())) {
    throw new ApiError('unsupported_content_encoding', 'The body must come uncompressed, without Content-Encoding.');
  }
}

/** The value of a JSON body, and its bytes without a byte order mark: 400 where it is not JSON in UTF-8, 413 where it is too large, 422 where it nests too deeply. */
export async function readJson(
  request: Request,
  { optional = false, maxBytes = MAX_CONFIG_BODY_BYTES }: { optional?: boolean | undefined; maxBytes?: number | undefined } = {},
): Promise<{ value: unknown; bytes: Uint8Array }> {
  if (!optional || request.body !== null) requireContent(request);
  const bytes = await readBody(request, maxBytes);
  if (bytes.length === 0 && optional) return { value: {}, bytes };
  if (bytes.length === 0) throw new ApiError('malformed_json', 'The body is empty; it must be JSON.');
  const json = readJsonText(bytes);
  if (!json.ok) throw new ApiError('malformed_json', json.reason);
  if (layOut(json.bytes).depth > MAX_DEPTH) throw invalid([{ field: '', message: `The body nests deeper than ${MAX_DEPTH} levels.` }]);
  return json;
}
