import type { AuditEntry } from '../../src/domain/access/audit-log.ts';
import { mintId } from '../../src/domain/ids.ts';
import type { Client } from './api.ts';

/** An entry that a change can go with. */
export function anEntry(organizationId: string, more: Partial<AuditEntry> = {}): AuditEntry {
  const at = more.at ?? Date.now();
  return {
    id: mintId('auditEntry', at),
    organizationId,
    at,
    actor: { type: 'platform', id: null, name: null },
    network: null,
    action: 'organization.updated',
    target: { type: 'organization', id: organizationId },
    changes: {},
    ...more,
  };
}

/** An entry as the API shows it. */
export type ShownEntry = Omit<AuditEntry, 'at' | 'organizationId'> & { at: string };

/** What an organization's log has, the oldest first. */
export async function auditLogOf({ path, admin }: { path: string; admin: Client }, query = ''): Promise<ShownEntry[]> {
  const { status, body } = await admin.get(`${path}/audit-log?limit=100${query}`);
  if (status !== 200) throw new Error(`no audit log: ${status} ${JSON.stringify(body)}`);
  return body.data.toReversed();
}
