/**
 * The sum of what is counted step by step; the object serves other calls between two.
 * @param mostSteps how many steps it may take; where there are more it is given up, and null is returned. Counted, since in production the clock stands
 * still while code runs, and in a timer it shows the time that this was set for (Workers)
 */
export async function inSteps(counts: Iterable<number>, mostSteps: number): Promise<number | null>;
export async function inSteps(counts: Iterable<number>): Promise<number>;
export async function inSteps(counts: Iterable<number>, mostSteps = Number.POSITIVE_INFINITY): Promise<number | null> {
  let sum = 0;
  let steps = 0;
  for (const count of counts) {
    if (++steps > mostSteps) return null;
    sum += count;
    await scheduler.wait(0);
  }
  return sum;
}
