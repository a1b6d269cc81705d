import { readdirSync, readFileSync } from 'node:fs';
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

/** How busy the CPUs were, 0 to 1. */
export interface Load {
  all: number;
  /** The share of processes that this one has not started, the kernel's own included; null where the system does not tell. */
  others: number | null;
}

const LOOK_MS = 3_000;
/** From here on others disturb a measurement. The kernel's own share of the bench's traffic is within it. */
export const NOISY_FROM = 0.15;
/** Linux counts a process's time in these. */
const TICK_MS = 10;

export async function lookAtMachine(): Promise<Machine> {
  const load = watchLoad();
  await wait(LOOK_MS);
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version, busyBefore: load().all };
}

/** Starts looking at the CPUs; what is returned says how busy they have been since. */
export function watchLoad(): () => Load {
  const before = times();
  const ownBefore = ticksOf(process.pid);
  return () => {
    const { busy, total } = times();
    const own = ticksOf(process.pid);
    const spentMs = total - before.total;
    if (spentMs <= 0) return { all: 0, others: null };
    const all = (busy - before.busy) / spentMs;
    const others = own === null || ownBefore === null ? null : Math.max(0, all - ((own - ownBefore) * TICK_MS) / spentMs);
    return { all, others };
  };
}

function times(): { busy: number; total: number } {
  const sums = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({ busy: user + nice + sys + irq, idle }));
  const busy = sums.reduce((sum, each) => sum + each.busy, 0);
  return { busy, total: busy + sums.reduce((sum, each) => sum + each.idle, 0) };
}

/** The CPU time that a process and all below it have used so far, in seconds; null where the system does not tell. */
export function cpuSecondsOf(pid: number): number | null {
  const ticks = ticksOf(pid);
  return ticks === null ? null : (ticks * TICK_MS) / 1_000;
}

/** The CPU time of a process and all below it, from /proc. */
function ticksOf(root: number): number | null {
  const ticks = new Map<number, { parent: number; own: number }>();
  try {
    for (const name of readdirSync('/proc')) {
      const stat = /^\d+$/.test(name) ? readStat(name) : null;
      if (stat) ticks.set(Number(name), stat);
    }
  } catch {
    return null;
  }
  const isBelow = (pid: number): boolean => pid === root || (ticks.has(pid) && isBelow(ticks.get(pid)?.parent ?? 0));
  return [...ticks].reduce((sum, [pid, { own }]) => (isBelow(pid) ? sum + own : sum), 0);
}

function readStat(pid: string): { parent: number; own: number } | null {
  try {
    // The name, in brackets, can hold anything; after it: state, parent, …, and as the 12th and 13th user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { parent: Number(fields[1]), own: Number(fields[11]) + Number(fields[12]) };
  } catch {
    // It has ended.
    return null;
  }
}
