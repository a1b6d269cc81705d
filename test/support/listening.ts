import { runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { fromBase64, toBase64 } from '../../src/domain/text/encoding.ts';
import { type ForwardedDelivery, PONG } from '../../src/listener/protocol.ts';
import { expectStatus, ORIGIN, type TestOrganization } from './api.ts';

/** A `listen` command that is connected, as tests play it. */
export interface Listening {
  webhookId: string;
  secret: string;
  path: string;
  socket: WebSocket;
  /** The deliveries that have come, in their order. */
  came: { delivery: ForwardedDelivery; body: string }[];
  /** The next delivery that has not been asked for, once it comes. */
  next(): Promise<{ delivery: ForwardedDelivery; body: string }>;
  answer(delivery: ForwardedDelivery, status: number, body?: string, headers?: [string, string][]): void;
  /** Why the service has hung up, once it has. */
  closed: Promise<{ code: number; reason: string }>;
}

/** What opening a socket answers. */
export async function openSocket(
  path: string,
  key: string | undefined,
  headers: Record<string, string> = { Upgrade: 'websocket' },
): Promise<Response> {
  return await exports.default.fetch(new Request(`${ORIGIN}${path}`, { headers: { ...headers, ...(key && { 'X-API-Key': key }) } }));
}

/** Creates a listener and connects to it. */
export async function listening(own: TestOrganization, input: Record<string, unknown> = {}, key = own.key): Promise<Listening> {
  const { body } = await expectStatus(own.admin.post(`${own.path}/listeners`, input), 201);
  return { ...(await connected(body.socketPath, key)), webhookId: body.id, secret: body.secret, path: body.socketPath };
}

/** Connects to a listener. */
export async function connected(path: string, key: string): Promise<Omit<Listening, 'webhookId' | 'secret' | 'path'>> {
  const { status, webSocket: socket } = await openSocket(path, key);
  if (!socket) throw new Error(`no socket: ${status}`);
  const came: Listening['came'] = [];
  const waiting: ((one: Listening['came'][number]) => void)[] = [];
  let asked = 0;
  socket.addEventListener('message', ({ data }) => {
    if (data === PONG) return;
    const delivery = JSON.parse(String(data)) as ForwardedDelivery;
    const one = { delivery, body: new TextDecoder().decode(fromBase64(delivery.body)) };
    came.push(one);
    waiting.shift()?.(one);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.addEventListener('close', resolve));
  socket.accept();
  return {
    socket,
    came,
    closed,
    next: async () => came[asked++] ?? (await new Promise((resolve) => waiting.push(resolve))),
    answer: (delivery, status, body = '', headers = []) =>
      socket.send(JSON.stringify({ type: 'answer', id: delivery.id, status, headers, body: toBase64(new TextEncoder().encode(body)) })),
  };
}

/** Runs a listener's alarm; false where none is set. */
export async function lookAfter(webhookId: string): Promise<boolean> {
  return await runDurableObjectAlarm(env.LISTENER.getByName(webhookId));
}
