import { acceptedOf, type Contents, type DeliveryPosition, type DeliverySummary } from '../../domain/delivery/delivery.ts';
import { isOperational } from '../../domain/event/operational-event.ts';
import { isTestEvent } from '../../domain/ids.ts';
import type { Rendering } from '../../domain/rules/choices.ts';
import { type Condition, matcherOf } from '../../domain/rules/condition.ts';
import { render } from '../../domain/rules/render.ts';
import type { Store } from '../books/store.ts';
import type { Fresh } from '../fresh.ts';
import { BundleReader } from './bundle-reader.ts';
import type { OutboxLog } from './log.ts';

/** Events that a filter is tried on, the latest, and how much is read for them. */
const MAX_EVENTS = 1_000;
const MAX_BYTES = 10_000_000;
/** Deliveries looked at for them: those among them that are tests, or have lost their events, are passed over. */
const MAX_DELIVERIES = 5_000;
/** Events that are shown, of those that match. */
const MAX_SAMPLES = 10;
/** Deliveries in one step, and bytes; calls are served between two. To try the costliest filter on 100 kB takes some tens of milliseconds. */
const STEP_DELIVERIES = 50;
const STEP_BYTES = 100_000;

const decoder = new TextDecoder();

/** What is to be tried. */
export interface PreviewRequest {
  /** Null: every event matches. */
  filter: Condition | null;
  rendering: Rendering;
}

/** Which events in the log a filter lets through, and what would be sent of them. */
export interface PastPreview {
  /** Events that the filter was tried on. */
  considered: number;
  matching: number;
  /** The newest of those that match. The payload of one that cannot be rendered is null. */
  samples: { deliveryId: string; eventId: string; payload: string | null }[];
}

interface PastEvent {
  delivery: DeliverySummary;
  accepted: Uint8Array;
}

/** Tries what a webhook's owner may choose on the latest events in its log. It goes in steps, and keeps nothing. */
export class PastEvents {
  readonly #store: Store;
  readonly #fresh: Fresh;
  readonly #log: OutboxLog;

  constructor(store: Store, fresh: Fresh, log: OutboxLog) {
    this.#store = store;
    this.#fresh = fresh;
    this.#log = log;
  }

  async preview({ filter, rendering }: PreviewRequest): Promise<PastPreview> {
    const preview: PastPreview = { considered: 0, matching: 0, samples: [] };
    for await (const { delivery, accepted } of this.#newestFirst()) {
      preview.considered++;
      if (matches(filter, delivery, accepted)) {
        preview.matching++;
        if (preview.samples.length < MAX_SAMPLES) preview.samples.push(await sampleOf(rendering, delivery, accepted));
      }
      if (preview.considered === MAX_EVENTS) break;
    }
    return preview;
  }

  async *#newestFirst(): AsyncGenerator<PastEvent> {
    const bundles = new BundleReader(this.#store.archive);
    let after: DeliveryPosition | null = null;
    let bytes = 0;
    let stepBytes = 0;
    for (let looked = 0; looked < MAX_DELIVERIES; looked += STEP_DELIVERIES) {
      const page = this.#log.page({}, STEP_DELIVERIES, after);
      for (const delivery of page.deliveries) {
        const before = bundles.bytes;
        const contents = isTestEvent(delivery.eventId) ? null : this.#contentsOf(delivery, bundles);
        const accepted = contents && acceptedOf(contents);
        // Erased, or never kept.
        if (!accepted || accepted.length === 0) continue;
        yield { delivery, accepted };
        const read = accepted.length + bundles.bytes - before;
        stepBytes += read;
        bytes += read;
        if (bytes >= MAX_BYTES) return;
        if (stepBytes < STEP_BYTES) continue;
        stepBytes = 0;
        await scheduler.wait(0);
      }
      if (!page.next) return;
      after = page.next;
      await scheduler.wait(0);
    }
  }

  /** Looked for now: since the page was read it may have been taken out of its bundle, or removed. */
  #contentsOf({ id, createdAt }: DeliverySummary, bundles: BundleReader): Contents | null {
    const position = { id, createdAt };
    return this.#fresh.contents(id) ?? this.#store.contentsOfRow(position) ?? bundles.contents(position);
  }
}

function matches(filter: Condition | null, { event }: DeliverySummary, accepted: Uint8Array): boolean {
  // The service's own events pass every filter.
  return filter === null || isOperational(event) || matcherOf(filter).matches(JSON.parse(decoder.decode(accepted)));
}

/** In a turn of its own: a template can take tens of milliseconds. */
async function sampleOf(rendering: Rendering, { id: deliveryId, eventId }: DeliverySummary, accepted: Uint8Array) {
  await scheduler.wait(0);
  const { payload } = render(rendering, accepted);
  await scheduler.wait(0);
  return { deliveryId, eventId, payload: payload && decoder.decode(payload) };
}
