export const DAY_MS = 86_400_000;

/** The day of a time (milliseconds since the epoch), by UTC: how many have passed since the epoch. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}
