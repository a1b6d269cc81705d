/** 0 ≤ x < 1. */
export type Random = () => number;

/** A seeded generator (mulberry32): the same seed, and the same place in it, give the same month. */
export function seeded(seed: number, place = 0): Random {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(place + 1, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function between(random: Random, least: number, most: number): number {
  return least + (most - least) * random();
}

/** As likely between 1 and 10 as between 10 and 100. */
export function betweenMagnitudes(random: Random, least: number, most: number): number {
  return least * (most / least) ** random();
}

/** Mean 0, deviation 1. */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Waits between independent happenings. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}
