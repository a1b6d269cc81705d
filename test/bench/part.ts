import type { Table } from './table.ts';

/** What a part of the bench has found out. */
export interface PartResult {
  part: string;
  tables: Table[];
  /** Everything that was measured, for --json. */
  details: unknown;
  /** False where events were lost or refused, or the service broke. Timings never make it false. */
  sound: boolean;
}
