/**
 * What one isolate knows of organizations, as src/consumer/configuration-cache.ts keeps it: a batch waits for what it does not know or what is
 * too old, and what soon will be is read beside it.
 */
const MAX_AGE_MS = 3_000;
const AHEAD_FROM_MS = 2_000;
const TOGETHER_FROM_MS = 1_000;
const MAX_TOGETHER = 200;

export class IsolateMemory {
  /** When each was read, in the order of that; whether it was used since. */
  readonly #known = new Map<number, { readAt: number; isUsed: boolean }>();
  #aheadUntil = 0;

  /** What a batch waits for, and what is read beside it: how many organizations each read asks for; 0: there is none. */
  load(organizations: Iterable<number>, now: number): { waitedFor: number; ahead: number } {
    let waitedFor = 0;
    let isAging = false;
    for (const organization of organizations) {
      const entry = this.#known.get(organization);
      if (entry && now - entry.readAt <= MAX_AGE_MS) {
        entry.isUsed = true;
        isAging ||= now - entry.readAt > AHEAD_FROM_MS;
        continue;
      }
      waitedFor++;
      this.#read(organization, now, true);
    }
    return { waitedFor, ahead: isAging && now >= this.#aheadUntil ? this.#readAhead(now) : 0 };
  }

  #readAhead(now: number): number {
    this.#aheadUntil = now + 1;
    const aging: number[] = [];
    for (const [organization, { readAt, isUsed }] of this.#known) {
      if (now - readAt <= TOGETHER_FROM_MS || aging.length === MAX_TOGETHER) break;
      if (isUsed) aging.push(organization);
      // What nobody has used for so long is not looked at again.
      else if (now - readAt > 2 * MAX_AGE_MS) this.#known.delete(organization);
    }
    for (const organization of aging) this.#read(organization, now, false);
    return aging.length;
  }

  #read(organization: number, now: number, isUsed: boolean): void {
    this.#known.delete(organization);
    this.#known.set(organization, { readAt: now, isUsed });
  }
}
