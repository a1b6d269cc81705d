import { tellUse } from '../db/usage.ts';
import { firstOpenDay } from '../domain/usage.ts';
import { within } from '../within.ts';
import type { OutboxUsage } from './log/usage.ts';

/** How long D1 may take. */
const D1_TIMEOUT_MS = 5_000;

/** What an outbox has to tell D1 of its use before it is erased: later nobody can ask it. */
export class ToldUse {
  readonly #usage: OutboxUsage;
  readonly #d1: D1Database;
  readonly #retentionMs: number;

  constructor(usage: OutboxUsage, d1: D1Database, retentionMs: number) {
    this.#usage = usage;
    this.#d1 = d1;
    this.#retentionMs = retentionMs;
  }

  /** Tells all of it. Throws where it cannot: then the outbox is erased later. @param organizationId whose it is, where that is known */
  async tellAll(organizationId: string | undefined): Promise<void> {
    if (organizationId === undefined) return;
    const now = Date.now();
    const use = await this.#usage.since(firstOpenDay(now, this.#retentionMs), now);
    if (!use) throw new Error('the log is long, and what was used of it is still being counted');
    await within(D1_TIMEOUT_MS, tellUse(this.#d1, [{ organizationId, ...use }]));
  }
}
