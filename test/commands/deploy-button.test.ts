import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { flawOfSecret } from '../../src/domain/access/deployment-secret.ts';

/* The Deploy to Cloudflare button asks for what .dev.vars.example has, with its values, beside the descriptions of package.json. */

const offered = parseEnv(readFileSync('.dev.vars.example', 'utf8'));
const { bindings } = JSON.parse(readFileSync('package.json', 'utf8')).cloudflare as { bindings: Record<string, { description: string }> };

it('says of everything that the button asks for what to put there', () => {
  expect(Object.keys(bindings).sort()).toEqual(Object.keys(offered).sort());
});

it.each(['PLATFORM_API_KEY', 'MASTER_KEY'])('offers a %s that no deployment takes, and says how to make one', (name) => {
  expect(flawOfSecret(name, String(offered[name]))).toContain('development value');
  expect(bindings[name]?.description).toContain('openssl rand -hex');
});
