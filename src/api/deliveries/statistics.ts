import {
  add,
  emptyTally,
  PERIOD_NAMES,
  type Period,
  percentileMs,
  RESPONSE_CLASSES,
  type ResponseClass,
  successRate,
  type Tally,
} from '../../domain/delivery/statistics.ts';
import type { Statistics } from '../../outbox/log/statistics.ts';
import { ApiError } from '../errors.ts';
import { isoTime, time, webhookParams } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { requireWebhook } from '../webhooks/webhooks.ts';
import { z } from '../zod.ts';
import { outboxOf, reached } from './outboxes.ts';

/** How long counting a long log may take. */
const TIMEOUT_MS = 20_000;

const responses = z
  .object(Object.fromEntries(RESPONSE_CLASSES.map((name) => [name, z.number().int()])) as Record<ResponseClass, z.ZodNumber>)
  .openapi('Responses', {
    description:
      'Attempts that have ended, by what the endpoint answered. `none`: no response of the endpoint came (520 to 527 and 530 are Cloudflare’s, which could not reach it), or none is known of.',
  });

const figures = z.object({
  delivered: z.number().int(),
  failed: z.number().int(),
  discarded: z.number().int(),
  filtered: z
    .number()
    .int()
    .openapi({ description: 'Events that `filter` kept back, which make no delivery. Told within about a minute, and nearly exact.' }),
  repeated: z.number().int().openapi({ description: 'Events that `once` kept back, which make no delivery.' }),
  attempts: z.number().int().openapi({ description: 'Those begun: one that still runs is not among the responses yet.' }),
  responses,
  successRate: z.number().nullable().openapi({ description: 'Delivered of those that were delivered or failed: 0 to 1. Null: none was.' }),
  latencyP50Ms: z
    .number()
    .nullable()
    .openapi({
      description:
        "How long the endpoint took to answer a delivery's last attempt; right to 5 %. An attempt without an answer (a timeout, say) does " +
        'not count. Null: there is none that does.',
    }),
  latencyP95Ms: z.number().nullable(),
});

export const statistics = z
  .object({
    period: z.enum(PERIOD_NAMES),
    from: time(),
    to: time(),
    bucketSeconds: z.number().int(),
    waiting: z.number().int().openapi({ description: 'Deliveries that have not ended, whenever they were accepted.' }),
    totals: figures.openapi('Figures'),
    buckets: z.array(figures.extend({ start: time() }).openapi('Bucket')),
  })
  .openapi('Statistics', { description: 'Deliveries by when their events were accepted.' });

function toFigures(tally: Tally): z.input<typeof figures> {
  // An outbox of the version before, which can still answer during a deploy, keeps nothing back.
  const { delivered, failed, discarded, filtered = 0, repeated = 0, attempts, responses } = tally;
  const latencies = { latencyP50Ms: percentileMs(tally, 0.5), latencyP95Ms: percentileMs(tally, 0.95) };
  return { delivered, failed, discarded, filtered, repeated, attempts, responses, successRate: successRate(tally), ...latencies };
}

/** What a client sees of a period's statistics. */
export type ShownStatistics = z.output<typeof statistics>;

/** An outbox's counts as clients see them. */
export function toStatistics(period: Period, counted: Statistics): ShownStatistics {
  const totals = emptyTally();
  for (const { tally } of counted.buckets) add(totals, tally);
  return {
    period,
    from: isoTime(counted.from),
    to: isoTime(counted.to),
    bucketSeconds: counted.bucketMs / 1_000,
    waiting: counted.waiting,
    totals: toFigures(totals),
    buckets: counted.buckets.map(({ start, tally }) => ({ start: isoTime(start), ...toFigures(tally) })),
  };
}

const get = route({
  method: 'get',
  path: '/api/v1/organization/{organizationId}/webhooks/{webhookId}/stats',
  operationId: 'getStatistics',
  summary: 'How a webhook has been doing',
  tag: 'Deliveries',
  access: 'read',
  params: webhookParams,
  query: z.object({ period: z.enum(PERIOD_NAMES).default('24h').openapi({ description: 'How far back, the running bucket included.' }) }),
  success: { status: 200, description: 'Totals, and buckets in the order of time.', schema: statistics },
  errors: ['outbox_unavailable'],
  handler: async ({ params, query, db, env }) => {
    const { id } = await requireWebhook(db, params);
    const counted: Statistics | null = await reached(outboxOf(env, id).statistics(query.period), TIMEOUT_MS);
    if (!counted) throw new ApiError('outbox_unavailable', 'The log is long and still being counted. Please ask again shortly.');
    return toStatistics(query.period, counted);
  },
});

export { get as getStatistics };

export const statisticsRoutes: readonly Route[] = [get];
