import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReceivedRequest, Reply } from './receiver.ts';

/**
 * A real HTTP receiver for tests: keeps what each inbox received, and answers as the inbox's script says.
 *   POST /to/<inbox>/…   a delivery arrives
 *   PUT  /script/<inbox> sets the replies (JSON), taken in order; the last one stays
 *   PUT  /release/<name> answers the request that is held under a name, as it says (JSON)
 *   GET  /inbox/<inbox>  what has arrived (JSON)
 */
export async function startReceiver(port = 0): Promise<{ origin: string; close(): Promise<void> }> {
  const inboxes = new Map<string, ReceivedRequest[]>();
  const scripts = new Map<string, Reply[]>();
  const held = new Map<string, (reply: Reply) => void>();

  const server = createServer(async (request, response) => {
    const [, action = '', inbox = ''] = (request.url ?? '').split(/[/?]/);
    const body = await bodyOf(request);
    if (action === 'script') {
      scripts.set(inbox, JSON.parse(body.toString()));
      response.end();
    } else if (action === 'release') {
      held.get(inbox)?.(JSON.parse(body.toString()));
      held.delete(inbox);
      response.end();
    } else if (action === 'inbox') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(inboxes.get(inbox) ?? []));
    } else {
      const received = inboxes.get(inbox) ?? [];
      inboxes.set(inbox, received);
      received.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
        bodyBase64: body.toString('base64'),
        atMs: Date.now(),
      });
      const script = scripts.get(inbox) ?? [];
      const reply = (script.length > 1 ? script.shift() : script[0]) ?? { status: 204 };
      const name = reply.held;
      const released = name === undefined ? reply : await new Promise<Reply>((resolve) => held.set(name, resolve));
      await answer(request, response, released);
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function answer(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  if (reply.hang) return;
  if (reply.delayMs) await new Promise((resolve) => setTimeout(resolve, reply.delayMs));
  if (reply.reset) {
    request.socket.destroy();
    return;
  }
  response.writeHead(reply.status ?? 200, reply.headers);
  if (reply.bodyBase64 !== undefined) response.end(Buffer.from(reply.bodyBase64, 'base64'));
  else if (reply.endless) drip(response, reply.endless);
  else response.end(reply.body ?? '');
}

/** Sends a chunk at intervals until the other side is gone. */
function drip(response: ServerResponse, endless: NonNullable<Reply['endless']>): void {
  const timer = setInterval(() => response.write(endless.chunk), endless.everyMs);
  response.on('close', () => clearInterval(timer));
}
