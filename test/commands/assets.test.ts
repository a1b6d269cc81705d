import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { gatherAssets } from '../../src/commands/assets.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';

/** On the disk of the project: files are moved into their places. */
const place = join(PROJECT_ROOT, '.wrangler');
mkdirSync(place, { recursive: true });
const scratch = mkdtempSync(join(place, 'assets-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Four processes that write the same fifty files again and again: on a busy machine that takes its time. */
const AT_ONCE_MS = 60_000;
const LONG_AGO = new Date('2020-01-01T00:00:00Z');

function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map(({ parentPath, name }) => join(parentPath, name)).sort();
}

/** As if every file had been there for years, so that one that is written again shows. */
function age(folder: string): string[] {
  const files = filesOf(folder);
  for (const file of files) utimesSync(file, LONG_AGO, LONG_AGO);
  return files;
}

const isAged = (file: string) => statSync(file).mtimeMs === LONG_AGO.getTime();

describe('gathering the assets', () => {
  it('again touches none of them: what watches the folder sees nothing', () => {
    const folder = join(scratch, 'again');
    gatherAssets(folder);
    const files = age(folder);
    expect(files.length).toBeGreaterThan(5);
    gatherAssets(folder);
    expect(filesOf(folder)).toEqual(files);
    expect(files.filter((file) => !isAged(file))).toEqual([]);
  });

  it.each(['dashboard-assets/dashboard.css', 'favicon.svg', '_redirects'])('writes %s anew where it differs, and nothing else', (name) => {
    const folder = join(scratch, name.replaceAll('/', '-'));
    gatherAssets(folder);
    const right = readFileSync(join(folder, name), 'utf8');
    writeFileSync(join(folder, name), 'of an older version');
    const files = age(folder);
    gatherAssets(folder);
    expect(readFileSync(join(folder, name), 'utf8')).toBe(right);
    expect(files.filter((file) => !isAged(file))).toEqual([join(folder, name)]);
  });

  it(
    'is done by many commands at once, and each file is whole at every moment',
    async () => {
      const folder = join(scratch, 'at-once');
      const module = join(PROJECT_ROOT, 'src/commands/assets.ts');
      // Each makes them anew a few times, as commands of different versions of a file would.
      const script = `
      import { writeFileSync, readFileSync } from 'node:fs';
      import { gatherAssets } from ${JSON.stringify(module)};
      import { placeFile } from ${JSON.stringify(join(PROJECT_ROOT, 'src/commands/placed-file.ts'))};
      const css = ${JSON.stringify(join(folder, 'dashboard-assets/dashboard.css'))};
      for (let round = 0; round < 20; round++) {
        gatherAssets(${JSON.stringify(folder)});
        if (readFileSync(css, 'utf8').length < 1000) throw new Error('cut: ' + readFileSync(css, 'utf8').length);
        placeFile(css, 'x'.repeat(200_000 + process.pid % 1000));
      }
      gatherAssets(${JSON.stringify(folder)});`;
      const ends = Array.from({ length: 4 }, async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
        let said = '';
        child.stderr.on('data', (chunk) => (said += chunk));
        const [exitCode] = await once(child, 'close');
        return { exitCode, said };
      });
      expect(await Promise.all(ends)).toEqual(ends.map(() => ({ exitCode: 0, said: '' })));
    },
    AT_ONCE_MS,
  );
});
