import type { WebhookRow } from '../../db/webhooks.ts';
import { formerOf, secretsOf } from '../../domain/webhook/secret-rotation.ts';
import { HEALTHS, MAX_CONCURRENT, MAX_NAME_LENGTH, nameOf } from '../../domain/webhook/webhook.ts';
import { warningsOf, whyRefused } from '../../domain/webhook/webhook-secret.ts';
import { isoTime, isoTimeOrNull, time } from '../parameters.ts';
import { z } from '../zod.ts';
import { choices, choicesInput, toChoices } from './webhook-choices.ts';

export const MAX_SUBSCRIPTIONS = 50;

const url = z
  .string()
  .min(1)
  .max(2_048)
  .openapi({ description: '`https` with a public host name, at most 2,048 characters.', example: 'https://hooks.example.com/bullseye' });

/** What a webhook subscribes to. */
export const eventsInput = z
  .array(z.string().min(1).max(130))
  .min(1)
  .max(MAX_SUBSCRIPTIONS)
  .transform((names) => [...new Set(names)])
  .openapi({
    type: 'array',
    items: { type: 'string' },
    minItems: 1,
    maxItems: MAX_SUBSCRIPTIONS,
    description: 'Names of the catalogue, `*` for all, or prefixes such as `visitor.*`.',
    example: ['visitor.identified'],
  });

const name = z.string().trim().min(1).max(MAX_NAME_LENGTH).nullable().openapi({
  description: 'What it is called on pages, in alerts and in the events about it. Null: the host of its URL.',
  example: 'Leads to the CRM',
});
const description = z.string().max(500).nullable();
const maxPerSecond = z.number().int().min(1).max(1_000).nullable().openapi({
  description: 'Most attempts that begin in a second; null: no limit of its own. Tests and retries by hand do not wait for it.',
});
const maxConcurrent = z
  .number()
  .int()
  .min(1)
  .max(MAX_CONCURRENT)
  .nullable()
  .openapi({ description: 'Most attempts at a time; null: the limit of the service. Tests and retries by hand do not wait for it.' });

/** A webhook's secret: what `X-Bullseye-Signature` is keyed with. */
export const secretInput = z
  .string()
  .min(1)
  .max(256)
  // Half a surrogate pair has no UTF-8 bytes to sign with.
  .refine((secret) => secret.isWellFormed(), 'This is not well-formed Unicode.')
  .superRefine((secret, context) => {
    const reason = whyRefused(secret);
    if (reason !== null) context.addIssue({ code: 'custom', message: reason });
  })
  .openapi({
    description:
      'Signs deliveries. After `whsec_`, base64 is decoded for `webhook-signature`. We refuse secrets that look like a mistake: white space or ' +
      'unseen characters at the ends, line breaks, quotes around it, `v1,` in front, `whsec_` in another case or not followed by base64. One of ' +
      'fewer than 24 characters is taken, with a warning.',
    example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  });

export const webhookInput = z
  .strictObject({
    name: name.optional(),
    url,
    events: eventsInput,
    description: description.optional(),
    enabled: z.boolean().default(true),
    secret: secretInput.nullish().openapi({ description: 'Signs deliveries. Absent or null: they are not signed.' }),
    generateSecret: z
      .boolean()
      .default(false)
      .openapi({ description: 'Makes a secret and returns it, this once. Not together with `secret`.' }),
    maxPerSecond: maxPerSecond.optional(),
    maxConcurrent: maxConcurrent.optional(),
    ...choicesInput,
  })
  .refine((input) => !(input.generateSecret && typeof input.secret === 'string'), {
    path: ['generateSecret'],
    message: 'Either `secret` or `generateSecret`, not both.',
  })
  .openapi('WebhookInput');

export const webhookChangesInput = z
  .strictObject({
    name: name.optional(),
    url: url.optional(),
    events: eventsInput.optional(),
    description: description.optional(),
    enabled: z.boolean().optional(),
    secret: secretInput
      .nullable()
      .optional()
      .openapi({
        description:
          'A string replaces the secret at once, null removes it; either ends the overlaps of all rotations. The present secret changes ' +
          'nothing. Needs the scope `admin`.',
      }),
    maxPerSecond: maxPerSecond.optional(),
    maxConcurrent: maxConcurrent.optional(),
    ...choicesInput,
    headers: choicesInput.headers.openapi({
      description:
        'Those that are named are set, or removed by null; the others stay. Null removes all. A `url` of another origin removes those that are not given ' +
        'anew with it.',
    }),
  })
  .openapi('WebhookChanges', { description: 'What is absent stays as it is.' });

export const webhook = z
  .object({
    id: z.string(),
    organizationId: z.string(),
    name: z.string().openapi({ description: 'As its owner gave it, or else the host of its URL.' }),
    url: z.string(),
    description: z.string().nullable(),
    events: z.array(z.string()),
    enabled: z.boolean(),
    hasSecret: z.boolean().openapi({ description: 'Whether deliveries are signed. The secret itself is never listed.' }),
    health: z.enum(HEALTHS).openapi({ description: '`failing`: attempts fail; `open`: deliveries are held while the endpoint is probed.' }),
    healthSince: time(),
    disabledReason: z.string().nullable().openapi({
      description:
        'Why the service (not its owner) disabled it: `endpoint_gone` or `endpoint_failing`. Null again once it is enabled, or has another `url`.',
    }),
    maxPerSecond: z.number().int().nullable(),
    maxConcurrent: z.number().int().nullable(),
    ...choices,
    createdAt: time(),
    updatedAt: time(),
  })
  .openapi('Webhook', { description: 'A configured endpoint.' });

export const webhookWithProbe = webhook
  .extend({ nextProbeAt: time('Where `health` is `open`: when the next probe goes out.').nullable().optional() })
  .openapi('WebhookWithProbe');

const warnings = z
  .array(z.string())
  .optional()
  .openapi({ description: 'What is doubtful about what was taken, for people; absent where nothing is.' });

export const changedWebhook = webhook.extend({ warnings }).openapi('ChangedWebhook');

export const createdWebhook = webhook
  .extend({
    warnings,
    secret: z.string().optional().openapi({ description: 'Where `generateSecret` made one. It is shown this once.' }),
  })
  .openapi('CreatedWebhook');

/** A webhook as answers carry it: whether it has a secret, never which. */
export function toWebhook(row: WebhookRow): z.input<typeof webhook> {
  return {
    id: row.id,
    organizationId: row.organizationId,
    name: nameOf(row),
    url: row.url,
    description: row.description,
    events: row.events,
    enabled: row.enabled,
    hasSecret: row.secret !== null,
    health: row.health,
    healthSince: isoTime(row.healthSince),
    disabledReason: row.disabledReason,
    maxPerSecond: row.maxPerSecond,
    maxConcurrent: row.maxConcurrent,
    ...toChoices(row),
    createdAt: isoTime(row.createdAt),
    updatedAt: isoTime(row.updatedAt),
  };
}

/** As `webhook.secret`: null where there is none. */
export const revealedSecret = z
  .object({
    secret: z.string().nullable(),
    previousSecretExpiresAt: time(
      'Until when the secret before the last rotation signs, too; null where it does not, or where there is none.',
    ).nullable(),
    earlierSecretsExpireAt: z
      .array(time())
      .optional()
      .openapi({ description: 'Until when those of earlier rotations sign; absent where none does.' }),
  })
  .openapi('WebhookSecret');

/** What only an admin may read of a webhook. */
export const revealed = revealedSecret
  .extend({
    headers: z
      .record(z.string(), z.string())
      .nullable()
      .openapi({
        description: 'Its own headers with their values; null where it has none.',
        example: { Authorization: 'Bearer 3f9a07c2' },
      }),
  })
  .openapi('RevealedSecret');

export const rotatedSecret = revealedSecret.extend({ warnings }).openapi('RotatedSecret');

export function toRevealedSecret(secret: string | null, row: WebhookRow, nowMs: number): z.input<typeof revealedSecret> {
  const former = formerOf(secretsOf(row, nowMs));
  const earlier = former.filter(({ isPrevious }) => !isPrevious).flatMap(({ endsAt }) => endsAt ?? []);
  return {
    secret,
    previousSecretExpiresAt: isoTimeOrNull(former.find(({ isPrevious }) => isPrevious)?.endsAt ?? null),
    ...(earlier.length > 0 && { earlierSecretsExpireAt: earlier.map(isoTime) }),
  };
}

/** The warnings of an answer, where there are any. */
export function withWarnings<T extends object>(answer: T, secret: string | null | undefined): T & { warnings?: string[] } {
  const found = warningsOf(secret);
  return found.length > 0 ? { ...answer, warnings: found } : answer;
}
