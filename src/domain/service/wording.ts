/* How findings say numbers. */

export const numberText = (value: number): string => value.toLocaleString('en-US');
export const times = (count: number): string => (count === 1 ? 'once' : `${numberText(count)} times`);
export const messagesText = (count: number): string => `${numberText(count)} message${count === 1 ? '' : 's'}`;

const SPANS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** `3 min`, `2.4 s`. */
export function spanText(ms: number): string {
  const [unitMs, unit] = SPANS.find(([each]) => ms >= each) ?? [1, 'ms'];
  const value = ms / unitMs;
  return `${unit === 's' && value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`;
}
