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
  /** The delivery that it is about; null where it may be about any. */
  about: string | null;
}

/** What has gone wrong in a run, with whom and when: the excuses that there are. */
export class Mishaps {
  readonly all: Mishap[] = [];

  note(kind: MishapKind, of: string, about: string | null = null): void {
    this.all.push({ kind, of, at: Date.now(), about });
  }

  /** Whether something of these kinds has happened to an object, or its couriers, in a span of time, that can explain something of a delivery. */
  has(kinds: readonly MishapKind[], of: string, from: number, to: number, delivery: string): boolean {
    return this.all.some(
      ({ kind, of: object, at, about }) =>
        kinds.includes(kind) && isOf(object, of) && at >= from && at <= to && (about === null || about === delivery),
    );
  }
}

function isOf(object: string, name: string): boolean {
  return object === name || object.startsWith(`${name}:`);
}
