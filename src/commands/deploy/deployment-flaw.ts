import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { flawOfSecret } from '../../domain/access/deployment-secret.ts';
import { flagValue } from '../wrangler.ts';

/** The secrets that open everything, or everything that is encrypted. */
const SECRETS = ['PLATFORM_API_KEY', 'MASTER_KEY'] as const;

/**
 * Why a deploy with these flags would be of no use, or of use to others: what it can tell before anything is uploaded. Secrets that are
 * there already cannot be read; with a weak one the Worker answers nothing (api/access/off-loopback.ts).
 * @param config the text of wrangler.toml
 */
export function deploymentFlaw(args: readonly string[], config: string): string | null {
  const given = args.flatMap((arg, index) => (arg === '--var' ? [args[index + 1]] : arg.startsWith('--var=') ? [arg.slice(6)] : []));
  if (/^\s*ALLOW_INSECURE_ENDPOINTS\s*=\s*"true"/m.test(config) || given.includes('ALLOW_INSECURE_ENDPOINTS:true')) {
    return 'ALLOW_INSECURE_ENDPOINTS is true, which is for development: set it to "false"';
  }
  const path = flagValue(args, '--secrets-file');
  return path === undefined ? null : flawOfSecrets(parseSecrets(readFileSync(path, 'utf8')));
}

function flawOfSecrets(secrets: Readonly<Record<string, unknown>>): string | null {
  for (const name of SECRETS) {
    const value = secrets[name];
    // `$` stands for a variable, whose value only wrangler knows.
    if (typeof value !== 'string' || value.includes('$')) continue;
    for (const each of value.split(',')) {
      const flaw = flawOfSecret(name, each.trim());
      if (flaw) return flaw;
    }
  }
  return null;
}

/** As wrangler reads the file: JSON, or lines such as NAME=value. */
function parseSecrets(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // Lines, then.
  }
  return { ...parseEnv(text) };
}
