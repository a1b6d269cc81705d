import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';

/** wrangler.toml as docs/deploying.md has whoever wants e-mail change it, in a folder of its own below another. */
export function configWithEmail(folder: string): string {
  const lines = readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8')
    .replace(/^# \[\[send_email\]\]\n# name = "EMAIL"\n# (allowed_sender_addresses = .*)$/m, '[[send_email]]\nname = "EMAIL"\n$1')
    .replace('main = "src/index.ts"', `main = ${JSON.stringify(join(PROJECT_ROOT, 'src', 'index.ts'))}`)
    .replace('directory = ".assets"', `directory = ${JSON.stringify(join(PROJECT_ROOT, '.assets'))}`)
    .replace('migrations_dir = "migrations"', `migrations_dir = ${JSON.stringify(join(PROJECT_ROOT, 'migrations'))}`);
  const path = join(folder, 'config', 'wrangler.toml');
  mkdirSync(join(folder, 'config'));
  writeFileSync(path, lines);
  return path;
}
