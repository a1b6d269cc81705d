/**
 * What Cloudflare enforces and workerd does not. A test can have smaller ones, so that it reaches them.
 */
export interface Limits {
  /** Workers: connections waiting for response headers, of an invocation; of an object, whatever its calls. One more waits for one of them. */
  connections: number;
  /** Workers: subrequests of an invocation; of an object, since it was last called or its alarm fired. */
  subrequests: number;
  /** Workers: timers that run at a time in an invocation, or in an object. */
  timers: number;
  /** Workers: how long `waitUntil` goes on after the handler of a request, batch or cron has returned. */
  waitUntilMs: number;
  /** Queues, cron triggers: how long a handler may run. */
  handlerMs: number;
  /** Durable Objects: how long an alarm may run. */
  alarmMs: number;
  /** Durable Objects: one that lets nothing in for longer is reset. */
  blockedMs: number;
  /** Durable Objects: one that has nothing to do is thrown out of memory after about this. */
  idleMs: number;
}

/** Cloudflare's own, but for subrequests: it permits 10,000, which no run would reach. An outbox begins 1,000 attempts an invocation. */
export const LIMITS: Limits = {
  connections: 6,
  subrequests: 1_100,
  timers: 10_000,
  waitUntilMs: 30_000,
  handlerMs: 900_000,
  alarmMs: 900_000,
  blockedMs: 30_000,
  idleMs: 10_000,
};
