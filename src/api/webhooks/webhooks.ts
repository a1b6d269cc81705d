import type { Database } from '../../db/client.ts';
import { listEventTypes } from '../../db/event-types.ts';
import { sealSecret } from '../../db/secret-box.ts';
import { deleteWebhook, findWebhook, insertWebhook, updateWebhook, type WebhookRow } from '../../db/webhooks.ts';
import { checkEndpointUrl } from '../../domain/endpoint/endpoint-url.ts';
import { isListenUrl } from '../../domain/endpoint/listen-url.ts';
import { isLoopback } from '../../domain/endpoint/loopback.ts';
import { isSubscribable } from '../../domain/event/event-type.ts';
import { mintId } from '../../domain/ids.ts';
import { includesWebhooks, type Plan } from '../../domain/plan.ts';
import { maxWebhooks, quotaOfPlan } from '../../domain/quota.ts';
import { toBase64 } from '../../domain/text/encoding.ts';
import { webhookChanges } from '../../domain/webhook/audited-webhook.ts';
import { MAX_WEBHOOKS } from '../../domain/webhook/webhook.ts';
import type { Settings } from '../../settings.ts';
import { authorize } from '../access/auth.ts';
import { requireFreshSignIn } from '../account/fresh-sign-in.ts';
import { endListener, eraseOutboxes, statusOf, tellReconfigured } from '../deliveries/outboxes.ts';
import { ApiError, invalid, notFound } from '../errors.ts';
import { isoTimeOrNull, organizationParams, requireOrganization, webhookParams } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { auditedChanges, changesOf, onceAfter } from './webhook-changes.ts';
import { NEW_WEBHOOKS, WEBHOOK_CHANGES } from './webhook-examples.ts';
import { formatAfter, requireRenderable } from './webhook-format.ts';
import { newHeaders, requireNamesOnce } from './webhook-headers.ts';
import {
  changedWebhook,
  createdWebhook,
  toWebhook,
  webhookChangesInput,
  webhookInput,
  webhookWithProbe,
  withWarnings,
} from './webhook-schema.ts';

const path = '/api/v1/organization/{organizationId}/webhooks';
const tag = 'Webhooks';

/** Refuses what a plan below Scale may not do: create or enable webhooks. */
export function requirePlan(plan: Plan): void {
  if (includesWebhooks(plan)) return;
  throw new ApiError('plan_upgrade_required', 'Webhooks need the Scale plan or above.', { plan, requiredPlan: 'scale' });
}

/** Why a webhook may not point to a URL; null: it may. Plain http to loopback is for a Worker that is itself served from loopback. */
export function flawOfEndpoint(raw: string, settings: Settings, own: URL): string | null {
  const ownHosts = settings.publicUrl ? [own.host, settings.publicUrl.host] : [own.host];
  const allowInsecure = settings.allowInsecureEndpoints && isLoopback(own);
  const checked = checkEndpointUrl(raw, { ownHosts, allowInsecure });
  return checked.ok ? null : checked.reason;
}

function requireEndpoint(raw: string, settings: Settings, own: URL): void {
  const flaw = flawOfEndpoint(raw, settings, own);
  if (flaw !== null) throw invalid([{ field: 'url', message: flaw }]);
}

/** Refuses a new URL that a webhook may not point to. One of `listen` stays where it is: it ends with its command, and is not counted. */
function requireMove(before: string, after: string, settings: Settings, own: URL): void {
  if (!isListenUrl(before)) requireEndpoint(after, settings, own);
  else if (after !== before)
    throw invalid([{ field: 'url', message: 'This webhook is of the command `listen`, and goes nowhere else. Create another one.' }]);
}

/**
 * Refuses entries that the catalogue does not know. Those that a webhook has already may stay: their type may have been removed
 * since, and the webhook must still be changeable.
 */
export async function requireSubscribable(db: Database, events: readonly string[], already: readonly string[] = []): Promise<void> {
  const names = (await listEventTypes(db)).map((type) => type.name);
  const unknown = [...events.entries()].filter(([, pattern]) => !already.includes(pattern) && !isSubscribable(pattern, names));
  if (unknown.length === 0) return;
  throw invalid(unknown.map(([at]) => ({ field: `events[${at}]`, message: 'The catalogue has no such event type.' })));
}

/** The webhook of a request; another organization's is no more there than one that does not exist. */
export async function requireWebhook(db: Database, params: { organizationId: string; webhookId: string }): Promise<WebhookRow> {
  const row = await findWebhook(db, params.organizationId, params.webhookId);
  if (!row) throw notFound('webhook');
  return row;
}

/** A new secret in the form of the Standard Webhooks specification: 256 random bits. */
export function generateSecret(): string {
  return `whsec_${toBase64(crypto.getRandomValues(new Uint8Array(32)))}`;
}

/** How often a change is tried whose webhook is changed by others at the same moment: one of them is through each time. */
const MAX_TRIES = 10;

function changing(): ApiError {
  return new ApiError('configuration_unavailable', 'Others are changing this webhook right now. Please try again shortly.');
}

function tooManyWebhooks(plan: Plan, limit: number): ApiError {
  if (limit === MAX_WEBHOOKS) return new ApiError('webhook_limit_reached', `An organization has at most ${limit} webhooks.`, { limit });
  const message = limit === 1 ? 'Your plan includes one webhook.' : `Your plan includes ${limit} webhooks.`;
  return new ApiError('webhook_quota_reached', `${message} Delete one, or move to a higher plan.`, { plan, limit });
}

const create = route({
  method: 'post',
  path,
  operationId: 'createWebhook',
  summary: 'Create a webhook',
  description:
    `Needs the Scale plan or above. An organization has at most ${MAX_WEBHOOKS}, or as many as its plan includes ` +
    '(`GET …/usage`, `quota.webhooks`). Without a secret, deliveries are not signed.',
  tag,
  access: 'write',
  writes: true,
  params: organizationParams,
  body: webhookInput,
  examples: NEW_WEBHOOKS,
  success: { status: 201, description: 'The webhook.', schema: createdWebhook },
  errors: ['plan_upgrade_required', 'webhook_quota_reached', 'webhook_limit_reached'],
  handler: async ({ params, body, bytes, db, settings, url, nowMs, entry }) => {
    requireNamesOnce(bytes);
    const { organizationId } = params;
    const { plan } = await requireOrganization(db, organizationId);
    requirePlan(plan);
    requireEndpoint(body.url, settings, url);
    await requireSubscribable(db, body.events);
    const { generateSecret: isGenerated, secret: given, once, ...input } = body;
    const format = formatAfter({ format: 'event', template: null }, input);
    const chosen = { ...input, ...format, organizationId, fields: input.fields ?? null };
    await requireRenderable(db, chosen, nowMs);
    const id = mintId('webhook', nowMs);
    const generated = isGenerated ? generateSecret() : undefined;
    const secret = generated ?? given ?? null;
    const webhook = {
      id,
      ...chosen,
      ...(await newHeaders(settings.masterKeys, id, input.headers)),
      secret: secret === null ? null : await sealSecret(settings.masterKeys, id, secret),
      once: onceAfter(null, once ?? null, nowMs),
      healthSince: nowMs,
      createdAt: nowMs,
      updatedAt: nowMs,
    };
    const told = entry('webhook.created', { type: 'webhook', id }, webhookChanges(null, webhook));
    const limit = maxWebhooks(quotaOfPlan(settings.quotas, plan));
    const row = await insertWebhook(db, webhook, told, limit);
    if (!row) {
      // It was deleted meanwhile, or is full.
      await requireOrganization(db, organizationId);
      throw tooManyWebhooks(plan, limit);
    }
    return withWarnings({ ...toWebhook(row), secret: generated }, secret);
  },
});

const get = route({
  method: 'get',
  path: `${path}/{webhookId}`,
  operationId: 'getWebhook',
  summary: 'Read a webhook',
  tag,
  access: 'read',
  params: webhookParams,
  success: { status: 200, description: 'The webhook.', schema: webhookWithProbe },
  handler: async ({ params, db, env }) => {
    const row = await requireWebhook(db, params);
    if (row.health !== 'open') return toWebhook(row);
    return { ...toWebhook(row), nextProbeAt: isoTimeOrNull((await statusOf(env, row.id))?.nextProbeAt ?? null) };
  },
});

const patch = route({
  method: 'patch',
  path: `${path}/{webhookId}`,
  operationId: 'updateWebhook',
  summary: 'Change a webhook',
  description:
    'In force everywhere within 5 seconds, for retries as well. Enabling needs the Scale plan or above, clears `disabledReason` and ' +
    'gives the endpoint a fresh start. So does a new `url`, which does not enable a webhook that is disabled. `secret` needs the scope ' +
    '`admin`, and takes effect at once; `secret/rotate` lets the old one sign for a while.',
  tag,
  access: 'write',
  writes: true,
  params: webhookParams,
  body: webhookChangesInput,
  examples: WEBHOOK_CHANGES,
  success: { status: 200, description: 'The webhook as it is now.', schema: changedWebhook },
  errors: ['plan_upgrade_required', 'fresh_sign_in_required'],
  handler: async ({ params, body, bytes, caller, db, env, settings, url, nowMs, entry, waitUntil }) => {
    requireNamesOnce(bytes);
    const { organizationId, webhookId } = params;
    // Also where it is the present one: to be told so would be to be told the secret, a guess at a time.
    if (body.secret !== undefined) authorize(caller, 'admin', organizationId);
    if (body.secret !== undefined || body.headers !== undefined) requireFreshSignIn(caller, nowMs);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = await requireWebhook(db, params);
      if (Object.keys(body).length === 0) return toWebhook(before);
      if (body.enabled) requirePlan((await requireOrganization(db, organizationId)).plan);
      if (body.url !== undefined) requireMove(before.url, body.url, settings, url);
      if (body.events) await requireSubscribable(db, body.events, before.events);
      const changes = await changesOf(body, before, { db, settings, nowMs });
      if (Object.values(changes).every((value) => value === undefined)) return withWarnings(toWebhook(before), body.secret);
      const differing = auditedChanges(before, changes, body);
      const told = Object.keys(differing).length > 0 ? entry('webhook.updated', { type: 'webhook', id: webhookId }, differing) : null;
      const row = await updateWebhook(db, before, changes, nowMs, told);
      if (!row) continue;
      waitUntil(tellReconfigured(env, webhookId));
      return withWarnings(toWebhook(row), body.secret);
    }
    throw changing();
  },
});

const remove = route({
  method: 'delete',
  path: `${path}/{webhookId}`,
  operationId: 'deleteWebhook',
  summary: 'Delete a webhook with its deliveries',
  description: 'What waits is not delivered any more, and the log is erased.',
  tag,
  access: 'write',
  params: webhookParams,
  success: { status: 204, description: 'It is gone.' },
  handler: async ({ params, db, env, nowMs, entry, waitUntil }) => {
    const { webhookId } = params;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = await requireWebhook(db, params);
      const told = entry('webhook.deleted', { type: 'webhook', id: webhookId }, webhookChanges(before, null));
      if (!(await deleteWebhook(db, before, nowMs, told))) continue;
      waitUntil(eraseOutboxes(env, [webhookId]));
      if (isListenUrl(before.url)) waitUntil(endListener(env, webhookId));
      return;
    }
    throw changing();
  },
});

export { create as createWebhook, patch as updateWebhook, remove as deleteWebhook };

export const webhookRoutes: readonly Route[] = [create, get, patch, remove];
