import { openSecret, sealSecret } from '../db/secret-box.ts';
import { endOverlap, rotateSecret } from '../db/webhooks.ts';
import { notFound } from './errors.ts';
import { webhookParams } from './parameters.ts';
import { type Route, route } from './route.ts';
import { revealedSecret, secretInput, toRevealedSecret } from './webhook-schema.ts';
import { generateSecret, requireWebhook } from './webhooks.ts';
import { z } from './zod.ts';

const path = '/api/v1/organization/{organizationId}/webhooks/{webhookId}/secret';
const tag = 'Webhooks';

/** How long the secret before a rotation signs beside the new one. */
const DEFAULT_OVERLAP_SECONDS = 86_400;
const MAX_OVERLAP_SECONDS = 604_800;

const rotationInput = z
  .strictObject({
    secret: secretInput.nullish().openapi({ description: 'The new secret; one is made where it is absent or null.' }),
    generateSecret: z.boolean().optional().openapi({ description: '`true`, which is so anyway where there is no `secret`.' }),
    overlapSeconds: z
      .number()
      .int()
      .min(0)
      .max(MAX_OVERLAP_SECONDS)
      .default(DEFAULT_OVERLAP_SECONDS)
      .openapi({ description: 'How long the old secret signs, too (in `webhook-signature`).' }),
  })
  .refine(({ secret, generateSecret }) => generateSecret === undefined || generateSecret !== (typeof secret === 'string'), {
    path: ['generateSecret'],
    message: 'Either `secret` or `generateSecret`: one of the two.',
  })
  .openapi('SecretRotation');

const reveal = route({
  method: 'get',
  path,
  operationId: 'revealWebhookSecret',
  summary: "Reveal a webhook's secret",
  tag,
  access: 'admin',
  params: webhookParams,
  success: { status: 200, description: 'The secret; null where there is none.', schema: revealedSecret },
  handler: async ({ params, db, settings, nowMs }) => {
    const row = await requireWebhook(db, params);
    const secret = row.secret === null ? null : await openSecret(settings.masterKeys, row.id, row.secret);
    return toRevealedSecret(secret, row, nowMs);
  },
});

const rotate = route({
  method: 'post',
  path: `${path}/rotate`,
  operationId: 'rotateWebhookSecret',
  summary: 'Give a webhook a new secret, with an overlap',
  description:
    '`webhook-signature` carries both signatures until the overlap ends; `X-Bullseye-Signature` is made with the new secret at once.',
  tag,
  access: 'admin',
  writes: true,
  params: webhookParams,
  body: rotationInput,
  bodyOptional: true,
  success: { status: 200, description: 'The new secret.', schema: revealedSecret },
  handler: async ({ params, body, db, settings, nowMs }) => {
    const { organizationId, webhookId } = params;
    await requireWebhook(db, params);
    const secret = body.secret ?? generateSecret();
    const sealedSecret = await sealSecret(settings.masterKeys, webhookId, secret);
    const overlapEndsAt = body.overlapSeconds === 0 ? null : nowMs + body.overlapSeconds * 1_000;
    const row = await rotateSecret(db, organizationId, webhookId, { sealedSecret, overlapEndsAt }, nowMs);
    if (!row) throw notFound('webhook');
    return toRevealedSecret(secret, row, nowMs);
  },
});

const end = route({
  method: 'delete',
  path: `${path}/previous`,
  operationId: 'endSecretOverlap',
  summary: "End a rotation's overlap early",
  description: 'From now on only the current secret signs. Where no overlap runs nothing changes.',
  tag,
  access: 'admin',
  params: webhookParams,
  success: { status: 204, description: 'The secret before the last rotation signs no more.' },
  handler: async ({ params, db, nowMs }) => {
    if (!(await endOverlap(db, params.organizationId, params.webhookId, nowMs))) throw notFound('webhook');
  },
});

export { end as endSecretOverlap, reveal as revealWebhookSecret, rotate as rotateWebhookSecret };

export const webhookSecretRoutes: readonly Route[] = [reveal, rotate, end];
