import { describe, expect, it } from 'vitest';
import { redeliveryDelaySeconds } from '../../../src/domain/delivery/redelivery.ts';
import { wranglerToml } from '../vars.ts';

/** Longest delay that Queues take. */
const QUEUE_MAX_DELAY_SECONDS = 43_200;

describe('the wait before a message is redelivered', () => {
  it('starts at 5 seconds, doubles, and ends at 15 minutes', () => {
    expect(Array.from({ length: 11 }, (_, index) => redeliveryDelaySeconds(index + 1))).toEqual([
      5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900,
    ]);
  });

  it('is a whole number of seconds that Queues take, however often the message came', () => {
    for (const attempts of [1, 9, 50, 101, 1_100, 1e9]) {
      const delay = redeliveryDelaySeconds(attempts);
      expect(Number.isInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThan(0);
      expect(delay).toBeLessThanOrEqual(QUEUE_MAX_DELAY_SECONDS);
    }
  });

  it('rides out 23 hours of outage before a message is parked', () => {
    const [, ...consumers] = wranglerToml.split('[[queues.consumers]]');
    const consumer = consumers.find((part) => part.includes('queue = "bullseye-events"\n'));
    expect(consumer).toContain('dead_letter_queue = "bullseye-events-dead"');
    const maxRetries = Number(/^max_retries = (\d+)$/m.exec(consumer ?? '')?.[1]);
    const waits = Array.from({ length: maxRetries }, (_, index) => redeliveryDelaySeconds(index + 1));
    expect(waits.reduce((total, wait) => total + wait, 0)).toBeGreaterThan(23 * 3_600);
  });
});
