import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import worker from '../src/index.ts';
import { inJurisdiction } from '../src/jurisdiction.ts';
import { PLATFORM_KEY } from './support/api.ts';
import { aMessage, anEvent } from './support/deliveries.ts';

/* The local runtime has no jurisdictions: which namespaces are asked is seen here, and what Cloudflare makes of that could not be tried. */

const NAMES = ['OUTBOX', 'COURIER', 'LISTENER', 'RATE_LIMITER', 'METER'] as const;

/** Bindings whose namespaces note where they are asked for an object. */
function noting(jurisdiction: string): { env: Env; asked: string[] } {
  const asked: string[] = [];
  const namespace = (name: (typeof NAMES)[number], place = 'nowhere') => ({
    getByName: (object: string) => {
      asked.push(`${name} ${place}`);
      return env[name].getByName(object);
    },
    jurisdiction: (of: string) => namespace(name, of),
  });
  const namespaces = Object.fromEntries(NAMES.map((name) => [name, namespace(name)]));
  return { env: { ...env, ...namespaces, JURISDICTION: jurisdiction } as unknown as Env, asked };
}

/** What requests and batches have left to do. */
const left: Promise<unknown>[] = [];
const context = {
  waitUntil: (work: Promise<unknown>) => left.push(work),
  passThroughOnException: () => {},
  props: {},
} as unknown as ExecutionContext;

describe.each([
  ['', 'nowhere'],
  ['eu', 'eu'],
])('with JURISDICTION = "%s"', (setting, place) => {
  it('each way in asks for objects there alone', async () => {
    const { env: bindings, asked } = noting(setting);
    const path = 'http://localhost/api/v1/organization/org_placed';
    const send = async (method: string, to: string, body: object) => {
      const request = new Request(to, {
        method,
        body: new TextEncoder().encode(JSON.stringify(body)),
        headers: { 'X-API-Key': PLATFORM_KEY },
      });
      return (await (await worker.fetch(request, bindings, context)).json()) as { id: string };
    };
    await send('PUT', path, { name: 'Placed', plan: 'scale' });
    const { id } = await send('POST', `${path}/webhooks`, { url: 'https://hooks.example.com/', events: ['*'], enabled: false });
    await worker.fetch(new Request(`${path}/webhooks/${id}/deliveries`, { headers: { 'X-API-Key': PLATFORM_KEY } }), bindings, context);
    const message = { ...aMessage([anEvent('org_placed')]), ack: () => {}, retry: () => {} };
    const batch = { queue: 'bullseye-events', messages: [message], ackAll: () => {}, retryAll: () => {} } as unknown as MessageBatch;
    await worker.queue(batch, bindings, context);
    await Promise.all(left.splice(0));
    expect(new Set(asked)).toEqual(new Set([`OUTBOX ${place}`, `METER ${place}`]));
    expect(asked.length).toBeGreaterThan(1);
  });
});

it('bindings without a jurisdiction are themselves', () => {
  expect(inJurisdiction(env)).toBe(env);
});

it('a jurisdiction that there is not is a fault of the deployment', () => {
  expect(() => inJurisdiction(noting('mars').env)).toThrow('JURISDICTION: one of eu, us, fedramp is needed');
});
