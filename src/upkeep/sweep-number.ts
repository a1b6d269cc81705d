/** The cron's interval (wrangler.toml). */
const SWEEP_EVERY_MS = 60_000;

/** Consecutive sweeps have consecutive numbers, which say whose turn it is: nothing has to be remembered between them. */
export function sweepNumber(now: number): number {
  return Math.floor(now / SWEEP_EVERY_MS);
}
