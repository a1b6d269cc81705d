import { Drop, type Limiter } from 'liquidjs/dist/liquid.browser.mjs';

/**
 * The work that rendering an event may take, in units of about 25 ns on a slow core: an event costs at most some tens of milliseconds, whatever its
 * template. Work is counted, not timed: in production the clock stands still while code runs.
 */
export const MAX_WORK = 1_500_000;

/** Of a part of the template that is rendered: a text, a tag, an output; and each time that a block is. */
export const STEP = 40;
/** Of a value in an expression, an operator, or a property that is read. */
export const OPERATION = 40;
/** Of an element of a list, and of a member of an object, that is gone through. */
const ELEMENT = 10;
const MEMBER = 25;
/** Characters of a text times those that are searched for in it, for one unit: in the worst of texts each is compared with each. */
const COMPARISONS = 100;

/** What a template does wrong, in words that its owner understands and that quote nothing of the event. */
export class TemplateError extends Error {}

/** The work that is left. It stands in for liquidjs's own limits: of memory, which count what its filters say, and of time. */
export class Work implements Limiter {
  readonly #most: number;
  #left: number;
  /** Whether the template wanted more than there is. */
  isExceeded = false;

  constructor(most = MAX_WORK) {
    this.#most = most;
    this.#left = most;
  }

  /** How much of it was done. */
  get done(): number {
    return this.#most - this.#left;
  }

  use(units: unknown): void {
    const used = Number(units);
    if (!(used > 0)) return;
    if (used > this.#left) {
      this.isExceeded = true;
      throw new TemplateError('the template does too much: its loops or its texts grow too large');
    }
    this.#left -= used;
  }

  check(): void {
    this.use(STEP);
  }

  /** Counts what it takes to go through a value, however deep, and says how much that is: of a text one for each character. */
  measure(value: unknown): number {
    const units = unitsOf(value);
    this.use(units);
    if (typeof value !== 'object' || value === null || value instanceof Drop) return units;
    let inner = units;
    if (Array.isArray(value)) for (const element of value) inner += this.measure(element);
    else for (const key of Object.keys(value)) inner += key.length + this.measure(value[key as keyof typeof value]);
    return inner;
  }

  /** Counts what it takes to look for a text in another. Lists become texts. */
  search(text: unknown, pattern: unknown): void {
    this.use((this.measure(text) * this.measure(pattern)) / COMPARISONS);
  }
}

/** Of a value by itself, without what is in it. */
function unitsOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length;
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof Drop) return STEP;
  return ELEMENT + unitsOfParts(value);
}

/** Of going through a list or an object once, and no deeper. */
export function unitsOfParts(value: object): number {
  return Array.isArray(value) ? value.length * ELEMENT : Object.keys(value).length * MEMBER;
}
