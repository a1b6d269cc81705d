import { withoutParameters } from '../../db/client.ts';
import { type ToldUse, tellUse } from '../../db/usage.ts';
import { firstOpenDay, type OutboxUse } from '../../domain/usage.ts';
import { logError, logWarning } from '../../log.ts';
import { within } from '../../within.ts';
import type { OutboxUsage } from '../log/usage.ts';

/** How long it is counted. After that the log goes all the same: that what is deleted is erased comes first. */
const COUNT_MS = 120_000;
/** How long D1 may take. */
const D1_TIMEOUT_MS = 2_000;

/** How often it is told anew of what has come meanwhile. After that the erasure is done once more, later. */
const MAX_ROUNDS = 3;

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

  /**
   * Counts and tells it, and once more where something was recorded while D1 was told.
   * @returns what D1 does not know: nothing is to come between this and the erasure
   */
  async tellAll(organizationId: string | undefined): Promise<ToldUse[]> {
    let untold = await this.gather(organizationId);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const isTold = await this.tell(untold);
      const now = await this.gather(organizationId);
      if (isTold && textOf(now) === textOf(untold)) return [];
      untold = now;
      if (!isTold) break;
    }
    return untold;
  }

  /** Counts it; what takes too long to count is logged and given up. @param organizationId whose it is, where that is known */
  async gather(organizationId: string | undefined): Promise<ToldUse[]> {
    const use = await this.#count();
    if (!use) logWarning('outbox.use_not_counted', { webhook: this.#webhookId });
    const kept = this.#kv.get<ToldUse[]>(KEY) ?? [];
    return organizationId === undefined || !use || use.days.size === 0 ? kept : [...kept, { organizationId, ...use }];
  }

  async #count(): Promise<OutboxUse | null> {
    const until = Date.now() + COUNT_MS;
    let use: OutboxUse | null;
    do {
      const now = Date.now();
      use = await this.#usage.since(firstOpenDay(now, this.#retentionMs), now);
    } while (!use && Date.now() < until);
    return use;
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

const textOf = (untold: readonly ToldUse[]): string => JSON.stringify(untold.map((told) => ({ ...told, days: [...told.days] })));
