import type { OutboxConfig } from '../db/configuration.ts';
import { acceptedOf, isRendered, type NewDelivery } from '../domain/delivery/delivery.ts';
import { MAX_WORK } from '../domain/rules/liquid/work.ts';
import { isAsAccepted, type Rendered, render } from '../domain/rules/render.ts';
import type { WebhookConfig } from '../domain/webhook/webhook.ts';
import type { StoredDelivery } from './books/delivery-row.ts';
import type { Ledger } from './books/ledger.ts';
import type { Store } from './books/store.ts';

/**
 * Work of rendering (domain/rules/render.ts) in one turn of the object's thread, some 50 ms; the last event in it can take as much again. Calls
 * are served between two turns. Counted, since in production the clock stands still while code runs.
 */
const WORK_A_TURN = 2_000_000;
/**
 * A template that wanted more than it may gets only so much, for so long: one that does so with every event would keep a core busy that others'
 * objects share. Of ordinary templates an event takes a few thousand.
 */
const STINTED_WORK = MAX_WORK / 50;
const STINTED_MS = 60_000;

const STINTED_WORDS = 'It did so with an event before, and may do less for a minute.';

const EMPTY = new Uint8Array();

/**
 * Makes of accepted events what their webhook's owner has chosen to be sent, once: when a delivery is made, so that all its attempts send
 * the same bytes. What a turn has no time for is stored as it was accepted, and rendered when its attempt is due. So is what could not be
 * rendered, where it is recovered or retried by hand.
 */
export class Renderer {
  readonly #store: Store;
  readonly #ledger: Ledger;
  #work = 0;
  /** The template that has done too much lately, and until when it is stinted. */
  #stinted: { template: string | null; until: number } | null = null;

  constructor(parts: { store: Store; ledger: Ledger }) {
    this.#store = parts.store;
    this.#ledger = parts.ledger;
  }

  /** A new turn of the object's thread has begun. */
  renew(): void {
    this.#work = 0;
  }

  /** Whether this turn has done its share. */
  get isSpent(): boolean {
    return this.#work >= WORK_A_TURN;
  }

  /** New deliveries as they are to be kept: rendered, not rendered with an error, or, without one, to be rendered later. */
  renderNew(webhook: WebhookConfig, deliveries: readonly NewDelivery[], now: number): readonly NewDelivery[] {
    if (!webhook.choices || isAsAccepted(webhook.choices)) return deliveries;
    return deliveries.map((delivery) => {
      if (this.isSpent) return { ...delivery, payload: EMPTY, accepted: delivery.payload };
      return this.renderOne(webhook, delivery, now);
    });
  }

  /** The same of one delivery, whatever this turn has done already. */
  renderOne(webhook: WebhookConfig, delivery: NewDelivery, now: number): NewDelivery {
    const accepted = delivery.payload;
    const { payload, error } = this.#render(webhook, accepted, now);
    if (payload === accepted) return delivery;
    return { ...delivery, payload: payload ?? EMPTY, accepted, error };
  }

  /**
   * What a stored delivery's attempt is to send; renders it where nobody has. Null: that fails, and so has the delivery.
   * @returns with the delivery as it stands then
   */
  ready(delivery: StoredDelivery, { webhook }: OutboxConfig, now: number): { delivery: StoredDelivery; payload: Uint8Array | null } {
    const contents = this.#store.contents(delivery);
    if (isRendered(contents)) return { delivery, payload: contents.payload };
    const accepted = acceptedOf(contents);
    const { payload, error } = this.#render(webhook, accepted, now);
    if (payload === null) return { delivery: this.#ledger.notRendered(delivery, { ...contents, error }, now), payload };
    // Durable before the request goes out (Durable Objects: the output gate): a repetition sends the same.
    return { delivery: this.#ledger.rendered(delivery, payload === accepted ? { payload } : { payload, accepted }), payload };
  }

  #render({ choices }: WebhookConfig, accepted: Uint8Array, now: number): Pick<Rendered, 'payload' | 'error'> {
    if (!choices) return { payload: accepted, error: null };
    const { template } = choices;
    const isStinted = this.#stinted !== null && this.#stinted.template === template && now < this.#stinted.until;
    const rendered = render(choices, accepted, isStinted ? STINTED_WORK : MAX_WORK);
    this.#work += rendered.work;
    if (!rendered.isExceeded) return rendered;
    if (isStinted) return { payload: null, error: `${rendered.error} ${STINTED_WORDS}` };
    this.#stinted = { template, until: now + STINTED_MS };
    return rendered;
  }
}
