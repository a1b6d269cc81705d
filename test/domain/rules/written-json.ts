import fc from 'fast-check';

/*
 * JSON as any serializer might write it, together with what it is made of: so that a test can say to the byte what must come of it, without
 * reading the text again.
 */

/** A value that is written: plain ones by their text, the others by what is in them and the white space between. */
export type Written =
  | { kind: 'plain'; text: string }
  | { kind: 'list'; items: Written[]; gap: string }
  | { kind: 'object'; members: Member[]; gap: string };

interface Member {
  /** With its quotes, and escaped or not. */
  writtenKey: string;
  key: string;
  value: Written;
}

/** The source of a value. */
export function sourceOf(value: Written): string {
  if (value.kind === 'plain') return value.text;
  const { gap } = value;
  const parts =
    value.kind === 'list'
      ? value.items.map(sourceOf)
      : value.members.map(({ writtenKey, value }) => `${writtenKey}${gap}:${gap}${sourceOf(value)}`);
  const inner = parts.map((part) => `${gap}${part}${gap}`).join(',');
  return value.kind === 'list' ? `[${inner}${gap}]` : `{${inner}${gap}}`;
}

/** The members that count, in the order in which their keys first come: of one key the last. */
export function membersOf(value: Written & { kind: 'object' }): Member[] {
  const keys = [...new Set(value.members.map(({ key }) => key))];
  return keys.map((key) => value.members.findLast((member) => member.key === key) as Member);
}

function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}

const gap = fc.constantFrom('', '', ' ', '\n\t', '\r ');
const plain = fc.constantFrom(
  ...['null', 'null', 'true', 'false', '0', '-0', '1.50', '-1.50E+003', '12345678901234567890', '9007199254740993', '1e999'],
  ...['""', '"a"', '"a, b"', '"],[}{,:"', '"\\"\\\\"', '"\\u0041\\/\\u00e9"', '"\\ud83d"', '"\\ude00\\ud83d\\ude00"', '"é€😀"', '"null"'],
);
const key = fc.constantFrom('a', 'b', 'c', '0', '', '_', 'a_b', 'b_0', '"', 'é', '😀', '\ud83d', '__proto__', 'constructor');
const member = fc.tuple(key, fc.boolean());

const { value } = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 3, arbitrary: plain.map((text): Written => ({ kind: 'plain', text })) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), items: fc.array(tie('value'), { maxLength: 4 }), gap }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('object' as const), members: membersWith(tie('value')), gap }) },
  ),
}));

function membersWith(value: fc.Arbitrary<Written>): fc.Arbitrary<Member[]> {
  const one = fc.tuple(member, value).map(([[key, isEscaped], value]) => memberOf(key, value, isEscaped));
  return fc.array(one, { maxLength: 5 });
}

function memberOf(key: string, value: Written, isEscaped = false): Member {
  return { key, writtenKey: isEscaped ? `"${escaped(key)}"` : JSON.stringify(key), value };
}

/** An event that ingest lets in: what it must have stands anywhere among the rest. */
export const writtenEvent: fc.Arbitrary<Written & { kind: 'object' }> = fc
  .tuple(membersWith(value), membersWith(value), fc.boolean(), gap)
  .map(([before, after, isEscaped, gap]) => {
    const envelope = { event: '"order.placed"', timestamp: '"2026-11-23T14:05:09Z"', organization_id: '"org_\\u0061cme"' };
    const members = Object.entries(envelope).map(([key, text]) => memberOf(key, { kind: 'plain', text }, isEscaped));
    return { kind: 'object', members: [...members.slice(0, 1), ...before, ...members.slice(1), ...after], gap };
  });

/** The paths that may lead somewhere in such an event. */
export const writtenPath = fc
  .array(fc.oneof(key, fc.constantFrom('a', 'b', 'c')), { minLength: 1, maxLength: 3 })
  .map((keys) => keys.filter((key) => key !== '' && key.isWellFormed()).join('.'))
  .filter((path) => path !== '');
