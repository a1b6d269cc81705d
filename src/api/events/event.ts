import { BUILT_IN_EVENT_TYPES } from '../../domain/event/event-type.ts';
import { isOperational, VISITOR_ERASED } from '../../domain/event/operational-event.ts';
import { VISITOR_IDENTIFIED_SCHEMA } from '../../domain/event/visitor-identified.ts';
import { ORGANIZATION_ID } from '../../domain/ids.ts';
import { TIME_FORMS } from '../../domain/text/iso-time.ts';
import { z } from '../zod.ts';

/*
 * Events as the API describes them. Only described here: they are read from their bytes by domain/event/event.ts, so that these stay as they are, and
 * whatever else an event has passes through.
 */

/** Fields as they typically are: the schema of the event type says what each means, and its example how one looks. */
function typically(part: 'visitor' | 'company' | 'session') {
  const { properties } = VISITOR_IDENTIFIED_SCHEMA.properties[part] as { properties: Record<string, Annotated> };
  const shape = Object.entries(properties).map(
    ([
      name,
      {
        description,
        examples: [example],
      },
    ]) => {
      const type = typeof example === 'number' ? z.number() : z.string();
      return [name, type.nullable().optional().openapi({ description, example })] as const;
    },
  );
  return z.looseObject(Object.fromEntries(shape));
}

interface Annotated {
  description: string;
  examples: [string | number];
}

const visitor = typically('visitor').openapi('EventVisitor', {
  description: 'Who was identified. Any of these can be missing, and others can be there.',
});
const company = typically('company').openapi('EventCompany', {
  description: 'Where the visitor works. Any of these can be missing, and others can be there.',
});
const session = typically('session').openapi('EventSession', {
  description: 'The visit to the website. Any of these can be missing, and others can be there.',
});

const envelope = {
  event: z.string().min(1).max(256).openapi({ description: 'A name of the catalogue.', example: 'visitor.identified' }),
  timestamp: z.string().openapi({ format: 'date-time', description: `Is ${TIME_FORMS}.`, example: '2026-11-23T14:05:09.000Z' }),
  organization_id: z.string().regex(ORGANIZATION_ID).openapi({ example: 'org_acme' }),
};

export const event = z
  .looseObject({
    ...envelope,
    session_id: z
      .string()
      .max(256)
      .optional()
      .openapi({ description: 'Required for `visitor.identified`.', example: 'ses_01JDCQ7Z8W5M3KXN4R2T6V9YBA' }),
    visitor: visitor.optional(),
    company: z.union([company, z.null()]).optional(),
    session: z.union([session, z.null()]).optional(),
  })
  .openapi('Event', {
    description:
      'Passed on byte for byte, with whatever else it has. At most 100,000 bytes. `visitor.identified` also requires `session_id` and `visitor`; ' +
      '`company` and `session` are objects or null where they are there.',
  });

const operationalEvent = z
  .looseObject({
    ...envelope,
    message: z.string().optional().openapi({ description: 'What has happened, in a sentence.' }),
    webhook: z
      .looseObject({
        id: z.string(),
        name: z.string().openapi({ description: 'As its owner gave it, or else its host.' }),
        host: z.string().openapi({ description: 'Of its URL. Nothing else of the URL is told.' }),
        description: z.string().nullable().optional(),
      })
      .openapi({ description: 'The webhook that it is about.' }),
    failing_since: z.string().nullable().optional().openapi({ format: 'date-time' }),
    deliveries_waiting: z.int().optional().openapi({ description: 'Counted up to 10,000: that number means so many or more.' }),
    last_answer: z.string().nullable().optional().openapi({ description: 'What the endpoint answered last, in words.' }),
    url: z.string().optional().openapi({ description: "The webhook's page in the dashboard, where the service knows its own address." }),
  })
  .openapi('OperationalEvent', { description: 'Of the service itself, about one of the other webhooks of the organization.' });

const erasedEvent = z
  .looseObject({
    ...envelope,
    erasure_id: z.string(),
    field: z.string().openapi({ description: 'The path of the field that names the person.' }),
    value: z.string(),
  })
  .openapi('ErasedEvent', { description: 'Of the service itself: a person was erased.' });

/** The events that receivers get, with what each is and how one looks. */
export const describedEvents = BUILT_IN_EVENT_TYPES.map((type) => ({ ...type, payload: payloadOf(type.name) }));

function payloadOf(eventType: string) {
  if (eventType === VISITOR_ERASED) return erasedEvent;
  return isOperational(eventType) ? operationalEvent : event;
}
