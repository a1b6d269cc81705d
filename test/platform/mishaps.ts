/**
 * What has happened to an object that its attempts may show.
 * - `vanished`: it was reset, with all that it had in memory.
 * - `storage`: a write of it failed, or was said to have.
 * - `unanswered`: a call of it failed, or was never answered.
 */
export type MishapKind = 'vanished' | 'storage' | 'unanswered';

export interface Mishap {
  kind: MishapKind;
  /** The object's name. */
  of: string;
  at: number;
}

/** What has gone wrong in a run, with whom and when: the excuses that there are. */
export class Mishaps {
  readonly all: Mishap[] = [];

  note(kind: MishapKind, of: string): void {
    this.all.push({ kind, of, at: Date.now() });
  }

  /** Whether something of these kinds has happened to an object, or its couriers, in a span of time. */
  has(kinds: readonly MishapKind[], of: string, from: number, to: number): boolean {
    return this.all.some((each) => kinds.includes(each.kind) && isOf(each, of) && each.at >= from && each.at <= to);
  }
}

function isOf({ of }: Mishap, name: string): boolean {
  return of === name || of.startsWith(`${name}:`);
}
