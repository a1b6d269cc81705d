import { eq } from 'drizzle-orm';
import { paths } from '../../dashboard/frame/paths.ts';
import { databaseOf } from '../../db/client.ts';
import { webhooks } from '../../db/schema.ts';
import type { Told } from '../../domain/event/operational-event.ts';
import { settingsOf } from '../../settings.ts';

/**
 * What is known of a webhook when it is told about, read now: an outbox keeps neither name nor description. Throws where D1 cannot be asked: it is told
 * later then.
 * @param countWaiting how many deliveries wait
 */
export async function webhookTold(env: Env, webhookId: string, countWaiting: () => number): Promise<Told> {
  const { name, description } = webhooks;
  const [row] = await databaseOf(env.DB).select({ name, description }).from(webhooks).where(eq(webhooks.id, webhookId));
  const { publicUrl } = settingsOf(env);
  const link = publicUrl && `${publicUrl.origin}${paths.webhook(webhookId)}`;
  return { id: webhookId, name: row?.name ?? null, description: row?.description ?? null, waiting: countWaiting(), link };
}
