import { settingsOf } from '../settings.ts';

/**
 * The queue for what is posted or told by somebody: one of `EVENT_QUEUES`, by a hash of their id. Queues: 5,000 messages a second
 * each. Any queue is right for any event, and a batch of messages goes into one of them, so that it is accepted as a whole; the
 * hash is only to spread them. So the number can be changed while events are under way: each queue keeps its consumer until it is
 * empty. Throws where the binding is missing, which is a fault of the deployment.
 */
export function eventQueueFor(env: Env, id: string): Queue {
  return queueAt(env, hash(id) % settingsOf(env).eventQueues);
}

/** All queues that events are spread over, by the names of their bindings. */
export function eventQueues(env: Env): [name: string, queue: Queue][] {
  return Array.from({ length: settingsOf(env).eventQueues }, (_, place) => [nameAt(place), queueAt(env, place)]);
}

/**
 * Whether a queue is the one for what could not be processed, by its name in wrangler.toml. That of a copy has the copy's name behind it, which has no
 * such word in it (commands/deploy/deployment-copy.ts): `bullseye-events-dead-staging`.
 */
export function isOfDeadLetters(queueName: string): boolean {
  return /-dead(?:-|$)/.test(queueName);
}

const nameAt = (place: number): string => (place === 0 ? 'EVENTS' : `EVENTS_${place + 1}`);

function queueAt(env: Env, place: number): Queue {
  const name = nameAt(place);
  // Env knows wrangler.toml's one binding; those beyond it are the operator's.
  const queue = (env as unknown as Record<string, Queue | undefined>)[name];
  if (!queue) throw new Error(`EVENT_QUEUES asks for the queue binding ${name}, which is missing`);
  return queue;
}

/** FNV-1a of a text's UTF-16 units: quick, and spreads ids that differ only in their last characters. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
