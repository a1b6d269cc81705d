import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { runSeeds } from './runs.ts';

// TEMPORARY (fault-run helper): which seeds fail, and why, in short.
it.skipIf(!String((env as never as Record<string, string>).GROWTH_ROWS).includes('-'))('scan', { timeout: 600_000 }, async () => {
  const [from, to] = String((env as any).GROWTH_ROWS || '0-1050')
    .split('-')
    .map(Number) as [number, number];
  const seeds = Array.from({ length: to - from }, (_, i) => from + i);
  const times: [number, number, number][] = [];
  let failed: string[] = [];
  const best: Record<string, [number, number]> = {};
  const crowds: number[][] = [];
  let t0 = performance.now();
  const refused: number[][] = [];
  const late: [number, number, number][] = [];
  for (let i = 0; i < seeds.length; i += 50) {
    failed = failed.concat(
      (
        await runSeeds(seeds.slice(i, i + 50), ({ seed, wrong, run, log }) => {
          const contexts = run.objects.flatMap((o) => o.contexts);
          for (const c of contexts)
            for (const k of ['connections', 'timers', 'subrequests'] as const) {
              const key = `${c.name.includes(':') ? 'courier' : 'outbox'} ${k}`;
              if ((best[key]?.[0] ?? -1) < c.most[k]) best[key] = [c.most[k], seed];
            }
          if (contexts.some((c) => c.name.includes(':'))) best.withCouriers = [(best.withCouriers?.[0] ?? 0) + 1, 0];
          for (const m of run.mishaps.all) {
            const k = `${m.kind} ${m.of.includes(':') ? 'courier' : 'outbox'}`;
            best[k] = [(best[k]?.[0] ?? 0) + 1, 0];
          }
          if (run.scenario.isCrowd)
            crowds.push([
              seed,
              Math.max(...contexts.filter((c) => !c.name.includes(':')).map((c) => c.most.subrequests)),
              run.plan.met.length,
              run.endpoints.arrivals.length,
              (run.tookMs / 60000) | 0,
              Math.round(performance.now() - t0),
            ]);
          t0 = performance.now();
          {
            const n = run.plan.met.filter((m) => m.edge === 'courier.call' && m.fault === 'refuse').length;
            if (n) refused.push([seed, n]);
          }
          late.push([Math.round((run.tookMs - run.scenario.stormMs) / 60000), seed, run.scenario.losesAlarms ? 1 : 0]);
          if (wrong.length && to - from === 1)
            console.log(
              [
                ...wrong,
                JSON.stringify(run.scenario),
                ...run.mishaps.all.map((m) => `${new Date(m.at).toISOString()} MISHAP ${m.kind} ${m.of}`),
                ...run.endpoints.arrivals.map(
                  (a) =>
                    `${new Date(a.sent.at).toISOString()} ARRIVAL ${new Date(a.at).toISOString()} ${a.sent.by} ${a.deliveryId} ${a.attempt} ${a.status}`,
                ),
                ...log.map((l) => l.replace(/,.stack.*/, '')),
              ].join('\n'),
            );
          times.push([run.endpoints.arrivals.length, Math.round(run.tookMs / 1000), seed]);
          return wrong.length
            ? `SEED=${seed} ${run.scenario.isCrowd ? 'CROWD ' : ''}${wrong.length} ${wrong.slice(0, 2).join(' || ').slice(0, 700)}`
            : null;
        })
      ).filter((x) => x !== null) as string[],
    );
  }
  console.log(`biggest ${JSON.stringify(times.sort((a, b) => b[0] - a[0]).slice(0, 12))}`);
  console.log(
    `biggest ${JSON.stringify(best)}\nbiggest crowds ${JSON.stringify(crowds)}\nbiggest refused ${JSON.stringify(refused)}\nbiggest late ${JSON.stringify(
      late
        .filter((l) => !l[2])
        .sort((a, b) => b[0] - a[0])
        .slice(0, 40),
    )}`,
  );
  console.log(`FAILED ${failed.length}\n${failed.join('\n')}`);
});
