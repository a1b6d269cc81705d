import { METRICS_CONTENT_TYPE, writeMetrics } from '../../domain/service/prometheus.ts';
import { logWarning } from '../../log.ts';
import type { Reading } from '../../meter/meter.ts';
import { meterOf } from '../../meter/meter-object.ts';
import { metricsOf } from '../../meter/metrics.ts';
import { VERSION } from '../../version.ts';
import { within } from '../../within.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

/** How long the Meter may take. Prometheus waits for 10 s. */
const METER_TIMEOUT_MS = 5_000;
/** Minutes in which the cron must have looked for what it saw to be told. */
const MINUTES = 10;

/** What the Meter knows of the latest minutes; null where it does not answer. */
export async function readMeter(env: Env, minutes: number): Promise<Reading | null> {
  try {
    return await within(METER_TIMEOUT_MS, meterOf(env).read(minutes));
  } catch (error) {
    logWarning('meter.not_read', { error: error instanceof Error ? error.message : String(error) });
    return null;
  }
}

const get = route({
  method: 'get',
  path: '/api/v1/platform/metrics',
  operationId: 'getMetrics',
  summary: 'How the service is doing, for Prometheus',
  description:
    'Its text format, version 0.0.4. Counters are about a half minute behind, and what the cron sees is up to a minute old. The number of series does not grow with ' +
    'organizations or webhooks. A platform key with the scope `metrics` reads this and nothing else.',
  tag: 'Platform',
  access: 'metrics',
  success: { status: 200, description: 'The metrics.', contentType: 'text/plain', schema: z.string() },
  handler: async ({ env, nowMs }) => {
    const reading = await readMeter(env, MINUTES);
    const text = writeMetrics(metricsOf({ reading, version: VERSION, nowMs }));
    return new Response(text, { headers: { 'Content-Type': METRICS_CONTENT_TYPE } });
  },
});

export const metricsRoutes: readonly Route[] = [get];
