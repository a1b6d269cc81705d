import { createExecutionContext, createMessageBatch, getQueueResult, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { inject, vi } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { organizations, webhooks } from '../../src/db/schema.ts';
import { sealSecret } from '../../src/db/secret-box.ts';
import type { DeliverySummary } from '../../src/domain/delivery/delivery.ts';
import { encodeEventMessage, type QueuedEvent } from '../../src/domain/event/event-message.ts';
import { mintId } from '../../src/domain/ids.ts';
import type { Plan } from '../../src/domain/plan.ts';
import worker from '../../src/index.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { settingsOf } from '../../src/settings.ts';
import { type Inbox, inbox, type Reply } from './receiver.ts';

/** An endpoint of its own at the tests' receiver. */
export const endpointInbox = (): Inbox => inbox(inject('receiverOrigin'));

/** An organization straight in the database. */
export async function givenOrganization(plan: Plan = 'scale', id = `org_${crypto.randomUUID()}`): Promise<string> {
  await databaseOf(env.DB).insert(organizations).values({ id, name: 'Acme', plan, createdAt: Date.now(), updatedAt: Date.now() });
  return id;
}

/** Own headers are sealed as the secret is; whatever else is as the database has it. */
interface WebhookOptions extends Omit<Partial<typeof webhooks.$inferInsert>, 'headers'> {
  url: string;
  headers?: Record<string, string>;
}

/** A webhook straight in the database. */
export async function givenWebhook(organizationId: string, options: WebhookOptions): Promise<string> {
  const { secret, headers, ...columns } = options;
  const now = Date.now();
  const id = mintId('webhook', now);
  const times = { healthSince: now, createdAt: now, updatedAt: now };
  const sealed = async (text: string | null | undefined) => text && (await sealSecret(settingsOf(env).masterKeys, id, text));
  const secrets = { secret: await sealed(secret), headers: await sealed(headers && JSON.stringify(headers)) };
  await databaseOf(env.DB)
    .insert(webhooks)
    .values({ events: ['*'], enabled: true, ...columns, ...secrets, id, organizationId, ...times });
  return id;
}

/** An organization's webhook at an endpoint that answers so. */
export async function givenScripted(script: Reply[], options: Omit<WebhookOptions, 'url'> = {}) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { ...options, url: endpoint.url });
  return { endpoint, organization, webhook, path: `/organization/${organization}/webhooks/${webhook}` };
}

/** An event as ingest queues it. */
export function anEvent(organizationId: string, extra: Record<string, unknown> = {}): QueuedEvent {
  const event = {
    event: 'visitor.identified',
    timestamp: '2026-11-23T10:00:00Z',
    organization_id: organizationId,
    session_id: `ses_${crypto.randomUUID()}`,
    visitor: { email: 'ada@example.com' },
    ...extra,
  };
  return { id: mintId('event', Date.now()), payload: new TextEncoder().encode(JSON.stringify(event)) };
}

export interface QueueMessage {
  id: string;
  timestamp: number;
  attempts: number;
  body: unknown;
}

export function aMessage(events: QueuedEvent[], attempts = 1): QueueMessage {
  const body = encodeEventMessage({ acceptedAt: Date.now(), events });
  return { id: crypto.randomUUID(), timestamp: Date.now(), attempts, body };
}

/** Hands a batch to the Worker's queue handler, as the queue does, and tells what became of its messages. */
export async function consume(messages: QueueMessage[], environment: Env = env, queue = 'bullseye-events'): Promise<Consumed> {
  const batch = createMessageBatch(queue, messages);
  const retried: Consumed['retried'] = [];
  for (const message of batch.messages) {
    // The plugin's result leaves the delay out.
    const retry = message.retry.bind(message);
    message.retry = (options) => {
      retried.push({ id: message.id, delaySeconds: options?.delaySeconds });
      retry(options);
    };
  }
  const ctx = createExecutionContext();
  await worker.queue(batch, environment, ctx);
  const { explicitAcks } = await getQueueResult(batch, ctx);
  return { acknowledged: explicitAcks, retried };
}

export interface Consumed {
  acknowledged: string[];
  retried: { id: string; delaySeconds: number | undefined }[];
}

/** A webhook's log, newest first. */
export async function deliveriesOf(webhookId: string): Promise<DeliverySummary[]> {
  return (await outboxOf(webhookId).list({}, 100, null)).deliveries;
}

/**
 * A webhook's log once so many of its deliveries have ended. Attempts that outlast a call go on beside it; what waits is attempted by
 * the alarm, by hand here, since a driven date can be ahead of the clock that fires alarms.
 */
export async function endedDeliveriesOf(webhookId: string, count: number): Promise<DeliverySummary[]> {
  for (;;) {
    const deliveries = await deliveriesOf(webhookId);
    if (deliveries.filter(({ finishedAt }) => finishedAt !== null).length >= count) return deliveries;
    await runDurableObjectAlarm(outboxOf(webhookId));
    await scheduler.wait(20);
  }
}

export function outboxOf(webhookId: string): DurableObjectStub<Outbox> {
  return env.OUTBOX.getByName(webhookId);
}

/** Runs the outbox's alarm; where the clock itself is just running it, the next one. */
export async function runAlarm(webhook: string): Promise<void> {
  while (!(await runDurableObjectAlarm(outboxOf(webhook)))) await scheduler.wait(5);
}

/** When an outbox's alarm is set for. */
export async function alarmOf(webhook: string): Promise<number | null> {
  return runInDurableObject(outboxOf(webhook), (_, state) => state.storage.getAlarm());
}

/** Lets time pass, so much at a time, until every delivery of a webhook has ended. Needs a driven date (support/clock.ts). */
export async function untilEnded(webhook: string, stepMs = 40 * 60_000): Promise<void> {
  while ((await deliveriesOf(webhook)).some(({ finishedAt }) => finishedAt === null)) {
    vi.setSystemTime(Date.now() + stepMs);
    await runAlarm(webhook);
  }
}
