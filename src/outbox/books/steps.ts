/** The sum of what is counted step by step; the object serves other calls between two. */
export async function inSteps(counts: Iterable<number>): Promise<number> {
  let sum = 0;
  for (const count of counts) {
    sum += count;
    await scheduler.wait(0);
  }
  return sum;
}
