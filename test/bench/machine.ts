import { availableParallelism, cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

/** The machine that a measurement was made on, and how much of it others used just before. */
export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  /** The CPUs' busy share before anything was started: what is much above 0 is noise. */
  busyBefore: number;
}

const LOOK_MS = 3_000;
/** From here on results say that the machine was busy. */
export const NOISY_FROM = 0.1;

export async function lookAtMachine(): Promise<Machine> {
  const busy = busyShare();
  await wait(LOOK_MS);
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version, busyBefore: busy() };
}

/** Starts looking at the CPUs; what is returned says how busy they have been since, 0 to 1, all processes together. */
export function busyShare(): () => number {
  const before = times();
  return () => {
    const { busy, total } = times();
    return total > before.total ? (busy - before.busy) / (total - before.total) : 0;
  };
}

function times(): { busy: number; total: number } {
  const sums = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({ busy: user + nice + sys + irq, idle }));
  const busy = sums.reduce((sum, each) => sum + each.busy, 0);
  return { busy, total: busy + sums.reduce((sum, each) => sum + each.idle, 0) };
}
