import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const DATABASE_ID = '11111111-1111-4111-8111-111111111111';

/** As much of Cloudflare's API as `wrangler d1` asks for; everything else is not found. Keeps what was asked, in order. */
export interface FakeCloudflare {
  origin: string;
  /** Method and path below the account, with the first words of SQL where it carries any. */
  asked: string[];
  close(): void;
}

/** @param jurisdiction of the databases that are there */
export async function startFakeCloudflare(databases: string[], jurisdiction: string | null = null): Promise<FakeCloudflare> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    const path = (request.url ?? '').replace(/^\/accounts\/[^/]+/, '').replace(/\?.*/, '');
    const more = [
      ...(body.sql ? body.sql.split(/\s+/).slice(0, 2) : []),
      ...(body.jurisdiction ? [body.name ?? body.queue_name, body.jurisdiction] : []),
    ];
    asked.push([request.method, path, ...more].join(' '));
    const result = answer(`${request.method} ${path}`, body, databases, jurisdiction);
    response.writeHead(result === null ? 404 : 200, { 'content-type': 'application/json' });
    const errors = result === null ? [{ code: 7404, message: 'not found' }] : [];
    response.end(JSON.stringify({ success: result !== null, errors, messages: [], result }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close: () => void server.close() };
}

function answer(request: string, body: { name?: string; queue_name?: string }, databases: string[], jurisdiction: string | null): unknown {
  const listed = databases.map((name) => ({ name, uuid: DATABASE_ID, jurisdiction }));
  if (request === 'POST /queues') return { queue_id: DATABASE_ID, queue_name: body.queue_name };
  if (request === 'GET /d1/database') return listed;
  if (request === 'POST /d1/database') {
    databases.push(String(body.name));
    return { name: body.name, uuid: DATABASE_ID };
  }
  if (/^POST .*\/query$/.test(request)) return [{ results: [], success: true, meta: { duration: 1 } }];
  return listed.find(({ name }) => request === `GET /d1/database/${name}`) ?? null;
}
