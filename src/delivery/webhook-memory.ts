import { withoutParameters } from '../db/client.ts';
import { type OutboxConfig, readWebhook } from '../db/configuration.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';
import { MAX_AGE_MS } from './configuration-cache.ts';

/** How long D1 may take before the last known configuration serves. */
const D1_TIMEOUT_MS = 2_000;

const KEY = 'config';

/** The configuration of an outbox's webhook: at most seconds old, and the last known while D1 is down. */
export class WebhookMemory {
  readonly #kv: SyncKvStorage;
  readonly #d1: D1Database;
  readonly #webhookId: string;
  #recent: { config: OutboxConfig; readAt: number } | null = null;

  constructor(kv: SyncKvStorage, d1: D1Database, webhookId: string) {
    this.#kv = kv;
    this.#d1 = d1;
    this.#webhookId = webhookId;
  }

  /** The configuration that was last kept in an object's storage. */
  static lastKnown(kv: SyncKvStorage): OutboxConfig | undefined {
    return kv.get<OutboxConfig>(KEY);
  }

  /** The configuration; null where the webhook has been deleted. Throws where D1 is down and none is known. */
  async read(now: number): Promise<OutboxConfig | null> {
    if (this.#recent && now - this.#recent.readAt <= MAX_AGE_MS) return this.#recent.config;
    try {
      const config = await within(D1_TIMEOUT_MS, readWebhook(this.#d1, this.#webhookId));
      if (config) {
        this.#recent = { config, readAt: now };
        this.remember(config);
      }
      return config;
    } catch (error) {
      const known = WebhookMemory.lastKnown(this.#kv);
      logError('webhook.read_failed', withoutParameters(error), { webhook: this.#webhookId, known: known !== undefined });
      if (!known) throw error;
      // Not asked again for seconds: each try would hold the lane for as long as D1 hangs.
      this.#recent = { config: known, readAt: now };
      return known;
    }
  }

  /** Keeps a configuration durably, so that retries go on while D1 is down. */
  remember(config: OutboxConfig): void {
    if (JSON.stringify(WebhookMemory.lastKnown(this.#kv)) !== JSON.stringify(config)) this.#kv.put(KEY, config);
  }

  /** The next read asks D1. */
  refresh(): void {
    this.#recent = null;
  }
}
