import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../src/domain/delivery/delivery.ts';
import { waiting } from '../../../src/domain/delivery/lifecycle.ts';
import {
  allContentsOf,
  areTold,
  type BundledDelivery,
  bodyOf,
  bundleOfAll,
  bundlesOf,
  headsOf,
  openDeliveriesOf,
  split,
  toldHeadsOf,
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

const WHO = { name: 'Jane "JD" Doe', email: 'jane@x.example', company: 'Müller & Söhne', domain: 'mueller.example' };
const JANE = delivered(
  'jane',
  JSON.stringify({
    visitor: { first_name: 'Jane "JD"', last_name: 'Doe', email: WHO.email },
    company: { name: WHO.company, domain: WHO.domain },
  }),
);

/** A head as the version before has made it: without whom it is about, and without what says that nothing was rendered. */
function asBefore(head: readonly unknown[]): unknown[] {
  return head.slice(0, head[11] === 1e21 ? 11 : 12);
}

/** How the version before takes a delivery out of a bundle. */
function splitBefore({ heads, bodies }: { heads: string; bodies: ArrayBuffer }, id: string) {
  const bytes = inflateRawSync(new Uint8Array(bodies));
  let at = 0;
  const take = (length: number) => {
    at += length;
    return [...bytes.slice(at - length, at)];
  };
  const parts = (JSON.parse(heads) as unknown[][]).map((head) => ({
    head,
    own: take((head[9] as number) + (head[10] as number)),
    more: [] as number[],
  }));
  for (const part of parts) {
    const accepted = part.head[11] as number | undefined;
    if (accepted === undefined) continue;
    if (at + accepted > bytes.length) part.head.pop();
    else part.more = take(accepted);
  }
  const rest = parts.filter(({ head }) => head[1] !== id);
  const left = deflateRawSync(Uint8Array.from([...rest.flatMap(({ own }) => own), ...rest.flatMap(({ more }) => more)]));
  return stored({ heads: JSON.stringify(rest.map(({ head }) => head)), bodies: left });
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

  it('has no more in it where nothing was rendered', () => {
    const [, unrendered] = THREE as [BundledDelivery, BundledDelivery, BundledDelivery];
    const bundle = stored(bundleOfAll([unrendered]));
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

  it('says in its heads whom each delivery is about, of what was accepted', () => {
    const { heads } = bundleOfAll([
      JANE,
      delivered('b', '{"b":2}'),
      delivered('c', '{"flat":1}', JSON.stringify({ visitor: { email: 'c@x' } })),
    ]);
    expect(areTold(heads)).toBe(true);
    expect(headsOf(heads).map(({ who }) => who)).toEqual([WHO, null, { name: '', email: 'c@x', company: '', domain: '' }]);
  });

  it('that a version before has made says so once it is opened', () => {
    const bundle = stored(bundleOfAll([JANE, ...THREE]));
    const before = { ...bundle, heads: JSON.stringify((JSON.parse(bundle.heads) as unknown[][]).map(asBefore)) };
    expect(areTold(before.heads)).toBe(false);
    let bytes = 0;
    const told = toldHeadsOf(before.heads, before.bodies, (each) => (bytes += each));
    expect(told.map(({ who }) => who)).toEqual([WHO, null, null, null]);
    expect(bytes).toBeGreaterThan(100);
    expect(textsIn(before)).toEqual(textsIn(bundle));
  });

  it('of which such a version, rolled back to, has taken some out still says so of the others', () => {
    const bundle = stored(bundleOfAll([delivered('a', '{"a":1}'), JANE, delivered('c', '{"flat":3}', '{"c":3}')]));
    const rest = splitBefore(bundle, 'a');
    expect(areTold(rest.heads)).toBe(false);
    expect(toldHeadsOf(rest.heads, rest.bodies, () => {}).map(({ who }) => who)).toEqual([WHO, null]);
    expect(textsIn(rest)).toEqual({ jane: [textOf(JANE.delivery.payload), undefined], c: ['{"flat":3}', '{"c":3}'] });
  });

  it('is as large as a row may be, what was accepted included', () => {
    const large = (id: string) => delivered(id, 'x'.repeat(200_000), 'y'.repeat(100_000));
    const bundles = bundlesOf(['a', 'b', 'c', 'd'].map(large), () => 0);
    expect(bundles.map(({ ids }) => ids)).toEqual([['a', 'b', 'c'], ['d']]);
  });
});
