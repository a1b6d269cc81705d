import { withoutParameters } from '../db/client.ts';
import type { OutboxConfig } from '../db/configuration.ts';
import { listSealedUnder, replaceSealedSecrets } from '../db/sealed-secrets.ts';
import { masterKeyId, openSecret, sealSecret } from '../db/secret-box.ts';
import { logError, logInfo } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { within } from '../within.ts';

/** Webhooks whose secrets are sealed anew in one sweep: 12,000 an hour. */
const MAX_RESEALED = 200;
/** How long an outbox may take to answer. */
const RPC_TIMEOUT_MS = 10_000;

/**
 * While MASTER_KEY has two values: seals what the former one sealed under the current one, a bounded number in a sweep, so that the
 * former can be dropped. Where something fails it is tried again with the next sweep; `GET /api/v1/platform/sealed-secrets` shows
 * what is left.
 */
export async function resealSecrets(env: Env, now: number, limit = MAX_RESEALED): Promise<void> {
  const { masterKeys } = settingsOf(env);
  const [, former] = masterKeys;
  if (former === undefined) return;
  let resealed = 0;
  for (const config of await listSealedUnder(env.DB, await masterKeyId(former), limit)) {
    try {
      await reseal(env, masterKeys, config, now);
      resealed++;
    } catch (error) {
      logError('secret.not_resealed', withoutParameters(error), { webhook: config.webhook.id });
    }
  }
  if (resealed > 0) logInfo('secret.resealed', { webhooks: resealed });
}

async function reseal(env: Env, masterKeys: readonly string[], { plan, webhook }: OutboxConfig, now: number): Promise<void> {
  const { id, secret, previousSecret, previousSecretExpiresAt } = webhook;
  const anew = async (sealed: string | null) =>
    sealed === null ? null : await sealSecret(masterKeys, id, await openSecret(masterKeys, id, sealed));
  // One whose overlap has ended signs nothing any more, and need not be kept.
  const overlaps = previousSecretExpiresAt !== null && previousSecretExpiresAt > now;
  const after = {
    ...webhook,
    secret: await anew(secret),
    previousSecret: overlaps ? await anew(previousSecret) : null,
    previousSecretExpiresAt: overlaps ? previousSecretExpiresAt : null,
  };
  // The outbox first: once D1 has no secret under the former key, nothing that an outbox keeps needs it either.
  await within(RPC_TIMEOUT_MS, env.OUTBOX.getByName(id).resealed({ plan, webhook: after }));
  await replaceSealedSecrets(env.DB, webhook, after);
}
