import type { Database } from '../db/client.ts';
import { findOrganization, type OrganizationRow } from '../db/organizations.ts';
import { fromBase64Url, toBase64Url } from '../domain/text/encoding.ts';
import { parseIsoTime, TIME_FORMS } from '../domain/text/iso-time.ts';
import { invalid, notFound } from './errors.ts';
import { z } from './zod.ts';

/** Most things on a page, and how many where nothing is said. */
export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 50;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Ids in a path are looked up, not judged: one that cannot exist is not found. */
const pathId = (what: string, example: string) => z.string().openapi({ description: `The ${what}'s id.`, example });

export const organizationParams = z.object({ organizationId: pathId('organization', 'org_acme') });
export const apiKeyParams = z.object({ keyId: pathId('key', 'key_01JDCQ7Z8W5M3KXN4R2T6V9YBA') });
export const webhookParams = organizationParams.extend({ webhookId: pathId('webhook', 'whk_01JDCQ7Z8W5M3KXN4R2T6V9YBA') });
export const eventParams = organizationParams.extend({ eventId: pathId('event', 'evt_01JDCQ7Z8W5M3KXN4R2T6V9YBA') });
export const deliveryParams = webhookParams.extend({ deliveryId: pathId('delivery', 'dlv_01JDCQ7Z8W5M3KXN4R2T6V9YBA') });

/** A `+` in a query is a space once it is decoded, which is how most wrong times come about. */
const NO_TIME = `This is not ${TIME_FORMS}. Write + as %2B in a query.`;

/** ISO 8601 in, milliseconds since the epoch out. */
export const timeInput = (description: string) =>
  z
    .string()
    .transform((text, context) => {
      const timeMs = parseIsoTime(text);
      if (timeMs === null) context.addIssue({ code: 'custom', message: NO_TIME });
      return timeMs ?? z.NEVER;
    })
    .openapi({ type: 'string', format: 'date-time', description, example: '2026-11-23T14:00:00Z' });

/** A time as answers carry it. */
export const time = (description?: string) => z.string().openapi({ format: 'date-time', description, example: '2026-11-23T14:00:00.000Z' });

/** Milliseconds since the epoch as ISO 8601. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

export const pageQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `This is not a whole number from 1 to ${MAX_PAGE}.`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= MAX_PAGE, `This is not a whole number from 1 to ${MAX_PAGE}.`)
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE, description: 'At most this many.' }),
  cursor: z.string().max(500).optional().openapi({ description: 'Where to go on: the `nextCursor` of the page before.' }),
});

export const nextCursor = z.string().nullable().openapi({ description: 'Where the next page starts; null where there is none.' });

/** A place in a list sorted by time and id, as clients get it: opaque, so that its form can change. */
export function writeCursor(timeMs: number, id: string): string {
  return toBase64Url(encoder.encode(JSON.stringify([timeMs, id])));
}

/** Null where there is none; a 422 where it is not one of ours. */
export function readCursor(cursor: string | undefined): { timeMs: number; id: string } | null {
  if (cursor === undefined) return null;
  try {
    const [timeMs, id, ...rest] = JSON.parse(decoder.decode(fromBase64Url(cursor)));
    if (Number.isSafeInteger(timeMs) && typeof id === 'string' && rest.length === 0) return { timeMs, id };
  } catch {
    // Not base64, not JSON, not an array: all the same to the client.
  }
  throw invalid([{ field: 'cursor', message: 'This is not a cursor that a page came with.' }]);
}

/** The organization of a request: the platform key can name one that does not exist. */
export async function requireOrganization(db: Database, id: string): Promise<OrganizationRow> {
  const organization = await findOrganization(db, id);
  if (!organization) throw notFound('organization');
  return organization;
}
