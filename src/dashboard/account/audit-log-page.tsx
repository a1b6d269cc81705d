import { exportAuditLog, listAuditLog, type ShownEntry } from '../../api/account/audit-log.ts';
import { AUDIT_ACTIONS, AUDIT_RETENTION_MS, type AuditAction, MAX_AUDIT_ENTRIES } from '../../domain/access/audit-log.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { Room } from '../parts/room.ts';
import { Time } from '../parts/time.tsx';
import { bold, rich, t } from '../words/words.tsx';
import { actionName, actorWords, deedWords, fieldWords, valueWords, type WebhookNames } from './audit-words.ts';

const PAGE_SIZE = 25;

/** What the values of a page may take, of 500 kB that it may have, and each of them at most. */
const ROOM_BYTES = 250_000;
const VALUE_BYTES = 4_000;

/** `GET audit-log`: who did what, page by page. */
export async function showAuditLog(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const action = actionOf(c);
  const cursor = c.req.query('cursor');
  const { data, nextCursor } = await visit.call(listAuditLog, { query: { action, cursor, limit: String(PAGE_SIZE) } });
  return await page(
    c,
    { title: t('audit.title'), crumbs: [rootCrumb] },
    <>
      <div class="page-head">
        <div>
          <h1>{t('audit.title')}</h1>
          <p class="lead">{t('audit.lead', { days: AUDIT_RETENTION_MS / DAY_MS, entries: MAX_AUDIT_ENTRIES })}</p>
        </div>
        <div class="actions">
          <a class="button" href={at(paths.auditLogExport, { action })} download="audit-log.ndjson">
            {t('audit.download')}
          </a>
        </div>
      </div>
      <FilterForm action={action} />
      <section aria-label={t('audit.entries')} class="card table-card" id="entries" data-live={cursor === undefined ? '' : undefined}>
        <Entries entries={data} visit={visit} isFiltered={action !== undefined} />
        {(cursor !== undefined || nextCursor) && (
          <nav class="pager" aria-label={t('audit.pages')}>
            {cursor !== undefined && <a href={at(paths.auditLog, { action })}>{t('audit.newest')}</a>}
            {nextCursor && <a href={at(paths.auditLog, { action, cursor: nextCursor })}>{t('audit.older')}</a>}
          </nav>
        )}
      </section>
    </>,
  );
}

/** `GET audit-log/export`: the same as a file. */
export async function downloadAuditLog(c: PageContext): Promise<Response> {
  // A whole answer rather than a body, which the types of a route do not tell.
  return (await c.get('visit').call(exportAuditLog, { query: { action: actionOf(c) } })) as unknown as Response;
}

/** The action that the query names; what is none counts as all of them. */
function actionOf(c: PageContext): AuditAction | undefined {
  return AUDIT_ACTIONS.find((action) => action === c.req.query('action'));
}

function at(path: string, query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

function FilterForm({ action }: { action: AuditAction | undefined }) {
  return (
    <form class="filters few" method="get" action={paths.auditLog} aria-label={t('audit.filter')}>
      <div class="field">
        <label for="action">{t('audit.what')}</label>
        <select id="action" name="action">
          <option value="">{t('audit.everything')}</option>
          {AUDIT_ACTIONS.map((each) => (
            <option value={each} selected={each === action}>
              {actionName(each)}
            </option>
          ))}
        </select>
      </div>
      <div class="actions">
        <button type="submit">{t('audit.apply')}</button>
        {action && <a href={paths.auditLog}>{t('audit.clear')}</a>}
      </div>
    </form>
  );
}

function Entries({ entries, visit, isFiltered }: { entries: readonly ShownEntry[]; visit: Visit; isFiltered: boolean }) {
  if (entries.length === 0) return <p class="notice">{isFiltered ? t('audit.noneOfKind') : t('audit.none')}</p>;
  const names: WebhookNames = new Map(visit.webhooks.map((webhook) => [webhook.id, nameOf(webhook)]));
  const room = new Room(ROOM_BYTES);
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">{t('audit.what')}</th>
          <th scope="col" class="w21">
            {t('audit.when')}
          </th>
          <th scope="col" class="w21">
            {t('audit.from')}
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr id={entry.id}>
            <th scope="row" class="endpoint">
              <span>{rich('audit.entry', { who: actorWords(entry.actor), deed: deedWords(entry, names), b: bold })}</span>
              <Details entry={entry} room={room} />
            </th>
            <td data-label={t('audit.when')}>
              <Time at={entry.at} />
            </td>
            <td data-label={t('audit.from')} class={entry.network === null ? 'blank' : 'url'}>
              {entry.network ?? '–'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What changed, from what to what, and the ids that the API knows it by. */
function Details({ entry, room }: { entry: ShownEntry; room: Room }) {
  const { id, actor, target, changes } = entry;
  const fields = Object.entries(changes);
  return (
    <details class="headers">
      <summary>{fields.length === 0 ? t('audit.more') : t('audit.changed')}</summary>
      <dl class="header-list">
        {fields.map(([field, { from, to }]) => (
          <div>
            <dt>{fieldWords(field)}</dt>
            <dd>
              <Value value={from} room={room} /> → <Value value={to} room={room} />
            </dd>
          </div>
        ))}
        <div>
          <dt>{t('audit.ids')}</dt>
          <dd>
            {id}, {target.type} {target.id}
            {actor.id !== null &&
              `, ${actor.type === 'api_key' ? t('audit.byKey', { id: actor.id }) : t('audit.bySession', { id: actor.id })}`}
          </dd>
        </div>
      </dl>
    </details>
  );
}

function Value({ value, room }: { value: unknown; room: Room }) {
  const { text, isCut } = room.take(valueWords(value), VALUE_BYTES);
  return (
    <>
      {text}
      {isCut && ' …'}
    </>
  );
}
