/** What comes so much later than it should says that the isolate has more to do than it can; less is a matter of course. */
export const LATE_FROM_MS = 20;

/**
 * Whether the event loop's next turn comes late. Where the clock does not show it no turn ever does. (Workers, "Performance and
 * timers": deployed, the clock advances with I/O only; whether it shows a timer's lateness is not said. Locally it does.)
 */
export async function isLate(): Promise<boolean> {
  const from = Date.now();
  await scheduler.wait(1);
  return Date.now() - from >= LATE_FROM_MS;
}
