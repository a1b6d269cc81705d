import { getDelivery } from '../../api/deliveries/deliveries.ts';
import { glanceAtOrganizationDeliveries, listOrganizationDeliveries } from '../../api/deliveries/organization-deliveries.ts';
import { ApiError } from '../../api/errors.ts';
import { listSkippedEvents } from '../../api/webhooks/skipped-events.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { answerInWords } from '../../domain/event/operational-event.ts';
import type { ListedDelivery } from '../deliveries/delivery-table.tsx';
import type { Visit } from '../frame/visit.ts';
import { unlessUnreachable } from '../webhook/overview-page.tsx';

/** Results on a page. */
const PAGE_SIZE = 25;
/** How long the first page looks: what is near comes at once, and tells that more is looked for. */
const GLANCE_MS = 150;
/** How long a further page looks by itself, and how long where it has something to show. */
const LOOK_MS = 3_000;
const LOOK_WITH_RESULTS_MS = 1_000;
/** Looks at the logs for one page. Each is a call for every webhook. Workers: 10,000 subrequests a request, and six at a time. */
const MAX_LOOKS = 12;
/** Results whose last answer is read. */
const READ_ANSWERS = 8;

export type FoundDelivery = ListedDelivery & { reason: string | null };
type SkippedEvent = Awaited<ReturnType<typeof skippedOf>>[number];

export interface Found {
  deliveries: FoundDelivery[];
  /** What an endpoint answered last, by the delivery's id. */
  answers: ReadonlyMap<string, LastAnswer>;
  nextCursor: string | null;
  searchedSince: string | null;
  keptSince: string | null;
  /** The webhooks that could not be asked, by id. */
  unavailable: Set<string>;
  /** Whether what is left cannot be asked right now. */
  isStuck: boolean;
}

const NOTHING_YET = { searchedSince: null, keptSince: null, isStuck: false };

/** How a delivery's last attempt ended. */
export interface LastAnswer {
  /** In words; null: it succeeded. */
  error: string | null;
  body: string | null;
}

/** An event that a webhook skipped. */
export interface Skipped {
  webhook: WebhookRow;
  event: SkippedEvent;
}

/**
 * Looks for deliveries from after a cursor, further and further back, for as long as somebody may wait for a page: without a cursor that is not
 * long. Where nothing more can be asked it ends with what it has, and where to go on.
 */
export async function lookForDeliveries(visit: Visit, q: string, from: string | undefined): Promise<Found> {
  const begunAt = Date.now();
  const isFirst = from === undefined;
  const found: Omit<Found, 'answers'> = { ...NOTHING_YET, deliveries: [], unavailable: new Set(), nextCursor: from ?? null };
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const query = { q, limit: String(PAGE_SIZE - found.deliveries.length), cursor: found.nextCursor ?? undefined };
    const page = await unlessUnreachable(visit.call(isFirst ? glanceAtOrganizationDeliveries : listOrganizationDeliveries, { query }));
    found.isStuck = page === null;
    if (!page) break;
    found.deliveries.push(...page.data);
    for (const id of page.unavailable) found.unavailable.add(id);
    found.nextCursor = page.nextCursor;
    found.searchedSince = page.searchedSince ?? null;
    found.keptSince = page.keptSince ?? null;
    const maxMs = isFirst ? GLANCE_MS : found.deliveries.length > 0 ? LOOK_WITH_RESULTS_MS : LOOK_MS;
    if (page.nextCursor === null || found.deliveries.length === PAGE_SIZE || Date.now() - begunAt >= maxMs) break;
  }
  return { ...found, answers: await answersOf(visit, found.deliveries) };
}

/** Of the first that did not arrive: why is what somebody who looks for one wants to know. */
async function answersOf(visit: Visit, deliveries: readonly FoundDelivery[]): Promise<ReadonlyMap<string, LastAnswer>> {
  const asked = deliveries.filter(({ status, attemptCount }) => status !== 'delivered' && attemptCount > 0).slice(0, READ_ANSWERS);
  const answers = await Promise.all(
    asked.map(async ({ webhookId, id: deliveryId }) => {
      const detail = await unlessGone(visit.call(getDelivery, { params: { webhookId, deliveryId } }));
      const last = detail?.attempts.at(-1);
      if (!last) return [];
      const body = last.responseBodyEncoding === 'utf-8' ? last.responseBody : null;
      // Whoever may only read does not see what it takes to post to the endpoint.
      const error = visit.can('write') || !last.url ? last.error : answerInWords(last.error, last.url);
      return [[deliveryId, { error, body }] as const];
    }),
  );
  return new Map(answers.flat());
}

async function unlessGone<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && (error.code === 'outbox_unavailable' || error.code === 'not_found')) return null;
    throw error;
  }
}

/** Looks for what webhooks skipped, the latest first. */
export async function lookForSkipped(visit: Visit, q: string): Promise<Skipped[]> {
  const found = await Promise.all(
    visit.webhooks.map(async (webhook) => {
      const events = await unlessUnreachable(skippedOf(visit, webhook.id, q));
      return (events ?? []).map((event) => ({ webhook, event }));
    }),
  );
  return found
    .flat()
    .sort((a, b) => Date.parse(b.event.at) - Date.parse(a.event.at))
    .slice(0, PAGE_SIZE);
}

async function skippedOf(visit: Visit, webhookId: string, q: string) {
  return (await visit.call(listSkippedEvents, { params: { webhookId }, query: { q } })).data;
}
