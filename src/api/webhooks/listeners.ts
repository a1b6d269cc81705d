import type { Context, Hono } from 'hono';
import { configurationsOf } from '../../consumer/configuration-cache.ts';
import { sealSecret } from '../../db/secret-box.ts';
import { insertWebhook } from '../../db/webhooks.ts';
import { isListenUrl, listenName, listenUrl, MAX_FORWARD_LENGTH, MAX_LISTENERS } from '../../domain/endpoint/listen-url.ts';
import { mintId } from '../../domain/ids.ts';
import { webhookChanges } from '../../domain/webhook/audited-webhook.ts';
import { ApiError, invalid, notFound } from '../errors.ts';
import { organizationParams, requireOrganization } from '../parameters.ts';
import { type ApiEnv, admit, type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { eventsInput, secretInput, toWebhook, webhook, withWarnings } from './webhook-schema.ts';
import { generateSecret, requirePlan, requireSubscribable, requireWebhook } from './webhooks.ts';

const path = '/api/v1/organization/{organizationId}/listeners';
const EVERYTHING = ['*'];

const listenerInput = z
  .strictObject({
    events: eventsInput.default(EVERYTHING),
    forwardTo: z.string().min(1).max(MAX_FORWARD_LENGTH).nullish().openapi({
      description: 'Where the command forwards deliveries, for people to see: `http` or `https`. Its query and user name are not kept.',
      example: 'http://localhost:3000/hook',
    }),
    secret: secretInput.optional().openapi({ description: 'Signs deliveries. Absent: one is made. It is in the answer, this once.' }),
  })
  .openapi('ListenerInput');

const listener = webhook
  .extend({
    secret: z.string().openapi({ description: 'What deliveries are signed with. It is shown this once.' }),
    socketPath: z.string().openapi({
      description: 'Where the command opens its WebSocket, below the address of the service, with the same key.',
      example: '/api/v1/organization/org_acme/listeners/whk_01JDCQ7Z8W5M3KXN4R2T6V9YBA/socket',
    }),
    warnings: z.array(z.string()).optional(),
  })
  .openapi('Listener');

const create = route({
  method: 'post',
  path,
  operationId: 'createListener',
  summary: 'Create a webhook for the command `listen`',
  description:
    'A webhook like any, but its deliveries go over a WebSocket to the command that opens `socketPath`, and it lives as long as that does: within a minute after ' +
    `the command is gone the service deletes it. An organization has at most ${MAX_LISTENERS} at a time, beside its other webhooks. Whatever the command answers, the ` +
    'webhook is not disabled, deliveries are not held for it, and nobody is alerted. Needs the Scale plan or above.',
  tag: 'Webhooks',
  access: 'write',
  writes: true,
  params: organizationParams,
  body: listenerInput,
  bodyOptional: true,
  examples: { 'Forward every event': { forwardTo: 'http://localhost:3000/hook' } },
  success: { status: 201, description: 'The webhook, its secret, and where to connect.', schema: listener },
  errors: ['plan_upgrade_required', 'webhook_limit_reached'],
  handler: async ({ params, body, db, env, settings, nowMs, entry }) => {
    const { organizationId } = params;
    requirePlan((await requireOrganization(db, organizationId)).plan);
    const url = listenUrl(body.forwardTo ?? null);
    if (url === null) throw invalid([{ field: 'forwardTo', message: 'This is not a URL with http or https.' }]);
    await requireSubscribable(db, body.events);
    const id = mintId('webhook', nowMs);
    const secret = body.secret ?? generateSecret();
    const sealed = await sealSecret(settings.masterKeys, id, secret);
    const made = { id, organizationId, name: listenName(url), url, events: body.events, enabled: true, secret: sealed };
    // First: should anything go wrong from here on, it sees to it that nothing is left.
    await env.LISTENER.getByName(id).expect({ organizationId, webhookId: id });
    const told = entry('webhook.created', { type: 'webhook', id }, webhookChanges(null, made));
    const row = await insertWebhook(db, { ...made, healthSince: nowMs, createdAt: nowMs, updatedAt: nowMs }, told);
    if (!row) {
      // It was deleted meanwhile, or is full.
      await requireOrganization(db, organizationId);
      const message = `An organization has at most ${MAX_LISTENERS} \`listen\` commands at a time. One that was killed is counted for up to a minute.`;
      throw new ApiError('webhook_limit_reached', message, { limit: MAX_LISTENERS });
    }
    // Whoever starts a command waits for its first event. Other isolates learn of it within 5 s, as of any change.
    configurationsOf(env).forget(organizationId);
    const socketPath = `${path.replace('{organizationId}', encodeURIComponent(organizationId))}/${id}/socket`;
    return withWarnings({ ...toWebhook(row), secret, socketPath }, body.secret);
  },
});

export const listenerRoutes: readonly Route[] = [create];

/**
 * Where a command opens its WebSocket. It is no route of the table, since OpenAPI does not describe WebSockets; the description of the route above does.
 * Who may open it is the same: 404 where the webhook is not one of `listen`, 422 for a request that is no WebSocket's.
 */
export function registerSocket(app: Hono<ApiEnv>): void {
  app.get('/api/v1/organization/:organizationId/listeners/:webhookId/socket', async (c) => {
    const params = c.req.param();
    const { caller, db } = await admit({ access: 'write' }, c);
    const row = await requireWebhook(db, params);
    if (!isListenUrl(row.url)) throw notFound('listener');
    if (!isWebSocket(c)) throw noWebSocket();
    const headers = new Headers({ Upgrade: 'websocket' });
    if (caller.kind === 'organization' && caller.keyId !== null) headers.set('X-Key-Id', caller.keyId);
    const { webSocket } = await c.env.LISTENER.getByName(row.id).fetch('https://listener/', { headers });
    // It ended while this was under way.
    if (!webSocket) throw notFound('listener');
    return new Response(null, { status: 101, webSocket });
  });
}

function noWebSocket(): ApiError {
  return invalid([{ field: 'Upgrade', message: 'This path takes a WebSocket, as the command `listen` opens it.' }]);
}

function isWebSocket(c: Context): boolean {
  return c.req.header('Upgrade')?.toLowerCase() === 'websocket';
}
