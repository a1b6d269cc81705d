import type { DeliveryFilter, DeliveryPage, DeliveryPosition } from '../../domain/delivery/delivery.ts';
import { BYTE_ORDER_MARK, csvLine } from '../../domain/text/csv.ts';
import { readCursor, webhookParams, writeCursor } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { requireWebhook } from '../webhooks/webhooks.ts';
import { z } from '../zod.ts';
import { deliveryFilters, toDelivery } from './deliveries.ts';
import { outboxOf, reached } from './outboxes.ts';

/** Most deliveries of a file. */
export const MAX_EXPORTED = 10_000;
/** How many are read at a time. */
const PAGE = 250;
/** How often a file asks an outbox, at most: where few deliveries fit, each time it reads a bounded part of the log. Workers allow 1,000 subrequests. */
const MAX_CALLS = 500;

const FORMATS = ['csv', 'ndjson'] as const;
type Format = (typeof FORMATS)[number];

const CONTENT_TYPES: Record<Format, string> = { csv: 'text/csv', ndjson: 'application/x-ndjson' };

type Exported = ReturnType<typeof toDelivery>;

/** The columns of the CSV, in words: what the list shows. What a delivery carries is in none of them. */
const COLUMNS: readonly [name: string, value: (delivery: Exported) => string | number | boolean | null][] = [
  ['Received (UTC)', ({ createdAt }) => createdAt],
  ['Status', ({ status }) => status],
  ['Reason', ({ reason }) => reason],
  ['Event', ({ event }) => event],
  ['About', ({ subject }) => subject],
  ['Test', ({ test }) => (test ? 'yes' : 'no')],
  ['Attempts', ({ attemptCount }) => attemptCount],
  ['Last response', ({ lastResponseStatus }) => lastResponseStatus],
  ['Last response took (ms)', ({ lastDurationMs }) => lastDurationMs],
  ['Next attempt (UTC)', ({ nextAttemptAt }) => nextAttemptAt],
  ['Finished (UTC)', ({ finishedAt }) => finishedAt],
  ['Session', ({ sessionId }) => sessionId],
  ['Delivery', ({ id }) => id],
  ['Event id', ({ eventId }) => eventId],
  ['Webhook', ({ webhookId }) => webhookId],
];

/** What a file begins with, how it writes a delivery, and how it says that it is not all. */
const WRITERS: Record<Format, { head: string; line(delivery: Exported): string; cut(cursor: string): string }> = {
  csv: {
    head: `${BYTE_ORDER_MARK}${csvLine(COLUMNS.map(([name]) => name))}`,
    line: (delivery) => csvLine(COLUMNS.map(([, value]) => value(delivery))),
    // As long as the others: a reader of CSV may insist on that.
    cut: (cursor) => csvLine([`This is not all. Go on with cursor=${cursor}`, ...COLUMNS.slice(1).map(() => null)]),
  },
  ndjson: {
    head: '',
    line: (delivery) => `${JSON.stringify(delivery)}\n`,
    cut: (cursor) => `${JSON.stringify({ nextCursor: cursor })}\n`,
  },
};

const exportDeliveries = route({
  method: 'get',
  path: '/api/v1/organization/{organizationId}/webhooks/{webhookId}/deliveries/export',
  operationId: 'exportDeliveries',
  summary: "Download a webhook's deliveries",
  description:
    'What the list has, with the same filters, newest first: as CSV (RFC 4180, UTF-8 with a byte order mark, columns in words) or as NDJSON (a delivery a line). ' +
    `At most ${MAX_EXPORTED.toLocaleString('en')} deliveries a file. One that is not all says so in its last line, with the \`cursor\` to go on with. A text in ` +
    'the CSV that a spreadsheet would take for a formula has an apostrophe before it. Payloads are in neither.',
  tag: 'Deliveries',
  access: 'read',
  params: webhookParams,
  query: z.object({
    format: z.enum(FORMATS).default('csv').openapi({ description: 'What file it is to be.' }),
    ...deliveryFilters,
    cursor: z.string().max(500).optional().openapi({ description: 'Where to go on: what the last line of the file before says.' }),
  }),
  success: { status: 200, description: 'The deliveries.', contentType: Object.values(CONTENT_TYPES), schema: z.string() },
  errors: ['outbox_unavailable'],
  handler: async ({ params, query, db, env }) => {
    const { format, cursor, ...filter } = query;
    const after = readCursor(cursor);
    const { id } = await requireWebhook(db, params);
    const read = (from: DeliveryPosition | null, limit = PAGE) => reached(outboxOf(env, id).list(filter as DeliveryFilter, limit, from));
    // Before the answer begins: what cannot be read at all is refused as any request is.
    const first = await read(after && { createdAt: after.timeMs, id: after.id });
    const lines = linesOf(format, id, first, read);
    const headers = {
      'Content-Type': `${CONTENT_TYPES[format]}; charset=utf-8`,
      'Content-Disposition': `attachment; filename="deliveries.${format}"`,
    };
    return new Response(lines, { headers });
  },
});

/** The lines of a file. A page is read when the reader has taken the one before: a slow reader costs no memory. A fault breaks it off. */
function linesOf(
  format: Format,
  webhookId: string,
  first: DeliveryPage,
  read: (from: DeliveryPosition, limit: number) => Promise<DeliveryPage>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const { head, line, cut } = WRITERS[format];
  const pages = (async function* (): AsyncGenerator<string, void> {
    let left = MAX_EXPORTED;
    let page = first;
    yield head;
    for (let calls = 1; ; calls++) {
      yield page.deliveries.map((summary) => line(toDelivery(webhookId, summary))).join('');
      left -= page.deliveries.length;
      if (!page.next) return;
      if (left === 0 || calls === MAX_CALLS) {
        yield cut(writeCursor(page.next.createdAt, page.next.id));
        return;
      }
      page = await read(page.next, Math.min(left, PAGE));
    }
  })();
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    for (;;) {
      const { done, value = '' } = await pages.next();
      if (done) return controller.close();
      if (value !== '') return controller.enqueue(encoder.encode(value));
      // A stream that was given nothing would not ask again.
    }
  };
  return new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
}

export { exportDeliveries };

export const deliveryExportRoutes: readonly Route[] = [exportDeliveries];
