import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Cloudflare from 'cloudflare';
import { copyOf } from './deploy/deployment-copy.ts';
import { accountFindings } from './doctor/account.ts';
import { expectedOf } from './doctor/expected.ts';
import { type Finding, unknown } from './doctor/finding.ts';
import { outsideFindings } from './doctor/outside.ts';
import { platformFindings } from './doctor/platform.ts';
import { CROSS, columns, dim, indent, say, TICK, yellow } from './terminal.ts';
import { PROJECT_ROOT } from './wrangler.ts';

/*
 * `npm run doctor -- --url https://webhooks.example.com [--copy staging]`: looks at a deployment from outside and says what to do. What it can
 * see grows with what it is given: the address alone; PLATFORM_API_KEY in the environment; CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID, whose
 * token needs to read only. It changes nothing. Exit code 1: there is a fault.
 */
const { values } = parseArgs({ options: { url: { type: 'string' }, copy: { type: 'string' } } });
const url = values.url === undefined ? null : URL.parse(values.url);

if (url === null) {
  console.error('Which deployment? npm run doctor -- --url https://webhooks.example.com');
  process.exitCode = 2;
} else {
  const findings = [...(await outsideFindings(url)), ...(await ofService(url)), ...(await ofAccount())];
  report(findings);
  if (findings.some(({ standing }) => standing === 'fault')) process.exitCode = 1;
}

async function ofService(of: URL): Promise<Finding[]> {
  const key = process.env.PLATFORM_API_KEY?.split(',')[0];
  if (!key)
    return [
      unknown('the service itself', 'PLATFORM_API_KEY is not given', 'Put it into the environment to see parked messages and secrets.'),
    ];
  return await platformFindings(of, key);
}

async function ofAccount(): Promise<Finding[]> {
  const { CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_ACCOUNT_ID: accountId } = process.env;
  if (!token || !accountId) {
    const advice = 'Put both into the environment to see the plan, queues, cron, secrets and the database.';
    return [unknown('the account', 'CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not given', advice)];
  }
  const original = readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8');
  const configuration = values.copy === undefined ? original : copyOf(original, values.copy);
  const client = new Cloudflare({ apiToken: token, maxRetries: 1 });
  return await accountFindings(client, accountId, expectedOf(configuration, join(PROJECT_ROOT, 'migrations')), Date.now());
}

function report(findings: readonly Finding[]): void {
  const marks = { ok: TICK, warning: yellow('!'), fault: CROSS, unknown: dim('?') };
  say(columns(findings.map(({ what, standing, found }) => [marks[standing], what, found])));
  const advised = findings.filter(({ advice }) => advice !== undefined);
  if (advised.length > 0) say('\nWhat to do:');
  for (const { what, standing, advice } of advised) say(indent(`${marks[standing]} ${what}: ${advice}`, 2));
}
