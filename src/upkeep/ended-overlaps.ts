import { listEndedOverlaps, replaceSealedSecrets } from '../db/sealed-secrets.ts';
import { columnsOf, secretsOf } from '../domain/webhook/secret-rotation.ts';
import { callOutboxes } from './outbox-calls.ts';

/** Webhooks whose former secrets are erased in one sweep. Each takes one of the 1,000 queries that D1 takes an invocation. */
const MAX_ERASED = 200;

/**
 * Erases former secrets once their overlap has ended: they sign nothing any more, and are not kept. From the database first, so that an
 * outbox that does not answer keeps nobody from their turn; what it has kept for an outage of D1 is replaced with its next event.
 */
export async function eraseFormerSecrets(env: Env, now: number): Promise<void> {
  const ended = await listEndedOverlaps(env.DB, now, MAX_ERASED);
  const outboxes = ended.map(({ plan, webhook }) => ({ webhookId: webhook.id, plan, webhook }));
  await callOutboxes('secret.not_erased', outboxes, async ({ plan, webhook }) => {
    const after = columnsOf(secretsOf(webhook, now));
    if (!(await replaceSealedSecrets(env.DB, webhook, after))) return;
    await env.OUTBOX.getByName(webhook.id).resealed({ plan, webhook: { ...webhook, ...after } });
  });
}
