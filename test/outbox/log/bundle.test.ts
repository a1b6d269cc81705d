import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../src/domain/delivery.ts';
import { waiting } from '../../../src/domain/lifecycle.ts';
import {
  allContentsOf,
  type BundledDelivery,
  bodyOf,
  bundleOfAll,
  bundlesOf,
  openDeliveriesOf,
  split,
} from '../../../src/outbox/log/bundle.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const ATTEMPT: AttemptRecord = {
  ...{ number: 1, trigger: 'event', startedAt: 1, durationMs: 2, outcome: 'succeeded', requestHeaders: {}, responseStatus: 200 },
  ...{ responseHeaders: {}, responseBody: 'thank you', responseBodyEncoding: 'utf-8', responseBodyTruncated: false, error: null },
};

/** One that was delivered; with what was accepted, where that is not what was sent. */
function delivered(id: string, payload: string, accepted?: string): BundledDelivery {
  const bytes = { payload: encoder.encode(payload), ...(accepted !== undefined && { accepted: encoder.encode(accepted) }) };
  const delivery = { id, eventId: `evt_${id}`, event: 'visitor.identified', sessionId: null, acceptedAt: 1_000, ...bytes };
  return { delivery, state: { ...waiting(1_000), status: 'delivered', attemptCount: 1, dueAt: null }, attempt: ATTEMPT };
}

const THREE = [
  delivered('a', '{"flat_a":1}', '{"flat":{"a":1}}'),
  delivered('b', '{"b":2}'),
  delivered('c', '{"flat_c":3}', '{"flat":{"c":3}}'),
];

const stored = ({ heads, bodies }: { heads: string; bodies: Uint8Array }) => ({ heads, bodies: bodies.slice().buffer as ArrayBuffer });
const textOf = (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes);
const textsIn = ({ heads, bodies }: { heads: string; bodies: ArrayBuffer }) =>
  Object.fromEntries([...allContentsOf(heads, bodies)].map(([id, { payload, accepted }]) => [id, [textOf(payload), textOf(accepted)]]));

/** How a version reads a bundle that knows of no rendering: each payload and attempt where the one before ends. */
function readBefore({ heads, bodies }: { heads: string; bodies: ArrayBuffer }) {
  const bytes = inflateRawSync(new Uint8Array(bodies));
  let at = 0;
  return (JSON.parse(heads) as unknown[][]).map((head) => {
    const [payloadBytes, attemptBytes] = [head[9] as number, head[10] as number];
    const payload = bytes.slice(at, at + payloadBytes);
    const attempt = bytes.slice(at + payloadBytes, at + payloadBytes + attemptBytes);
    at += payloadBytes + attemptBytes;
    return { head, payload, attempt };
  });
}

describe('a bundle', () => {
  it('has what was sent and what was accepted of each delivery, where they differ', () => {
    const bundle = stored(bundleOfAll(THREE));
    expect(textsIn(bundle)).toEqual({
      a: ['{"flat_a":1}', '{"flat":{"a":1}}'],
      b: ['{"b":2}', undefined],
      c: ['{"flat_c":3}', '{"flat":{"c":3}}'],
    });
    expect(bodyOf(bundle.heads, bundle.bodies, 'c')).toMatchObject({ attempt: ATTEMPT });
    expect(textOf(bodyOf(bundle.heads, bundle.bodies, 'c').contents.accepted)).toBe('{"flat":{"c":3}}');
    const open = openDeliveriesOf(bundle.heads, bundle.bodies).map(({ delivery }) => textOf(delivery.accepted));
    expect(open).toEqual(['{"flat":{"a":1}}', undefined, '{"flat":{"c":3}}']);
  });

  it('of which one is taken out keeps the others as they are', () => {
    const bundle = stored(bundleOfAll(THREE));
    expect(textsIn(stored(split(bundle.heads, bundle.bodies, new Set(['a'])).rest!))).toEqual({
      b: ['{"b":2}', undefined],
      c: ['{"flat_c":3}', '{"flat":{"c":3}}'],
    });
  });

  it('is what it was before where nothing was rendered', () => {
    const [, unrendered] = THREE as [BundledDelivery, BundledDelivery, BundledDelivery];
    const bundle = stored(bundleOfAll([unrendered]));
    expect(JSON.parse(bundle.heads)[0]).toHaveLength(11);
    const [part] = readBefore(bundle);
    const length = part!.payload.length + part!.attempt.length;
    expect(inflateRawSync(new Uint8Array(bundle.bodies))).toHaveLength(length);
  });

  it('is read by a version that is rolled back to, which sends what was sent', () => {
    const parts = readBefore(stored(bundleOfAll(THREE)));
    expect(parts.map(({ payload }) => textOf(payload))).toEqual(['{"flat_a":1}', '{"b":2}', '{"flat_c":3}']);
    for (const { attempt } of parts) expect(JSON.parse(textOf(attempt)!)).toEqual(ATTEMPT);
  });

  it('that such a version has taken one out of is read without what that has left out', () => {
    const rest = readBefore(stored(bundleOfAll(THREE))).slice(1);
    const bodies = rest.flatMap(({ payload, attempt }) => [...payload, ...attempt]);
    const left = { heads: JSON.stringify(rest.map(({ head }) => head)), bodies: deflateRawSync(Uint8Array.from(bodies)) };
    const expected = { b: ['{"b":2}', undefined], c: ['{"flat_c":3}', undefined] };
    expect(textsIn(stored(left))).toEqual(expected);
    // And after another one is taken out of it.
    const [again, bundle] = [stored(left), { c: expected.c }];
    expect(textsIn(stored(split(again.heads, again.bodies, new Set(['b'])).rest!))).toEqual(bundle);
  });

  it('is as large as a row may be, what was accepted included', () => {
    const large = (id: string) => delivered(id, 'x'.repeat(200_000), 'y'.repeat(100_000));
    const bundles = bundlesOf(['a', 'b', 'c', 'd'].map(large), () => 0);
    expect(bundles.map(({ ids }) => ids)).toEqual([['a', 'b', 'c'], ['d']]);
  });
});
