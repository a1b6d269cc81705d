import { openSecret, sealSecret } from '../db/secret-box.ts';
import type { WebhookRow } from '../db/webhooks.ts';
import { columnsOf, type SecretColumns, secretsOf } from '../domain/webhook/secret-rotation.ts';
import type { ExportKey } from './export-key.ts';
import type { StoredRow } from './rows.ts';

/*
 * What of a row is secret: within an instance it is sealed under its MASTER_KEY, and in an export under the caller's key.
 */

/** A webhook's secrets and headers in the clear, on their way from one seal to the other. */
interface WebhookSecrets {
  /** The oldest first. */
  secrets: { value: string; endsAt: number | null; isPrevious: boolean }[];
  headers: string | null;
}

type SealedColumns = SecretColumns & Pick<WebhookRow, 'headers'>;

const NOTHING: WebhookSecrets = { secrets: [], headers: null };

/** What an export has of a webhook's secrets; null: it has none. */
export async function sealWebhook(
  row: SealedColumns & { id: string },
  { exportKey, masterKeys, nowMs }: { exportKey: ExportKey; masterKeys: readonly string[]; nowMs: number },
): Promise<string | null> {
  const opened = await openColumns(row.id, row, masterKeys, nowMs);
  return isNothing(opened) ? null : await exportKey.seal(placeOf(row.id), opened);
}

/**
 * The columns that keep a webhook's secrets. Where there is a webhook that has the same, they are its own: each sealing differs from every
 * other one, and what is imported twice is to be the same twice.
 * @param there the webhook that this instance has under that id
 */
export async function openWebhook(
  id: string,
  sealed: string | null,
  there: SealedColumns | undefined,
  { exportKey, masterKeys, nowMs }: { exportKey: ExportKey; masterKeys: readonly string[]; nowMs: number },
): Promise<StoredRow> {
  const given = sealed === null ? NOTHING : ((await exportKey.open(placeOf(id), sealed)) as WebhookSecrets);
  const secrets = given.secrets.filter(({ endsAt }) => endsAt === null || endsAt > nowMs);
  const opened = { secrets, headers: given.headers };
  if (there && (await hasSame(id, there, opened, masterKeys, nowMs))) return storedColumns(there);
  const kept = secrets.map(async ({ value, endsAt, isPrevious }) => ({
    sealed: await sealSecret(masterKeys, id, value),
    endsAt,
    isPrevious,
  }));
  const headers = opened.headers === null ? null : await sealSecret(masterKeys, id, opened.headers);
  return storedColumns({ ...columnsOf(await Promise.all(kept)), headers });
}

/** Where MASTER_KEY was lost what is there does not open: then it is not the same. */
async function hasSame(
  id: string,
  there: SealedColumns,
  opened: WebhookSecrets,
  masterKeys: readonly string[],
  nowMs: number,
): Promise<boolean> {
  const own = await openColumns(id, there, masterKeys, nowMs).catch(() => null);
  return JSON.stringify(own) === JSON.stringify(opened);
}

async function openColumns(id: string, row: SealedColumns, masterKeys: readonly string[], nowMs: number): Promise<WebhookSecrets> {
  const open = async (sealed: string) => await openSecret(masterKeys, id, sealed);
  const opening = secretsOf(row, nowMs).map(async ({ sealed, endsAt, isPrevious }) => ({ value: await open(sealed), endsAt, isPrevious }));
  const [secrets, headers] = await Promise.all([Promise.all(opening), row.headers === null ? null : open(row.headers)]);
  return { secrets, headers };
}

function storedColumns({ secret, previousSecret, previousSecretExpiresAt, secretRing, headers }: SealedColumns): StoredRow {
  return { secret, previousSecret, previousSecretExpiresAt, secretRing: secretRing && JSON.stringify(secretRing), headers };
}

function isNothing({ secrets, headers }: WebhookSecrets): boolean {
  return secrets.length === 0 && headers === null;
}

const placeOf = (webhookId: string) => `webhook ${webhookId}`;

/** What an address's links carry: whoever has it can end its mails. */
export async function sealToken(organizationId: string, address: string, token: string, exportKey: ExportKey): Promise<string> {
  return await exportKey.seal(`alert address ${organizationId} ${address}`, token);
}

export async function openToken(organizationId: string, address: string, sealed: string, exportKey: ExportKey): Promise<string> {
  return String(await exportKey.open(`alert address ${organizationId} ${address}`, sealed));
}
