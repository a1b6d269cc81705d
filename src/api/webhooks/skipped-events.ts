import { MAX_SKIPPED, type SkippedEvent } from '../../domain/delivery/skipped-event.ts';
import { outboxOf, reached } from '../deliveries/outboxes.ts';
import { isoTime, time, webhookParams } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { requireWebhook } from './webhooks.ts';

const skippedEvent = z
  .object({
    eventId: z.string(),
    event: z.string(),
    subject: z
      .string()
      .nullable()
      .openapi({ description: 'Whom it is about: of `visitor.identified` the name, or else the e-mail, and the company.' }),
    at: time('When it was accepted.'),
    why: z.enum(['filtered', 'repeated']).openapi({ description: '`filtered`: by `filter`; `repeated`: by `once`.' }),
    failedConditions: z
      .array(z.string())
      .openapi({ description: 'The places in the filter that kept it back; none where it is `repeated`.', example: ['filter.all[1]'] }),
  })
  .openapi('SkippedEvent');

const list = route({
  method: 'get',
  path: '/api/v1/organization/{organizationId}/webhooks/{webhookId}/skipped',
  operationId: 'listSkippedEvents',
  summary: 'List the events that made no delivery',
  description:
    `The latest ${MAX_SKIPPED} that \`filter\` or \`once\` kept back, newest first. Those of \`filter\` come within about a minute, and some can be missing: ` +
    'what keeps an event back leaves no trace of its own on its way.',
  tag: 'Deliveries',
  access: 'read',
  params: webhookParams,
  query: z.object({
    q: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .openapi({
        description:
          "Of them those that have this in the visitor's e-mail or name, the company's name or domain, or the event's id; in any case. " +
          'Of what `once` kept back the subject alone is known.',
        example: 'jane.doe@example.com',
      }),
  }),
  success: {
    status: 200,
    description: 'The events.',
    schema: z.object({ data: z.array(skippedEvent) }).openapi('SkippedEvents'),
  },
  errors: ['outbox_unavailable'],
  handler: async ({ params, query, db, env }) => {
    const { id } = await requireWebhook(db, params);
    const skipped: SkippedEvent[] = await reached(outboxOf(env, id).skipped(query.q));
    return { data: skipped.map(({ who, ...event }) => ({ ...event, at: isoTime(event.at) })) };
  },
});

export { list as listSkippedEvents };

export const skippedEventRoutes: readonly Route[] = [list];
