import { findApiKey } from '../../db/api-keys.ts';
import { KEY_SCOPES, METRICS_SCOPE, PLATFORM_SCOPES } from '../../domain/access/api-key.ts';
import { isoTimeOrNull, time } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { invalidKey } from './auth.ts';

const presentedKey = z
  .object({
    type: z.enum(['organization', 'producer', 'monitor', 'platform']).openapi({
      description:
        '`organization`: opens one organization; `producer`: posts events; `monitor`: reads metrics; `platform`: opens everything.',
    }),
    organizationId: z.string().nullable().openapi({ description: 'The organization that it opens; null for the other types.' }),
    name: z.string().nullable().openapi({ description: 'As it was named when it was made; null for the platform key.' }),
    scopes: z.array(z.string()).openapi({
      description:
        'Of an organization key `read`, `write`, `admin`; of a producer `ingest`; of a monitor `metrics`; all of them for the platform key.',
    }),
    expiresAt: time('When it stops working; null: never.').nullable(),
  })
  .openapi('PresentedKey');

const get = route({
  method: 'get',
  path: '/api/v1/key',
  operationId: 'getKey',
  summary: 'What the presented key is',
  description: 'For every key that opens anything, whatever its scopes. The key itself is not repeated.',
  tag: 'API keys',
  access: 'any',
  success: { status: 200, description: 'The key, without the key itself.', schema: presentedKey },
  handler: async ({ caller, db }) => {
    if (caller.kind === 'platform') {
      return { type: 'platform' as const, organizationId: null, name: null, scopes: [...PLATFORM_SCOPES, ...KEY_SCOPES], expiresAt: null };
    }
    // The route is not public, and no page calls it: everybody else has a key that is stored.
    const key = caller.kind !== 'anonymous' && caller.keyId !== null ? await findApiKey(db, caller.keyId) : undefined;
    // It was known a moment ago, and is gone.
    if (!key) throw invalidKey();
    const { organizationId, name, scopes, expiresAt } = key;
    return {
      type:
        organizationId !== null ? ('organization' as const) : scopes.includes(METRICS_SCOPE) ? ('monitor' as const) : ('producer' as const),
      organizationId,
      name,
      scopes,
      expiresAt: isoTimeOrNull(expiresAt),
    };
  },
});

export const presentedKeyRoutes: readonly Route[] = [get];
