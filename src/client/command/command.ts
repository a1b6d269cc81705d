import { Command, CommanderError } from 'commander';
import { VERSION } from '../../version.ts';
import { ApiError } from '../client.ts';
import { recover, retry, trigger } from './acting.ts';
import { listen } from './listen.ts';
import { listWebhooks, showDeliveries } from './reading.ts';
import { errorLine, type Session, type SharedOptions, sessionOf, UsageError } from './session.ts';

/** It did what it was asked to; it could not, or what it sent was not acknowledged; it was not asked for anything it knows. */
const EXIT_CODES = { done: 0, failed: 1, usage: 2 } as const;

const AFTER_HELP = `
Environment:
  BULLSEYE_API_KEY  an API key of your organization; listen, trigger, retry and recover need the scope write
  BULLSEYE_URL      the address of the service

Exit codes: 0 done, 1 failed, 2 used wrongly.`;

const program = new Command('bullseye-webhooks')
  .description('Deliveries of Bullseye Webhooks on your machine')
  .version(VERSION)
  .option('--json', 'answers as JSON; of listen a line for each delivery')
  .option('--url <address>', 'the address of the service, in the place of BULLSEYE_URL')
  .option('--organization <id>', "which organization is meant; needed with the platform's key alone")
  .addHelpText('after', AFTER_HELP)
  .showHelpAfterError('(--help shows what there is)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();

/** Runs a command with the session that its options ask for. Where it answers false, something was not acknowledged. */
function run<Rest extends unknown[]>(work: (session: Session, ...rest: Rest) => Promise<unknown>) {
  return async (...given: [...Rest, unknown, Command] | [...Rest, Command]): Promise<void> => {
    const command = given.at(-1) as Command;
    const isDone = await work(sessionOf(command.optsWithGlobals<SharedOptions>()), ...(given.slice(0, -1) as unknown as Rest));
    if (isDone === false) process.exitCode = EXIT_CODES.failed;
  };
}

const WEBHOOK = ['--webhook <id>', 'of this webhook; where there is one alone, or one of listen, it is meant'] as const;

program
  .command('listen')
  .description('bring deliveries to this machine, with a webhook that lives as long as the command')
  .option('--forward <url>', 'post them there, such as http://localhost:3000/hook; else they are shown, and acknowledged')
  .option('--events <names...>', 'which: names, prefixes such as visitor.*, or * for all', splitList)
  .option('--secret <secret>', 'sign with this one, so that yours can stay as it is; else one is made and shown')
  .option('--show', 'show the body of each, too')
  .action(run(async (session, options: Parameters<typeof listen>[1]) => await listen(session, options, untilInterrupted())));

program
  .command('trigger')
  .description('send a test now, and show what was answered')
  .option(...WEBHOOK)
  .option('--event <name>', 'of this event type')
  .option('--payload <file>', 'an event of your own, as JSON; - reads standard input')
  .option('--delivery <id>', 'the event of this delivery, again')
  .action(run(trigger));

program.command('webhooks').description('list the webhooks').action(run(listWebhooks));

program
  .command('deliveries [delivery]')
  .description('list the newest deliveries, or show one with its attempts')
  .option('--webhook <id>', 'of this webhook alone')
  .option('--status <status>', 'pending, retrying, delivered, failed or discarded')
  .option('--event <name>', 'of this event type')
  .option('--search <text>', "with this in the visitor's e-mail or name, the company's name or domain, or an id")
  .option('--from <time>', 'accepted since: so long ago (2h, 3d), or 2026-11-27T14:00:00Z')
  .option('--to <time>', 'accepted before')
  .option('--limit <number>', 'at most so many, 100 at most')
  .option('--cursor <cursor>', 'go on after a list before')
  .action(run(showDeliveries));

program
  .command('retry <delivery>')
  .description('attempt a delivery once more, now')
  .option('--webhook <id>', 'of this webhook; else whichever has it')
  .action(run(retry));

program
  .command('recover')
  .description('let failed and discarded deliveries of a webhook start over')
  .requiredOption('--since <time>', 'accepted since: so long ago (2h, 3d), or 2026-11-27T14:00:00Z')
  .option('--until <time>', 'accepted before')
  .option('--event <name>', 'of this event type')
  .option('--status <statuses...>', 'failed, discarded, delivered; the first two where nothing is said', splitList)
  .option('--dry-run', 'only count them')
  .option(...WEBHOOK)
  .action(run(recover));

/** Lists are written with commas, or as words of their own. */
function splitList(value: string, before: string[] = []): string[] {
  return [...before, ...value.split(',').filter((part) => part !== '')];
}

/** A signal that comes again so soon is the same one: a terminal sends it to `npx` and to this, and `npx` passes its own on. */
const SAME_SIGNAL_MS = 1_000;
/** What shells say of what was ended with Ctrl-C. */
const INTERRUPTED = 130;

/** Ends with Ctrl-C, or where the process is asked to end. Asked again, it ends at once. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  let askedAt: number | null = null;
  const ask = () => {
    if (askedAt !== null && Date.now() - askedAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    askedAt ??= Date.now();
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  return controller.signal;
}

function exitCodeOf(error: unknown): number {
  // Commander has said it already; help and the version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
  const isJson = program.opts<SharedOptions>().json ?? false;
  if (error instanceof ApiError) {
    const { code, message, details, status, requestId } = error;
    console.error(isJson ? JSON.stringify({ code, message, details, status, requestId }) : `error: ${errorLine(error)}`);
    return EXIT_CODES.failed;
  }
  if (!(error instanceof UsageError)) throw error;
  console.error(isJson ? JSON.stringify({ code: 'usage', message: error.message }) : `error: ${error.message}`);
  return EXIT_CODES.usage;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
