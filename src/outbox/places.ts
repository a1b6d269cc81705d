import { type AttemptResult, isRefusedByPlatform } from '../attempt/attempt.ts';
import { CONNECTIONS } from '../attempt/connections.ts';
import type { CourierResult } from '../attempt/courier.ts';
import type { Sender, Sending } from '../attempt/sender.ts';
import type { WebhookConfig } from '../domain/webhook/webhook.ts';
import { logWarning } from '../log.ts';
import { within } from '../within.ts';
import type { StoredDelivery } from './books/delivery-row.ts';

/** What a place sends through. */
export interface PlacesDeps {
  sender: Sender;
  couriers: Env['COURIER'];
  /** How long a courier may take to answer, milliseconds: an attempt's timeout, and some. */
  attemptMs: number;
}

/**
 * Connections for an outbox's attempts: its object's own, and as many again with each courier. Place 0 is the object itself, 1 its first
 * courier, and so on. Nobody starts a request without a connection, so that an attempt's timeout counts from when it is really sent.
 */
export class Places {
  /** Attempts at a time, what a person asks for aside: for that a courier more is kept. */
  readonly most: number;
  readonly #inUse: number[];
  readonly #deps: PlacesDeps;

  constructor(most: number, deps: PlacesDeps) {
    this.most = most;
    this.#inUse = new Array<number>(Math.ceil(most / CONNECTIONS) + 1).fill(0);
    this.#deps = deps;
  }

  /** Attempts at a time of a webhook, whose owner may want fewer. */
  mostOf({ maxConcurrent }: Pick<WebhookConfig, 'maxConcurrent'>): number {
    return Math.min(maxConcurrent ?? this.most, this.most);
  }

  /** Takes a connection where the fewest couriers are needed; null where none is free. */
  take(): number | null {
    const place = this.#inUse.findIndex((used) => used < CONNECTIONS);
    if (place === -1) return null;
    this.#inUse[place] = (this.#inUse[place] as number) + 1;
    return place;
  }

  free(place: number): void {
    this.#inUse[place] = (this.#inUse[place] as number) - 1;
  }

  /** Makes an attempt on a connection. Null: nobody knows how it ended. Throws where nothing was sent, through a fault of ours. */
  async attempt(place: number, webhook: WebhookConfig, begun: StoredDelivery, payload: Uint8Array): Promise<AttemptResult | null> {
    const { id, eventId, event, state } = begun;
    const sending = { delivery: { id, eventId, event }, payload, number: state.attemptCount, trigger: state.trigger };
    if (place === 0) return await this.#deps.sender.send(webhook, sending);
    const made = await this.#throughCourier(place, webhook, sending);
    if (made?.fault) throw new Error(made.fault);
    return made?.result ?? null;
  }

  /** Null: the courier has vanished, or does not answer; it may have sent the request. Throws where the platform let no call out. */
  async #throughCourier(place: number, webhook: WebhookConfig, sending: Sending): Promise<CourierResult | null> {
    const { couriers, attemptMs } = this.#deps;
    try {
      return await within(attemptMs, couriers.getByName(`${webhook.id}:${place}`).attempt(webhook, sending));
    } catch (error) {
      if (isRefusedByPlatform(error)) throw error;
      logWarning('courier.lost', { webhook: webhook.id, place, error: error instanceof Error ? error.message : String(error) });
      return null;
    }
  }
}
