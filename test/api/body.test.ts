import { describe, expect, test } from 'vitest';
import { MAX_DISCARDED_BYTES, readBody } from '../../src/api/body.ts';

const CHUNK_BYTES = 10_000;
const MAX_BYTES = 25_000;

/** A body without a declared length, and how many chunks were taken of it. */
function chunked(chunks: number, afterwards: 'ends' | 'hangs' | 'breaks' = 'ends') {
  const seen = { chunks: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.chunks++ < chunks) controller.enqueue(new Uint8Array(CHUNK_BYTES));
        else if (afterwards === 'ends') controller.close();
        else if (afterwards === 'breaks') controller.error(new Error('the client is gone'));
        else return new Promise(() => {});
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { seen, request: new Request('http://localhost/', { method: 'POST', body }) };
}

const tooLarge = { code: 'payload_too_large', details: { maxBytes: MAX_BYTES } };

describe('a body without a declared length', () => {
  test('is read whole where it is small enough', async () => {
    expect(await readBody(chunked(2).request, MAX_BYTES)).toHaveLength(2 * CHUNK_BYTES);
  });

  test('that is too large is taken to its end before it is refused, so that its client hears why', async () => {
    const { seen, request } = chunked(100);
    await expect(readBody(request, MAX_BYTES)).rejects.toMatchObject(tooLarge);
    expect(seen).toEqual({ chunks: 101, cancelled: false });
  });

  test('that has no end is taken up to 5 MB', async () => {
    const { seen, request } = chunked(Number.POSITIVE_INFINITY);
    await expect(readBody(request, MAX_BYTES)).rejects.toMatchObject(tooLarge);
    expect(seen.cancelled).toBe(true);
    expect(seen.chunks).toBe(3 + MAX_DISCARDED_BYTES / CHUNK_BYTES);
  });

  test.each(['hangs', 'breaks'] as const)('that is too large and then %s is refused all the same', async (afterwards) => {
    await expect(readBody(chunked(3, afterwards).request, MAX_BYTES)).rejects.toMatchObject(tooLarge);
  });
});
