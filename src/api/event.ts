import { BUILT_IN_EVENT_TYPES } from '../domain/event-type.ts';
import { ORGANIZATION_ID } from '../domain/ids.ts';
import { TIME_FORMS } from '../domain/iso-time.ts';
import { isOperational, VISITOR_ERASED } from '../domain/operational-event.ts';
import { z } from './zod.ts';

/*
 * Events as the API describes them. Only described here: they are read from their bytes by domain/event.ts, so that these stay as they are, and
 * whatever else an event has passes through.
 */

const text = (example: string) => z.string().nullable().optional().openapi({ example });

const visitor = z
  .looseObject({
    email: text('jane.doe@example.com'),
    first_name: text('Jane'),
    last_name: text('Doe'),
    job_title: text('VP of Marketing'),
    linkedin_url: text('https://www.linkedin.com/in/janedoe'),
    location: text('Austin, Texas, United States'),
  })
  .openapi('EventVisitor', { description: 'Who was identified. Any of these can be missing, and others can be there.' });

const company = z
  .looseObject({
    name: text('Example Corp'),
    industry: text('Computer Software'),
    employee_count: z.number().nullable().optional().openapi({ example: 250 }),
    location: text('Austin, Texas, United States'),
    domain: text('example.com'),
  })
  .openapi('EventCompany', { description: 'Where the visitor works. Any of these can be missing, and others can be there.' });

const session = z
  .looseObject({
    landing_page: text('https://www.acme.com/pricing'),
    pages_visited: z.number().nullable().optional().openapi({ example: 4 }),
    utm_source: text('google'),
    utm_medium: text('cpc'),
    referrer: text('https://www.google.com/'),
    device_type: text('desktop'),
  })
  .openapi('EventSession', { description: 'The visit to the website. Any of these can be missing, and others can be there.' });

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
