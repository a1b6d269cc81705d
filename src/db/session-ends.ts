import { and, eq, gt, type SQL, sql } from 'drizzle-orm';
import type { AuditActor, AuditEntry } from '../domain/access/audit-log.ts';
import { mintId } from '../domain/ids.ts';
import { addEntryFrom, idLike } from './audit-log.ts';
import type { Database } from './client.ts';
import { dashboardSessions } from './schema.ts';

/** Who ends sessions, when, and from which network. Each can be its own person's doing, who signs out. */
export interface SessionEnd {
  at: number;
  by: AuditActor | 'themselves';
  network: string | null;
}

const { tokenHash, organizationId, subject, expiresAt } = dashboardSessions;

/** The id of a session, as domain/access/dashboard-session.ts makes it of its token's hash. */
const idOf = sql`substr(${tokenHash}, 1, 16)`;

/** Which session ended, and whose it was. */
const CHANGES = sql`iif(${subject} is null,
  json_object('session', json_object('from', ${idOf}, 'to', null)),
  json_object('session', json_object('from', ${idOf}, 'to', null), 'subject', json_object('from', ${subject}, 'to', null)))`;

/** Ends sessions, each that has not expired by itself with an entry in its organization's audit log. */
export function endingSessions(db: Database, which: SQL | undefined, { at, by, network }: SessionEnd) {
  const isOwn = by === 'themselves';
  const entry: AuditEntry = {
    ...{ id: mintId('auditEntry', at), at, network, action: 'session.ended', changes: {} },
    actor: isOwn ? { type: 'dashboard', id: null, name: null } : by,
    // Read where the session is.
    ...{ organizationId: '', target: { type: 'organization', id: '' } },
  };
  const read = { id: idLike(entry), organizationId: sql`${organizationId}`, targetId: sql`${organizationId}`, changes: CHANGES };
  const own = isOwn ? { actorId: idOf, actorName: sql`${subject}` } : {};
  return [
    addEntryFrom(db, entry, sql`from ${dashboardSessions} where ${and(which, gt(expiresAt, at))}`, { ...read, ...own }),
    db.delete(dashboardSessions).where(which).returning({ tokenHash, expiresAt }),
  ] as const;
}

/** Signs somebody out; null where there was no such session. */
export async function deleteSession(
  db: Database,
  hash: string,
  end: Omit<SessionEnd, 'by'>,
): Promise<{ tokenHash: string; expiresAt: number } | null> {
  const [, [deleted = null]] = await db.batch([...endingSessions(db, eq(tokenHash, hash), { ...end, by: 'themselves' })]);
  return deleted;
}

/**
 * Ends sessions of an organization, and answers with how many that were alive.
 * @param which one, by its id; or all of them but one, which may be nobody's
 */
export async function endSessions(
  db: Database,
  ofOrganization: string,
  which: { id: string } | { except: string | null },
  end: SessionEnd,
): Promise<number> {
  const chosen = 'id' in which ? sql`${idOf} = ${which.id}` : sql`${idOf} is not ${which.except}`;
  const [, ended] = await db.batch([...endingSessions(db, and(eq(organizationId, ofOrganization), chosen), end)]);
  return ended.filter((session) => session.expiresAt > end.at).length;
}
