import { MAX_WEBHOOKS } from '../domain/webhook/webhook.ts';
import { columnsOf, inDatabase, KIND_NAMES, KINDS, type Kind, type KindName, ORIGIN, OWNED } from './kinds.ts';

/*
 * What an import asks of the database, made of the tables' columns. `?1` is the import, `?2` its time, `?3` whether it replaces what is there and
 * differs (1 or 0), `?4` what the ids of its audit entries begin with, `?5` where it came from.
 */

/** What an import would change, and who is named by it. */
const NAMED_AT_MOST = 10;

const staged = (name: KindName) =>
  `(SELECT each.value AS row FROM import_chunks c, json_each(c.data) each WHERE c.import_id = ?1 AND c.kind = '${name}') staged`;
const value = (column: string) => `(staged.row ->> '$.${column}')`;

/** What came of a kind, beside what is there of it. */
function stagedAndThere(name: KindName): string {
  const kind: Kind = KINDS[name];
  const isTheSame = kind.key.map((column) => `${kind.name}.${inDatabase(column)} = ${value(column)}`);
  return `${staged(name)} LEFT JOIN ${kind.name} ON ${isTheSame.join(' AND ')}`;
}

const isNew = (name: KindName) => `${KINDS[name].name}.${inDatabase(KINDS[name].key[0] as string)} IS NULL`;

/** Whether what is there is another than what came. */
function differs(name: KindName, given: (column: string) => string): string {
  const kind: Kind = KINDS[name];
  const compared = columnsOf(kind, true).filter((column) => column !== ORIGIN && !kind.key.includes(column));
  const pairs = compared.map((column) => {
    const there = `${kind.name}.${inDatabase(column)}`;
    return kind.lasting.includes(column) ? `(${there} IS NULL AND ${given(column)} IS NOT NULL)` : `${there} IS NOT ${given(column)}`;
  });
  return `(${pairs.join(' OR ')})`;
}

const isChanged = (name: KindName) => `NOT (${isNew(name)}) AND ${differs(name, value)}`;

/** How many there are of a kind, how many of them are new, and how many differ from what is there. */
export function countOf(name: KindName): string {
  return `SELECT count(*) AS total, coalesce(sum(${isNew(name)}), 0) AS added, coalesce(sum(${isChanged(name)}), 0) AS changed FROM ${stagedAndThere(name)}`;
}

/** What of an import cannot be, whatever is replaced: each selects names of it. */
export const IMPOSSIBLE: readonly { what: string; select: string }[] = [
  ...OWNED.map((name) => ({
    what: `${name}: its organization is neither in the import nor here`,
    select: `SELECT ${value(KINDS[name].key[0] as string)} AS name FROM ${staged(name)} WHERE ${value('organizationId')} IS NOT NULL
      AND ${value('organizationId')} NOT IN (SELECT id FROM organizations)
      AND ${value('organizationId')} NOT IN (SELECT ${value('id')} FROM ${staged('organization')})`,
  })),
  ...(['api_key', 'webhook'] as const).map((name) => ({
    what: `${name}: it is another organization's here`,
    select: `SELECT ${value('id')} AS name FROM ${stagedAndThere(name)}
      WHERE NOT (${isNew(name)}) AND ${KINDS[name].name}.organization_id IS NOT ${value('organizationId')}`,
  })),
  {
    what: 'api_key: another key here is the same',
    select: `SELECT ${value('id')} AS name FROM ${staged('api_key')}
      JOIN api_keys other ON other.key_hash = ${value('keyHash')} AND other.id <> ${value('id')}`,
  },
  {
    what: `organization: it would have more than ${MAX_WEBHOOKS} webhooks`,
    select: `SELECT organization AS name FROM (
        SELECT ${value('id')} AS id, ${value('organizationId')} AS organization FROM ${staged('webhook')}
        UNION SELECT id, organization_id FROM webhooks
          WHERE NOT (${KINDS.webhook.stays}) AND organization_id IN (SELECT ${value('organizationId')} FROM ${staged('webhook')})
      ) GROUP BY organization HAVING count(*) > ${MAX_WEBHOOKS}`,
  },
];

/** What is there and differs: it is replaced only where that is asked for. */
export const DIFFERENT: typeof IMPOSSIBLE = KIND_NAMES.map((name) => ({
  what: `${name}: it is here already, and differs`,
  select: `SELECT ${value(KINDS[name].key.at(-1) as string)} AS name FROM ${stagedAndThere(name)} WHERE ${isChanged(name)}`,
}));

export const named = (select: string) => `SELECT name FROM (${select}) LIMIT ${NAMED_AT_MOST}`;

/** Decides: every statement after it does something only where this has set the mark. */
export function decide(): string {
  const impossible = IMPOSSIBLE.map(({ select }) => `NOT EXISTS (${select})`);
  const different = DIFFERENT.map(({ select }) => `NOT EXISTS (${select})`);
  return `UPDATE imports SET applied_at = ?2 WHERE id = ?1 AND applied_at IS NULL AND ${impossible.join(' AND ')}
    AND (?3 = 1 OR (${different.join(' AND ')}))`;
}

const IS_DECIDED = 'EXISTS (SELECT 1 FROM imports WHERE id = ?1 AND applied_at = ?2)';

/** Notes the organizations of which something changes, before it does. */
export function noteChanged(): string {
  const own = `SELECT ${value('id')} AS organization FROM ${stagedAndThere('organization')} WHERE ${isNew('organization')} OR ${isChanged('organization')}`;
  const owned = OWNED.map(
    (name) => `SELECT ${value('organizationId')} FROM ${stagedAndThere(name)} WHERE ${isNew(name)} OR ${isChanged(name)}`,
  );
  return `INSERT INTO import_chunks (import_id, number, kind, data)
    SELECT ?1, -row_number() OVER (), 'changed', organization FROM (${[own, ...owned].join(' UNION ')})
    WHERE organization IS NOT NULL AND ${IS_DECIDED}`;
}

/** Writes what came of a kind: what is new, and what differs. What is the same is not touched. */
export function write(name: KindName): string {
  const kind: Kind = KINDS[name];
  const given = columnsOf(kind, true);
  const columns = [...given, ...Object.keys(kind.made)].map(inDatabase);
  const values = [...given.map(value), ...Object.values(kind.made).map(({ inserted }) => inserted)];
  const excluded = (column: string) => `excluded.${inDatabase(column)}`;
  const kept = given.filter((column) => column !== ORIGIN && !kind.key.includes(column));
  const sets = [
    ...kept.map((column) => {
      const to = kind.lasting.includes(column) ? `coalesce(${kind.name}.${inDatabase(column)}, ${excluded(column)})` : excluded(column);
      return `${inDatabase(column)} = ${to}`;
    }),
    ...Object.entries(kind.made).flatMap(([column, { updated }]) => (updated ? [`${inDatabase(column)} = ${updated}`] : [])),
  ];
  return `INSERT INTO ${kind.name} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM ${staged(name)} WHERE ${IS_DECIDED}
    ON CONFLICT (${kind.key.map(inDatabase).join(', ')}) DO UPDATE SET ${sets.join(', ')} WHERE ${differs(name, excluded)}`;
}

/** One entry in the audit log of each organization of which something changes. */
export const TELL = `INSERT INTO audit_log (id, organization_id, at, actor_type, network, action, target_type, target_id, changes)
  SELECT ?4 || substr(hex(randomblob(8)), 1, 16), data, ?2, 'platform', ?5, 'organization.imported', 'organization', data,
    json_object('import', json_object('from', NULL, 'to', ?1))
  FROM import_chunks WHERE import_id = ?1 AND kind = 'changed' AND ${IS_DECIDED}`;

/** A webhook that was deleted here moments ago, and is here again, keeps the outbox that it has from now on. */
export const KEEP_OUTBOXES = `DELETE FROM outbox_erasures
  WHERE webhook_id IN (SELECT ${value('id')} FROM ${staged('webhook')}) AND ${IS_DECIDED}`;
