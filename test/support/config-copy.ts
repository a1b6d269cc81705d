import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';

/** wrangler.toml, changed, in a folder of its own below another. @param main the Worker's entry */
export function configCopy(folder: string, change: (text: string) => string, main = join(PROJECT_ROOT, 'src', 'index.ts')): string {
  const text = change(readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8'))
    .replace('main = "src/index.ts"', `main = ${JSON.stringify(main)}`)
    .replace('directory = ".assets"', `directory = ${JSON.stringify(join(PROJECT_ROOT, '.assets'))}`)
    .replace('migrations_dir = "migrations"', `migrations_dir = ${JSON.stringify(join(PROJECT_ROOT, 'migrations'))}`);
  const path = join(folder, 'config', 'wrangler.toml');
  mkdirSync(join(folder, 'config'), { recursive: true });
  writeFileSync(path, text);
  return path;
}
