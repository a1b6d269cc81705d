import { EventShares } from '../domain/event-share.ts';
import { onceFor } from '../once-for.ts';
import { settingsOf } from '../settings.ts';

/**
 * The queue for what is posted or told by somebody: one of `EVENT_QUEUES`, by a hash of their id. Queues: 5,000 messages a second
 * each. Any queue is right for any event, and a batch of messages goes into one of them, so that it is accepted as a whole; the
 * hash is only to spread them. So the number can be changed while events are under way: each queue keeps its consumer until it is
 * empty. Throws where the binding is missing, which is a fault of the deployment.
 */
export function eventQueueFor(env: Env, id: string): Queue {
  return queueFor(env, 'EVENTS', id);
}

/**
 * The queue for events that were posted together, whose share they count against. A queue is worked off in its order: while an
 * organization sends more than its share, its events go into an overflow queue, so that the others' do not stand behind them.
 * @param organizationIds of each of the events
 */
export function queueForPosted(env: Env, organizationIds: readonly string[], now: number): Queue {
  const counts = new Map<string, number>();
  for (const id of organizationIds) counts.set(id, (counts.get(id) ?? 0) + 1);
  const shares = sharesOf(env);
  let beyond = 0;
  for (const [id, count] of counts) if (shares.isBeyond(id, count, now)) beyond += count;
  const [first = ''] = organizationIds;
  // Accepted as a whole, an array goes the way of most of its events.
  return queueFor(env, beyond * 2 > organizationIds.length ? 'OVERFLOW' : 'EVENTS', first);
}

/** Whether a queue is one for overflow, by its name in wrangler.toml: `bullseye-events-overflow`, `bullseye-events-overflow-2` … */
export function isOverflow(queue: string): boolean {
  return /-overflow(?:-\d+)?$/.test(queue);
}

/** What this isolate has seen of each organization's share. */
const sharesOf = onceFor((env: Env) => new EventShares(settingsOf(env).overflowAbove));

function queueFor(env: Env, kind: 'EVENTS' | 'OVERFLOW', id: string): Queue {
  const place = hash(id) % settingsOf(env).eventQueues;
  const suffix = place === 0 ? '' : `_${place + 1}`;
  // Env knows wrangler.toml's one binding of each kind; those beyond it are the operator's. Any queue is right for any event.
  const bindings = env as unknown as Record<string, Queue | undefined>;
  const queue = bindings[`${kind}${suffix}`] ?? bindings[`EVENTS${suffix}`];
  if (!queue) throw new Error(`EVENT_QUEUES asks for the queue binding EVENTS${suffix}, which is missing`);
  return queue;
}

/** FNV-1a of a text's UTF-16 units: quick, and spreads ids that differ only in their last characters. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
