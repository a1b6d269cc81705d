import { readOrganizations } from '../../db/configuration.ts';
import { listEventTypes } from '../../db/event-types.ts';
import { isOperational } from '../../domain/event/operational-event.ts';
import { ORGANIZATION_ID, ORGANIZATION_ID_FORM } from '../../domain/ids.ts';
import { includesWebhooks } from '../../domain/plan.ts';
import { subscribes } from '../../domain/webhook/webhook.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

/** How long a producer may go by an answer. It is read when it is asked for, so that a new webhook gets its events within 5 s all the same. */
const MAX_AGE_SECONDS = 5;

const wantedEvents = z
  .object({
    organizationId: z.string(),
    events: z
      .array(z.string())
      .openapi({ description: 'Names of types, sorted. Of other types nothing need be posted.', example: ['visitor.identified'] }),
    maxAgeSeconds: z.int().openapi({ description: 'Ask again when the answer is older than this.' }),
  })
  .openapi('WantedEvents');

const get = route({
  method: 'get',
  path: '/api/v1/wanted-events',
  operationId: 'getWantedEvents',
  summary: 'Which events an organization wants',
  description:
    'The types that at least one enabled webhook subscribes to, whatever its filter: a producer need not post the others. Empty for an organization that is not known, ' +
    'that has no enabled webhook, or whose plan has no webhooks. What is not posted is not recorded for disabled webhooks either.',
  tag: 'Events',
  access: 'ingest',
  query: z.object({
    organization_id: z
      .string()
      .regex(ORGANIZATION_ID, `This is none: ${ORGANIZATION_ID_FORM}.`)
      .openapi({ description: 'As events have it.', example: 'org_acme' }),
  }),
  success: { status: 200, description: 'The types, and for how long that holds.', schema: wantedEvents },
  handler: async ({ query, env, db }) => {
    const organizationId = query.organization_id;
    const [configs, types] = await Promise.all([readOrganizations(env.DB, [organizationId]), listEventTypes(db)]);
    const config = configs.get(organizationId);
    const webhooks = config && includesWebhooks(config.plan) ? config.webhooks.filter(({ enabled }) => enabled) : [];
    const isWanted = (name: string) => webhooks.some(({ events }) => subscribes(events, name));
    // The service's own events are nobody's to post.
    const events = types.map(({ name }) => name).filter((name) => !isOperational(name) && isWanted(name));
    return { organizationId, events, maxAgeSeconds: MAX_AGE_SECONDS };
  },
});

export const wantedEventRoutes: readonly Route[] = [get];
