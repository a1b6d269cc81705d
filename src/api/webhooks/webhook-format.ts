import type { Database } from '../../db/client.ts';
import { listEventTypes } from '../../db/event-types.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { sampleEvent } from '../../domain/event/event-type.ts';
import type { Format } from '../../domain/rules/choices.ts';
import { chosenEvent } from '../../domain/rules/render.ts';
import { checkTemplate } from '../../domain/rules/template.ts';
import { subscribes } from '../../domain/webhook/webhook.ts';
import { ApiError, invalid } from '../errors.ts';

type FormatColumns = Pick<WebhookRow, 'format' | 'template'>;

/**
 * The format of a webhook after a change, and its template, which there is exactly where the format is `template`. Another format drops it: what
 * a webhook is read with is what is in force, and can be given to another one.
 */
export function formatAfter(
  before: FormatColumns,
  { format = before.format, template }: { format?: Format | undefined; template?: string | null | undefined },
): FormatColumns {
  if (format !== 'template') {
    if (!template) return { format, template: null };
    throw invalid([{ field: 'template', message: '`template` goes with the `format` `template` alone: give both' }]);
  }
  const after = template === undefined ? before.template : template;
  if (after) return { format, template: after };
  throw invalid([{ field: 'template', message: '`template` is missing: the `format` `template` needs one' }]);
}

/**
 * Refuses a template that does not read, or that fails on the example of a type of the catalogue that the webhook subscribes to, with the fields
 * that are chosen of it: the service's own among them, where it subscribes to these. More cannot be promised: real events can lack what the
 * example has, and types come to the catalogue later that a `*` covers.
 */
export async function requireRenderable(
  db: Database,
  { organizationId, events, fields, template }: Pick<WebhookRow, 'organizationId' | 'events' | 'fields' | 'template'>,
  nowMs: number,
): Promise<void> {
  if (template === null) return;
  const types = (await listEventTypes(db)).filter(({ name, example }) => example !== null && subscribes(events, name));
  let flaw = checkTemplate(template, []);
  for (const type of types) {
    if (flaw) break;
    // Each can take tens of milliseconds; others are served between two.
    await scheduler.wait(0);
    flaw = checkTemplate(template, [chosenEvent(new TextEncoder().encode(sampleEvent(type, organizationId, nowMs)), fields)]);
  }
  if (!flaw) return;
  const { message, line, column } = flaw;
  const refused = invalid([{ field: 'template', message: `line ${line}, column ${column}: ${message}` }]);
  throw new ApiError(refused.code, refused.message, { ...refused.details, line, column });
}
