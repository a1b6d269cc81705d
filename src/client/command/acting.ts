import { readFileSync } from 'node:fs';
import { type Session, show, UsageError } from './session.ts';
import { timeOf } from './times.ts';
import { chosenWebhook, webhookOf } from './webhook-choice.ts';

export interface TriggerOptions {
  webhook?: string;
  event?: string;
  payload?: string;
  delivery?: string;
}

/** `trigger`: sends a test now. @returns whether it was acknowledged */
export async function trigger(session: Session, { webhook, event, payload, delivery: deliveryId }: TriggerOptions): Promise<boolean> {
  const { client, organizationId } = session;
  const webhookId = await chosenWebhook(session, webhook);
  const body = { ...(event && { event }), ...(payload && { payload: readPayload(payload) }), ...(deliveryId && { deliveryId }) };
  const answer = await client.testWebhook({ organizationId, webhookId, body: body as never });
  const { delivery, attempt } = answer;
  const isDelivered = attempt?.outcome === 'succeeded';
  show(session, answer, () => {
    if (!attempt) return `${delivery.id}  ${delivery.event}  was not sent (${delivery.reason})`;
    const answered = attempt.responseStatus === null ? attempt.error : `answered ${attempt.responseStatus} in ${attempt.durationMs} ms`;
    return `${delivery.id}  ${delivery.event}  ${isDelivered ? 'arrived' : 'failed'}: ${answered}`;
  });
  return isDelivered;
}

/** `retry`: one attempt now. */
export async function retry(session: Session, deliveryId: string, { webhook }: { webhook?: string }): Promise<void> {
  const { client, organizationId } = session;
  const webhookId = await webhookOf(session, deliveryId, webhook);
  const delivery = await client.retryDelivery({ organizationId, webhookId, deliveryId });
  show(
    session,
    delivery,
    () => `${delivery.id}  attempt ${delivery.attemptCount} is under way. Its outcome: bullseye-webhooks deliveries ${delivery.id}`,
  );
}

export interface RecoverOptions {
  webhook?: string;
  since: string;
  until?: string;
  event?: string;
  status?: string[];
  dryRun?: boolean;
}

/** `recover`: failed deliveries start over. */
export async function recover(session: Session, options: RecoverOptions): Promise<void> {
  const { client, organizationId } = session;
  const { event, status, dryRun = false } = options;
  const until = options.until && { until: timeOf(options.until) };
  const body = { since: timeOf(options.since), ...until, ...(event && { event }), ...(status && { status: status as never }), dryRun };
  const webhookId = await chosenWebhook(session, options.webhook);
  const answer = await client.recoverDeliveries({ organizationId, webhookId, body });
  const deliveries = answer.count === 1 ? '1 delivery' : `${answer.count} deliveries`;
  show(session, answer, () =>
    dryRun ? `${deliveries} would start over.` : `${deliveries} ${answer.count === 1 ? 'starts' : 'start'} over.`,
  );
}

function readPayload(path: string): unknown {
  try {
    // 0: standard input.
    return JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
