import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { deploymentFlaw } from '../../../src/commands/deploy/deployment-flaw.ts';

const folder = mkdtempSync(join(tmpdir(), 'bullseye-flaw-'));
const shipped = readFileSync('wrangler.toml', 'utf8');
const GOOD = `bsk_platform_${'0a'.repeat(16)}`;

afterAll(() => rmSync(folder, { recursive: true }));

/** What is said of a file of secrets with this text. */
function flawOf(text: string, flag: (path: string) => string[] = (path) => ['--secrets-file', path]): string | null {
  const path = join(folder, 'secrets');
  writeFileSync(path, text);
  return deploymentFlaw(flag(path), shipped);
}

it.each([
  ['lines', `PLATFORM_API_KEY=${GOOD}\nMASTER_KEY="${'f'.repeat(64)}"\n`],
  ['JSON', JSON.stringify({ PLATFORM_API_KEY: `${GOOD},${GOOD}`, MASTER_KEY: 'm'.repeat(32) })],
  ['one of the two', `MASTER_KEY=${'m'.repeat(32)}`],
  ['a variable, which only wrangler can read', 'MASTER_KEY=$KEY'],
])('a file of secrets that are long enough is no flaw: %s', (_what, text) => {
  expect(flawOf(text)).toBeNull();
});

it.each([
  ['what .dev.vars.example has', readFileSync('.dev.vars.example', 'utf8'), /^PLATFORM_API_KEY has the development value/],
  [
    'the development master key',
    `PLATFORM_API_KEY=${GOOD}\nMASTER_KEY=development-master-key-not-for-production`,
    /^MASTER_KEY has the dev/,
  ],
  ['a short one', `PLATFORM_API_KEY='${GOOD.slice(0, 31)}'`, /^PLATFORM_API_KEY is shorter than 32 characters$/],
  ['a short one among two, in JSON', JSON.stringify({ MASTER_KEY: `${'m'.repeat(32)},old` }), /^MASTER_KEY is shorter/],
])('%s is a flaw, and is not quoted', (_what, text, says) => {
  for (const flag of [(path: string) => ['--secrets-file', path], (path: string) => [`--secrets-file=${path}`]]) {
    expect(flawOf(text, flag)).toMatch(says);
    expect(flawOf(text, flag)).not.toContain(GOOD.slice(0, 31));
  }
});

it('endpoints without TLS are a flaw, wherever they are allowed', () => {
  expect(deploymentFlaw([], shipped)).toBeNull();
  expect(deploymentFlaw(['--var', 'ALLOW_INSECURE_ENDPOINTS:true'], shipped)).toMatch(/^ALLOW_INSECURE_ENDPOINTS is true/);
  expect(deploymentFlaw(['--var=ALLOW_INSECURE_ENDPOINTS:true'], shipped)).toMatch(/^ALLOW_INSECURE_ENDPOINTS is true/);
  const allowing = shipped.replace('ALLOW_INSECURE_ENDPOINTS = "false"', 'ALLOW_INSECURE_ENDPOINTS = "true"');
  expect(deploymentFlaw([], allowing)).toMatch(/^ALLOW_INSECURE_ENDPOINTS is true/);
});
