import { expect, it } from 'vitest';
import { env } from 'cloudflare:workers';
import { runSeeds } from './runs.ts';
// TEMPORARY (fault-run helper): which seeds fail, and why, in short.
it('scan', { timeout: 600_000 }, async () => {
  const [from, to] = String((env as any).GROWTH_ROWS || '0-1050').split('-').map(Number) as [number, number];
  const seeds = Array.from({ length: to - from }, (_, i) => from + i);
  const times: [number, number, number][] = [];
  let failed: string[] = [];
  for (let i = 0; i < seeds.length; i += 50) {
    failed = failed.concat((await runSeeds(seeds.slice(i, i + 50), ({ seed, wrong, run, log }) => {
      if (wrong.length && to - from === 1) console.log([...wrong, JSON.stringify(run.scenario), ...run.mishaps.all.map((m) => `${new Date(m.at).toISOString()} MISHAP ${m.kind} ${m.of}`), ...run.endpoints.arrivals.map((a) => `${new Date(a.sent.at).toISOString()} ARRIVAL ${new Date(a.at).toISOString()} ${a.sent.by} ${a.deliveryId} ${a.attempt} ${a.status}`), ...log.map((l) => l.replace(/,.stack.*/, ''))].join('\n'));
      times.push([run.endpoints.arrivals.length, Math.round(run.tookMs / 1000), seed]);
      return wrong.length ? `SEED=${seed} ${run.scenario.isCrowd ? 'CROWD ' : ''}${wrong.length} ${wrong.slice(0, 2).join(' || ').slice(0, 700)}` : null;
    })).filter((x) => x !== null) as string[]);
  }
  console.log(`biggest ${JSON.stringify(times.sort((a, b) => b[0] - a[0]).slice(0, 12))}`);
  console.log(`FAILED ${failed.length}\n${failed.join('\n')}`);
});
