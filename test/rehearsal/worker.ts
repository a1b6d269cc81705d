import worker, * as service from '../../src/index.ts';
import { type Fault, SWITCH_PATH } from './faults.ts';
import { faults, faultyEnv } from './faulty-env.ts';

/*
 * The Worker of a rehearsal: the service as it is deployed, with bindings that fail when they are told to. Nothing in the service knows of it.
 */

export { Courier, Listener, Meter, Producer, RateLimiter } from '../../src/index.ts';

export class Outbox extends service.Outbox {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, faultyEnv(env));
  }
}

/** How often it is looked whether the queue hands messages over again. */
const LOOK_EVERY_MS = 200;

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== SWITCH_PATH) return await worker.fetch(request, faultyEnv(env), ctx);
    const now = (await request.json()) as Fault[];
    faults.clear();
    for (const fault of now) faults.add(fault);
    return new Response(null, { status: 204 });
  },

  async queue(batch, env, ctx): Promise<void> {
    // The local runtime hands over one batch at a time: all others wait behind it.
    while (faults.has('queue-behind')) await scheduler.wait(LOOK_EVERY_MS);
    await worker.queue(batch, faultyEnv(env), ctx);
  },

  async scheduled(controller, env): Promise<void> {
    await worker.scheduled(controller, faultyEnv(env));
  },
} satisfies ExportedHandler<Env>;
