import { getDelivery } from '../../api/deliveries.ts';
import { ApiError } from '../../api/errors.ts';
import { listOrganizationDeliveries } from '../../api/organization-deliveries.ts';
import { listSkippedEvents } from '../../api/skipped-events.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { answerInWords } from '../../domain/operational-event.ts';
import type { ListedDelivery } from '../delivery-table.tsx';
import { unlessUnreachable } from '../overview-page.tsx';
import type { Visit } from '../visit.ts';

/** Results on a page. */
const PAGE_SIZE = 25;
/** How long a page looks further by itself, and how long where it has something to show. */
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
  unavailable: ReadonlySet<string>;
}

/** How a delivery's last attempt ended. */
export interface LastAnswer {
  /** In words; null: it succeeded. */
  error: string | null;
  body: string | null;
}

/** An event that a webhook kept back. */
export interface Skipped {
  webhook: WebhookRow;
  event: SkippedEvent;
}

/** Looks for deliveries from after a cursor, further and further back, for as long as somebody may wait for a page. */
export async function lookForDeliveries(visit: Visit, q: string, from: string | undefined): Promise<Found> {
  const begunAt = Date.now();
  const deliveries: FoundDelivery[] = [];
  const unavailable = new Set<string>();
  let cursor = from;
  for (let looks = 1; ; looks++) {
    const limit = String(PAGE_SIZE - deliveries.length);
    const page = await visit.call(listOrganizationDeliveries, { query: { q, limit, cursor } });
    deliveries.push(...page.data);
    for (const id of page.unavailable) unavailable.add(id);
    cursor = page.nextCursor ?? undefined;
    const isTimeUp = Date.now() - begunAt >= (deliveries.length > 0 ? LOOK_WITH_RESULTS_MS : LOOK_MS);
    if (cursor !== undefined && deliveries.length < PAGE_SIZE && looks < MAX_LOOKS && !isTimeUp) continue;
    const { nextCursor, searchedSince = null, keptSince = null } = page;
    return { deliveries, answers: await answersOf(visit, deliveries), nextCursor, searchedSince, keptSince, unavailable };
  }
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

/** Looks for what webhooks kept back, the latest first. */
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
