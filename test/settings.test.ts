import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import worker from '../src/index.ts';
import { aMessage, anEvent, consume } from './support/deliveries.ts';
import { printed } from './support/quiet-log.ts';

/* docs/settings.md: what a setting does that cannot be read. */

const broken = { ...env, RETRY_SCHEDULE: 'soon' } as unknown as Env;

describe('while a setting cannot be read', () => {
  it('every request fails, that of /health as well', async () => {
    const request = new Request('https://webhooks.example.com/health') as Request<unknown, IncomingRequestCfProperties>;
    await expect(worker.fetch(request, broken, createExecutionContext())).rejects.toThrow('RETRY_SCHEDULE');
  });

  it('messages come again, later each time, as after any fault of ours; the log names the setting', async () => {
    const [first, again] = [aMessage([anEvent('org_a')]), aMessage([anEvent('org_a')], 12)];
    const before = printed.length;
    expect(await consume([first, again], broken)).toEqual({
      acknowledged: [],
      retried: [
        { id: first.id, delaySeconds: 5 },
        { id: again.id, delaySeconds: 900 },
      ],
    });
    const lines = printed.slice(before).map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ event: 'consumer.failed', error: expect.stringContaining('RETRY_SCHEDULE') }));
  });

  it('those of the dead-letter queue stay there: 100 times an hour is longer than it keeps them', async () => {
    const message = aMessage([anEvent('org_a')], 100);
    expect(await consume([message], broken, 'bullseye-events-dead')).toEqual({
      acknowledged: [],
      retried: [{ id: message.id, delaySeconds: 3_600 }],
    });
  });
});
