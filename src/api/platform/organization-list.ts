import { type ListedOrganization, listOrganizations } from '../../db/organizations.ts';
import { DEFAULT_PAGE, nextCursor, pageQuery, readCursor, writeCursor } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { organization, plan, toOrganization } from './organizations.ts';

/** Longest text that is looked for, in characters. */
const MAX_Q_LENGTH = 200;

const listedOrganization = organization
  .extend({
    webhooks: z
      .object({
        total: z.number().int(),
        disabled: z.number().int().openapi({ description: 'Disabled by their owner or by the service.' }),
        failing: z.number().int().openapi({ description: 'Enabled, and `failing` or `open`.' }),
      })
      .openapi('WebhookCounts'),
  })
  .openapi('ListedOrganization');

const organizationPage = z.object({ data: z.array(listedOrganization), nextCursor }).openapi('OrganizationPage');

function toListed({ webhooks: total, disabled, failing, ...row }: ListedOrganization): z.input<typeof listedOrganization> {
  return { ...toOrganization(row), webhooks: { total, disabled, failing } };
}

const list = route({
  method: 'get',
  path: '/api/v1/platform/organizations',
  operationId: 'listOrganizations',
  summary: 'List organizations, or find some',
  description: 'In the order of their ids.',
  tag: 'Platform',
  access: 'platform',
  query: pageQuery.extend({
    q: z
      .string()
      .trim()
      .min(1)
      .max(MAX_Q_LENGTH)
      .optional()
      .openapi({ description: 'A part of the name or of the id. Letters from a to z are found in either case.' }),
    plan: plan.optional(),
  }),
  success: { status: 200, description: 'A page.', schema: organizationPage },
  handler: async ({ query, db }) => {
    const { limit = DEFAULT_PAGE, cursor, q = null, plan: wanted = null } = query;
    // One more than asked for tells whether there is a next page.
    const rows = await listOrganizations(db, { q, plan: wanted }, limit + 1, readCursor(cursor)?.id ?? null);
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return { data: page.map(toListed), nextCursor: last ? writeCursor(last.createdAt, last.id) : null };
  },
});

export { list as listAllOrganizations };

export const platformOrganizationRoutes: readonly Route[] = [list];
