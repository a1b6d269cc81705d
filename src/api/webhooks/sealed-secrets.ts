import { countSealedSecrets } from '../../db/sealed-secrets.ts';
import { masterKeyId } from '../../db/secret-box.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

const sealedSecrets = z
  .object({
    current: z.number().int().openapi({ description: 'Sealed under the first value of `MASTER_KEY`.' }),
    former: z.number().int().openapi({ description: 'Sealed under the second value. At 0 it can be dropped.' }),
    unknown: z.number().int().openapi({ description: 'Sealed under a key that is not configured: these do not open.' }),
  })
  .openapi('SealedSecrets', { description: "How many of the webhooks' secrets are sealed under which master key." });

const count = route({
  method: 'get',
  path: '/api/v1/platform/sealed-secrets',
  operationId: 'countSealedSecrets',
  summary: 'How far the rotation of the master key has come',
  description: 'While `MASTER_KEY` has two values, up to 200 webhooks a minute have their secrets sealed anew under the first.',
  tag: 'Platform',
  access: 'platform',
  success: { status: 200, description: 'The counts.', schema: sealedSecrets },
  handler: async ({ env, settings }) => {
    const counts = await countSealedSecrets(env.DB);
    const [current = 0, former = 0] = await Promise.all(settings.masterKeys.map(async (key) => counts.get(await masterKeyId(key)) ?? 0));
    const all = [...counts.values()].reduce((sum, each) => sum + each, 0);
    return { current, former, unknown: all - current - former };
  },
});

export { count as countSealed };

export const sealedSecretRoutes: readonly Route[] = [count];
