import type { DeliveryPosition } from '../../domain/delivery/delivery.ts';
import { whoOfText } from '../../domain/event/subject.ts';
import { FOLDED_TO_ASCII } from '../../domain/text/fold-case.ts';
import { COLUMNS, EVENT_TEXT, type Row, type StoredDelivery, toPosition, toStored } from '../books/delivery-row.ts';
import type { Mark } from './archive.ts';
import type { Search, Work } from './search.ts';

/** Rows looked at in one step: of the first, and of each that follows twice as many, up to a bound. */
const FIRST_STEP_ROWS = 25;
const MAX_STEP_ROWS = 400;

const WITHIN = '(created_at, id) < (?, ?) AND created_at >= ?';
const STEP = '(created_at, id) < (?, ?) AND (created_at, id) >= (?, ?)';
const UNSUCCESSFUL = "status IN ('failed', 'discarded') AND";
const TEXTS = "(id || ' ' || event_id || ' ' || ifnull(session_id, '') || ' ' || event_text)";
/**
 * Whether a row can have it. LIKE knows the case of ASCII alone, and not how JSON escapes characters; and an earlier version's tests have
 * another event id than they show.
 */
const CAN_HAVE = `(${TEXTS} LIKE ? AND ${TEXTS} LIKE ?) OR instr(event_text, '\\') > 0 OR trigger = 'test'
  OR (length(${TEXTS}) <> octet_length(${TEXTS}) AND ${TEXTS} GLOB '*[${FOLDED_TO_ASCII}]*')`;

/** By what they can be: of all rows, or of those that failed or were discarded, which have an index. */
const queriesOf = (where: string) => ({
  stepEnd: `SELECT created_at, id FROM deliveries WHERE ${where} ${WITHIN} ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?`,
  last: `SELECT created_at, id FROM deliveries WHERE ${where} ${WITHIN} ORDER BY created_at, id LIMIT 1`,
  size: `SELECT count(*) AS count, total(length(payload) + ifnull(length(accepted), 0)) AS bytes FROM deliveries WHERE ${where} ${STEP}`,
  candidates: `SELECT ${COLUMNS}, event_text FROM (SELECT ${COLUMNS}, ${EVENT_TEXT} FROM deliveries WHERE ${where} ${STEP})
    WHERE ${CAN_HAVE} ORDER BY created_at DESC, id DESC`,
});
const ALL = queriesOf('');
const ALL_UNSUCCESSFUL = queriesOf(UNSUCCESSFUL);

/** The rows among which something is looked for. */
export interface SearchedSpan {
  /** Whether only those are asked for that failed or were discarded. */
  isUnsuccessful: boolean;
  before: DeliveryPosition;
  /** Not those that were accepted earlier; milliseconds since the epoch. */
  since: number;
}

/**
 * Looks through rows of deliveries, newest first, for those that can have what is looked for. SQLite passes over the others: a row that comes to
 * JavaScript takes twenty times as long.
 * @returns in between, after each step, how far it has come
 */
export function* searchedRows(
  sql: SqlStorage,
  { isUnsuccessful, before, since }: SearchedSpan,
  search: Search,
  work: Work,
): Generator<StoredDelivery | Mark> {
  const queries = isUnsuccessful ? ALL_UNSUCCESSFUL : ALL;
  const position = (query: string, ...values: (number | string)[]) => {
    const [row] = sql.exec<Pick<Row, 'created_at' | 'id'>>(query, ...values).toArray();
    return row && toPosition(row);
  };
  let start = before;
  for (let stepRows = FIRST_STEP_ROWS; ; stepRows = Math.min(2 * stepRows, MAX_STEP_ROWS)) {
    const from = [start.createdAt, start.id, since] as const;
    const fullTo = position(queries.stepEnd, ...from, stepRows - 1);
    const end = fullTo ?? position(queries.last, ...from);
    if (!end) return;
    const step = [start.createdAt, start.id, end.createdAt, end.id] as const;
    const [{ count, bytes }] = sql.exec<{ count: number; bytes: number }>(queries.size, ...step).toArray() as [
      { count: number; bytes: number },
    ];
    work.addPassed(count, bytes);
    for (const { event_text: text, ...row } of sql.exec<Row & { event_text: string }>(queries.candidates, ...step, ...search.patterns)) {
      work.addDelivery(text.length);
      const delivery = toStored(row);
      if (search.isInIds(delivery) || search.canBeIn(text)) yield { ...delivery, who: whoOfText(text) };
    }
    yield end;
    if (!fullTo) return;
    start = end;
  }
}
