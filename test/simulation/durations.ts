/** Each step is so much longer than the one before: a quantile is as exact as that. */
const STEP = 1.02;
const LOG_STEP = Math.log(STEP);
/** Up to three days, the longest that a delivery waits, and an hour. */
const STEPS = Math.ceil(Math.log(73 * 3_600_000) / LOG_STEP);

/** How long something took, millions of times: counted in steps that grow with the duration. Milliseconds. */
export class Durations {
  readonly counts = new Uint32Array(STEPS);

  count(ms: number): void {
    const step = ms <= 1 ? 0 : Math.min(STEPS - 1, Math.round(Math.log(ms) / LOG_STEP));
    this.counts[step]!++;
  }

  add(other: Durations): void {
    for (let step = 0; step < STEPS; step++) this.counts[step]! += other.counts[step]!;
  }

  /** What so large a share took at most; NaN where there is none. */
  quantile(share: number): number {
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    let left = share * total;
    for (let step = 0; step < STEPS; step++) {
      left -= this.counts[step]!;
      if (total > 0 && left <= 0) return Math.round(STEP ** step);
    }
    return Number.NaN;
  }
}
