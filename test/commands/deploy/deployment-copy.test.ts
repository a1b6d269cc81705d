import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { copyOf, databaseOf } from '../../../src/commands/deploy/deployment-copy.ts';
import { PROJECT_ROOT } from '../../../src/commands/wrangler.ts';
import { isOfDeadLetters } from '../../../src/consumer/event-queues.ts';

const configuration = readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8');

/** The values of a key, in their order. */
function values(text: string, key: string): string[] {
  return [...text.matchAll(new RegExp(`^${key} = "([^"]*)"`, 'gm'))].map(([, value = '']) => value);
}

it('a copy has other names for what has a name in the account, and the same for what the code calls by its name', () => {
  const copy = copyOf(configuration, 'staging');
  for (const key of ['database_name', 'queue', 'dead_letter_queue']) {
    expect(values(copy, key)).toEqual(values(configuration, key).map((name) => `${name}-staging`));
  }
  const [worker, ...bindings] = values(configuration, 'name');
  expect(values(copy, 'name')).toEqual([`${worker}-staging`, ...bindings]);
  for (const key of ['binding', 'class_name', 'main', 'tag', 'migrations_dir'])
    expect(values(copy, key)).toEqual(values(configuration, key));
  expect(databaseOf(copy)).toBe('bullseye-webhooks-staging');
});

it.each(['PUBLIC_URL = "https://webhooks.example.com"', 'PUBLIC_URL="https://a.example"', "  PUBLIC_URL = 'https://a.example' # ours"])(
  'a copy does not take itself for the original: %s is empty in it',
  (line) => {
    const copy = copyOf(configuration.replace(/^PUBLIC_URL = .*$/m, line), 'staging');
    expect(copy).not.toContain('https://');
    expect(values(copy, 'PUBLIC_URL')).toEqual(['']);
    expect(values(copy, 'SECURITY_CONTACT')).toEqual(values(configuration, 'SECURITY_CONTACT'));
  },
);

it.each(['routes = [{ pattern = "a.example", custom_domain = true }]', 'route = "a.example/*"', '[[routes]]\npattern = "a.example"'])(
  'a configuration with addresses of its own has no copy, which would take them over: %s',
  (line) => {
    expect(() => copyOf(`${line}\n${configuration}`, 'staging')).toThrow(/--domain/);
  },
);

it('copies share no counts of rate limits, with each other or with the original', () => {
  const numbers = [configuration, ...['staging', 'test', 'eu', 'a', 'b'].map((name) => copyOf(configuration, name))].map(
    (text) => values(text, 'namespace_id')[0],
  );
  expect(new Set(numbers).size).toBe(numbers.length);
});

it.each(['staging', 'eu-2', 'deadline', '2026'])('the Worker tells the queues of a copy apart: %s', (name) => {
  for (const text of [configuration, copyOf(configuration, name)]) {
    const [dead] = values(text, 'dead_letter_queue');
    expect(values(text, 'queue').filter(isOfDeadLetters)).toEqual([dead, dead]);
  }
});

it.each(['dead', 'really-dead', 'dead-2', '2'])('"%s" is no name of a copy: its queue of events would be another one', (name) => {
  expect(() => copyOf(configuration, name)).toThrow(/taken for another queue/);
});

it.each(['', 'Staging', 'a b', '-a', 'a-', 'x'.repeat(21), 'a"', '../a', '--dry-run'])('"%s" is no name of a copy', (name) => {
  expect(() => copyOf(configuration, name)).toThrow(/--copy takes a name/);
});

it('a configuration without a database is refused', () => {
  expect(() => databaseOf('name = "a"')).toThrow(/names no database/);
});
