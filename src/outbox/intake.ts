import type { OutboxConfig } from '../db/configuration.ts';
import { isRendered, type NewDelivery } from '../domain/delivery/delivery.ts';
import { permission } from '../domain/endpoint/circuit.ts';
import { logInfo, logWarning } from '../log.ts';
import { within } from '../within.ts';
import type { Admission } from './books/admission.ts';
import { whyNotDelivered } from './dispatcher.ts';
import type { FreshDelivery } from './fresh.ts';
import type { Renderer } from './renderer.ts';
import type { RunnerParts } from './runner.ts';
import type { UsedValues } from './used-values.ts';

interface Parts extends Omit<RunnerParts, 'places'> {
  admission: Admission;
  renderer: Renderer;
  usedValues: UsedValues;
  /** Of new deliveries those that are of nobody who has been erased since. */
  sift(news: readonly NewDelivery[], now: number): readonly NewDelivery[];
}

/** Takes deliveries in, each to where it belongs, and waits for those that are attempted at once. */
export class Intake {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Counts what waits where that is needed to know whether more may: no delivery is refused for what waited long ago. */
  async makeSure(now: number): Promise<void> {
    const { admission, fresh } = this.#parts;
    if ((this.#isHeld(now) || !fresh.hasRoom) && admission.isCountDue(now)) await admission.count(now);
  }

  /**
   * Takes in what is not known yet: to memory, to be attempted now; to rows, where it has to wait for longer; or to the log, where it is not
   * to be attempted. Returns those in memory, those of an earlier call included.
   */
  take(config: OutboxConfig, deliveries: readonly NewDelivery[], now: number): FreshDelivery[] {
    const { store, fresh, usedValues, sift } = this.#parts;
    const inMemory: FreshDelivery[] = [];
    const others = new Map<string, NewDelivery>();
    for (const delivery of deliveries) {
      const known = fresh.get(delivery.id);
      if (known) inMemory.push(known);
      else others.set(delivery.id, delivery);
    }
    const stored = store.known([...others.values()]);
    const remaining = sift(
      [...others.values()].filter(({ id }) => !stored.has(id)),
      now,
    );
    // Before all else: a first event uses its value up whatever becomes of it.
    const news = usedValues.admit(remaining);
    if (news.length > 0) inMemory.push(...this.#takeNew(config, news, now));
    return inMemory;
  }

  /** Takes a delivery of the service's own to the rows, where it waits, or to the log where it is not to be attempted. */
  takeToRows(config: OutboxConfig, delivery: NewDelivery, now: number): void {
    const { ledger, renderer } = this.#parts;
    const reason = whyNotDelivered(config);
    const deliveries = renderer.renderNew(config.webhook, [delivery], now);
    if (reason) ledger.addDiscarded(deliveries, reason, now);
    else if (deliveries.some(({ error }) => error)) ledger.addNotRendered(deliveries, now);
    else this.#addWaiting(config, deliveries, now);
  }

  #takeNew(config: OutboxConfig, news: readonly NewDelivery[], now: number): FreshDelivery[] {
    const { ledger, fresh, renderer } = this.#parts;
    const reason = whyNotDelivered(config);
    const deliveries = renderer.renderNew(config.webhook, news, now);
    if (reason) {
      ledger.addDiscarded(deliveries, reason, now);
      return [];
    }
    const notRendered = deliveries.filter(({ error }) => error);
    // What is still to be rendered is when its attempt is due: rows are attempted step by step.
    const ready = this.#isHeld(now) ? [] : deliveries.filter((delivery) => !delivery.error && isRendered(delivery));
    const toMemory = new Set(ready.slice(0, fresh.roomFor(ready)));
    const toRows = deliveries.filter((delivery) => !delivery.error && !toMemory.has(delivery));
    // First what is stored: where that fails the call does, and nothing of it is to be attempted from memory that no call would keep.
    if (toRows.length > 0) this.#addWaiting(config, toRows, now);
    if (notRendered.length > 0) {
      ledger.addNotRendered(notRendered, now);
      logInfo('outbox.not_rendered', { webhook: config.webhook.id, deliveries: notRendered.length });
    }
    return [...toMemory].map((delivery) => fresh.add(delivery, now));
  }

  /**
   * Waits until deliveries have ended, for as long as their endpoint usually takes. One that is known to be slow is not waited for: no
   * batch is to last as long as it does.
   */
  async patience(brought: readonly FreshDelivery[]): Promise<void> {
    const { pace } = this.#parts;
    const pending = brought.filter(({ ended, flight }) => ended === null && flight === null);
    const patienceMs = pace.patienceMs();
    if (pending.length === 0 || patienceMs === 0) return;
    const begun = pending.filter(({ stored }) => stored.state.leasedAt !== null);
    const isLate = await within(patienceMs, Promise.all(pending.map(({ done }) => done))).then(
      () => false,
      () => true,
    );
    if (isLate && begun.some(({ ended }) => ended === null)) pace.late();
  }

  /** Whether nothing is to be attempted at once. */
  #isHeld(now: number): boolean {
    const { vitals, health } = this.#parts;
    return now < vitals.notBefore || permission(health.circuit, now).kind !== 'attempt';
  }

  /** Deliveries are to wait in rows, as far as there is room for them. */
  #addWaiting(config: OutboxConfig, deliveries: readonly NewDelivery[], now: number): void {
    const { admission, ledger, health, usedValues } = this.#parts;
    if (admission.admits(deliveries.length)) {
      ledger.addWaiting(deliveries, now);
      return;
    }
    ledger.addDiscarded(deliveries, 'outbox_full', now);
    // They cannot be recovered: what comes later with the same values is not to be lost as well.
    usedValues.release(deliveries);
    logWarning('outbox.full', { webhook: config.webhook.id, deliveries: deliveries.length });
    const [first] = deliveries;
    if (first) health.full(config, first, now);
  }
}
