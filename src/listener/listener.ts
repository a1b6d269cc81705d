import { DurableObject } from 'cloudflare:workers';
import { mintId } from '../domain/ids.ts';
import { fromBase64, toBase64 } from '../domain/text/encoding.ts';
import { inJurisdiction } from '../jurisdiction.ts';
import { logError } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { endWebhook, type Listening, whyEnded } from './ending.ts';
import {
  CLOSE_CODES,
  type ForwardedDelivery,
  type LocalAnswer,
  type LocalFailure,
  MAX_ANSWER_LENGTH,
  PING,
  PONG,
  readAnswer,
} from './protocol.ts';

/** A command that has not been heard of for so long is gone, and its webhook with it. It says something every 10 s, and connects anew at once. */
const GONE_AFTER_MS = 30_000;
/** How often it is looked after. With the time above: within 50 s after a command was killed its webhook is gone. */
const LOOK_EVERY_MS = 20_000;
/** When it is looked after again where that failed. */
const AGAIN_AFTER_MS = 5_000;
/** Beyond the time that an attempt has: whoever waits for the answer has given up. */
const MARGIN_MS = 1_000;
/** Deliveries on their way to the command at a time. An outbox has 100 attempts at most, tests and retries by hand aside. */
const MAX_UNANSWERED = 200;
/** WebSocket, RFC 6455. */
const HUNG_UP = 1000;
const TOO_BIG = 1009;

const LISTENING = 'listening';
const SEEN = 'seen';

/** One request of an attempt. */
export interface ForwardedRequest {
  headers: Record<string, string>;
  body: Uint8Array;
}

/** What came of it. One of the two is null: a failure, in words, says that there is no answer. */
export type Forwarded =
  | { answer: { status: number; headers: string[][]; body: Uint8Array }; failure: null }
  | { answer: null; failure: string };

/** What a socket carries through the object's sleep. */
interface Attachment {
  /** The API key that it was opened with; null: the platform's. */
  keyId: string | null;
}

/**
 * The other end of a `listen` command: it holds the command's WebSocket, and hands it the deliveries of its webhook. It sleeps while nothing comes
 * (WebSocket hibernation). It stores no delivery and decides nothing about one: that is the webhook's outbox, as for any webhook. Its alarm deletes the
 * webhook when the command is gone.
 */
export class Listener extends DurableObject<Env> {
  /** Deliveries that the command has not answered yet. While there are any the object does not sleep. */
  readonly #unanswered = new Map<string, { socket: WebSocket; resolve: (forwarded: Forwarded) => void }>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, inJurisdiction(env));
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  /** A webhook is about to be made for a command: should that not connect, or the webhook not come about, nothing is left of it. */
  async expect(listening: Listening): Promise<void> {
    this.ctx.storage.kv.put(LISTENING, listening);
    this.#seen();
    await this.ctx.storage.setAlarm(Date.now() + LOOK_EVERY_MS);
  }

  /** A command connects. 404: it comes too late, its webhook is gone. */
  override async fetch(request: Request): Promise<Response> {
    if (!this.ctx.storage.kv.get(LISTENING)) return new Response(null, { status: 404 });
    for (const socket of this.ctx.getWebSockets()) this.#close(socket, CLOSE_CODES.replaced, 'Another command has connected in its place.');
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.ctx.acceptWebSocket(ours);
    ours.serializeAttachment({ keyId: request.headers.get('X-Key-Id') } satisfies Attachment);
    this.#seen();
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + LOOK_EVERY_MS);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Hands a delivery to the command, and answers with what the local endpoint answered. */
  async forward({ headers, body }: ForwardedRequest): Promise<Forwarded> {
    const socket = this.ctx.getWebSockets().find(({ readyState }) => readyState === WebSocket.OPEN);
    if (!socket) return failed('the command `listen` is not connected right now');
    if (this.#unanswered.size >= MAX_UNANSWERED) return failed('the command `listen` has too many deliveries to answer');
    const id = mintId('request', Date.now());
    const { promise, resolve } = Promise.withResolvers<Forwarded>();
    this.#unanswered.set(id, { socket, resolve });
    const { deliveryTimeoutMs } = settingsOf(this.env);
    const timer = setTimeout(() => resolve(failed('the command `listen` did not answer in time')), deliveryTimeoutMs + MARGIN_MS);
    try {
      socket.send(JSON.stringify({ type: 'delivery', id, headers, body: toBase64(body) } satisfies ForwardedDelivery));
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#unanswered.delete(id);
    }
  }

  /** The webhook has been deleted. */
  async end(): Promise<void> {
    await this.#end(CLOSE_CODES.gone, 'The webhook was deleted.');
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (typeof message !== 'string' || message.length > MAX_ANSWER_LENGTH) {
      this.#close(socket, TOO_BIG, 'An answer is JSON, and shorter than this.');
      return;
    }
    const answer = readAnswer(message);
    // What is nothing of ours is passed over: a later version of the command may say more.
    if (answer) this.#unanswered.get(answer.id)?.resolve(forwardedOf(answer));
  }

  override webSocketClose(socket: WebSocket): void {
    // The other half of hanging up: until it is said the command waits for it.
    this.#close(socket, HUNG_UP, '');
    this.#gone(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#gone(socket);
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    const listening = this.ctx.storage.kv.get<Listening>(LISTENING);
    if (!listening) return;
    try {
      const keys = this.ctx.getWebSockets().map((socket) => (socket.deserializeAttachment() as Attachment).keyId);
      const isSilent = now - this.#lastSeen() >= GONE_AFTER_MS;
      const why = isSilent ? 'gone' : await whyEnded(this.env, listening, keys, now);
      if (why === null) {
        await this.ctx.storage.setAlarm(now + LOOK_EVERY_MS);
        return;
      }
      await endWebhook(this.env, listening, now);
      await this.#end(CLOSE_CODES[why], why === 'gone' ? 'The webhook is gone.' : 'The API key is not valid any more.');
    } catch (error) {
      logError('listener.not_looked_after', error, { webhook: listening.webhookId });
      await this.ctx.storage.setAlarm(now + AGAIN_AFTER_MS);
    }
  }

  async #end(code: number, reason: string): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) this.#close(socket, code, reason);
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  /** When the command was last heard of: connected, pinged, or hung up. */
  #lastSeen(): number {
    const pinged = this.ctx.getWebSockets().map((socket) => this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
    return Math.max(this.ctx.storage.kv.get<number>(SEEN) ?? 0, ...pinged);
  }

  #seen(): void {
    this.ctx.storage.kv.put(SEEN, Date.now());
  }

  #close(socket: WebSocket, code: number, reason: string): void {
    try {
      socket.close(code, reason);
    } catch {
      // It is closed already.
    }
    this.#abandon(socket);
  }

  #gone(socket: WebSocket): void {
    // One that has been told to close is not the command's last word.
    if (this.ctx.storage.kv.get(LISTENING)) this.#seen();
    this.#abandon(socket);
  }

  /** What a socket has not answered will not be answered any more. */
  #abandon(socket: WebSocket): void {
    for (const { socket: other, resolve } of this.#unanswered.values()) {
      if (other === socket) resolve(failed('the command `listen` went away before it answered'));
    }
  }
}

function failed(failure: string): Forwarded {
  return { answer: null, failure };
}

function forwardedOf(answer: LocalAnswer | LocalFailure): Forwarded {
  if (answer.type === 'failure') return failed(answer.message);
  const { status, headers, body } = answer;
  try {
    return { answer: { status, headers, body: fromBase64(body) }, failure: null };
  } catch {
    return failed('the command `listen` has answered with a body that is not base64');
  }
}
