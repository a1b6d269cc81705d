import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../../src/commands/api-client.ts';
import { startLocalWorker, startWranglerDev } from '../../src/commands/local-worker.ts';
import { cpuSecondsOf } from './machine.ts';

/** An organization of the bench: one webhook, for every event. */
export interface BenchOrganization {
  id: string;
  endpointUrl: string;
}

/** A delivery as the log lists it, as far as the bench looks at it. */
export interface LoggedDelivery {
  eventId: string;
  status: 'pending' | 'retrying' | 'delivered' | 'failed' | 'discarded';
  attemptCount: number;
  reason: string | null;
}

/** What the bench measures: a Worker on `wrangler dev`, with its organizations configured. */
export interface Target {
  ingestUrl: string;
  key: string;
  /** An organization's deliveries, from the API; null where the target keeps no log. */
  log: ((organizationId: string) => Promise<LoggedDelivery[]>) | null;
  /** Changes an organization's webhook; null where the target has no API. */
  change: ((organizationId: string, changes: Record<string, unknown>) => Promise<void>) | null;
  /** The CPU time that wrangler and its runtime have used so far, in seconds; null where the system does not tell. */
  cpuSeconds(): number | null;
  /** Everything it has said so far. */
  output(): string;
  stop(): Promise<void>;
}

const INGEST = '/api/v1/events';

/** Organizations of the bench, each with an endpoint; `originOf` says where. */
export function benchOrganizations(count: number, originOf: (index: number) => string): BenchOrganization[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `org_bench_${String(index + 1).padStart(2, '0')}`;
    return { id, endpointUrl: `${originOf(index)}/${id}` };
  });
}

/** Our Worker, as `npm run dev` runs it. */
export async function startOurs(organizations: readonly BenchOrganization[]): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'bullseye-bench-'));
  const worker = await startLocalWorker({ persistTo: folder });
  const api = new ApiClient(worker.origin, worker.platformKey);
  const webhooks = new Map<string, string>();
  for (const { id, endpointUrl } of organizations) {
    await api.put(`/organization/${id}`, { name: 'Bench', plan: 'scale' });
    const path = `/organization/${id}/webhooks`;
    const { body } = await api.post(path, { url: endpointUrl, secret: 'the secret of the bench', events: ['*'] });
    webhooks.set(id, `${path}/${(body as { id: string }).id}`);
  }
  return {
    ingestUrl: `${worker.origin}${INGEST}`,
    key: worker.platformKey,
    log: (organizationId) => readLog(api, `${webhooks.get(organizationId)}/deliveries`),
    change: async (organizationId, changes) => void (await api.patch(webhooks.get(organizationId) as string, changes)),
    cpuSeconds: () => cpuSecondsOf(worker.pid),
    output: worker.output,
    stop: () => stopAndForget(worker.stop, folder),
  };
}

/** The floor (floor/worker.ts). */
export async function startFloor(organizations: readonly BenchOrganization[]): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'bullseye-floor-'));
  const endpoints = JSON.stringify(Object.fromEntries(organizations.map(({ id, endpointUrl }) => [id, endpointUrl])));
  const config = join(import.meta.dirname, 'floor', 'wrangler.toml');
  const session = await startWranglerDev(folder, ['--config', config], { ENDPOINTS: endpoints });
  return {
    ingestUrl: `${session.origin}${INGEST}`,
    key: '',
    log: null,
    change: null,
    cpuSeconds: () => cpuSecondsOf(session.pid),
    output: session.output,
    stop: () => stopAndForget(session.stop, folder),
  };
}

async function readLog(api: ApiClient, path: string): Promise<LoggedDelivery[]> {
  const deliveries: LoggedDelivery[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await api.get(`${path}?limit=100${query}`)).body as { data: LoggedDelivery[]; nextCursor: string | null };
    deliveries.push(...page.data);
    cursor = page.nextCursor;
  }
  return deliveries;
}

async function stopAndForget(stop: () => Promise<void>, folder: string): Promise<void> {
  await stop();
  rmSync(folder, { recursive: true, force: true });
}
