import { Hono } from 'hono';
import { toHex } from '../../../src/domain/encoding.ts';

/*
 * The floor: the least that the platform asks for to take an event in and send it signed. Hono ingest → queue → HMAC → fetch, and
 * nothing else: no database, no log, no retries but the queue's. What our Worker costs beyond it is what its promises cost.
 */
interface FloorEnv {
  EVENTS: Queue<Message>;
  /** Endpoint URLs by organization, JSON. */
  ENDPOINTS: string;
}

interface Message {
  id: string;
  organizationId: string;
  body: string;
}

const TIMEOUT_MS = 30_000;
const encoder = new TextEncoder();
const key = crypto.subtle.importKey.bind(crypto.subtle, 'raw', encoder.encode('the secret of the bench'), {
  name: 'HMAC',
  hash: 'SHA-256',
});
let imported: Promise<CryptoKey> | undefined;

const app = new Hono<{ Bindings: FloorEnv }>();

app.get('/health', (c) => c.text('ok'));

app.post('/api/v1/events', async (c) => {
  const body = await c.req.text();
  const id = `evt_${crypto.randomUUID()}`;
  await c.env.EVENTS.send({ id, organizationId: (JSON.parse(body) as { organization_id: string }).organization_id, body });
  return c.json({ id }, 202);
});

async function deliver({ id, organizationId, body }: Message, endpoints: Record<string, string>): Promise<boolean> {
  imported ??= key(false, ['sign']);
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', await imported, encoder.encode(body)));
  try {
    const response = await fetch(endpoints[organizationId] ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'webhook-id': id, 'x-signature': toHex(signature) },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

export default {
  fetch: app.fetch,
  async queue(batch, env) {
    const endpoints = JSON.parse(env.ENDPOINTS) as Record<string, string>;
    await Promise.all(
      batch.messages.map(async (message) =>
        (await deliver(message.body, endpoints)) ? message.ack() : message.retry({ delaySeconds: 60 }),
      ),
    );
  },
} satisfies ExportedHandler<FloorEnv, Message>;
