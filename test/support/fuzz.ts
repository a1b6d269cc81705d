import fc from 'fast-check';

/*
 * What parsers are fed: texts that are nearly right, which get further than noise does, and noise. fast-check prints the seed and the
 * smallest case of a failure; `fc.configureGlobal({ seed })` replays it.
 */

/** Fragments that parsers have stumbled over. */
const ODD = [
  ...[
    '',
    ' ',
    '\0',
    '\ufeff',
    '\u2028',
    '\ud800',
    '\udc00',
    '%',
    '%00',
    '%ff',
    '..',
    '//',
    '\\',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '-',
    '+',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'null', 'undefined', 'NaN', 'Infinity', '-0', '1e309', '9007199254740993'],
  ...['true', '0x10', '１２', 'ａ', '𝟏', 'İ', 'ſ', 'e\u0301', '<script>', "' OR 1=1 --", '{{7*7}}', '\r\nX: y', '\u202e'],
] as const;

const odd = fc.constantFrom(...ODD);

/** Any text: printable, binary, odd. */
export const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(odd, { maxLength: 6 }).map((parts) => parts.join('')),
);

/** A valid text with a few things done to it. */
export function nearly(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat(400), fc.nat(6), fc.oneof(odd, fc.string({ maxLength: 3 })));
  return fc.tuple(valid, fc.array(edit, { maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((edited, [place, removed, inserted]) => {
      const at = edited.length === 0 ? 0 : place % edited.length;
      return edited.slice(0, at) + inserted + edited.slice(at + removed);
    }, text),
  );
}

/** A JSON value with odd keys and texts in it. */
export const oddJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, '', [], {}),
    fc.oneof(anyText, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(odd, fc.string({ maxLength: 8 })), tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** A valid object with fields left out, replaced or added. */
export function nearlyObject(valid: Readonly<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> {
  const names = Object.keys(valid);
  const change = fc.tuple(fc.oneof(fc.constantFrom(...names), odd), fc.option(oddJson, { nil: undefined }));
  return fc.array(change, { maxLength: 3 }).map((changes) => {
    const entries = new Map(Object.entries(valid));
    for (const [name, value] of changes) {
      if (value === undefined) entries.delete(name);
      else entries.set(name, value);
    }
    return Object.fromEntries(entries);
  });
}
