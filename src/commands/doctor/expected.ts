import { readdirSync } from 'node:fs';
import { databaseOf } from '../deploy/deployment-copy.ts';
import type { Expected, ExpectedConsumer } from './account.ts';

/** What a deployment is to be: read from the text of wrangler.toml, whose keys stand each on a line of its own. */
export function expectedOf(configuration: string, migrationsFolder: string): Expected {
  return {
    worker: text(configuration, 'name') ?? '',
    database: databaseOf(configuration),
    jurisdiction: text(configuration, 'JURISDICTION') || null,
    crons: list(configuration, 'crons'),
    secrets: list(configuration, 'required'),
    migrations: readdirSync(migrationsFolder)
      .filter((name) => name.endsWith('.sql'))
      .sort(),
    consumers: configuration
      .split(/^\[\[queues\.consumers\]\]$/m)
      .slice(1)
      .map(consumerOf),
  };
}

function consumerOf(part: string): ExpectedConsumer {
  const own = part.split(/^\[/m)[0] ?? '';
  const number = (key: string) => Number(new RegExp(`^${key} = (\\d+)`, 'm').exec(own)?.[1]);
  return {
    queue: text(own, 'queue') ?? '',
    batchSize: number('max_batch_size'),
    maxRetries: number('max_retries'),
    deadLetterQueue: text(own, 'dead_letter_queue') ?? null,
  };
}

function text(toml: string, key: string): string | undefined {
  return new RegExp(`^${key} = "([^"]*)"`, 'm').exec(toml)?.[1];
}

function list(toml: string, key: string): string[] {
  const [, items = ''] = new RegExp(`^${key} = \\[(.*)\\]`, 'm').exec(toml) ?? [];
  return Array.from(items.matchAll(/"([^"]+)"/g), ([, item]) => String(item));
}
