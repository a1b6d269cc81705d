import {
  type ForwardedDelivery,
  type LocalAnswer,
  type LocalFailure,
  MAX_ANSWER_BODY_BYTES,
  MAX_ANSWER_HEADER_LENGTH,
  MAX_ANSWER_HEADERS,
} from '../../listener/protocol.ts';

/** How long the local endpoint may take; the service waits as long as it does for any. */
const TIMEOUT_MS = 30_000;

/** Posts a delivery to the local endpoint, with the bytes and all headers that it came with. What it answers, or why it does not. */
export async function forward({ id, headers, body }: ForwardedDelivery, target: URL): Promise<LocalAnswer | LocalFailure> {
  try {
    const response = await fetch(target, {
      method: 'POST',
      headers,
      body: Buffer.from(body, 'base64'),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answered = [...response.headers]
      .slice(0, MAX_ANSWER_HEADERS)
      .map(([name, value]): [string, string] => [name, value.slice(0, MAX_ANSWER_HEADER_LENGTH)]);
    return { type: 'answer', id, status: response.status, headers: answered, body: await beginning(response) };
  } catch (error) {
    return { type: 'failure', id, message: `no answer from ${target.origin}: ${reasonOf(error)}` };
  }
}

/** The first bytes of a body, as base64. One that breaks off is as long as it came. */
async function beginning(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  try {
    while (reader && length < MAX_ANSWER_BODY_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
    }
    if (length >= MAX_ANSWER_BODY_BYTES) void reader?.cancel().catch(() => {});
  } catch {
    // The headers decide.
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BODY_BYTES).toString('base64');
}

/** What the runtime says of it; Node says it in the cause, and of a name with two addresses in the causes of that. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing within ${TIMEOUT_MS / 1_000} s`;
  const cause = error.cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? (cause?.message || error.message);
}
