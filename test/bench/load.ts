import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { eventText } from './event-text.ts';
import { nowMs } from './statistics.ts';

/** An event to be posted at a moment. */
export interface Planned {
  /** From the start of the load. */
  atMs: number;
  organizationId: string;
}

/** An event that was posted. Times are milliseconds since the epoch. */
export interface Posted extends Planned {
  /** How much later than planned it was sent: the load generator's own delay. */
  lateMs: number;
  sentAt: number;
  /** When the 202 was here; null where the answer was another one. */
  acceptedAt: number | null;
  eventId: string | null;
  /** What came instead of a 202. */
  refusal: string | null;
}

const TIMEOUT_MS = 20_000;

/**
 * An open loop: every event is posted at its moment, however the earlier ones fare, so that a service that is slow cannot slow
 * the load down and look better for it.
 */
export async function post(url: (organizationId: string) => string, key: string, planned: readonly Planned[]): Promise<Posted[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const startedAt = nowMs();
  const posts: Promise<Posted>[] = [];
  for (const [index, event] of planned.entries()) {
    const due = startedAt + event.atMs;
    // setTimeout keeps time by the millisecond; two events of one millisecond go out together.
    if (due > nowMs()) await wait(due - nowMs());
    posts.push(postOne(url(event.organizationId), key, agent, event, index, due));
  }
  const posted = await Promise.all(posts);
  agent.destroy();
  return posted;
}

async function postOne(url: string, key: string, agent: Agent, event: Planned, index: number, due: number): Promise<Posted> {
  const sentAt = nowMs();
  const sent = { ...event, lateMs: sentAt - due, sentAt };
  try {
    const { status, text } = await send(url, key, agent, eventText(event.organizationId, index));
    const acceptedAt = nowMs();
    if (status !== 202) return { ...sent, acceptedAt: null, eventId: null, refusal: `${status} ${text.slice(0, 200)}` };
    return { ...sent, acceptedAt, eventId: (JSON.parse(text) as { id: string }).id, refusal: null };
  } catch (error) {
    return { ...sent, acceptedAt: null, eventId: null, refusal: (error as Error).message };
  }
}

async function send(url: string, key: string, agent: Agent, body: string): Promise<{ status: number; text: string }> {
  return await new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'x-api-key': key };
    const posting = request(url, { method: 'POST', agent, headers, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.once('error', reject);
    });
    posting.once('timeout', () => posting.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
    posting.once('error', reject);
    posting.end(body);
  });
}

/** A request of a closed loop. Times are milliseconds since the epoch. */
export interface Answered {
  sentAt: number;
  answeredAt: number;
  /** The events' ids; none where they were not accepted. */
  eventIds: string[];
  /** What came instead of a 202. */
  refusal: string | null;
}

/**
 * A closed loop: each connection posts the next body as soon as it has the answer to the one before, until there is none. It
 * finds out how much is accepted at most; how long that takes says little of a load that is bearable.
 */
export async function saturate(url: string, key: string, connections: number, nextBody: () => string | null): Promise<Answered[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const answered: Answered[] = [];
  const connection = async (): Promise<void> => {
    for (let body = nextBody(); body !== null; body = nextBody()) answered.push(await ask(url, key, agent, body));
  };
  await Promise.all(Array.from({ length: connections }, connection));
  agent.destroy();
  return answered;
}

async function ask(url: string, key: string, agent: Agent, body: string): Promise<Answered> {
  const sentAt = nowMs();
  try {
    const { status, text } = await send(url, key, agent, body);
    const answeredAt = nowMs();
    if (status !== 202) return { sentAt, answeredAt, eventIds: [], refusal: `${status} ${text.slice(0, 200)}` };
    const { id, ids } = JSON.parse(text) as { id?: string; ids?: string[] };
    return { sentAt, answeredAt, eventIds: id === undefined ? (ids ?? []) : [id], refusal: null };
  } catch (error) {
    return { sentAt, answeredAt: nowMs(), eventIds: [], refusal: (error as Error).message };
  }
}
