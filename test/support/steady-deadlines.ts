/*
 * Set up for every test file in the Workers runtime. What the service waits for answers within milliseconds here, and its deadlines (half a second for an
 * endpoint or for D1 on the way of an event) are much longer; but a busy machine can stand still for that long, and then the deadline passes first. So a
 * deadline passes in parts: while the machine stands still no more than one of them goes by.
 */
const PARTS = 10;
const SHORTEST_MS = 200;

const { setTimeout: after, clearTimeout: clear } = globalThis;
/** The timer of the part that runs, by that of the first. */
const running = new Map<unknown, ReturnType<typeof after>>();

globalThis.setTimeout = ((callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
  if (ms < SHORTEST_MS) return after(callback, ms, ...args);
  let left = PARTS;
  const pass = () => {
    left--;
    if (left > 0) {
      running.set(first, after(pass, ms / PARTS));
      return;
    }
    running.delete(first);
    callback(...args);
  };
  const first = after(pass, ms / PARTS);
  return first;
}) as typeof after;

globalThis.clearTimeout = ((timer: Parameters<typeof clear>[0]) => {
  clear(running.get(timer) ?? timer);
  running.delete(timer);
}) as typeof clear;
