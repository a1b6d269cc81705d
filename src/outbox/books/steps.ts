/**
 * The sum of what is counted step by step; the object serves other calls between two.
 * @param withinMs how long it may take; beyond that it is given up, and null is returned
 */
export async function inSteps(counts: Iterable<number>, withinMs: number): Promise<number | null>;
export async function inSteps(counts: Iterable<number>): Promise<number>;
export async function inSteps(counts: Iterable<number>, withinMs = Number.POSITIVE_INFINITY): Promise<number | null> {
  const until = Date.now() + withinMs;
  let sum = 0;
  for (const count of counts) {
    sum += count;
    await scheduler.wait(0);
    if (Date.now() > until) return null;
  }
  return sum;
}
