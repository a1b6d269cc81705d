import { withoutParameters } from '../db/client.ts';
import { type OutboxConfig, readWebhook, UnknownWebhook } from '../db/configuration.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';

/**
 * How old a configuration may be that an attempt begins by. A change is to be in force everywhere within 5 s; a consumer's is up to 3 s
 * old when it comes.
 */
const MAX_AGE_MS = 4_000;
/** A configuration that was read longer ago than this comes from somebody who cannot reach D1, or from long ago. */
export const STALE_FROM_MS = 10_000;
/** How long D1 may take before the last known configuration serves. */
const D1_TIMEOUT_MS = 2_000;

const KEY = 'config';

/** The configuration of an outbox's webhook: at most seconds old, and the last known while D1 is down. */
export class WebhookMemory {
  readonly #kv: SyncKvStorage;
  readonly #d1: D1Database;
  readonly #webhookId: string;
  #recent: { config: OutboxConfig; readAt: number } | null = null;
  /** What was read before this is not believed: the owner has changed something since. */
  #refreshedAt = 0;
  #refreshes = 0;
  /** What is kept durably, and as JSON, so that the same is not written again. */
  #latest: OutboxConfig | undefined;
  #kept: string | undefined;

  constructor(kv: SyncKvStorage, d1: D1Database, webhookId: string) {
    this.#kv = kv;
    this.#d1 = d1;
    this.#webhookId = webhookId;
  }

  /** The configuration that was last kept in an object's storage. */
  static lastKnown(kv: SyncKvStorage): OutboxConfig | undefined {
    return kv.get<OutboxConfig>(KEY);
  }

  /** The configuration, where it is recent enough to attempt by. */
  recent(now: number): OutboxConfig | undefined {
    return this.#recent && now - this.#recent.readAt <= MAX_AGE_MS ? this.#recent.config : undefined;
  }

  /** The configuration as it was last known, however long ago; undefined where it never was. */
  latest(): OutboxConfig | undefined {
    this.#latest ??= WebhookMemory.lastKnown(this.#kv);
    return this.#latest;
  }

  /** The configuration; null where the webhook has been deleted. Throws where D1 is down and none is known. */
  async read(now: number): Promise<OutboxConfig | null> {
    const recent = this.recent(now);
    if (recent) return recent;
    const refreshes = this.#refreshes;
    try {
      const config = await within(D1_TIMEOUT_MS, readWebhook(this.#d1, this.#webhookId));
      // What the owner has changed while it was read can be missing in it.
      if (config && refreshes === this.#refreshes) this.#keep(config, now);
      return config;
    } catch (error) {
      const known = this.latest();
      logError('webhook.read_failed', withoutParameters(error), { webhook: this.#webhookId, known: known !== undefined });
      if (!known) throw error;
      // Not asked again for seconds: each try would hold everything up for as long as D1 hangs.
      if (refreshes === this.#refreshes) this.#recent = { config: known, readAt: now };
      return known;
    }
  }

  /**
   * Whether a webhook is neither in the database nor among the deleted: a configuration of it that somebody still has is of one that
   * was deleted and erased long ago. Not knowing is no.
   */
  async isGone(): Promise<boolean> {
    try {
      return (await within(D1_TIMEOUT_MS, readWebhook(this.#d1, this.#webhookId))) === null;
    } catch (error) {
      return error instanceof UnknownWebhook;
    }
  }

  /**
   * A configuration that the consumer has read from D1: as good as one's own, and it costs D1 nothing. An older one than is known is
   * not taken; any is better than none, while D1 is down.
   */
  offer(config: OutboxConfig, readAt: number): void {
    const isNews = readAt > this.#refreshedAt && readAt > (this.#recent?.readAt ?? 0);
    if (isNews) this.#keep(config, readAt);
    else if (this.#keptText() === undefined) this.#remember(config);
  }

  /** The owner's configuration, or its secrets, are now these, wherever else they come from. */
  replace(config: OutboxConfig, now: number): void {
    this.#remember(config);
    this.refresh(now);
  }

  #keep(config: OutboxConfig, readAt: number): void {
    this.#recent = { config, readAt };
    this.#remember(config);
  }

  /** Keeps a configuration durably, so that retries go on while D1 is down. */
  #remember(config: OutboxConfig): void {
    const text = JSON.stringify(config);
    if (this.#keptText() === text) return;
    this.#kv.put(KEY, config);
    this.#latest = config;
    this.#kept = text;
  }

  #keptText(): string | undefined {
    this.#kept ??= JSON.stringify(this.latest());
    return this.#kept;
  }

  /** The next read asks D1. */
  refresh(now: number): void {
    this.#recent = null;
    this.#refreshedAt = now;
    this.#refreshes++;
  }

  /** The storage has been emptied. */
  reset(now: number): void {
    this.refresh(now);
    this.#latest = undefined;
    this.#kept = undefined;
  }
}
