import { withoutParameters } from '../db/client.ts';
import { disableWebhook, markBusy } from '../db/outboxes.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';

/** How long D1 may take. */
const D1_TIMEOUT_MS = 2_000;
/** Wait before D1 is told again. */
const AGAIN_AFTER_MS = 30_000;

const GONE = 'gone';
const BUSY = 'busy';

/** The endpoint said 410: what D1 is to be told, and when. */
interface Gone {
  url: string;
  reportAt: number;
}

/**
 * What an outbox tells D1: that its endpoint is gone, and that deliveries wait. Each is kept in the object until D1 knows it, so
 * that it is told once, and survives an outage of D1.
 */
export class Reports {
  readonly #kv: SyncKvStorage;
  readonly #d1: D1Database;
  readonly #webhookId: string;

  constructor(kv: SyncKvStorage, d1: D1Database, webhookId: string) {
    this.#kv = kv;
    this.#d1 = d1;
    this.#webhookId = webhookId;
  }

  /** When the next report is due; null where D1 knows everything. */
  dueAt(): number | null {
    return this.#kv.get<Gone>(GONE)?.reportAt ?? null;
  }

  /** The endpoint at this URL answered 410: the webhook is to be disabled. */
  gone(url: string, now: number): void {
    this.#kv.put<Gone>(GONE, { url, reportAt: now });
  }

  /** Whether an endpoint is known to be gone, though D1 may not know it yet. */
  isGone(url: string): boolean {
    return this.#kv.get<Gone>(GONE)?.url === url;
  }

  /** Tells D1 what is due. It does not throw: what fails is told later. */
  async flush(now: number): Promise<void> {
    const gone = this.#kv.get<Gone>(GONE);
    if (!gone || gone.reportAt > now) return;
    try {
      await within(D1_TIMEOUT_MS, disableWebhook(this.#d1, this.#webhookId, gone.url, 'endpoint_gone', now));
      this.#kv.delete(GONE);
    } catch (error) {
      logError('webhook.not_disabled', withoutParameters(error), { webhook: this.#webhookId });
      this.#kv.put<Gone>(GONE, { ...gone, reportAt: now + AGAIN_AFTER_MS });
    }
  }

  /** Notes in D1, once, that deliveries wait: the cron then looks after the alarm. Where it fails the alarm is still set. */
  async busy(now: number): Promise<void> {
    if (this.#kv.get(BUSY)) return;
    this.#kv.put(BUSY, true);
    try {
      await within(D1_TIMEOUT_MS, markBusy(this.#d1, this.#webhookId, now));
    } catch (error) {
      logError('outbox.not_marked_busy', withoutParameters(error), { webhook: this.#webhookId });
      this.#kv.delete(BUSY);
    }
  }

  /** Nothing waits any more: the next time something does, D1 is told again. */
  idle(): void {
    this.#kv.delete(BUSY);
  }
}
