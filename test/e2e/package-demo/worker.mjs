import { createClient } from 'bullseye-webhooks/client';
import { verify, WebhookVerificationError } from 'bullseye-webhooks/verify';

/*
 * A customer's Worker, with the package as npm installs it and no compatibility flag: it receives deliveries at `/hook`, and asks the API at
 * `/webhooks`. test/e2e/package-in-workers.test.ts runs it, in the folder that has the package.
 */

async function receive(request, secrets) {
  try {
    const event = await verify({ body: await request.text(), headers: request.headers, secrets });
    return new Response(`verified ${event.event} of ${event.session_id}`);
  } catch (error) {
    if (error instanceof WebhookVerificationError) return new Response(error.code, { status: 401 });
    throw error;
  }
}

async function ask(client) {
  const { webhooks } = await client.listWebhooks();
  const missing = await client.getWebhook({ webhookId: 'whk_none' }).catch(({ code, status }) => ({ code, status }));
  return Response.json({ webhooks: webhooks.map(({ id }) => id), missing });
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/hook') return await receive(request, [env.NEXT_SECRET, env.SECRET]);
    if (pathname === '/webhooks') return await ask(createClient({ apiKey: env.BULLSEYE_API_KEY, baseUrl: env.BULLSEYE_URL }));
    return new Response('ready');
  },
};
