import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT_ROOT, QUIET_WRANGLER } from '../../src/commands/wrangler.ts';

/* docs/runbook.md, “Us or them?”: its command shows lines of faults, and no others. Against as much of Cloudflare's API as `wrangler tail` asks for. */

const line = (level: string, event: string) => JSON.stringify({ level, event, error: 'what went wrong' });

/** A batch of the queue, as Cloudflare sends it to who tails a Worker: Workers' lines are texts in it. */
const EVENT = {
  ...{
    outcome: 'ok',
    scriptName: 'bullseye-webhooks',
    exceptions: [],
    eventTimestamp: 1_000,
    event: { queue: 'bullseye-events', batchSize: 1 },
  },
  logs: [
    { level: 'error', timestamp: 1_000, message: [line('error', 'outbox.faulted')] },
    { level: 'log', timestamp: 1_001, message: [line('info', 'delivery.attempted')] },
    { level: 'warn', timestamp: 1_002, message: [line('warn', 'message.redelivered')] },
  ],
};

/** A frame of a WebSocket (RFC 6455), as servers send it. */
function frame(opcode: number, content: Buffer): Buffer {
  const length = Buffer.alloc(content.length < 126 ? 0 : 2);
  if (length.length > 0) length.writeUInt16BE(content.length);
  return Buffer.concat([Buffer.from([0x80 | opcode, Math.min(content.length, 126)]), length, content]);
}

const [TEXT, CLOSE] = [1, 8];
const NORMAL = Buffer.from([0x03, 0xe8]);

/** Sends that event to whoever tails, and ends. By hand: wrangler's frames have no mask, which Cloudflare takes and libraries refuse. */
async function startTailed(): Promise<{ origin: string; close(): void }> {
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const isCreated = request.method === 'POST' && request.url === '/accounts/account/workers/scripts/bullseye-webhooks/tails';
    const result = isCreated ? { id: 'tail', url: `ws://127.0.0.1:${port}`, expires_at: '2030-01-01T00:00:00Z' } : {};
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: true, errors: [], messages: [], result }));
  });
  server.on('upgrade', (request, socket) => {
    const accepted = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accepted}`];
    socket.write(`${[...head, 'Sec-WebSocket-Protocol: trace-v1'].join('\r\n')}\r\n\r\n`);
    // What is to be filtered comes first.
    socket.once('data', () => socket.end(Buffer.concat([frame(TEXT, Buffer.from(JSON.stringify(EVENT))), frame(CLOSE, NORMAL)])));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

it('shows the lines that tell of faults of ours, and no others', async () => {
  const [, command = ''] =
    /`(npm exec -- wrangler tail .*?)` shows our own faults/.exec(readFileSync(join(PROJECT_ROOT, 'docs/runbook.md'), 'utf8')) ?? [];
  const cloudflare = await startTailed();
  const account = { CLOUDFLARE_API_BASE_URL: cloudflare.origin, CLOUDFLARE_API_TOKEN: 'a token', CLOUDFLARE_ACCOUNT_ID: 'account' };
  const shell = spawn('bash', ['-c', command], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, ...QUIET_WRANGLER, ...account, NO_COLOR: '1' },
  });
  let output = '';
  shell.stdout.on('data', (chunk) => (output += chunk));
  await once(shell, 'close');
  cloudflare.close();
  expect(output.trim().split('\n')).toEqual([expect.stringContaining('"event":"outbox.faulted"')]);
});
