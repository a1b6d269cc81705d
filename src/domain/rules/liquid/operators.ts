import { type Context, defaultOperators, type Operator, type Operators } from 'liquidjs/dist/liquid.browser.mjs';
import { contextOf } from './context.ts';
import { OPERATION, type Work } from './work.ts';

/** Liquid's operators. What they compare is counted. */
export const OPERATORS: Operators = Object.fromEntries(
  Object.entries(defaultOperators).map(([name, operator]) => [name, name === 'not' ? operator : bounded(name, operator)]),
);

function bounded(name: string, operator: Operator): Operator {
  return function* (left: unknown, right: unknown, context: unknown): Generator<unknown, unknown, unknown> {
    const { work } = contextOf({ context: context as Context });
    work.use(OPERATION);
    if (name === 'contains') {
      if (typeof left === 'string') work.search(left, right);
      else work.measure([left, right]);
    } else if (name !== 'and' && name !== 'or') compare(work, left, right);
    return yield operator(left, right, context);
  };
}

/** Two texts are compared as far as the shorter of them goes; lists in all of their elements; and a text may have to become a number. */
function compare(work: Work, left: unknown, right: unknown): void {
  if (typeof left === 'string' && typeof right === 'string') work.use(Math.min(left.length, right.length));
  else if (typeof left !== 'number' || typeof right !== 'number') work.measure([left, right]);
}
