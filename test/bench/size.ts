import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleSizeIn, MAX_GZIP_KIB } from '../../src/commands/check/bundle-size.ts';
import { captureWrangler } from '../../src/commands/wrangler.ts';
import type { PartResult } from './part.ts';
import { median } from './statistics.ts';
import { figure, verdict } from './table.ts';

/* Size and start-up: what a cold start loads, and the CPU time until it can answer. Workers allow a second for that. */

const MOST_STARTUP_MS = 1_000;

export async function size({ runs }: { runs: number }): Promise<PartResult> {
  const measured: { kib: number; gzipKib: number; startupMs: number | null }[] = [];
  for (let run = 0; run < runs; run++) measured.push(await measure());
  const [{ kib, gzipKib }] = measured as [(typeof measured)[0]];
  const startupMs = median(measured.map((each) => each.startupMs).filter((ms) => ms !== null));
  const rows = [
    ['bundle, KiB', figure(kib), ''],
    ['compressed, KiB', figure(gzipKib), verdict(gzipKib <= MAX_GZIP_KIB, `at most ${MAX_GZIP_KIB}`)],
    ['CPU time to start, ms', figure(startupMs), startupMs === null ? '' : verdict(startupMs <= MOST_STARTUP_MS, 'Workers allow 1,000')],
  ];
  return { part: 'size', tables: [{ title: 'Size and start-up', header: ['', 'ours', 'goal'], rows }], details: { measured }, sound: true };
}

/** As `wrangler check startup` says it. */
async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'bullseye-startup-'));
  try {
    const { exitCode, output } = await captureWrangler(['check', 'startup', '--outfile', join(folder, 'startup.cpuprofile')]);
    const bundle = bundleSizeIn(output);
    if (exitCode !== 0 || !bundle) throw new Error(output);
    const [, active] = /Active: ([\d.]+) ms/.exec(output) ?? [];
    return { ...bundle, startupMs: active === undefined ? null : Number(active) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
