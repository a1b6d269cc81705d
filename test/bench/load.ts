import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { arrayText, eventText } from './event-text.ts';
import { nowMs } from './statistics.ts';

/** A request at a moment: one event, or an array of several of an organization. */
export interface Planned {
  /** From the start of the load. */
  atMs: number;
  organizationId: string;
  /** How many events, in an array; one alone where nothing is said. */
  events?: number | undefined;
}

/** An event that was posted. Times are milliseconds since the epoch. */
export interface Posted {
  /** When it was planned, from the start of the load. */
  atMs: number;
  organizationId: string;
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
 * An open loop: every request is sent at its moment, however the earlier ones fare, so that a service that is slow cannot slow
 * the load down and look better for it.
 */
export async function post(url: (organizationId: string) => string, key: string, planned: readonly Planned[]): Promise<Posted[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const startedAt = nowMs();
  const posts: Promise<Posted[]>[] = [];
  let events = 0;
  for (const request of planned) {
    const due = startedAt + request.atMs;
    // setTimeout keeps time by the millisecond; two requests of one millisecond go out together.
    const inMs = due - nowMs();
    if (inMs > 0) await wait(inMs);
    posts.push(postOne(url(request.organizationId), key, agent, request, events, due));
    events += request.events ?? 1;
  }
  const posted = (await Promise.all(posts)).flat();
  agent.destroy();
  return posted;
}

async function postOne(url: string, key: string, agent: Agent, planned: Planned, index: number, due: number): Promise<Posted[]> {
  const { atMs, organizationId, events } = planned;
  const sentAt = nowMs();
  const sent = { atMs, organizationId, lateMs: sentAt - due, sentAt };
  const refused = (refusal: string): Posted[] => Array(events ?? 1).fill({ ...sent, acceptedAt: null, eventId: null, refusal });
  try {
    const body = events === undefined ? eventText(organizationId, index) : arrayText(organizationId, index, events);
    const { status, text } = await send(url, key, agent, body);
    const acceptedAt = nowMs();
    if (status !== 202) return refused(`${status} ${text.slice(0, 200)}`);
    const { id, ids } = JSON.parse(text) as { id?: string; ids?: string[] };
    return (ids ?? [id as string]).map((eventId) => ({ ...sent, acceptedAt, eventId, refusal: null }));
  } catch (error) {
    return refused((error as Error).message);
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
