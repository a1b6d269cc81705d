import type Cloudflare from 'cloudflare';
import { type Finding, fault, looked, ok, unknown, warning } from './finding.ts';

const DAY_MS = 86_400_000;
/** A secret that is older has been seen by more people than know of it. */
const OLD_MS = 365 * DAY_MS;

/** What a deployment is to be, by its configuration. */
export interface Expected {
  worker: string;
  database: string;
  jurisdiction: string | null;
  crons: readonly string[];
  secrets: readonly string[];
  /** Names of the migrations' files. */
  migrations: readonly string[];
  consumers: readonly ExpectedConsumer[];
}

export interface ExpectedConsumer {
  queue: string;
  batchSize: number;
  maxRetries: number;
  /** Null: it has none. */
  deadLetterQueue: string | null;
}

/** What the account says, to who has a token for it. */
export async function accountFindings(client: Cloudflare, accountId: string, expected: Expected, now: number): Promise<Finding[]> {
  const account = { account_id: accountId };
  const { scripts } = client.workers;
  const parts = [
    looked('plan', async () => planFinding((await scripts.scriptAndVersionSettings.get(expected.worker, account)).limits?.cpu_ms)),
    looked('cron', async () =>
      cronFinding(
        (await scripts.schedules.get(expected.worker, account)).schedules.map(({ cron }) => cron),
        expected,
      ),
    ),
    looked('secrets', async () => {
      const there = await allOf(scripts.secrets.list(expected.worker, account));
      const missing = expected.secrets.filter((name) => !there.some((secret) => secret.name === name));
      return missing.length === 0
        ? ok('secrets', expected.secrets.join(', '))
        : fault('secrets', `${missing.join(', ')} missing`, `npm exec -- wrangler secret put ${missing[0]} --name ${expected.worker}`);
    }),
    looked("secrets' age", async () => {
      // The client's own type of this page has other fields than what comes.
      const { result } = await scripts.deployments.list(expected.worker, account);
      return ageFinding((result as unknown as { deployments: Deployment[] }).deployments, now);
    }),
    looked('queues', async () => queueFindings(await allOf(client.queues.list(account)), expected)),
    looked('database', async () => await databaseFindings(client, accountId, expected)),
  ];
  return (await Promise.all(parts)).flat();
}

async function allOf<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of pages) all.push(each);
  return all;
}

/** Only Workers Paid takes a limit of CPU time. */
function planFinding(cpuMs: number | undefined): Finding {
  if (cpuMs !== undefined) return ok('plan', `Workers Paid: it takes a CPU limit of ${cpuMs} ms`);
  return warning('plan', 'the Worker has no limit of CPU time', 'Deploy with the [limits] of wrangler.toml. They need Workers Paid.');
}

function cronFinding(there: readonly string[], { crons }: Expected): Finding {
  const missing = crons.filter((cron) => !there.includes(cron));
  if (missing.length === 0) return ok('cron', there.join(', '));
  return fault('cron', `${missing.join(', ')} is missing`, 'Deploy again. Without it lost alarms stay lost, and nothing is tidied up.');
}

interface Deployment {
  created_on: string;
  annotations?: { 'workers/triggered_by'?: string };
}

/** When a secret was last put, as far as the account remembers. */
function ageFinding(deployments: readonly Deployment[], now: number): Finding {
  const puts = deployments.filter(({ annotations }) => annotations?.['workers/triggered_by'] === 'secret');
  const latest = Math.max(...puts.map(({ created_on }) => Date.parse(created_on)));
  if (puts.length === 0) {
    return unknown(
      "secrets' age",
      `none was changed in the latest ${deployments.length} deployments`,
      'Rotate them once a year (docs/deploying.md, "Rotating the service\'s own secrets").',
    );
  }
  const days = Math.floor((now - latest) / DAY_MS);
  if (now - latest < OLD_MS) return ok("secrets' age", `one was put ${days} days ago`);
  return warning("secrets' age", `none was put in ${days} days`, 'Rotate them (docs/deploying.md, "Rotating the service\'s own secrets").');
}

interface Queue {
  queue_name?: string;
  jurisdiction?: string;
  consumers?: {
    script_name?: string;
    script?: string;
    dead_letter_queue?: string;
    settings?: { batch_size?: number; max_retries?: number };
  }[];
}

function queueFindings(queues: readonly Queue[], { consumers, worker, jurisdiction }: Expected): Finding[] {
  return consumers.map(({ queue: name, ...settings }) => {
    const what = `queue ${name}`;
    const queue = queues.find(({ queue_name }) => queue_name === name);
    if (!queue) return fault(what, 'it is not there', 'Deploy: its producer binding makes it.');
    if ((queue.jurisdiction ?? null) !== jurisdiction) {
      return fault(
        what,
        `it is in ${queue.jurisdiction ?? 'no jurisdiction'}, not in ${jurisdiction ?? 'none'}`,
        'It cannot be moved: docs/deploying.md, "Where the data lies".',
      );
    }
    const consumer = queue.consumers?.find(({ script_name, script }) => (script_name ?? script) === worker);
    if (!consumer)
      return fault(
        what,
        `${worker} does not consume it: messages wait, and are dropped after 4 days`,
        'Deploy again. A queue has one consumer.',
      );
    const is = {
      batchSize: consumer.settings?.batch_size,
      maxRetries: consumer.settings?.max_retries,
      deadLetterQueue: consumer.dead_letter_queue || null,
    };
    const wrong = (Object.keys(settings) as (keyof typeof settings)[]).filter((key) => is[key] !== settings[key]);
    if (wrong.length === 0) return ok(what, `${worker} consumes it`);
    return fault(
      what,
      wrong.map((key) => `${key} is ${is[key]}, not ${settings[key]}`).join('; '),
      'Deploy again: somebody has changed it by hand.',
    );
  });
}

async function databaseFindings(client: Cloudflare, accountId: string, expected: Expected): Promise<Finding[]> {
  const account = { account_id: accountId };
  const database = (await allOf(client.d1.database.list({ ...account, name: expected.database }))).find(
    ({ name }) => name === expected.database,
  );
  if (!database?.uuid)
    return [fault('database', `${expected.database} is not there`, 'If it was deleted: "D1 is gone" in docs/runbook.md. Else deploy.')];
  const sql = 'SELECT name FROM d1_migrations ORDER BY id';
  const [answer] = await allOf(client.d1.database.query(database.uuid, { ...account, sql }));
  const applied = (answer?.results ?? []).map((row) => String((row as { name: unknown }).name));
  return [placeFinding(database.jurisdiction ?? null, expected), migrationsFinding(applied, expected.migrations)];
}

function placeFinding(jurisdiction: string | null, expected: Expected): Finding {
  const place = jurisdiction ?? 'no jurisdiction';
  if (jurisdiction === expected.jurisdiction) return ok('database', `${expected.database}, in ${place}`);
  const advice = `Deploy with --jurisdiction ${jurisdiction}, or the outboxes are not found.`;
  return fault('database', `it is in ${place}, and wrangler.toml has ${expected.jurisdiction ?? 'none'}`, advice);
}

function migrationsFinding(applied: readonly string[], files: readonly string[]): Finding {
  const missing = files.filter((name) => !applied.includes(name));
  if (missing.length > 0)
    return fault('migrations', `${missing.join(', ')} not applied`, '`npm run deploy` applies them, before the code that needs them.');
  const newer = applied.filter((name) => !files.includes(name));
  if (newer.length === 0) return ok('migrations', `${applied.length} applied`);
  return warning(
    'migrations',
    `${newer.join(', ')} applied, and not in this checkout`,
    'A newer version was deployed. After a rollback that is as it should be.',
  );
}
