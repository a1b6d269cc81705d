import { ApiError, invalid } from '../api/errors.ts';

/** Largest import, in bytes: what Cloudflare takes of a request on its Free and Pro plans. About 60,000 webhooks. */
export const MAX_IMPORT_BYTES = 100_000_000;
/** Longest line, in characters. What an export has is far below. */
const MAX_LINE_LENGTH = 1_000_000;

/**
 * The lines of a body, as they come: 413 and 422 where there is too much of it. The last one may end without a line break. Whoever stops before the end
 * has the rest of the body to see to.
 */
export async function* linesOf(body: ReadableStream<Uint8Array> | null, maxBytes = MAX_IMPORT_BYTES): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  let rest = '';
  let bytes = 0;
  for await (const chunk of body?.values({ preventCancel: true }) ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new ApiError('payload_too_large', `The body must not be larger than ${maxBytes} bytes.`, { maxBytes });
    const lines = (rest + decoded(decoder, chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_LENGTH) throw invalid([{ field: '', message: `A line is longer than ${MAX_LINE_LENGTH} characters.` }]);
    yield* lines;
  }
  rest += decoded(decoder);
  if (rest !== '') yield rest;
}

function decoded(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch {
    throw new ApiError('malformed_json', 'The body is not UTF-8.');
  }
}
