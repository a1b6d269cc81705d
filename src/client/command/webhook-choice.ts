import { ApiError } from '../client.ts';
import { type Session, UsageError } from './session.ts';

/** The webhook that a command is about: the one that was named; else the only one, or the only one of `listen`. */
export async function chosenWebhook({ client, organizationId }: Session, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const { webhooks } = await client.listWebhooks({ organizationId });
  const [only, ...others] = webhooks;
  if (only && others.length === 0) return only.id;
  const [listening, ...alsoListening] = webhooks.filter(({ url }) => url.startsWith('listen:'));
  if (listening && alsoListening.length === 0) return listening.id;
  if (!only) throw new UsageError('There is no webhook yet.');
  throw new UsageError(
    `Say which webhook is meant with --webhook. There are: ${webhooks.map(({ id, url }) => `${id} (${url})`).join(', ')}`,
  );
}

/** The webhook that a delivery is of: the one that was named, else whichever has it. */
export async function webhookOf({ client, organizationId }: Session, deliveryId: string, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const { webhooks } = await client.listWebhooks({ organizationId });
  // A delivery's id ends as its webhook's does.
  const likely = webhooks.filter(({ id }) => id.slice(-6) === deliveryId.slice(-6));
  for (const { id: webhookId } of likely) {
    try {
      await client.getDelivery({ organizationId, webhookId, deliveryId });
      return webhookId;
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'not_found')) throw error;
    }
  }
  throw new ApiError({ code: 'not_found', message: `No webhook of the organization has the delivery ${deliveryId}.`, status: 404 });
}
