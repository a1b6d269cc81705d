import { addEntries } from '../../db/audit-log.ts';
import { withoutParameters } from '../../db/client.ts';
import type { AuditEntry } from '../../domain/access/audit-log.ts';
import { logError } from '../../log.ts';
import { within } from '../../within.ts';

/** How long D1 may take. */
const D1_TIMEOUT_MS = 2_000;
/** Wait before D1 is told again. */
const AGAIN_AFTER_MS = 30_000;
/** Entries that wait for D1 at most: beyond them nothing is done that would need one. */
const MAX_WAITING = 500;
/** Entries told at once. D1: 100 KB a statement, and 1,000 statements an invocation. */
const AT_ONCE = 50;

const KEY = 'auditEntries';

interface Waiting {
  entries: AuditEntry[];
  dueAt: number;
}

/**
 * Entries of the audit log that tell of what an outbox did. Each is kept in the turn of what it tells of, so that neither is without the other,
 * and then told to D1, which keeps the log.
 */
export class AuditEntries {
  readonly #kv: SyncKvStorage;
  readonly #d1: D1Database;
  readonly #webhookId: string;
  #known: Waiting | null | undefined;
  #telling: Promise<void> | null = null;

  constructor(kv: SyncKvStorage, d1: D1Database, webhookId: string) {
    this.#kv = kv;
    this.#d1 = d1;
    this.#webhookId = webhookId;
  }

  /** Keeps an entry. Throws where too many wait: then what it tells of is not to be done. */
  add(entry: AuditEntry | undefined, now: number): void {
    if (!entry) return;
    const entries = this.#waiting()?.entries ?? [];
    if (entries.length >= MAX_WAITING) throw new Error('too many entries of the audit log wait for D1');
    this.#put([...entries, entry], now);
  }

  /** When D1 is to be told; null: it knows everything. */
  dueAt(): number | null {
    return this.#waiting()?.dueAt ?? null;
  }

  /** Tells D1 what waits. It does not throw: what fails is told later. */
  async flush(now: number): Promise<void> {
    if ((this.dueAt() ?? Number.POSITIVE_INFINITY) > now) return;
    this.#telling ??= this.#tell(now);
    try {
      await this.#telling;
    } catch (error) {
      // Not even noted that it failed: storage that is full. What waits is stored as it was.
      this.reset();
      logError('outbox.entries_not_told', error, { webhook: this.#webhookId });
    } finally {
      this.#telling = null;
    }
  }

  /** Tells D1 everything that waits. Throws where it cannot. */
  async tellAll(): Promise<void> {
    while (this.#waiting()) await this.#tellSome(0);
  }

  /** The storage has been emptied, or a change was undone. */
  reset(): void {
    this.#known = undefined;
  }

  async #tell(now: number): Promise<void> {
    try {
      await this.#tellSome(now);
    } catch (error) {
      logError('outbox.entries_not_told', withoutParameters(error), { webhook: this.#webhookId });
      if (this.dueAt() !== null) this.#put(this.#waiting()?.entries ?? [], now + AGAIN_AFTER_MS);
    }
  }

  /** Tells D1 the first of what waits. The rest, what was added meanwhile included, is due then. */
  async #tellSome(restDueAt: number): Promise<void> {
    const told = this.#waiting()?.entries.slice(0, AT_ONCE) ?? [];
    await within(D1_TIMEOUT_MS, addEntries(this.#d1, told));
    const ids = new Set(told.map(({ id }) => id));
    this.#put(this.#waiting()?.entries.filter(({ id }) => !ids.has(id)) ?? [], restDueAt);
  }

  #waiting(): Waiting | null {
    // Asked for with every batch: read once, since only this object writes it.
    if (this.#known === undefined) this.#known = this.#kv.get<Waiting>(KEY) ?? null;
    return this.#known;
  }

  #put(entries: AuditEntry[], dueAt: number): void {
    this.#known = entries.length > 0 ? { entries, dueAt } : null;
    if (this.#known) this.#kv.put(KEY, this.#known);
    else this.#kv.delete(KEY);
  }
}
