import { withoutParameters } from '../db/client.ts';
import { type OrganizationConfig, readOrganizations } from '../db/configuration.ts';
import { logError } from '../log.ts';
import { keepNewest } from '../newest.ts';
import { onceFor } from '../once-for.ts';
import { within } from '../within.ts';

/** How old a configuration may be. A change is to be in force everywhere within 5 s; the rest is for the read and the attempt. */
const MAX_AGE_MS = 3_000;
/** One that is older than this is read anew beside the batch that uses it, so that hardly any batch waits for D1. */
const AHEAD_FROM_MS = 2_000;
/** With it go those in use that are older than this, and so many: one read then serves them all, where each would soon need its own. */
const TOGETHER_FROM_MS = 1_000;
const MAX_TOGETHER = 200;
/** How long a read of D1 may take before the last known configuration serves. */
const READ_TIMEOUT_MS = 2_000;
/** Most organizations kept; the longest unrefreshed go first. */
const MAX_ENTRIES = 10_000;

/** What an isolate knows of organizations. */
export const configurationsOf = onceFor((_: Env) => new ConfigurationCache());

/** A configuration as it could be had. */
export interface LoadedConfig {
  /** Null: the organization is not known. */
  config: OrganizationConfig | null;
  /** Whether it is at most MAX_AGE_MS old. An old one serves to deliver by, not to drop events by. */
  fresh: boolean;
  /** When D1 was asked for it. */
  readAt: number;
}

interface Entry {
  /** Null: the organization is not known. */
  config: OrganizationConfig | null;
  readAt: number;
  /** Whether a batch has used it since it was read. */
  isUsed: boolean;
}

/**
 * The organizations' configuration as an isolate last read it. One read of D1 serves a batch, and seconds of batches; while D1
 * is down the last known configuration serves, however old.
 */
export class ConfigurationCache {
  readonly #entries = new Map<string, Entry>();
  /** When D1 last failed: for seconds it is not asked again, or each batch would wait for as long as it hangs. */
  #failedAt = Number.NEGATIVE_INFINITY;
  #readsAhead = false;
  /** For each read under way: the organizations that have not been changed through this isolate since it was asked. */
  readonly #reading = new Set<Set<string>>();

  /** The configurations of some organizations; missing where none could be read, now or before. */
  async load(d1: D1Database, ids: Iterable<string>, now: number): Promise<Map<string, LoadedConfig>> {
    const wanted = [...new Set(ids)];
    const stale = wanted.filter((id) => !this.#isFresh(id, now));
    if (stale.length > 0 && now - this.#failedAt > MAX_AGE_MS) await this.#refresh(d1, stale, now);
    for (const id of wanted) {
      const entry = this.#entries.get(id);
      if (entry) entry.isUsed = true;
    }
    return this.known(wanted, now);
  }

  /** What is known of an organization is too old, however new: it has just been changed through this isolate. So is what is being read of it. */
  forget(id: string): void {
    const entry = this.#entries.get(id);
    if (entry) entry.readAt = Number.NEGATIVE_INFINITY;
    for (const ids of this.#reading) ids.delete(id);
  }

  /**
   * Reads anew, all at once, what is in use and will soon be too old, if that is so of what has just been used; a read at a time. What no
   * batch has used since it was read is left to grow old.
   */
  async loadAhead(d1: D1Database, justUsed: ReadonlyMap<string, LoadedConfig>, now: number): Promise<void> {
    if (this.#readsAhead || now - this.#failedAt <= MAX_AGE_MS) return;
    if (![...justUsed.values()].some(({ readAt }) => now - readAt > AHEAD_FROM_MS)) return;
    const aging = this.#aging(now);
    this.#readsAhead = true;
    try {
      await this.#refresh(d1, aging, now);
    } finally {
      this.#readsAhead = false;
    }
  }

  /** The same as far as it is known, without asking anybody. */
  known(ids: Iterable<string>, now: number): Map<string, LoadedConfig> {
    const known = new Map<string, LoadedConfig>();
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry) known.set(id, { config: entry.config, readAt: entry.readAt, fresh: this.#isFresh(id, now) });
    }
    return known;
  }

  /** The longest unread of what is in use, as far as one read takes them. */
  #aging(now: number): string[] {
    const ids: string[] = [];
    // They are in the order in which they were read.
    for (const [id, { readAt, isUsed }] of this.#entries) {
      if (now - readAt <= TOGETHER_FROM_MS || ids.length === MAX_TOGETHER) break;
      if (isUsed) ids.push(id);
    }
    return ids;
  }

  #isFresh(id: string, now: number): boolean {
    return now - (this.#entries.get(id)?.readAt ?? Number.NEGATIVE_INFINITY) <= MAX_AGE_MS;
  }

  async #refresh(d1: D1Database, ids: readonly string[], now: number): Promise<void> {
    const unchanged = new Set(ids);
    this.#reading.add(unchanged);
    try {
      const read = await within(READ_TIMEOUT_MS, readOrganizations(d1, ids));
      for (const id of ids) {
        // A read that was asked later can have been answered sooner.
        if ((this.#entries.get(id)?.readAt ?? 0) > now) continue;
        this.#entries.delete(id);
        const readAt = unchanged.has(id) ? now : Number.NEGATIVE_INFINITY;
        this.#entries.set(id, { config: read.get(id) ?? null, readAt, isUsed: false });
      }
    } catch (error) {
      this.#failedAt = now;
      logError('configuration.read_failed', withoutParameters(error), { organizations: ids.length });
    } finally {
      this.#reading.delete(unchanged);
    }
    keepNewest(this.#entries, MAX_ENTRIES);
  }
}
