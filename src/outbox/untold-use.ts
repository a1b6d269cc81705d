import { withoutParameters } from '../db/client.ts';
import { type ToldUse, tellUse } from '../db/usage.ts';
import { firstOpenDay } from '../domain/usage.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';
import type { OutboxUsage } from './log/usage.ts';

/** How long D1 may take. */
const D1_TIMEOUT_MS = 2_000;

const KEY = 'untoldUse';

/**
 * What an outbox has to tell D1 of its use before it is erased: later nobody can ask it. Where D1 cannot be reached, the figures alone outlast what they
 * are of, until the cron erases the outbox once more.
 */
export class UntoldUse {
  readonly #kv: SyncKvStorage;
  readonly #d1: D1Database;
  readonly #usage: OutboxUsage;
  readonly #retentionMs: number;
  readonly #webhookId: string;

  constructor(
    kv: SyncKvStorage,
    d1: D1Database,
    usage: OutboxUsage,
    { retentionMs, webhookId }: { retentionMs: number; webhookId: string },
  ) {
    this.#kv = kv;
    this.#d1 = d1;
    this.#usage = usage;
    this.#retentionMs = retentionMs;
    this.#webhookId = webhookId;
  }

  /** Counts it. Throws where that takes too long: then the outbox is erased later. @param organizationId whose it is, where that is known */
  async gather(organizationId: string | undefined): Promise<ToldUse[]> {
    const now = Date.now();
    const use = await this.#usage.since(firstOpenDay(now, this.#retentionMs), now);
    if (!use) throw new Error('the log is long, and what was used of it is still being counted');
    const kept = this.#kv.get<ToldUse[]>(KEY) ?? [];
    return organizationId === undefined || use.days.size === 0 ? kept : [...kept, { organizationId, ...use }];
  }

  /** Tells it; returns whether D1 knows it. To tell it twice changes nothing. */
  async tell(untold: readonly ToldUse[]): Promise<boolean> {
    try {
      await within(D1_TIMEOUT_MS, tellUse(this.#d1, untold));
      return true;
    } catch (error) {
      logError('outbox.use_not_told', withoutParameters(error), { webhook: this.#webhookId });
      return false;
    }
  }

  /** The storage has been emptied, and D1 does not know it yet. */
  keep(untold: readonly ToldUse[]): void {
    this.#kv.put(KEY, untold);
  }
}
