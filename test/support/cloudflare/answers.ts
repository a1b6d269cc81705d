import { type Account, type Queue, VERSIONS, type Worker } from './account.ts';

/*
 * Cloudflare's API as this project's commands use it: what is asked below `/accounts/{id}`, and what it answers. As Cloudflare describes it, and as
 * wrangler reads it; a real account could not be tried here.
 */

/** What a request carries, as far as the answers look at it. */
export interface Asked {
  /** The parts of its path that stand for something, in their order. */
  parts: string[];
  query: URLSearchParams;
  // biome-ignore lint/suspicious/noExplicitAny: whatever wrangler sends.
  body: any;
}

/** Undefined: there is no such thing. */
type Answer = (account: Account, asked: Asked) => unknown;

const NEW_VERSION = '44444444-4444-4444-8444-444444444444';
const BOOKMARK = '00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683';

const DATABASES: [string, Answer][] = [
  ['GET /d1/database', (account) => account.databases],
  ['POST /d1/database', (account, { body }) => account.addDatabase(body.name, body.jurisdiction)],
  ['GET /d1/database/*', (account, { parts: [named] }) => account.databases.find(({ name, uuid }) => named === name || named === uuid)],
  ['POST /d1/database/*/query', () => [{ results: [], success: true, meta: { duration: 1 } }]],
  ['GET /d1/database/*/time_travel/bookmark', () => ({ bookmark: BOOKMARK })],
  ['POST /d1/database/*/time_travel/restore', (_account, { query }) => ({ bookmark: query.get('bookmark'), previous_bookmark: BOOKMARK })],
];

const QUEUES: [string, Answer][] = [
  ['GET /queues', ({ queues }, { query }) => queues.filter(({ queue_name }) => !query.has('name') || query.has('name', queue_name))],
  ['POST /queues', (account, { body }) => account.addQueue(body.queue_name, body.jurisdiction)],
  ['PATCH /queues/*', queued((queue, { body }) => change(queue, { paused: body.settings.delivery_paused }))],
  ['DELETE /queues/*', queued((queue, _asked, { queues }) => queues.splice(queues.indexOf(queue), 1))],
  ['POST /queues/*/consumers', queued((queue, { body }, account) => account.addConsumer(queue, { ...body, script: body.script_name }))],
  [
    'PUT /queues/*/consumers/*',
    queued(({ consumers }, { parts, body }) => {
      const consumer = consumers.find(({ consumer_id }) => consumer_id === parts[1]);
      return consumer && change(consumer, { settings: body.settings });
    }),
  ],
  [
    'DELETE /queues/*/consumers/*',
    queued((queue, { parts }) => change(queue, { consumers: queue.consumers.filter(({ consumer_id }) => consumer_id !== parts[1]) })),
  ],
];

const WORKERS: [string, Answer][] = [
  ['GET /workers/subdomain', () => ({ subdomain: 'acme' })],
  [
    'GET /workers/services/*',
    existing(({ migrationTag }) => ({
      default_environment: {
        environment: 'production',
        script: { tag: 'tag', tags: [], migration_tag: migrationTag, last_deployed_from: 'wrangler' },
      },
    })),
  ],
  ['GET /workers/workers/*', existing(() => ({ subdomain: { enabled: true, previews_enabled: false } }))],
  ['GET /workers/scripts/*/settings', existing(() => ({ bindings: [] }))],
  ['PATCH /workers/scripts/*/script-settings', existing((_worker, { body }) => body)],
  ['POST /workers/scripts/*/subdomain', existing((_worker, { body }) => body)],
  ['POST /workers/scripts/*/assets-upload-session', () => ({ jwt: 'all files are there already', buckets: [] })],
  ['PUT /workers/scripts/*', (account, { parts: [name = ''], body }) => upload(account.worker(name), body, { [NEW_VERSION]: 100 })],
  ['POST /workers/scripts/*/versions', existing((worker, { body }) => upload(worker, body, null))],
  ['GET /workers/scripts/*/versions/*', existing((_worker, { parts }) => versionOf(parts[1]))],
  ['GET /workers/scripts/*/deployments', existing(({ deployments }) => ({ deployments: deployments.map(deploymentOf).reverse() }))],
  [
    'POST /workers/scripts/*/deployments',
    existing((worker, { body }) => {
      const versions = body.versions as { version_id: string; percentage: number }[];
      worker.deployments.push(Object.fromEntries(versions.map(({ version_id, percentage }) => [version_id, percentage])));
      return { id: NEW_VERSION };
    }),
  ],
  ['GET /workers/scripts/*/secrets', existing(({ secrets }) => [...secrets.keys()].map((name) => ({ name, type: 'secret_text' })))],
  [
    'PUT /workers/scripts/*/secrets',
    existing(({ secrets }, { body }) => {
      secrets.set(body.name, body.text);
      return { name: body.name, type: body.type };
    }),
  ],
  [
    'PUT /workers/scripts/*/schedules',
    existing((worker, { body }) => change(worker, { crons: body.map(({ cron }: { cron: string }) => cron) })),
  ],
  ['POST /workers/scripts/*/domains/changeset', existing(() => ({ added: [], removed: [], updated: [], conflicting: [] }))],
  [
    'PUT /workers/scripts/*/domains/records',
    existing((worker, { body }) => change(worker, { domains: body.origins.map(({ hostname }: { hostname: string }) => hostname) })),
  ],
];

const ANSWERS = [...DATABASES, ...QUEUES, ...WORKERS].map(([request, answer]) => ({
  pattern: new RegExp(`^${request.replaceAll('/', '\\/').replaceAll('*', '([^/]+)')}$`),
  answer,
}));

/** What the account answers to a request such as `GET /d1/database`; undefined where it has no such thing. */
export function answer(account: Account, request: string, asked: Pick<Asked, 'query' | 'body'>): unknown {
  for (const { pattern, answer: answerTo } of ANSWERS) {
    const match = pattern.exec(request);
    if (match) return answerTo(account, { parts: match.slice(1).map((part) => decodeURIComponent(part)), ...asked });
  }
  return undefined;
}

/** An answer about a Worker that is there. */
function existing(answerTo: (worker: Worker, asked: Asked) => unknown): Answer {
  return ({ workers }, asked) => {
    const worker = workers.get(asked.parts[0] ?? '');
    return worker && answerTo(worker, asked);
  };
}

/** An answer about a queue that is there. */
function queued(answerTo: (queue: Queue, asked: Asked, account: Account) => unknown): Answer {
  return (account, asked) => {
    const queue = account.queues.find(({ queue_id }) => queue_id === asked.parts[0]);
    return queue && answerTo(queue, asked, account);
  };
}

function change<T extends object>(what: T, changes: Partial<T>): T {
  return Object.assign(what, changes);
}

/** Takes a Worker's code and settings. It serves at once, or, where no deployment is given, waits to be deployed. */
function upload(worker: Worker, { bindings, migrations }: UploadedSettings, deployment: Record<string, number> | null): unknown {
  for (const { type, name, text = '' } of bindings) if (type === 'secret_text') worker.secrets.set(name, text);
  if (migrations) worker.migrationTag = migrations.new_tag;
  if (deployment) worker.deployments.push(deployment);
  return { ...versionOf(NEW_VERSION), deployment_id: NEW_VERSION.replaceAll('-', ''), startup_time_ms: 20 };
}

interface UploadedSettings {
  bindings: { type: string; name: string; text?: string }[];
  migrations?: { new_tag: string };
}

function versionOf(id: string | undefined) {
  const known: readonly string[] = [...VERSIONS, NEW_VERSION];
  if (id === undefined || !known.includes(id)) return undefined;
  const metadata = { created_on: '2026-11-27T09:00:00Z', author_email: 'ada@example.com', has_preview: false };
  return { id, metadata, annotations: {}, resources: { bindings: [], script: { etag: 'etag' }, script_runtime: {} } };
}

function deploymentOf(versions: Record<string, number>, at: number) {
  return {
    id: `deployment-${at}`,
    created_on: `2026-11-27T09:0${at}:00Z`,
    annotations: {},
    versions: Object.entries(versions).map(([version_id, percentage]) => ({ version_id, percentage })),
  };
}
