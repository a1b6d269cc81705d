import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
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

/** Sends that event to whoever tails, and ends. */
async function startTailed(): Promise<{ origin: string; close(): void }> {
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const isCreated = request.method === 'POST' && request.url === '/accounts/account/workers/scripts/bullseye-webhooks/tails';
    const result = isCreated ? { id: 'tail', url: `ws://127.0.0.1:${port}`, expires_at: '2030-01-01T00:00:00Z' } : {};
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: true, errors: [], messages: [], result }));
  });
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'trace-v1' });
  sockets.on('connection', (socket) => {
    // What is to be filtered comes first.
    socket.once('message', () => socket.send(JSON.stringify(EVENT), () => socket.close(1_000)));
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
