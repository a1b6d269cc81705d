import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PLATFORM_KEY } from '../../src/commands/local-worker.ts';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { type Rehearsal, startRehearsal } from '../rehearsal/rehearsal.ts';

/*
 * `npm run rehearsal`, and what the first screen of `/operator` says in it: with the real queue, cron and D1 of the local runtime, and faults that come
 * while it runs. (test/operator/rehearsal.test.ts has each of them, and more, on a driven date.)
 */
const NAMED_WITHIN = { timeout: 120_000, interval: 1_000 };

const folder = mkdtempSync(join(tmpdir(), 'bullseye-rehearsal-'));
let rehearsal: Rehearsal;
let verdict: () => Promise<string>;

beforeAll(async () => {
  rehearsal = await startRehearsal(folder, { DELIVERY_TIMEOUT: '2s' });
  verdict = await signedInAt(rehearsal.worker.origin);
});
afterAll(async () => {
  await rehearsal?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An operator who is signed in: what the first screen says is wrong, in all of its sentences. */
async function signedInAt(origin: string): Promise<() => Promise<string>> {
  const body = new URLSearchParams({ key: PLATFORM_KEY });
  const answer = await fetch(`${origin}/operator/sign-in`, { method: 'POST', redirect: 'manual', headers: { Origin: origin }, body });
  const [cookie = ''] = answer.headers.getSetCookie().map((each) => each.split(';')[0] ?? '');
  return async () => {
    const page = await (await fetch(`${origin}/operator`, { headers: { Cookie: cookie } })).text();
    const [, shown = ''] = /<section id="verdict"[^>]*>(.*?)<\/section>/s.exec(page) ?? [];
    return shown.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
  };
}

it('each fault is named on the first screen', { timeout: 600_000 }, async () => {
  expect(await verdict()).toMatch(/All is well|the cron has not run yet/);
  await rehearsal.runCron();
  await expect.poll(verdict, NAMED_WITHIN).toContain('All is well');

  // Of three customers at once.
  const whose = await rehearsal.fail('flood', 'endpoint-silent', 'poison-message');
  const names = [
    new RegExp(`127\\.0\\.0\\.1:\\d+ of ${whose.get('endpoint-silent')} does not answer`),
    new RegExp(`most of what comes is from the organization ${whose.get('flood')}: \\d+ %`),
    /a message cannot be processed: it has failed \d+ times, and comes again( \(the last time [^)]*\))?\. The fault: outbox\.not_delivered_to: Cannot read/,
  ];
  for (const name of names) await expect.poll(verdict, NAMED_WITHIN).toMatch(name);

  await rehearsal.fail('queue-behind');
  await expect.poll(verdict, NAMED_WITHIN).toMatch(/the queue is behind: \d+ messages wait, the oldest for \d+ min/);

  await rehearsal.fail('database-slow');
  await expect.poll(verdict, NAMED_WITHIN).toContain('It is us: the database (D1) does not answer: nothing within 3 s.');
  void rehearsal.runCron();
  await expect.poll(verdict, NAMED_WITHIN).toMatch(/It is us: the database \(D1\) is slow: a small question took 6/);

  await rehearsal.fail('database-gone');
  await rehearsal.runCron();
  await expect.poll(verdict, NAMED_WITHIN).toContain('It is us: the database (D1) does not answer: D1_ERROR: the database is gone.');
});

it('`npm run rehearsal` switches a fault on by its name, and names it when it ends', async () => {
  const command = spawn('npm', ['run', 'rehearsal'], { cwd: PROJECT_ROOT, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  let said = '';
  command.stdout.on('data', (chunk) => (said += chunk));
  try {
    const origin = () => /(http:\S+)\/operator/.exec(said)?.[1];
    await expect.poll(origin, NAMED_WITHIN).toBeDefined();
    const onScreen = await signedInAt(String(origin()));
    command.stdin.write('a-bug\n');
    command.stdin.write('database-gone\n');
    await expect.poll(onScreen, NAMED_WITHIN).toContain('the database (D1) does not answer: D1_ERROR: the database is gone.');
    command.stdin.write('end\n');
    await expect.poll(() => said, NAMED_WITHIN).toMatch(/It was database-gone, from [\d:]+ UTC on, for [\d.]+ s\.$/m);
    expect(said).toContain('There is no “a-bug”. There are database-slow, ');
  } finally {
    process.kill(-Number(command.pid), 'SIGTERM');
    await once(command, 'exit');
  }
});
