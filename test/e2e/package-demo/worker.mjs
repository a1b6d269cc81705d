import { createClient } from 'bullseye-webhooks/client';
import receiver from './receiver.mjs';

/*
 * A customer's Worker, with the package as npm installs it and no compatibility flag. test/e2e/package-readme.test.ts runs it in the folder that has
 * the package, with what the package's README shows as receiver.mjs: it receives deliveries at `/hook`, and asks the API at `/webhooks`.
 */
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/hook') return await receiver.fetch(request, env);
    if (pathname === '/webhooks') return await ask(createClient({ apiKey: env.BULLSEYE_API_KEY, baseUrl: env.BULLSEYE_URL }));
    return new Response('ready');
  },
};

async function ask(client) {
  const { webhooks } = await client.listWebhooks();
  const missing = await client.getWebhook({ webhookId: 'whk_none' }).catch(({ code, status }) => ({ code, status }));
  return Response.json({ webhooks: webhooks.map(({ id }) => id), missing });
}
