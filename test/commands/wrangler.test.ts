import { describe, expect, it } from 'vitest';
import { flagValue, sharedFlags } from '../../src/commands/wrangler.ts';

describe('flagValue', () => {
  it.each([
    ['--port 9001', ['--port', '9001']],
    ['--port=9001', ['--var', 'A:1', '--port=9001']],
  ])('reads %s', (_form, args) => {
    expect(flagValue(args, '--port')).toBe('9001');
  });

  it('keeps equals signs of the value', () => {
    expect(flagValue(['--persist-to=/tmp/a=b'], '--persist-to', '--persistTo')).toBe('/tmp/a=b');
  });

  it('is empty where the flag has no value: it was given all the same', () => {
    expect(flagValue(['--copy'], '--copy')).toBe('');
    expect(flagValue(['--domain', 'a.example', '--copy'], '--copy')).toBe('');
    expect(flagValue(['--copy='], '--copy')).toBe('');
  });

  it('is undefined where the flag is absent, or only begins alike', () => {
    expect(flagValue([], '--port')).toBeUndefined();
    expect(flagValue(['--portal', '1', '--inspector-port=2'], '--port')).toBeUndefined();
  });
});

it('sharedFlags keeps what every wrangler command takes, in one form', () => {
  expect(sharedFlags(['--port', '1', '-e=staging', '--config', 'other.toml', '--var', 'A:1'])).toEqual([
    '--config',
    'other.toml',
    '--env',
    'staging',
  ]);
});
