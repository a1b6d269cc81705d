import { afterAll, beforeAll, expect } from 'vitest';

/*
 * Set up for every test file in the Workers runtime: whatever the Worker prints while the file's tests run is kept, and looked through at the end
 * for what a log must never carry. The Worker, its Durable Objects and the tests share one console there.
 */

/** What no line may hold, whoever's it is, by what it is. */
export const FORBIDDEN: Readonly<Record<string, RegExp>> = {
  'an API key': /bsk_(live|ingest)_[0-9a-f]{32}/,
  'the platform key': /bsk_platform_of_the_tests/,
  'the master key': /master-key-of-the-tests/,
  'a secret': /whsec_/,
  'a sealed secret': /v1:[0-9a-f]{8}:[\w-]{16}:/,
  'a signature': /v1,[A-Za-z0-9+/]{43}=/,
  'what an event says of a visitor': /@example\.com/,
  'more of a URL than its host': /https?:\/\/(?:127\.0\.0\.1|[\w.-]*example\.com)(?::\d+)?\/[\w-]/,
};

const METHODS = ['debug', 'log', 'info', 'warn', 'error', 'trace'] as const;

/** What was printed that may not be: each with what it is. */
export function leaksIn(printed: readonly string[]): string[] {
  return printed.flatMap((line) =>
    Object.entries(FORBIDDEN)
      .filter(([, pattern]) => pattern.test(line))
      .map(([what]) => `${what}: ${line}`),
  );
}

/** Everything printed so far in this file. */
export const printed: string[] = [];

beforeAll(() => {
  for (const method of METHODS) {
    const print = console[method].bind(console);
    console[method] = (...args: unknown[]) => {
      printed.push(args.map((arg) => (arg instanceof Error ? `${arg.message} ${arg.stack}` : String(arg))).join(' '));
      print(...args);
    };
  }
});

afterAll(() => {
  expect(leaksIn(printed)).toEqual([]);
});
