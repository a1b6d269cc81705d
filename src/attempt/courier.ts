import { DurableObject } from 'cloudflare:workers';
import type { WebhookConfig } from '../domain/webhook/webhook.ts';
import { inJurisdiction } from '../jurisdiction.ts';
import { settingsOf } from '../settings.ts';
import type { AttemptResult } from './attempt.ts';
import { CONNECTIONS, Connections } from './connections.ts';
import { Sender, type Sending } from './sender.ts';

/** How long an attempt may wait here for a connection: its outbox, which does not know that it waits, gives it up a little later. */
const LINE_MS = 10_000;

/** What became of an attempt at a courier. One of the two is null: a fault of ours, in words, says that nothing was sent. */
export interface CourierResult {
  result: AttemptResult | null;
  fault: string | null;
}

/**
 * Connections for an outbox that needs more than its own. Workers: six connections waiting for headers an object, whatever its calls;
 * so each further five attempts at a time need an object. It stores nothing and decides nothing.
 */
export class Courier extends DurableObject<Env> {
  readonly #sender = new Sender(settingsOf(this.env), inJurisdiction(this.env).LISTENER);
  /** Its outbox counts them, too; one that was loaded anew does not know what still runs here. */
  readonly #connections = new Connections(CONNECTIONS);

  /** Makes one attempt. Who gets no answer does not know whether the endpoint received it. */
  async attempt(webhook: WebhookConfig, sending: Sending): Promise<CourierResult> {
    const arrivedAt = Date.now();
    return await this.#connections.use(async () => {
      if (Date.now() - arrivedAt > LINE_MS) return { result: null, fault: 'no connection came free in time' };
      try {
        return { result: await this.#sender.send(webhook, sending), fault: null };
      } catch (error) {
        return { result: null, fault: error instanceof Error ? error.message : String(error) };
      }
    });
  }
}
