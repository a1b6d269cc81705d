import { type ApiKeyRow, findApiKey, insertApiKey, listApiKeys, revokeApiKey } from '../../db/api-keys.ts';
import type { Database } from '../../db/client.ts';
import {
  INGEST_SCOPE,
  KEY_SCOPES,
  KEY_STATUSES,
  type KeyKind,
  keyPrefix,
  keyStatus,
  MAX_ACTIVE_KEYS,
  MAX_ENDED_KEYS,
  METRICS_SCOPE,
  PLATFORM_SCOPES,
  writeKey,
} from '../../domain/access/api-key.ts';
import { changesBetween, created } from '../../domain/access/audit-log.ts';
import { mintId } from '../../domain/ids.ts';
import { ApiError, invalid, notFound } from '../errors.ts';
import { apiKeyParams, isoTime, isoTimeOrNull, organizationParams, requireOrganization, time, timeInput } from '../parameters.ts';
import { type ApiRequest, type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { forgetKey, hashKey } from './auth.ts';

const organizationPath = '/api/v1/organization/{organizationId}/api-keys';
const platformPath = '/api/v1/platform/keys';
const organizationTag = 'API keys';
const platformTag = 'Platform';

const name = z.string().trim().min(1).max(100);
const expiresAt = timeInput('When the key stops working; absent or null: never. In the future.').nullable().optional();

const organizationKeyInput = z
  .strictObject({
    name,
    scopes: z
      .array(z.enum(KEY_SCOPES))
      .min(1)
      .max(KEY_SCOPES.length)
      .refine((scopes) => new Set(scopes).size === scopes.length, 'A scope is named twice.')
      .openapi({
        description: '`read` reads; `write` also changes webhooks, tests, retries, recovers; `admin` also manages keys and secrets.',
      }),
    expiresAt,
  })
  .openapi('ApiKeyInput');

const platformKeyInput = z
  .strictObject({
    name,
    scopes: z
      .tuple([z.enum(PLATFORM_SCOPES)])
      .default([INGEST_SCOPE])
      .openapi({
        type: 'array',
        items: { type: 'string', enum: [...PLATFORM_SCOPES] },
        minItems: 1,
        maxItems: 1,
        description: 'One: `ingest` posts events, for producers; `metrics` reads `/platform/metrics`, for who watches the service.',
      }),
    expiresAt,
  })
  .openapi('PlatformKeyInput');

const listedKey = z
  .object({
    id: z.string(),
    name: z.string(),
    keyPrefix: z
      .string()
      .openapi({ description: 'The first 12 characters, of a `bsk_ingest_` or `bsk_metrics_` key 17 or 18, to recognize the key by.' }),
    scopes: z.array(z.string()),
    status: z.enum(KEY_STATUSES),
    expiresAt: time().nullable(),
    lastUsedAt: time('To the minute.').nullable(),
    createdAt: time(),
  })
  .openapi('ApiKey');

const createdKey = listedKey
  .extend({ plainKey: z.string().openapi({ description: 'The key itself. It is shown this once.' }) })
  .openapi('CreatedApiKey');
const keyList = z.object({ apiKeys: z.array(listedKey) }).openapi('ApiKeyList');

function toListedKey(row: ApiKeyRow, nowMs: number): z.input<typeof listedKey> {
  return {
    id: row.id,
    name: row.name,
    keyPrefix: row.keyPrefix,
    scopes: row.scopes,
    status: keyStatus(row, nowMs),
    expiresAt: isoTimeOrNull(row.expiresAt),
    lastUsedAt: isoTimeOrNull(row.lastUsedAt),
    createdAt: isoTime(row.createdAt),
  };
}

interface KeyRequest {
  name: string;
  scopes: string[];
  expiresAt?: number | null;
}

/** Makes a key of an organization, or (null) one of the platform: for a producer, or for who watches the service. */
async function create(
  { db, nowMs, entry }: Pick<ApiRequest<never, never, never, never>, 'db' | 'nowMs' | 'entry'>,
  organizationId: string | null,
  input: KeyRequest,
): Promise<z.input<typeof createdKey>> {
  const expiry = input.expiresAt ?? null;
  if (expiry !== null && expiry <= nowMs) throw invalid([{ field: 'expiresAt', message: 'This time is past.' }]);
  const platformKind: KeyKind = input.scopes.includes(METRICS_SCOPE) ? 'monitor' : 'producer';
  const kind = organizationId === null ? platformKind : 'organization';
  const plainKey = writeKey(kind, crypto.getRandomValues(new Uint8Array(16)));
  const key = {
    id: mintId('apiKey', nowMs),
    organizationId,
    name: input.name,
    keyHash: await hashKey(plainKey),
    keyPrefix: keyPrefix(plainKey),
    scopes: input.scopes,
    expiresAt: expiry,
    createdAt: nowMs,
  };
  const told = () => entry('api_key.created', { type: 'api_key', id: key.id }, created(auditedKey(key)));
  const row = await insertApiKey(db, key, nowMs, organizationId === null ? null : told());
  if (!row && organizationId !== null) await requireOrganization(db, organizationId);
  if (!row) throw new ApiError('api_key_limit_reached', `There are ${MAX_ACTIVE_KEYS} active keys already.`, { limit: MAX_ACTIVE_KEYS });
  return { ...toListedKey(row, nowMs), plainKey };
}

/** What an audit log tells of a key. None of it ever changes. */
function auditedKey({ name, scopes, expiresAt }: Pick<ApiKeyRow, 'name' | 'scopes' | 'expiresAt'>): Record<string, unknown> {
  return { name, scopes, expiresAt: isoTimeOrNull(expiresAt) };
}

async function revoke(
  { db, nowMs, entry }: Pick<ApiRequest<never, never, never, never>, 'db' | 'nowMs' | 'entry'>,
  organizationId: string | null,
  keyId: string,
): Promise<void> {
  const key = await findApiKey(db, keyId);
  if (!key || key.organizationId !== organizationId) throw notFound('API key');
  const told = () => entry('api_key.revoked', { type: 'api_key', id: keyId }, changesBetween(auditedKey(key), {}));
  const keyHash = await revokeApiKey(db, organizationId, keyId, nowMs, organizationId === null ? null : told());
  if (keyHash === null) throw notFound('API key');
  forgetKey(keyHash);
}

async function list(db: Database, organizationId: string | null, nowMs: number): Promise<z.input<typeof keyList>> {
  return { apiKeys: (await listApiKeys(db, organizationId, nowMs)).map((row) => toListedKey(row, nowMs)) };
}

const listOfOrganization = route({
  method: 'get',
  path: organizationPath,
  operationId: 'listApiKeys',
  summary: "List an organization's API keys",
  description: `Active ones first, then those that were revoked or expired within the last 30 days, the latest ${MAX_ENDED_KEYS} of them.`,
  tag: organizationTag,
  access: 'admin',
  params: organizationParams,
  success: { status: 200, description: 'The keys, without the keys themselves.', schema: keyList },
  handler: async ({ params, db, nowMs }) => {
    await requireOrganization(db, params.organizationId);
    return await list(db, params.organizationId, nowMs);
  },
});

const createForOrganization = route({
  method: 'post',
  path: organizationPath,
  operationId: 'createApiKey',
  summary: 'Make an API key',
  description: `An organization has at most ${MAX_ACTIVE_KEYS} active keys. The key is in the answer as \`plainKey\`, and never again.`,
  tag: organizationTag,
  access: 'admin',
  writes: true,
  params: organizationParams,
  body: organizationKeyInput,
  success: { status: 201, description: 'The key.', schema: createdKey },
  errors: ['api_key_limit_reached'],
  handler: async ({ params, body, ...request }) => {
    await requireOrganization(request.db, params.organizationId);
    return await create(request, params.organizationId, body);
  },
});

const revokeOfOrganization = route({
  method: 'delete',
  path: `${organizationPath}/{keyId}`,
  operationId: 'revokeApiKey',
  summary: 'Revoke an API key',
  description:
    'It opens nothing any more within 5 seconds, everywhere; nor does what was made with it: sign-in links, and sessions of the dashboard.',
  tag: organizationTag,
  access: 'admin',
  params: organizationParams.extend(apiKeyParams.shape),
  success: { status: 204, description: 'It is revoked.' },
  handler: async ({ params, ...request }) => await revoke(request, params.organizationId, params.keyId),
});

const listOfPlatform = route({
  method: 'get',
  path: platformPath,
  operationId: 'listPlatformKeys',
  summary: 'List the keys of producers, and of who watches the service',
  tag: platformTag,
  access: 'platform',
  success: { status: 200, description: 'The keys, without the keys themselves.', schema: keyList },
  handler: async ({ db, nowMs }) => await list(db, null, nowMs),
});

const createForPlatform = route({
  method: 'post',
  path: platformPath,
  operationId: 'createPlatformKey',
  summary: 'Make a key for a producer, or for who watches the service',
  description: 'With the scope `ingest` it posts events for any organization, with `metrics` it reads the metrics; it does nothing else.',
  tag: platformTag,
  access: 'platform',
  body: platformKeyInput,
  success: { status: 201, description: 'The key.', schema: createdKey },
  errors: ['api_key_limit_reached'],
  handler: async ({ body, ...request }) => await create(request, null, body),
});

const revokeOfPlatform = route({
  method: 'delete',
  path: `${platformPath}/{keyId}`,
  operationId: 'revokePlatformKey',
  summary: 'Revoke a key of a producer, or of who watches the service',
  tag: platformTag,
  access: 'platform',
  params: apiKeyParams,
  success: { status: 204, description: 'It is revoked.' },
  handler: async ({ params, ...request }) => await revoke(request, null, params.keyId),
});

export const apiKeyRoutes: readonly Route[] = [
  listOfOrganization,
  createForOrganization,
  revokeOfOrganization,
  listOfPlatform,
  createForPlatform,
  revokeOfPlatform,
];
