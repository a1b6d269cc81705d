import type { OutboxConfig } from '../db/configuration.ts';
import { listSealedUnder, replaceSealedSecrets } from '../db/sealed-secrets.ts';
import { masterKeyId, openSecret, sealSecret } from '../db/secret-box.ts';
import { columnsOf, type KeptSecret, secretsOf } from '../domain/webhook/secret-rotation.ts';
import { logInfo } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { callOutboxes } from './outbox-calls.ts';
import { sweepNumber } from './sweep-number.ts';

/** Webhooks whose secrets are sealed anew in one sweep: 12,000 an hour. Each takes one of the 1,000 queries that D1 takes an invocation. */
const MAX_RESEALED = 200;

/**
 * While MASTER_KEY has two values: seals what the former one sealed under the current one, a bounded number in a sweep, so that the
 * former can be dropped. What fails is tried again when its turn comes; `GET /api/v1/platform/sealed-secrets` shows what is left.
 */
export async function resealSecrets(env: Env, now: number, limit = MAX_RESEALED): Promise<void> {
  const { masterKeys } = settingsOf(env);
  const [, former] = masterKeys;
  if (former === undefined) return;
  const configs = await listSealedUnder(env.DB, await masterKeyId(former), sweepNumber(now), limit);
  const outboxes = configs.map((config) => ({ webhookId: config.webhook.id, config }));
  const { answered } = await callOutboxes('secret.not_resealed', outboxes, ({ config }) => reseal(env, masterKeys, config, now));
  if (answered.length > 0) logInfo('secret.resealed', { webhooks: answered.length });
}

async function reseal(env: Env, masterKeys: readonly string[], { plan, webhook }: OutboxConfig, now: number): Promise<void> {
  const { id, choices } = webhook;
  const sealAnew = async (sealed: string) => await sealSecret(masterKeys, id, await openSecret(masterKeys, id, sealed));
  const anew = async (kept: KeptSecret) => ({ ...kept, sealed: await sealAnew(kept.sealed) });
  // One whose overlap has ended signs nothing any more, and is not kept.
  const after = columnsOf(await Promise.all(secretsOf(webhook, now).map(anew)));
  const headers = choices?.headers ? await sealAnew(choices.headers) : null;
  // The outbox first: once D1 has no secret under the former key, nothing that an outbox keeps needs it either.
  await env.OUTBOX.getByName(id).resealed({ plan, webhook: { ...webhook, ...after, choices: choices && { ...choices, headers } } });
  await replaceSealedSecrets(env.DB, webhook, after, headers);
}
