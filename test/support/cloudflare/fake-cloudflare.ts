import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { Account } from './account.ts';
import { answer } from './answers.ts';

/** Cloudflare's error codes for what is not there. */
const WORKER_NOT_FOUND = 10_007;
const NOT_FOUND = 7404;

/** A stand-in for Cloudflare's API: as much of it as this project's commands ask for. Everything else is not found. */
export interface FakeCloudflare {
  origin: string;
  /** What a command needs in its environment to talk to it. */
  env: Record<string, string>;
  account: Account;
  /** Method and path below the account, with what matters of the request, in the order in which they came. */
  asked: string[];
  close(): void;
}

/** @param tailed what a Worker writes to its log while somebody tails it; then it is deployed anew, and the tail ends */
export async function startFakeCloudflare(account = new Account(), tailed: readonly string[] = []): Promise<FakeCloudflare> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1');
    const path = pathname.replace(/^\/accounts\/[^/]+/, '');
    asked.push([request.method, path, ...wordsOf(body, searchParams)].join(' '));
    const result = tailOf(`${request.method} ${path}`) ?? answer(account, `${request.method} ${path}`, { body, query: searchParams });
    const errors =
      result === undefined ? [{ code: path.startsWith('/workers/') ? WORKER_NOT_FOUND : NOT_FOUND, message: 'not found' }] : [];
    response.writeHead(result === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: result !== undefined, errors, messages: [], result: result ?? null }));
  });
  const tails = new WebSocketServer({ server });
  tails.on('connection', (socket) => {
    // What wrangler says when it has connected is not masked, which this server does not take.
    socket.on('error', () => undefined);
    for (const line of tailed) socket.send(line);
    socket.close(1000);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  /** What is answered to who wants to tail a Worker; undefined where something else is asked. */
  const tailOf = (request: string) =>
    /^(POST|DELETE) \/workers\/scripts\/[^/]+\/tails/.test(request)
      ? { id: 'tail', url: `ws://127.0.0.1:${port}/`, expires_at: '2026-11-27T15:00:00Z' }
      : undefined;
  const origin = `http://127.0.0.1:${port}`;
  const env = { CLOUDFLARE_API_BASE_URL: origin, CLOUDFLARE_API_TOKEN: 'a token', CLOUDFLARE_ACCOUNT_ID: 'account' };
  return { origin, env, account, asked, close: () => void server.close() };
}

/** A body of JSON; of an upload, what it says of the Worker beside its code. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const type = request.headers['content-type'] ?? '';
  const bytes = Buffer.concat(chunks);
  if (bytes.length === 0) return {};
  if (!type.startsWith('multipart/')) return JSON.parse(bytes.toString());
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  return JSON.parse(String(form.get('metadata')));
}

/** What tests look at of a request beyond its path. */
// biome-ignore lint/suspicious/noExplicitAny: whatever wrangler sends.
function wordsOf(body: any, query: URLSearchParams): string[] {
  const { sql, jurisdiction, name, queue_name, text, settings, versions } = body;
  if (sql) return sql.split(/\s+/).slice(0, 2);
  if (jurisdiction) return [name ?? queue_name, jurisdiction];
  if (text) return [`${name}=${text}`];
  if (settings?.delivery_paused !== undefined) return [settings.delivery_paused ? 'paused' : 'resumed'];
  if (versions) return versions.map((each: { version_id: string; percentage: number }) => `${each.version_id}@${each.percentage}%`);
  return ['timestamp', 'bookmark'].flatMap((each) => query.get(each) ?? []);
}
