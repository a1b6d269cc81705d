import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../src/commands/wrangler.ts';

/** The version that serves, and the one before it. */
export const VERSIONS = ['22222222-2222-4222-8222-222222222222', '33333333-3333-4333-8333-333333333333'] as const;
const ORIGINAL = 'bullseye-webhooks';
/** Of the newest class of Durable Objects: without it a version cannot be uploaded by itself. */
const LATEST_MIGRATION = [...readFileSync(join(PROJECT_ROOT, 'wrangler.toml'), 'utf8').matchAll(/^tag = "(.+)"$/gm)].at(-1)?.[1];

export interface Database {
  name: string;
  uuid: string;
  /** Null: in none. */
  jurisdiction: string | null;
}

export interface Consumer {
  consumer_id: string;
  type: 'worker';
  script: string;
  dead_letter_queue?: string;
  settings: Record<string, number>;
}

export interface Queue {
  queue_id: string;
  queue_name: string;
  jurisdiction?: string;
  consumers: Consumer[];
  consumers_total_count: number;
  producers_total_count: number;
  paused: boolean;
}

export interface Worker {
  /** Tag of the latest migration of Durable Object classes that was uploaded. */
  migrationTag: string | undefined;
  secrets: Map<string, string>;
  /** Versions in the order in which they were deployed, the latest last; each with the versions that served, and their percentages. */
  deployments: Record<string, number>[];
  crons: string[];
  domains: string[];
}

/** What there is in an account of Cloudflare, as far as this project's commands look at it or change it. */
export class Account {
  readonly databases: Database[] = [];
  readonly queues: Queue[] = [];
  readonly workers = new Map<string, Worker>();

  addDatabase(name: string, jurisdiction: string | null = null): Database {
    const database = { name, uuid: uuidOf(this.databases.length), jurisdiction };
    this.databases.push(database);
    return database;
  }

  addQueue(name: string, jurisdiction?: string): Queue {
    const counts = { consumers_total_count: 0, producers_total_count: 0 };
    const queue: Queue = { queue_id: `queue-${name}`, queue_name: name, consumers: [], ...counts, paused: false };
    if (jurisdiction !== undefined) queue.jurisdiction = jurisdiction;
    this.queues.push(queue);
    return queue;
  }

  addConsumer(queue: Queue, consumer: Pick<Consumer, 'script' | 'settings' | 'dead_letter_queue'>): Consumer {
    const added: Consumer = { consumer_id: `consumer-${queue.consumers.length}`, type: 'worker', ...consumer };
    queue.consumers.push(added);
    queue.consumers_total_count = queue.consumers.length;
    return added;
  }

  /** Whatever is there already, or a new one that nobody has set up. */
  worker(name: string): Worker {
    const nothing: Worker = { migrationTag: undefined, secrets: new Map(), deployments: [], crons: [], domains: [] };
    const worker = this.workers.get(name) ?? nothing;
    this.workers.set(name, worker);
    return worker;
  }

  /** A deployment of this project: database, queues with their consumers, and a Worker that has been deployed twice. */
  addDeployment(name: string, jurisdiction: string | null = null): void {
    this.addDatabase(name, jurisdiction);
    const suffix = name.slice(ORIGINAL.length);
    for (const queue of ['bullseye-events', 'bullseye-events-dead'])
      this.addConsumer(this.addQueue(queue + suffix, jurisdiction ?? undefined), { script: name, settings: {} });
    const worker = this.worker(name);
    worker.migrationTag = LATEST_MIGRATION;
    for (const secret of ['PLATFORM_API_KEY', 'MASTER_KEY']) worker.secrets.set(secret, 'a secret of 32 characters or more');
    worker.deployments = [{ [VERSIONS[1]]: 100 }, { [VERSIONS[0]]: 100 }];
  }
}

const uuidOf = (number: number) => `11111111-1111-4111-8111-${String(number).padStart(12, '1')}`;
