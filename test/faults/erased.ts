import { VISITOR_ERASED } from '../../src/domain/event/operational-event.ts';
import type { ErasureInD1 } from '../platform/local-database.ts';
import type { FaultRun } from './fault-run.ts';
import { personOf } from './producer.ts';

/** Whether what a delivery carried is to be gone: its event was accepted before its person was erased. */
export function isToBeErased(run: FaultRun, createdAt: number, event: number): boolean {
  const { erasure } = run.scenario;
  return erasure !== null && personOf(event) === erasure.person && run.erasures().some(({ requestedAt }) => createdAt <= requestedAt);
}

/**
 * What is wrong with what a run's erasure has left in a webhook's log: what it found, how often the endpoint was told, and whether that is gone, too.
 * @param others deliveries in the log that are of no producer's event; those that told the endpoint are taken out
 * @param erased how many deliveries of the person the log has
 */
export async function erasureFaults(run: FaultRun, webhookId: string, others: Set<string>, erased: number): Promise<string[]> {
  const wrong: string[] = [];
  const told = run.erasures().flatMap(({ webhooks }) => webhooks.filter((each) => each.webhookId === webhookId));
  const notices: string[] = [];
  for (const id of others) {
    const detail = await run.host(webhookId).call((outbox) => outbox.find(id));
    if (detail?.event !== VISITOR_ERASED) continue;
    notices.push(id);
    if (detail.finishedAt === null || detail.payload !== null || detail.acceptedPayload !== null)
      wrong.push(`${id} still has what it told of`);
  }
  for (const id of notices) others.delete(id);
  const toldOf = told.filter(({ notified }) => notified === 'delivered' || notified === 'failed');
  if (notices.length !== toldOf.length) wrong.push(`${webhookId} was told ${notices.length} times of ${toldOf.length} erasures`);
  wrong.push(...countFaults(told, webhookId, erased));
  return wrong;
}

/** An erasure that was asked for twice can have been two walks, of which the second finds what is left. */
function countFaults(told: readonly ErasureInD1['webhooks'][number][], webhookId: string, erased: number): string[] {
  const found = told.map(({ deliveries }) => deliveries);
  const isRight =
    found.length === 1 ? found[0] === erased : Math.max(0, ...found) <= erased && found.reduce((sum, each) => sum + each, 0) >= erased;
  return isRight ? [] : [`${webhookId} has ${erased} deliveries of the person, and found ${found}`];
}
