import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { lockFlaws } from '../../../src/commands/check/lock-flaws.ts';

const manifest = JSON.stringify({ allowScripts: { esbuild: true, '@scarf/scarf': false } });
const lock = (packages: Record<string, object>) => JSON.stringify({ packages: { '': { name: 'this' }, ...packages } });
const integrity = 'sha512-AAAA';

it('the lock of this repository has none', () => {
  expect(lockFlaws(readFileSync('package-lock.json', 'utf8'), readFileSync('package.json', 'utf8'))).toEqual([]);
});

it.each<[string, Record<string, object>, string[]]>([
  ['a package without integrity', { 'node_modules/a': {} }, ['node_modules/a has no integrity']],
  [
    'one that is only for another platform',
    { 'node_modules/@b/darwin': { optional: true, os: ['darwin'] } },
    ['node_modules/@b/darwin has no integrity'],
  ],
  [
    'an install script that nobody has looked at',
    { 'node_modules/c': { integrity, hasInstallScript: true } },
    [expect.stringMatching(/^node_modules\/c has an install script/)],
  ],
  [
    'one below another package',
    { 'node_modules/d/node_modules/@e/f': { integrity, hasInstallScript: true } },
    [expect.stringMatching(/@e\/f has an install script/)],
  ],
])('%s is one', (_what, packages, flaws) => {
  expect(lockFlaws(lock(packages), manifest)).toEqual(flaws);
});

it.each<[string, Record<string, object>]>([
  [
    'a script that may run, wherever it stands',
    {
      'node_modules/esbuild': { integrity, hasInstallScript: true },
      'node_modules/x/node_modules/esbuild': { integrity, hasInstallScript: true },
    },
  ],
  ['a script that may not', { 'node_modules/@scarf/scarf': { integrity, hasInstallScript: true } }],
  ['what came inside of another package', { 'node_modules/x/node_modules/y': { inBundle: true } }],
  ['a folder of this repository', { 'node_modules/here': { link: true } }],
])('%s is none', (_what, packages) => {
  expect(lockFlaws(lock(packages), manifest)).toEqual([]);
});
