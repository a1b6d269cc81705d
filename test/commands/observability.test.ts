import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** wrangler.toml as wrangler reads it, and what it complains of. @param change of its text */
function read(change: (toml: string) => string) {
  const path = join(folder, 'wrangler.toml');
  writeFileSync(path, change(readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8')));
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const { observability } = unstable_readConfig({ config: path });
  const complaints = warned.mock.calls.map(([line]) => String(line)).filter((line) => /unexpected|invalid/i.test(line));
  warned.mockRestore();
  return { observability, complaints };
}

describe('what is written of the service elsewhere', () => {
  it('is nothing, as wrangler.toml stands', () => {
    expect(read((toml) => toml).observability?.logs?.destinations ?? []).toEqual([]);
    expect(read((toml) => toml).observability?.traces?.enabled ?? false).toBe(false);
  });

  it('is switched on by the lines that stand there as comments, which wrangler understands', () => {
    const { observability, complaints } = read((toml) =>
      toml.replaceAll(
        /^# (destinations = .*|\[observability\.traces\]|enabled = true|head_sampling_rate = 0\.01|persist = false)$/gm,
        '$1',
      ),
    );
    expect(complaints).toEqual([]);
    expect(observability).toMatchObject({
      logs: { enabled: true, invocation_logs: false, destinations: ['my-logs'] },
      traces: { enabled: true, head_sampling_rate: 0.01, destinations: ['my-traces'], persist: false },
      redact_query_string: true,
    });
  });

  it('would be complained of where wrangler did not know it', () => {
    expect(read((toml) => `${toml}\n[observability.traces]\ndestination = "x"\n`).complaints).toHaveLength(1);
  });
});
