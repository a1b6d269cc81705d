import { vi } from 'vitest';

/*
 * What a test waits for comes within milliseconds, and later where the machine is busy: vitest's second is too short for that. A wait that says
 * nothing else is as long as this.
 */
const TIMEOUT_MS = 30_000;

const { waitFor, waitUntil } = vi;
const withTimeout = (options: Parameters<typeof waitFor>[1]) =>
  typeof options === 'number' ? options : { timeout: TIMEOUT_MS, ...options };

vi.waitFor = (callback, options) => waitFor(callback, withTimeout(options));
vi.waitUntil = (callback, options) => waitUntil(callback, withTimeout(options));
