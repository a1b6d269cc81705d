import { withoutParameters } from '../db/client.ts';
import { disableWebhook, markBusy, saveHealth } from '../db/outboxes.ts';
import type { Health } from '../domain/webhook.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';

/** How long D1 may take. */
const D1_TIMEOUT_MS = 2_000;
/** Wait before D1 is told again. */
const AGAIN_AFTER_MS = 30_000;

const PENDING = 'report';
const BUSY = 'busy';

/** What D1 is still to be told. */
interface Pending {
  /** The webhook's health as it changed last. */
  health?: { health: Health; since: number };
  /** The endpoint at this URL answered 410: the webhook is to be disabled. */
  goneUrl?: string;
  dueAt: number;
}

/**
 * What an outbox tells D1: that its webhook's health changed, that its endpoint is gone, that deliveries wait. Each is kept in
 * the object until D1 knows it, so that it is told once, on a change only, and survives an outage of D1.
 */
export class Reports {
  readonly #kv: SyncKvStorage;
  readonly #d1: D1Database;
  readonly #webhookId: string;
  #known: Pending | null | undefined;
  #marking = false;

  constructor(kv: SyncKvStorage, d1: D1Database, webhookId: string) {
    this.#kv = kv;
    this.#d1 = d1;
    this.#webhookId = webhookId;
  }

  /** When the next report is due; null where D1 knows everything. */
  dueAt(): number | null {
    return this.#pending()?.dueAt ?? null;
  }

  /** The webhook's health has changed. */
  health(health: Health, since: number, now: number): void {
    this.#put({ ...this.#pending(), health: { health, since }, dueAt: now });
  }

  /** The endpoint at this URL answered 410. */
  gone(url: string, now: number): void {
    this.#put({ ...this.#pending(), goneUrl: url, dueAt: now });
  }

  /** Whether an endpoint is known to be gone, though D1 may not know it yet. */
  isGone(url: string): boolean {
    return this.#pending()?.goneUrl === url;
  }

  /** The webhook's owner has set its health anew: what was to be said of the old one is void. */
  forgetHealth(): void {
    const pending = this.#pending();
    if (pending?.health) this.#put({ ...pending, health: undefined });
  }

  /** Tells D1 what is due. It does not throw: what fails is told later. */
  async flush(now: number): Promise<void> {
    const pending = this.#pending();
    if (!pending || pending.dueAt > now) return;
    try {
      await within(D1_TIMEOUT_MS, this.#tell(pending, now));
      // What was added meanwhile is still to be told.
      if (JSON.stringify(this.#pending()) === JSON.stringify(pending)) this.#clear();
    } catch (error) {
      logError('outbox.not_reported', withoutParameters(error), { webhook: this.#webhookId });
      this.#put({ ...this.#pending(), dueAt: now + AGAIN_AFTER_MS });
    }
  }

  /** Notes in D1, once, that deliveries wait: the cron then looks after the alarm. Where it fails the alarm is still set. */
  async busy(now: number): Promise<void> {
    if (this.#marking || this.#kv.get(BUSY)) return;
    this.#marking = true;
    try {
      await within(D1_TIMEOUT_MS, markBusy(this.#d1, this.#webhookId, now));
      // Only what D1 knows is kept: an object that vanishes in between tells it again.
      this.#kv.put(BUSY, true);
    } catch (error) {
      logError('outbox.not_marked_busy', withoutParameters(error), { webhook: this.#webhookId });
    } finally {
      this.#marking = false;
    }
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#known = undefined;
  }

  /** Nothing waits any more: the next time something does, D1 is told again. */
  idle(): void {
    this.#kv.delete(BUSY);
  }

  async #tell({ health, goneUrl }: Pending, now: number): Promise<void> {
    if (health) await saveHealth(this.#d1, this.#webhookId, health.health, health.since);
    if (goneUrl !== undefined) await disableWebhook(this.#d1, this.#webhookId, goneUrl, 'endpoint_gone', now);
  }

  #pending(): Pending | null {
    // Asked for with every batch: read once, since only this object writes it.
    if (this.#known === undefined) this.#known = this.#kv.get<Pending>(PENDING) ?? null;
    return this.#known;
  }

  #put(pending: Pending): void {
    this.#known = pending;
    this.#kv.put(PENDING, pending);
  }

  #clear(): void {
    this.#known = null;
    this.#kv.delete(PENDING);
  }
}
