/**
 * A text as it is compared without regard to case: two that differ in case alone become the same one. By Unicode's full mappings, whatever the
 * language: `Straße` is `STRASSE`, and `ς` and `σ` are `Σ`. To lower case first, for the capitals that are nobody's upper case (`ẞ`, the Kelvin
 * sign); then to upper case, where a letter's form does not depend on the letters beside it, as that of `σ` does: a part of a text is a part of
 * the folded text. Nothing else is made equal: `é` is not `e`, and not `e` with a combining accent.
 */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase();
}

/**
 * The characters beyond ASCII that become ASCII letters by foldCase, as a set that regular expressions and GLOB have: `ß`, `ı`, `ſ`, the Kelvin
 * sign, ligatures. A text without them has an ASCII text only where it has it letter for letter, but for case.
 */
export const FOLDED_TO_ASCII = 'ßİıŉſǰẖ-ẚẞ\u212aﬀ-ﬆ';
