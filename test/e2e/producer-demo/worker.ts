import type { PostedEvents, PostOptions } from '../../../src/producer.ts';

/**
 * Another Worker of the account, as a producer would have it: it posts events over a service binding, and says what came of it. Its configuration is
 * wrangler.toml beside it; test/e2e/producer.test.ts runs both. All other requests go on to the service itself, so that the test can look there.
 */
interface DemoEnv {
  BULLSEYE: { post(events: PostedEvents, options?: PostOptions): Promise<{ id: string } | { ids: string[] }> };
  SERVICE: { fetch(request: Request): Promise<Response> };
}

export default {
  async fetch(request: Request, { BULLSEYE, SERVICE }: DemoEnv): Promise<Response> {
    if (new URL(request.url).pathname !== '/produce') return await SERVICE.fetch(request);
    const { events, idempotencyKey } = (await request.json()) as { events: PostedEvents; idempotencyKey?: string };
    try {
      return Response.json({ accepted: await BULLSEYE.post(events, { idempotencyKey }) });
    } catch (error) {
      const { message, code, status, details, retryAfterSeconds } = error as Error & Record<string, unknown>;
      return Response.json({ refused: { message, code, status, details, retryAfterSeconds } });
    }
  },
};
