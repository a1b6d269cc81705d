const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration such as `500ms`, `30s`, `5m`, `1h`, `3d`. Throws a RangeError that quotes what it cannot read. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) throw new RangeError(`"${text}" is not a duration such as 500ms, 30s, 5m, 1h or 3d`);
  return Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS];
}

/** Milliseconds of a comma-separated list of durations. */
export function parseDurations(text: string): number[] {
  return text.split(',').map(parseDuration);
}
