import { setTimeout as wait } from 'node:timers/promises';
import type { ForwardedDelivery, LocalAnswer, LocalFailure } from '../../listener/protocol.ts';
import { ApiError, type Listener } from '../client.ts';
import { forward } from './forward.ts';
import { type ConnectionEnd, holdConnection } from './listen-socket.ts';
import { type Session, show, UsageError } from './session.ts';
import { plain } from './table.ts';
import { localTime } from './times.ts';

export interface ListenOptions {
  forward?: string;
  events?: string[];
  secret?: string;
  show?: boolean;
}

/** Waits before another connection: the first, and the longest. A listener's webhook is kept for half a minute. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/**
 * `listen`: a webhook that lives as long as this does; its deliveries are forwarded, or only shown, until the signal ends it. Then the webhook is deleted.
 */
export async function listen(session: Session, options: ListenOptions, signal: AbortSignal): Promise<void> {
  const target = options.forward === undefined ? null : targetOf(options.forward);
  let made: Listener | null = await create(session, target, options);
  const { secret } = made;
  let announced = '';
  const opened = ({ id }: Listener) => {
    // Once: a new connection to the same webhook is nobody's business.
    if (announced !== id) announce(session, made as Listener, target);
    announced = id;
  };
  const delivery = async (came: ForwardedDelivery) => await handle(session, came, target, options.show ?? false);
  try {
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      // With the same secret: what verifies on this machine goes on doing so.
      made ??= await createAgain(session, target, { ...options, secret });
      if (made && !signal.aborted) {
        const current: Listener = made;
        const handlers = { opened: () => opened(current), delivery };
        const end = await holdConnection(socketUrl(session, current), session.apiKey, handlers, signal);
        if (signal.aborted) break;
        if (end.kind === 'refused') throw new ApiError({ code: 'connection_refused', message: `The connection was ended: ${end.reason}` });
        if (end.kind === 'gone') made = null;
        if (end.wasOpen) waitMs = FIRST_WAIT_MS;
        tellLost(session, end);
      }
      await wait(waitMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  } finally {
    if (made) await remove(session, made.id);
  }
}

async function create({ client, organizationId }: Session, target: URL | null, { events, secret }: ListenOptions): Promise<Listener> {
  const forwardTo = target && { forwardTo: target.href };
  return await client.createListener({ organizationId, body: { ...forwardTo, ...(events && { events }), ...(secret && { secret }) } });
}

/** The same in the place of one that is gone; null where the service cannot be reached right now. */
async function createAgain(...given: Parameters<typeof create>): Promise<Listener | null> {
  try {
    return await create(...given);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 0 || error.status >= 500)) return null;
    throw error;
  }
}

/** Where nobody can be told, the service finds out within a minute. */
async function remove({ client, organizationId }: Session, webhookId: string): Promise<void> {
  try {
    await client.deleteWebhook({ organizationId, webhookId }, { signal: AbortSignal.timeout(5_000) });
  } catch {
    // It is gone, or will be.
  }
}

function targetOf(text: string): URL {
  // `3000` and `localhost:3000/hook` are what people type.
  const address = /^\d+$/.test(text) ? `http://localhost:${text}` : /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  try {
    return new URL(address);
  } catch {
    throw new UsageError(`"${text}" is not an address to forward to, such as http://localhost:3000/hook.`);
  }
}

function socketUrl({ baseUrl }: Session, { socketPath }: Listener): URL {
  const url = new URL(`${baseUrl.href.replace(/\/$/, '')}${socketPath}`);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

function announce(session: Session, { id, events, secret }: Listener, target: URL | null): void {
  show(session, { type: 'ready', webhookId: id, events, secret, forwardTo: target?.href ?? null }, () => [
    `Ready: ${events.join(', ')} → ${target?.href ?? 'this terminal, acknowledged with 200'}`,
    `Webhook ${id}, until you press Ctrl-C. Its secret: ${secret}`,
  ]);
}

function tellLost(session: Session, { kind, reason }: ConnectionEnd): void {
  const what = kind === 'gone' ? 'The webhook is gone' : 'Connection lost';
  show(session, { type: 'lost', reason }, () => `${what} (${plain(reason)}). Connecting anew.`);
}

async function handle(
  session: Session,
  delivery: ForwardedDelivery,
  target: URL | null,
  isShown: boolean,
): Promise<LocalAnswer | LocalFailure> {
  const startedAt = Date.now();
  const answer: LocalAnswer | LocalFailure = target
    ? await forward(delivery, target)
    : { type: 'answer', id: delivery.id, status: 200, headers: [], body: '' };
  tell(session, delivery, answer, { startedAt, durationMs: Date.now() - startedAt, isShown: isShown || !target });
  return answer;
}

function tell(
  session: Session,
  { headers, body }: ForwardedDelivery,
  answer: LocalAnswer | LocalFailure,
  { startedAt, durationMs, isShown }: { startedAt: number; durationMs: number; isShown: boolean },
): void {
  const at = new Date(startedAt).toISOString();
  const [event, deliveryId, attempt] = ['Event', 'Delivery', 'Attempt'].map((name) => headers[`X-Bullseye-${name}`] ?? '');
  const [status, error] = answer.type === 'answer' ? [answer.status, null] : [null, answer.message];
  const text = Buffer.from(body, 'base64').toString();
  const about = { type: 'delivery', at, event, deliveryId, eventId: headers['webhook-id'], attempt: Number(attempt) };
  show(session, { ...about, status, error, durationMs, ...(isShown && { headers, body: text }) }, () => {
    const outcome = error === null ? `${status} (${durationMs} ms)` : plain(error);
    const line = `${localTime(at)}  ${event}  ${deliveryId}${attempt === '1' ? '' : `  attempt ${attempt}`}  ← ${outcome}`;
    return isShown ? [line, `  ${plain(text)}`] : line;
  });
}
