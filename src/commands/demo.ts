import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DemoReceiver, startDemoReceiver } from './demo/receiver.ts';
import { configure, dashboardLink, postEvent, type Setting, showDelivery, showRetries, verifySignature } from './demo/steps.ts';
import { type LocalWorker, startLocalWorker } from './local-worker.ts';
import { whenOrphaned } from './orphan.ts';
import { bold, CROSS, cyan, dim, green, say, seconds, TICK } from './terminal.ts';

/*
 * `npm run demo`: the product's main job on this machine, as a person can watch it: an event comes in, a signed delivery goes
 * out, a failing endpoint is retried. `-- --once` ends after that: 0 where all of it happened, 1 and the reason where not.
 */
const RETRY_SCHEDULE = '1s,2s,3s';

const once = process.argv.includes('--once');
const folder = mkdtempSync(join(tmpdir(), 'bullseye-demo-'));
let worker: LocalWorker | undefined;
let receiver: DemoReceiver | undefined;
let ending = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
whenOrphaned(() => void end(1));

try {
  await show();
  if (once) await end(0);
  else say(dim('\nStill running: try the API yourself. Ctrl-C ends it.'));
} catch (error) {
  if (!ending) {
    say(`\n${CROSS} ${(error as Error).message}`);
    if (worker) say(`\n${dim(`The Worker said:\n${worker.output()}`)}`);
    await end(1);
  }
}

async function show(): Promise<void> {
  const startedAt = performance.now();
  say(bold('Bullseye Webhooks: one event, from the producer to the customer'));
  say(dim('Everything runs on this machine, on the runtime that Cloudflare runs. Nothing is deployed.'));

  heading(1, 'Start the Worker, and a receiver to stand for a customer');
  worker = await startLocalWorker({ persistTo: folder, vars: { RETRY_SCHEDULE } });
  say(`  ${TICK} Worker with its database migrated  ${cyan(worker.origin)}  ${dim(seconds(performance.now() - startedAt))}`);
  receiver = await startDemoReceiver();
  say(`  ${TICK} Receiver                           ${cyan(receiver.origin)}`);

  heading(2, 'Configure an organization with two webhooks');
  const setting = await configure(worker, receiver);

  heading(3, 'Post an event; it arrives, signed');
  const event = await postEvent(setting);
  const arrival = await showDelivery(setting, event);

  heading(4, 'Verify the signature with code that did not make it');
  verifySignature(arrival, setting.secret);

  heading(5, `The same event at an endpoint that fails twice (schedule shortened to ${RETRY_SCHEDULE})`);
  await showRetries(setting);

  say(`\n${green(bold('All of it worked.'))} ${dim(`It took ${seconds(performance.now() - startedAt)}.`)}`);
  await showAddresses(worker, setting);
}

/** Where to go on from here. */
async function showAddresses({ origin, platformKey }: LocalWorker, setting: Setting): Promise<void> {
  say(`\n  Dashboard      ${cyan(await dashboardLink(setting))}`);
  say(`                 ${dim('(signs you in, once, within 15 minutes)')}`);
  say(`  API reference  ${cyan(`${origin}/docs`)}`);
  say(`  Platform key   ${platformKey}  ${dim('(X-API-Key; a development value)')}`);
}

function heading(number: number, text: string): void {
  say(`\n${bold(`${number}  ${text}`)}`);
}

/** Takes down everything that was started, once, and ends the process. */
async function end(exitCode: number): Promise<void> {
  if (ending) return;
  ending = true;
  receiver?.close();
  await worker?.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(exitCode);
}
