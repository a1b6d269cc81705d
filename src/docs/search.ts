/** A part of a page, as the search looks through it: what stands below a heading. */
export interface SearchedPart {
  href: string;
  /** Its heading. */
  title: string;
  /** The page's heading. */
  page: string;
  /** The first words of its text. */
  begin: string;
  /** What is looked through (wordsOf): the heading, the page's heading, the text. */
  words: readonly [title: string, page: string, text: string];
}

/** How much it counts that a word is found in the heading, in the page's heading, in the text; and that it is there as a whole. */
const WEIGHTS = [8, 3, 1] as const;
const WHOLE = 2;
/** Words of a query that are looked for, and parts that are shown. */
const MAX_WORDS = 10;
const MOST_FOUND = 20;

/** A text's words in lower case, with a space before and after each. */
export function wordsOf(text: string): string {
  return ` ${text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `;
}

/** The parts that have all words of a query, or words that begin with them; what fits best first. */
export function findParts(parts: readonly SearchedPart[], query: string): SearchedPart[] {
  const wanted = query
    .split(/\s+/)
    .map(wordsOf)
    .filter((word) => word.trim() !== '')
    .slice(0, MAX_WORDS);
  if (wanted.length === 0) return [];
  const found = parts.flatMap((part) => {
    const scores = wanted.map((word) => scoreOf(part, word));
    return scores.includes(0) ? [] : [{ part, score: scores.reduce((sum, each) => sum + each, 0) }];
  });
  return found
    .sort((one, other) => other.score - one.score)
    .slice(0, MOST_FOUND)
    .map(({ part }) => part);
}

function scoreOf({ words }: SearchedPart, word: string): number {
  return WEIGHTS.reduce((sum, weight, at) => {
    const text = words[at] ?? '';
    if (!text.includes(word.trimEnd())) return sum;
    return sum + (text.includes(word) ? weight * WHOLE : weight);
  }, 0);
}
