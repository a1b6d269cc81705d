import { listWebhooks } from '../../db/webhooks.ts';
import { keptMs, maxWebhooks, quotaOfPlan } from '../../domain/quota.ts';
import { BYTE_ORDER_MARK, csvLine } from '../../domain/text/csv.ts';
import { DAY_MS, dayOf } from '../../domain/text/day.ts';
import { addUse, type DayRange, DEFAULT_USAGE_DAYS, dayText, everyDay, noUse, parseDay, USAGE_DAYS, type Use } from '../../domain/usage.ts';
import { readOrganizationUse, readPlatformUse } from '../../usage/reading.ts';
import { reached } from '../deliveries/outboxes.ts';
import { ApiError, invalid } from '../errors.ts';
import { organizationParams, requireOrganization } from '../parameters.ts';
import { type ApiRequest, type Route, route } from '../route.ts';
import { z } from '../zod.ts';

/** How long counting the logs may take, and reading what is kept of them. */
const TIMEOUT_MS = 22_000;

const figures = {
  events: z.number().int().openapi({
    description:
      'Events that at least one webhook subscribed to, each once, however many webhooks it went to; also those that filters or `once` kept back.',
  }),
  deliveries: z.number().int().openapi({ description: 'One for each event and webhook, whatever became of it.' }),
  attempts: z.number().int().openapi({ description: 'Attempts begun, retries by hand included.' }),
};

const day = (description: string) => z.string().openapi({ format: 'date', description, example: '2026-11-23' });

const usageDays = {
  from: day('The first day.'),
  to: day('The last day.'),
  totals: z.object(figures).openapi('Use', { description: 'Of all these days together.' }),
  days: z
    .array(z.object({ day: day('By UTC.'), ...figures }).openapi('DayOfUse'))
    .openapi({ description: 'Each day of the range, in the order of time.' }),
};

const WHAT =
  'Everything counts on the day (UTC) on which its event was accepted: an attempt that is made later changes a day that is past. Tests, and the ' +
  "service's own events (`webhook.failing`, `visitor.erased` and the like), are nobody's use. Usage is kept for " +
  `${USAGE_DAYS} days, longer than deliveries are; a day before that, or before the service was there, is answered with zeros. The figures are exact, but for events that all filters kept back, which are told within about a minute ` +
  'and nearly exact.';

const usage = z
  .object({
    ...usageDays,
    quota: z
      .object({
        plan: z.string(),
        eventsPerDay: z
          .number()
          .int()
          .nullable()
          .openapi({ description: 'Events in a day that the plan is meant for. Nothing is held back beyond it. Null: no limit.' }),
        webhooks: z.number().int().openapi({ description: 'Webhooks that the organization can have.' }),
        keptDays: z.number().int().openapi({ description: 'Days for which deliveries are kept.' }),
      })
      .openapi('Quota'),
  })
  .openapi('Usage', { description: 'What an organization has used, by day.' });

const platformUsage = z
  .object({
    ...usageDays,
    completeThrough: day('The last day of which nothing is missing. What comes after it is told as far as it is known.'),
  })
  .openapi('PlatformUsage', { description: 'What all organizations together have used, by day; those that were deleted since included.' });

const dayInput = (description: string) =>
  z
    .string()
    .transform((text, context) => {
      const parsed = parseDay(text);
      if (parsed === null) context.addIssue({ code: 'custom', message: 'This is not a day such as 2026-11-23.' });
      return parsed ?? z.NEVER;
    })
    .optional()
    .openapi({ type: 'string', format: 'date', description, example: '2026-11-23' });

const query = z.object({
  from: dayInput(`The first day, by UTC. Default: ${DEFAULT_USAGE_DAYS - 1} days before \`to\`.`),
  to: dayInput('The last day. Default: today.'),
});

/** The days that are asked for. @param most how many these are where nobody says since when */
function rangeOf({ from, to }: z.output<typeof query>, now: number, most = DEFAULT_USAGE_DAYS): DayRange {
  const last = to ?? dayOf(now);
  const first = from ?? last - most + 1;
  if (first > last) throw invalid([{ field: 'from', message: 'The first day comes after the last.' }]);
  if (last - first >= USAGE_DAYS) throw invalid([{ field: 'from', message: `These are more than ${USAGE_DAYS} days.` }]);
  return { from: first, to: last };
}

function shown(range: DayRange, uses: ReadonlyMap<number, Use>) {
  const totals = noUse();
  const days = everyDay(range, uses).map(([each, use]) => {
    addUse(totals, use);
    return { day: dayText(each), ...use };
  });
  return { from: dayText(range.from), to: dayText(range.to), totals, days };
}

type Asked = Pick<ApiRequest<never, never, never, never>, 'db' | 'env' | 'nowMs'> & { organizationId: string; range: DayRange };

/** The use of an organization as it is now; a 503 where that takes too long. */
async function organizationUse({ db, env, nowMs: now, organizationId, range }: Asked): Promise<Map<number, Use>> {
  const webhookIds = (await listWebhooks(db, organizationId)).map(({ id }) => id);
  const uses = await reached(readOrganizationUse(env, db, { organizationId, webhookIds, range, now }), TIMEOUT_MS);
  if (!uses) throw new ApiError('outbox_unavailable', 'A log is long and still being counted. Please ask again shortly.');
  return uses;
}

const get = route({
  method: 'get',
  path: '/api/v1/organization/{organizationId}/usage',
  operationId: 'getUsage',
  summary: 'What an organization has used, by day',
  description: WHAT,
  tag: 'Organizations',
  access: 'read',
  params: organizationParams,
  query,
  success: { status: 200, description: 'The use of each day, and the quota.', schema: usage },
  errors: ['outbox_unavailable'],
  handler: async ({ params: { organizationId }, query: asked, db, env, settings, nowMs }) => {
    const range = rangeOf(asked, nowMs);
    const { plan } = await requireOrganization(db, organizationId);
    const uses = await organizationUse({ db, env, nowMs, organizationId, range });
    const quota = quotaOfPlan(settings.quotas, plan);
    const limits = { eventsPerDay: quota.eventsPerDay, webhooks: maxWebhooks(quota), keptDays: keptMs(settings, plan) / DAY_MS };
    return { ...shown(range, uses), quota: { plan, ...limits } };
  },
});

const exportUsage = route({
  method: 'get',
  path: '/api/v1/organization/{organizationId}/usage/export',
  operationId: 'exportUsage',
  summary: "Download an organization's usage",
  description: 'The same as CSV (RFC 4180, UTF-8 with a byte order mark): a line for each day, in the order of time.',
  tag: 'Organizations',
  access: 'read',
  params: organizationParams,
  query: query.extend({
    from: dayInput(`The first day, by UTC. Default: as far back as usage is kept, ${USAGE_DAYS - 1} days before \`to\`.`),
  }),
  success: { status: 200, description: 'The days.', contentType: 'text/csv', schema: z.string() },
  errors: ['outbox_unavailable'],
  handler: async ({ params: { organizationId }, query: asked, db, env, nowMs }) => {
    const range = rangeOf(asked, nowMs, USAGE_DAYS);
    await requireOrganization(db, organizationId);
    const { days } = shown(range, await organizationUse({ db, env, nowMs, organizationId, range }));
    const lines = days.map(({ day: each, events, deliveries, attempts }) => csvLine([each, events, deliveries, attempts]));
    const text = `${BYTE_ORDER_MARK}${csvLine(['Day (UTC)', 'Events', 'Deliveries', 'Attempts'])}${lines.join('')}`;
    const headers = { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': 'attachment; filename="usage.csv"' };
    return new Response(text, { headers });
  },
});

const getOfPlatform = route({
  method: 'get',
  path: '/api/v1/platform/usage',
  operationId: 'getPlatformUsage',
  summary: 'What all organizations together have used, by day',
  description: `${WHAT} Where there are more than 500 webhooks, what the cron has collected is told: \`completeThrough\` says up to which day nothing is missing.`,
  tag: 'Platform',
  access: 'platform',
  query,
  success: { status: 200, description: 'The use of each day.', schema: platformUsage },
  handler: async ({ query: asked, db, env, nowMs: now }) => {
    const range = rangeOf(asked, now);
    const { uses, completeThrough } = await readPlatformUse(env, db, range, now);
    return { ...shown(range, uses), completeThrough: dayText(completeThrough) };
  },
});

export { exportUsage, get as getUsage };

export const usageRoutes: readonly Route[] = [get, exportUsage, getOfPlatform];
