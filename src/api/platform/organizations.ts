import { deleteOrganization, type OrganizationRow, putOrganization } from '../../db/organizations.ts';
import type { AuditAction, AuditChanges } from '../../domain/access/audit-log.ts';
import { ORGANIZATION_ID, ORGANIZATION_ID_FORM } from '../../domain/ids.ts';
import { PLANS } from '../../domain/plan.ts';
import { eraseOutboxes, tellAllReconfigured } from '../deliveries/outboxes.ts';
import { ApiError, notFound } from '../errors.ts';
import { isoTime, organizationParams, requireOrganization, time } from '../parameters.ts';
import { OtherSuccess, type Route, route } from '../route.ts';
import { z } from '../zod.ts';

const path = '/api/v1/organization/{organizationId}';
const tag = 'Organizations';

const name = z.string().trim().min(1).max(200);
export const plan = z.enum(PLANS).openapi('Plan', { description: 'Webhooks need `scale` or above.' });

const organizationInput = z.strictObject({ name, plan }).openapi('OrganizationInput');

export const organization = z
  .object({ id: z.string(), name: z.string(), plan, createdAt: time(), updatedAt: time() })
  .openapi('Organization', { description: 'A tenant.' });

export function toOrganization(row: OrganizationRow): z.input<typeof organization> {
  return { id: row.id, name: row.name, plan: row.plan, createdAt: isoTime(row.createdAt), updatedAt: isoTime(row.updatedAt) };
}

/** How often a change is tried whose organization is changed by others at the same moment: one of them is through each time. */
const MAX_TRIES = 10;

const put = route({
  method: 'put',
  path,
  operationId: 'putOrganization',
  summary: 'Create an organization, or change its name and plan',
  description: 'A move to a plan without webhooks keeps the configuration; deliveries stop until the organization moves up again.',
  tag,
  access: 'platform',
  params: z.object({
    organizationId: z
      .string()
      .regex(ORGANIZATION_ID, `This is not an organization id: ${ORGANIZATION_ID_FORM}`)
      .openapi({ example: 'org_acme' }),
  }),
  body: organizationInput,
  success: {
    status: 200,
    description: 'The organization as it is now.',
    schema: organization,
    other: { status: 201, description: 'The organization, which is new.' },
  },
  handler: async ({ params, body, db, env, nowMs, entry, waitUntil }) => {
    const { organizationId } = params;
    const entryOf = (action: AuditAction, changes: AuditChanges) => entry(action, { type: 'organization', id: organizationId }, changes);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const put = await putOrganization(db, organizationId, body, nowMs, entryOf);
      if (put?.outcome === 'created') return new OtherSuccess(toOrganization(put.row));
      if (put?.outcome === 'changed') waitUntil(tellAllReconfigured(env, db, organizationId));
      if (put) return toOrganization(put.row);
    }
    throw new ApiError('configuration_unavailable', 'Others are changing this organization right now. Please try again shortly.');
  },
});

const get = route({
  method: 'get',
  path,
  operationId: 'getOrganization',
  summary: 'Read an organization',
  tag,
  access: 'platform',
  params: organizationParams,
  success: { status: 200, description: 'The organization.', schema: organization },
  handler: async ({ params, db }) => toOrganization(await requireOrganization(db, params.organizationId)),
});

const remove = route({
  method: 'delete',
  path,
  operationId: 'deleteOrganization',
  summary: 'Delete an organization with everything it has',
  description: 'Its keys, its webhooks and their deliveries, those that wait included.',
  tag,
  access: 'platform',
  params: organizationParams,
  success: { status: 204, description: 'It is gone.' },
  handler: async ({ params, db, env, nowMs, waitUntil }) => {
    const webhookIds = await deleteOrganization(db, params.organizationId, nowMs);
    if (webhookIds === null) throw notFound('organization');
    waitUntil(eraseOutboxes(env, webhookIds));
  },
});

export { get as getOrganizationRoute, put as putOrganizationRoute };

export const organizationRoutes: readonly Route[] = [put, get, remove];
