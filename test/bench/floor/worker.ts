import { Hono } from 'hono';
import { toHex } from '../../../src/domain/text/encoding.ts';

/*
 * The floor: the least that the platform asks for to take an event in and send it signed. Hono ingest → queue → HMAC → fetch, and
 * nothing else: no database, no log, no retries but the queue's. What our Worker costs beyond it is what its promises cost.
 */
interface FloorEnv {
  EVENTS: Queue<Message>;
  /** Endpoint URLs by organization, JSON. */
  ENDPOINTS: string;
}

interface Event {
  organization_id: string;
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
  const event = JSON.parse(body) as Event | Event[];
  if (Array.isArray(event)) {
    const messages = event.map((one) => messageOf(one, JSON.stringify(one)));
    await c.env.EVENTS.sendBatch(messages.map((message) => ({ body: message })));
    return c.json({ ids: messages.map(({ id }) => id) }, 202);
  }
  const message = messageOf(event, body);
  await c.env.EVENTS.send(message);
  return c.json({ id: message.id }, 202);
});

function messageOf(event: Event, body: string): Message {
  return { id: `evt_${crypto.randomUUID()}`, organizationId: event.organization_id, body };
}

async function deliver({ id, body }: Message, url: string): Promise<boolean> {
  imported ??= key(false, ['sign']);
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', await imported, encoder.encode(body)));
  try {
    const response = await fetch(url, {
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
      batch.messages.map(async (message) => {
        const url = endpoints[message.body.organizationId];
        // Nobody's: accepted and dropped.
        if (url === undefined || (await deliver(message.body, url))) message.ack();
        else message.retry({ delaySeconds: 60 });
      }),
    );
  },
} satisfies ExportedHandler<FloorEnv, Message>;
