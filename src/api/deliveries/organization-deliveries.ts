import { listWebhooks } from '../../db/webhooks.ts';
import type { DeliveryPage } from '../../domain/delivery/delivery.ts';
import { type Answer, ENDED, mergePages, type Stand, startOf } from '../../domain/delivery/merged-page.ts';
import { MAX_LISTENERS } from '../../domain/endpoint/listen-url.ts';
import { fromBase64Url, toBase64Url } from '../../domain/text/encoding.ts';
import { MAX_WEBHOOKS } from '../../domain/webhook/webhook.ts';
import type { Effort } from '../../outbox/log/search.ts';
import { ApiError, invalid } from '../errors.ts';
import { DEFAULT_PAGE, isoTime, organizationParams, pageQuery, requireOrganization } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';
import { deliveryFilters, deliveryPage, toDelivery } from './deliveries.ts';
import { outboxOf, reached } from './outboxes.ts';

/** An organization's webhooks, those of `listen` included. */
const MOST_WEBHOOKS = MAX_WEBHOOKS + MAX_LISTENERS;
/** With a place for each of them. */
const MAX_CURSOR_LENGTH = 4_000;

const organizationPage = deliveryPage
  .extend({
    unavailable: z.array(z.string()).openapi({
      description: 'The ids of webhooks whose deliveries cannot be reached right now: what they have of this page comes with a later one.',
    }),
  })
  .openapi('OrganizationDeliveryPage', {
    example: {
      data: [
        {
          id: 'dlv_01KB3CWQ8V6R1T4N9M2X5Z7YHC5Z7YHC',
          webhookId: 'whk_01JDCQ7Z8W5M3KXN4R2T6V9YBA',
          eventId: 'evt_01KB3CWQ8V6R1T4N9M2X5Z7YHC',
          event: 'visitor.identified',
          test: false,
          subject: 'Jane Doe, Example Corp',
          sessionId: 'ses_01KB3CWQ4Y',
          status: 'failed',
          reason: 'attempts_exhausted',
          attemptCount: 4,
          nextAttemptAt: null,
          createdAt: '2026-11-23T14:00:00.000Z',
          finishedAt: '2026-11-23T14:36:12.000Z',
          lastResponseStatus: 422,
          lastDurationMs: 84,
        },
      ],
      nextCursor: 'WzE3OTU0NDI0MDAwMDAsImRsdl8wMUtCM0NXUThWNlIxVDROOU0yWDVaN1lIQzVaN1lIQyIsW11d',
      searchedSince: '2026-11-23T14:00:00.000Z',
      unavailable: [],
    },
  });

/** @param effort how far one page looks */
const listed = (effort: Effort) =>
  route({
    method: 'get',
    path: '/api/v1/organization/{organizationId}/deliveries',
    operationId: 'listOrganizationDeliveries',
    summary: "List the deliveries of all of an organization's webhooks",
    description: [
      'Newest first. The filters are those of one webhook’s deliveries. A page looks through a bounded part of each log: it can hold fewer than `limit`,',
      'even none, and still have a next one. Go on while `nextCursor` is not null. A webhook that cannot be reached is named in `unavailable`, and',
      'does not hide the others: what it has comes with a later page, so that page can have something newer than the page before. If nothing is left',
      'but webhooks that cannot be reached, the answer is 503; try the same page again later.',
    ].join(' '),
    tag: 'Deliveries',
    access: 'read',
    params: organizationParams,
    query: pageQuery.extend({
      ...deliveryFilters,
      cursor: z.string().max(MAX_CURSOR_LENGTH).optional().openapi({ description: 'Where to go on: the `nextCursor` of the page before.' }),
    }),
    success: { status: 200, description: 'A page.', schema: organizationPage },
    errors: ['outbox_unavailable'],
    handler: async ({ params, query, db, env }) => {
      const { limit = DEFAULT_PAGE, cursor, ...filter } = query;
      const before = readStand(cursor);
      await requireOrganization(db, params.organizationId);
      const webhooks = await listWebhooks(db, params.organizationId);
      const stand = ofWebhooks(before, new Set(webhooks.map(({ id }) => id)));
      const asked = webhooks.flatMap(({ id }) => {
        const start = startOf(id, stand);
        return start === undefined ? [] : [{ id, start }];
      });
      const answers = await Promise.all(
        asked.map(async ({ id, start }) => ({
          webhookId: id,
          page: await pageOrError(reached(outboxOf(env, id).list(filter, limit, start, effort))),
        })),
      );
      const errors = answers.flatMap(({ page }) => (page instanceof ApiError ? [page] : []));
      if (errors[0] && errors.length === answers.length) throw errors[0];
      const pages = answers.map(({ webhookId, page }) => ({ webhookId, page: page instanceof ApiError ? null : page }));
      return {
        ...toPage(pages, limit, stand),
        unavailable: pages.flatMap(({ webhookId, page }) => (page ? [] : webhookId)),
      };
    },
  });

async function pageOrError(call: Promise<DeliveryPage>): Promise<DeliveryPage | ApiError> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

function toPage(
  answers: readonly (Answer & { page: DeliveryPage | null })[],
  limit: number,
  before: Stand,
): Omit<z.input<typeof organizationPage>, 'unavailable'> {
  const { deliveries, stand } = mergePages(answers, limit, before);
  const keptSince = Math.max(0, ...answers.map(({ page }) => page?.keptSince ?? 0));
  return {
    data: deliveries.map(({ webhookId, delivery }) => toDelivery(webhookId, delivery)),
    nextCursor: stand && writeStand(stand),
    ...(stand?.shown && { searchedSince: isoTime(stand.shown.createdAt) }),
    ...(keptSince > 0 && { keptSince: isoTime(keptSince) }),
  };
}

const time = z.number().int().nonnegative();
const deliveryIdPart = z.string().max(100);
/** Where one webhook's log stands. 0: it has been shown to its end. */
const placeParts = z.tuple([z.string().max(100), time, deliveryIdPart.optional()]);
const standParts = z.tuple([time, deliveryIdPart, z.array(placeParts).max(MOST_WEBHOOKS)]);

/** Where the pages stand, as clients get it: opaque, so that its form can change. */
function writeStand({ shown, places }: Stand): string {
  const each = [...places].map(([id, place]): z.infer<typeof placeParts> => {
    if (place === ENDED) return [id, 0];
    return place.id === '' ? [id, place.createdAt] : [id, place.createdAt, place.id];
  });
  const parts: z.infer<typeof standParts> = [shown?.createdAt ?? 0, shown?.id ?? '', each];
  return toBase64Url(new TextEncoder().encode(JSON.stringify(parts)));
}

/** The same without those webhooks that have been deleted since: a cursor never grows beyond the webhooks that there are. */
function ofWebhooks({ shown, places }: Stand, ids: ReadonlySet<string>): Stand {
  return { shown, places: new Map([...places].filter(([id]) => ids.has(id))) };
}

/** A 422 where it is none of ours: that of one webhook's list, say. */
function readStand(cursor: string | undefined): Stand {
  if (cursor === undefined) return { shown: null, places: new Map() };
  try {
    const [createdAt, id, each] = standParts.parse(JSON.parse(new TextDecoder().decode(fromBase64Url(cursor))));
    const places = each.map(([webhookId, at, after = '']) => [webhookId, at === 0 ? ENDED : { createdAt: at, id: after }] as const);
    return { shown: createdAt === 0 ? null : { createdAt, id }, places: new Map(places) };
  } catch {
    throw invalid([{ field: 'cursor', message: 'This is not a cursor that a page of this list came with.' }]);
  }
}

const list = listed('usual');

export { list as listOrganizationDeliveries };

/** The same with little effort, for a page whose reader waits: so much as takes some milliseconds of each log. It is no route. */
export const glanceAtOrganizationDeliveries = listed('brief');

export const organizationDeliveryRoutes: readonly Route[] = [list];
