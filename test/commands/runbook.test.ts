import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { filesIn } from '../support/files.ts';

const runbook = readFileSync(join(PROJECT_ROOT, 'docs/runbook.md'), 'utf8');

const LOGGING = /(?:log(?:Error|Info|Warning)|callOutboxes)\(\s*'([a-z_]+\.[a-z_]+)'/g;
const sources = filesIn(join(PROJECT_ROOT, 'src')).filter((path) => /\.tsx?$/.test(path) && !path.includes('/commands/'));
const logged = new Set(sources.flatMap((path) => Array.from(readFileSync(path, 'utf8').matchAll(LOGGING), ([, event]) => String(event))));

/** The events that its tables say something of: the first cell of a row. */
const told = runbook
  .slice(runbook.indexOf('## Log events'), runbook.indexOf('## D1 is gone'))
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => Array.from((line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g), ([, event]) => String(event)));

describe('docs/runbook.md', () => {
  it('says of every log event what it means and what to do, once, and of no other', () => {
    expect(logged.size).toBeGreaterThan(50);
    expect([...told].sort()).toEqual([...logged].sort());
  });

  it('names tests that there are', () => {
    const tests = Array.from(runbook.matchAll(/`(test\/[\w/.-]+\.test\.tsx?)`/g), ([, path]) => String(path));
    expect(tests.length).toBeGreaterThan(10);
    for (const path of tests) expect(() => statSync(join(PROJECT_ROOT, path)), path).not.toThrow();
  });

  it('says of every disaster by which test it is rehearsed', () => {
    const disasters = runbook.slice(runbook.indexOf('## D1 is gone'), runbook.indexOf('## After it')).split(/^## /m).slice(1);
    expect(disasters.length).toBeGreaterThanOrEqual(6);
    for (const disaster of disasters) expect(disaster).toMatch(/\*\*Rehearsed by\*\* `test\//);
  });

  it('has the query that the rehearsal uses', () => {
    const rehearsal = readFileSync(join(PROJECT_ROOT, 'test/security/endpoint-under-attack.test.ts'), 'utf8');
    const [, query = ''] = /--command "([^"]+)"/.exec(runbook) ?? [];
    expect(rehearsal).toContain(query.replaceAll('https://victim.example.com', '$' + '{origin}'));
  });

  it('leads to headings that there are', () => {
    const heads = Array.from(runbook.matchAll(/^#+ (.+)$/gm), ([, head]) =>
      String(head)
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = Array.from(runbook.matchAll(/\]\(#([^)]+)\)/g), ([, anchor]) => String(anchor));
    expect(links.filter((anchor) => !heads.includes(anchor))).toEqual([]);
  });
});
