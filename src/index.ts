import { app } from './app.ts';
import { consumeEvents, redeliverAll } from './consumer/consumer.ts';
import { isOfDeadLetters } from './consumer/event-queues.ts';
import { PARK_AGAIN_SECONDS, parkMessages } from './consumer/parking.ts';
import { inJurisdiction } from './jurisdiction.ts';
import { sweep } from './upkeep/sweep.ts';

export { RateLimiter } from './api/access/rate-limiter.ts';
export { Courier } from './attempt/courier.ts';
export { Listener } from './listener/listener.ts';
export { Meter } from './meter/meter.ts';
export { Outbox } from './outbox/outbox.ts';
export { Producer } from './producer.ts';

/** What enters the Worker, and where it goes. The outboxes' alarms enter outbox/outbox.ts, other Workers of the account producer.ts. */
export default {
  /** A producer's events, the configuration API, the pages. */
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    return await app.fetch(request, inJurisdiction(env), ctx);
  },

  /** Accepted events on their way to webhooks, and messages that could not be processed. */
  async queue(batch, env, ctx): Promise<void> {
    const isParked = isOfDeadLetters(batch.queue);
    let bindings: Env;
    try {
      bindings = inJurisdiction(env);
    } catch (error) {
      // A setting cannot be read. If this threw, messages would come again by wrangler.toml's delay alone: their redeliveries would be used up in hours,
      // and not in the 23 that any fault of ours has.
      redeliverAll(batch, error, isParked ? PARK_AGAIN_SECONDS : undefined);
      return;
    }
    if (isParked) await parkMessages(batch, bindings);
    else await consumeEvents(batch, bindings, ctx);
  },

  /** Every minute. */
  async scheduled(controller, env): Promise<void> {
    await sweep(inJurisdiction(env), controller.scheduledTime);
  },
} satisfies ExportedHandler<Env>;
