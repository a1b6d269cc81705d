import { writeEntry } from '../../db/audit-log.ts';
import { openSecret, sealSecret } from '../../db/secret-box.ts';
import { replaceSecrets, type WebhookRow } from '../../db/webhooks.ts';
import { type AuditChanges, changesBetween, HIDDEN } from '../../domain/access/audit-log.ts';
import {
  columnsOf,
  formerOf,
  type KeptSecret,
  MAX_FORMER_SECRETS,
  rotated,
  type SecretColumns,
  secretsOf,
} from '../../domain/webhook/secret-rotation.ts';
import { requireFreshSignIn } from '../account/fresh-sign-in.ts';
import { ApiError, notFound } from '../errors.ts';
import { isoTime, webhookParams } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { openHeaders } from './webhook-headers.ts';
import { revealed, rotatedSecret, secretInput, toRevealedSecret, withWarnings } from './webhook-schema.ts';
import { generateSecret, requireWebhook } from './webhooks.ts';

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
      .openapi({ description: 'How long the old secret signs, too; 0: it ends now.' }),
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
  summary: "Reveal a webhook's secret, and its own headers",
  tag,
  access: 'admin',
  writes: true,
  params: webhookParams,
  success: { status: 200, description: 'The secret and the headers; null where there are none.', schema: revealed },
  errors: ['fresh_sign_in_required'],
  handler: async ({ params, caller, db, settings, nowMs, entry }) => {
    requireFreshSignIn(caller, nowMs);
    const row = await requireWebhook(db, params);
    const secret = row.secret === null ? null : await openSecret(settings.masterKeys, row.id, row.secret);
    const headers = await openHeaders(settings.masterKeys, row);
    // Before anything is shown: where that cannot be written down, nothing is.
    if (!(await writeEntry(db, entry('secret.revealed', { type: 'webhook', id: row.id })))) throw notFound('webhook');
    return { ...toRevealedSecret(secret, row, nowMs), headers };
  },
});

/** How often a rotation is tried whose webhook has its secrets changed by others at the same moment: one of them is through each time. */
const MAX_TRIES = 10;

const rotate = route({
  method: 'post',
  path: `${path}/rotate`,
  operationId: 'rotateWebhookSecret',
  summary: 'Give a webhook a new secret, with an overlap',
  description:
    'Until the overlap ends, `webhook-signature` carries a signature for the new secret and one for the old, the new one first, and ' +
    '`X-Bullseye-Signature` is made with the oldest secret that still signs. Overlaps of earlier rotations go on to their own ends; ' +
    `at most ${MAX_FORMER_SECRETS} former secrets sign at a time, and a rotation that would make one more is 409 \`rotation_in_progress\`. ` +
    'A rotation to the present secret changes nothing, so that a request can be repeated where it names its `secret`. One to a former ' +
    'secret takes it back: it is the present one again, and the one in between signs until the overlap ends. In force within 5 seconds.',
  tag,
  access: 'admin',
  writes: true,
  params: webhookParams,
  body: rotationInput,
  bodyOptional: true,
  success: { status: 200, description: 'The new secret.', schema: rotatedSecret },
  errors: ['rotation_in_progress', 'fresh_sign_in_required'],
  handler: async ({ params, body, caller, db, settings, nowMs, entry }) => {
    requireFreshSignIn(caller, nowMs);
    const secret = body.secret ?? generateSecret();
    const sealed = await sealSecret(settings.masterKeys, params.webhookId, secret);
    const overlapEndsAt = body.overlapSeconds === 0 ? null : nowMs + body.overlapSeconds * 1_000;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = await requireWebhook(db, params);
      const { secrets, same } = await compare(settings.masterKeys, before, secret, nowMs);
      if (same?.endsAt === null) return withWarnings(toRevealedSecret(secret, before, nowMs), secret);
      const after = rotated(secrets, { sealed, overlapEndsAt, former: same });
      if (after === null) throw tooManyFormer(secrets);
      const columns = columnsOf(after);
      const told = entry('secret.rotated', { type: 'webhook', id: before.id }, auditedRotation(before, columns, nowMs));
      const row = await replaceSecrets(db, before, columns, nowMs, told);
      if (row) return withWarnings(toRevealedSecret(secret, row, nowMs), secret);
    }
    throw rotating();
  },
});

function rotating(): ApiError {
  return new ApiError('rotation_in_progress', 'Others are changing the secret of this webhook right now. Please try again shortly.');
}

/** What an audit log tells of a rotation: that there is another secret, and when former ones end. */
function auditedRotation(before: SecretColumns, after: SecretColumns, nowMs: number): AuditChanges {
  const ends = (columns: SecretColumns) => ({
    formerSecretsExpireAt: formerOf(secretsOf(columns, nowMs)).map(({ endsAt }) => isoTime(endsAt ?? 0)),
  });
  const isOther = before.secret !== after.secret;
  const secret = { secret: { from: before.secret === null ? null : HIDDEN, to: HIDDEN } };
  return { ...(isOther && secret), ...changesBetween(ends(before), ends(after)) };
}

/** A webhook's secrets that sign now, and the one among them that is this one. */
async function compare(
  masterKeys: readonly string[],
  webhook: WebhookRow,
  secret: string,
  nowMs: number,
): Promise<{ secrets: KeptSecret[]; same: KeptSecret | undefined }> {
  const opened = await Promise.all(
    secretsOf(webhook, nowMs).map(async (kept) => {
      const text = await openSecret(masterKeys, webhook.id, kept.sealed).catch(() => null);
      return { kept, text };
    }),
  );
  // One that does not open any more signs nothing: it is left behind, or no delivery could be signed until its overlap ends.
  const openable = opened.filter(({ text }) => text !== null);
  return { secrets: openable.map(({ kept }) => kept), same: openable.find(({ text }) => text === secret)?.kept };
}

function tooManyFormer(secrets: readonly KeptSecret[]): ApiError {
  const ends = formerOf(secrets).map(({ endsAt }) => endsAt ?? 0);
  const firstEndsAt = isoTime(Math.min(...ends));
  return new ApiError(
    'rotation_in_progress',
    `${MAX_FORMER_SECRETS} former secrets of this webhook still sign, the first of them until ${firstEndsAt}. Wait for that, or end all overlaps.`,
    { limit: MAX_FORMER_SECRETS, firstEndsAt },
  );
}

const end = route({
  method: 'delete',
  path: `${path}/previous`,
  operationId: 'endSecretOverlap',
  summary: "End all rotations' overlaps early",
  description: 'Within 5 seconds only the present secret signs. Where no overlap runs nothing changes.',
  tag,
  access: 'admin',
  params: webhookParams,
  success: { status: 204, description: 'The former secrets sign no more.' },
  errors: ['rotation_in_progress', 'fresh_sign_in_required'],
  handler: async ({ params, caller, db, nowMs, entry }) => {
    requireFreshSignIn(caller, nowMs);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = await requireWebhook(db, params);
      if (formerOf(secretsOf(before, nowMs)).length === 0) return;
      const after = { secret: before.secret, previousSecret: null, previousSecretExpiresAt: null, secretRing: null };
      const told = entry('secret.rotated', { type: 'webhook', id: before.id }, auditedRotation(before, after, nowMs));
      if (await replaceSecrets(db, before, after, nowMs, told)) return;
    }
    throw rotating();
  },
});

export { end as endSecretOverlap, reveal as revealWebhookSecret, rotate as rotateWebhookSecret };

export const webhookSecretRoutes: readonly Route[] = [reveal, rotate, end];
