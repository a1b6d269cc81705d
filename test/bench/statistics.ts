/** A sample's percentiles, in the sample's own unit. Null where it is empty. */
export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

export function percentiles(sample: readonly number[]): Percentiles {
  const sorted = sample.toSorted((a, b) => a - b);
  return { p50: at(sorted, 0.5), p95: at(sorted, 0.95), p99: at(sorted, 0.99), max: sorted.at(-1) ?? null };
}

/** The middle value; of an even number the mean of the two in the middle. Null where there is none. */
export function median(sample: readonly number[]): number | null {
  const sorted = sample.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** The least value that at least this share of the sample does not exceed (nearest rank): always one that was measured. */
function at(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** Milliseconds since the epoch with their fraction: the same clock in every process of the machine. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Numbers that look random and are the same for the same seed (mulberry32): 0 ≤ n < 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
