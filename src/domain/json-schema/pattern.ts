import { isEndless, isExpression, type Part, readPattern, repeatsWhatRepeats } from './pattern-reader.ts';

/*
 * Regular expressions whose work is bounded: all ways through a pattern are followed at once, one character of the text after the other
 * (Thompson's construction), where the runtime's own engine tries them one after the other and can take years for 30 characters. The syntax is
 * ECMAScript's with the flag `u`, without what cannot be matched like that: references back to groups, and looking ahead or behind.
 */

/** One place in a compiled pattern. */
type Step =
  | { kind: 'character'; test(codePoint: number): boolean }
  | { kind: 'start' | 'end' | 'boundary' | 'no boundary' | 'match' }
  | { kind: 'either'; to: [number, number] }
  | { kind: 'go'; to: number };

/** A pattern, compiled. */
export interface Pattern {
  readonly steps: readonly Step[];
  /** At which place each step was reached last: once a place is enough. Places are counted through all texts, so that it need not be cleared. */
  readonly reachedAt: Float64Array;
  place: number;
}

/** Most steps of a pattern: `{n}` writes a part out n times, and each character of a text can go through all of them. */
const MAX_PATTERN_STEPS = 1_000;
const MAX_PATTERN_LENGTH = 1_000;
/** Longest pattern that is read at all: reading goes as deep as it nests. */
const MAX_READ_LENGTH = 5_000;

/** Why a pattern cannot be used, in words that follow its name; null where it can. */
export function patternProblem(source: string): string | null {
  if (source.length > MAX_PATTERN_LENGTH) return `has more than ${MAX_PATTERN_LENGTH} characters`;
  if (!isExpression(source)) return 'must be a regular expression';
  const part = readPattern(source);
  if (!part) return 'must do without looking ahead or behind, and without references to groups';
  if (repeatsWhatRepeats(part)) return 'repeats a part that repeats already, as (a+)+ does: that can match a text in a great many ways';
  return stepsOf(part) < MAX_PATTERN_STEPS ? null : `has more than ${MAX_PATTERN_STEPS} steps, its repetitions written out`;
}

/** A pattern to match with; null where it cannot be. What only this engine takes lightly can be: earlier versions let it in. */
export function compilePattern(source: string): Pattern | null {
  const part = source.length <= MAX_READ_LENGTH ? readPattern(source) : null;
  if (!part || stepsOf(part) >= MAX_PATTERN_STEPS) return null;
  const steps: Step[] = [];
  write(part, steps);
  steps.push({ kind: 'match' });
  return { steps, reachedAt: new Float64Array(steps.length), place: 0 };
}

function stepsOf(part: Part): number {
  switch (part.kind) {
    case 'all':
      return part.parts.reduce((sum, each) => sum + stepsOf(each), 0);
    case 'any':
      return part.parts.reduce((sum, each) => sum + stepsOf(each) + 2, 0);
    case 'repeat': {
      const once = stepsOf(part.part) + 2;
      return once * Math.max(isEndless(part) ? part.min + 1 : part.max, 1);
    }
    default:
      return 1;
  }
}

/** Writes a part's steps after those that are there. */
function write(part: Part, steps: Step[]): void {
  switch (part.kind) {
    case 'all':
      for (const each of part.parts) write(each, steps);
      return;
    case 'any':
      writeAny(part.parts, steps);
      return;
    case 'repeat': {
      const { min, max } = part;
      for (let times = 0; times < min; times++) write(part.part, steps);
      if (isEndless(part)) {
        const either = writeOptional(part.part, steps);
        steps.push({ kind: 'go', to: either });
        leave(steps, either);
        return;
      }
      const optional: number[] = [];
      for (let times = min; times < max; times++) optional.push(writeOptional(part.part, steps));
      for (const at of optional) leave(steps, at);
      return;
    }
    default:
      steps.push(part);
  }
}

/** Writes a part that need not come. Where it is left out is set by `leave`, once it is known. */
function writeOptional(part: Part, steps: Step[]): number {
  const at = steps.push({ kind: 'either', to: [steps.length + 1, -1] }) - 1;
  write(part, steps);
  return at;
}

function leave(steps: Step[], at: number): void {
  const step = steps[at];
  if (step?.kind === 'either') step.to[1] = steps.length;
}

function writeAny(parts: readonly Part[], steps: Step[]): void {
  const ends: { to: number }[] = [];
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1) {
      write(part, steps);
      break;
    }
    const at = writeOptional(part, steps);
    const end = { kind: 'go' as const, to: -1 };
    steps.push(end);
    ends.push(end);
    leave(steps, at);
  }
  for (const end of ends) end.to = steps.length;
}

const WORD = /^[A-Za-z0-9_]$/;
const isWord = (codePoint: number | undefined): boolean => codePoint !== undefined && WORD.test(String.fromCodePoint(codePoint));

/**
 * Whether a text has a part that the pattern matches.
 * @param spend is told of each bit of work, and throws where it has been enough
 */
export function matches(pattern: Pattern, text: string, spend: (work: number) => void): boolean {
  const { steps, reachedAt } = pattern;
  let waiting: number[] = [];
  let before: number | undefined;
  for (let at = 0; ; ) {
    const place = ++pattern.place;
    const next = at < text.length ? text.codePointAt(at) : undefined;
    const onward: number[] = [];
    // A match can begin at every place.
    const open = [...waiting, 0];
    let work = 1;
    while (open.length > 0) {
      const index = open.pop() as number;
      if (reachedAt[index] === place) continue;
      reachedAt[index] = place;
      work++;
      const step = steps[index] as Step;
      if (step.kind === 'match') return true;
      if (step.kind === 'character') {
        if (next !== undefined && step.test(next)) onward.push(index + 1);
      } else if (step.kind === 'either') open.push(...step.to);
      else if (step.kind === 'go') open.push(step.to);
      else if (holds(step.kind, before, next)) open.push(index + 1);
    }
    spend(work);
    if (next === undefined) return false;
    waiting = onward;
    before = next;
    at += next > 0xffff ? 2 : 1;
  }
}

function holds(kind: 'start' | 'end' | 'boundary' | 'no boundary', before: number | undefined, next: number | undefined): boolean {
  if (kind === 'start') return before === undefined;
  if (kind === 'end') return next === undefined;
  return (isWord(before) !== isWord(next)) === (kind === 'boundary');
}
