/*
 * Set up for every test file in the Workers runtime. Isolates gather what they tell the Meter for 24 s (src/telling.ts), and whoever waits for what a
 * batch or a request has left to do would wait as long: here they tell at once. What a test does with telling.ts, or with a time of its own, counts
 * instead.
 */
const GATHERED_MS = 24_000;

const wait = scheduler.wait.bind(scheduler);
scheduler.wait = async (ms, options) => await (ms === GATHERED_MS ? undefined : wait(ms, options));
