import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { holdConnection } from '../../src/client/command/listen-socket.ts';
import { CLOSE_CODES } from '../../src/listener/protocol.ts';

/** What a service does with a connection; null: it refuses it, with this status. */
type Behaviour = { status: number } | ((socket: WebSocket) => void);

let server: Server;
let behave: Behaviour;
let keys: (string | undefined)[] = [];

beforeEach(async () => {
  keys = [];
  const sockets = new WebSocketServer({ noServer: true });
  server = createServer().on('upgrade', (request, stream, head) => {
    keys.push(request.headers['x-api-key'] as string | undefined);
    if (typeof behave === 'function') sockets.handleUpgrade(request, stream, head, behave);
    else stream.end(`HTTP/1.1 ${behave.status} No\r\nContent-Length: 0\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const hold = async (behaviour: Behaviour, signal = new AbortController().signal) => {
  behave = behaviour;
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket`);
  return await holdConnection(
    url,
    'the key',
    { opened: () => {}, delivery: async ({ id }) => ({ type: 'failure', id, message: 'no' }) },
    signal,
  );
};

describe('a connection of listen', () => {
  it.each<[string, Behaviour, object]>([
    [
      'the webhook is gone',
      (socket) => socket.close(CLOSE_CODES.gone, 'It is gone.'),
      { kind: 'gone', reason: 'It is gone.', wasOpen: true },
    ],
    ['the key has ended', (socket) => socket.close(CLOSE_CODES.keyEnded, 'No key.'), { kind: 'refused', reason: 'No key.', wasOpen: true }],
    ['another has connected', (socket) => socket.close(CLOSE_CODES.replaced), { kind: 'refused', wasOpen: true }],
    ['the service is deployed anew', (socket) => socket.close(1012), { kind: 'lost', wasOpen: true }],
    ['the line breaks', (socket) => socket.terminate(), { kind: 'lost', wasOpen: true }],
    ['there is no such listener', { status: 404 }, { kind: 'gone', wasOpen: false }],
    ['the key may not', { status: 403 }, { kind: 'refused', reason: 'the service answered 403', wasOpen: false }],
    ['there are too many requests', { status: 429 }, { kind: 'lost', wasOpen: false }],
    ['the service has a fault', { status: 503 }, { kind: 'lost', reason: 'the service answered 503', wasOpen: false }],
  ])('ends where %s, and says whether another try is worth it', async (_what, behaviour, end) => {
    expect(await hold(behaviour)).toMatchObject(end);
    expect(keys).toEqual(['the key']);
  });

  it('is lost where nothing is there', async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const handlers = { opened: () => {}, delivery: async () => Promise.reject(new Error('nothing came')) };
    const end = await holdConnection(new URL(`ws://127.0.0.1:${port}/`), 'k', handlers, new AbortController().signal);
    expect(end).toMatchObject({ kind: 'lost', reason: expect.stringContaining('ECONNREFUSED'), wasOpen: false });
  });

  it('answers deliveries, passes over what it does not know, and is hung up by its signal', async () => {
    const controller = new AbortController();
    const answers: string[] = [];
    const end = await hold((socket) => {
      for (const said of ['pong', '{"type":"later"}', JSON.stringify({ type: 'delivery', id: 'a', headers: {}, body: '' })])
        socket.send(said);
      socket.on('message', (data) => {
        answers.push(String(data));
        controller.abort();
      });
    }, controller.signal);
    expect(answers).toEqual([JSON.stringify({ type: 'failure', id: 'a', message: 'no' })]);
    expect(end).toMatchObject({ wasOpen: true });
  });
});
