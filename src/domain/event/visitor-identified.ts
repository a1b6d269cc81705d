import { ORGANIZATION_ID } from '../ids.ts';

/*
 * The event that the product is about: its example, and its JSON Schema, from which the payload reference of the documentation is made. The
 * schema requires what domain/event/event.ts requires and nothing else, so that an event that was accepted yesterday is accepted today. Of the
 * other fields it says what they mean and how one looks, not what type they must have: they come from several sources.
 */

const EXAMPLE = {
  event: 'visitor.identified',
  timestamp: '2026-11-23T14:05:09.000Z',
  organization_id: 'org_acme',
  session_id: 'ses_01JDCQ7Z8W5M3KXN4R2T6V9YBA',
  visitor: {
    email: 'jane.doe@example.com',
    first_name: 'Jane',
    last_name: 'Doe',
    job_title: 'VP of Marketing',
    linkedin_url: 'https://www.linkedin.com/in/janedoe',
    location: 'Austin, Texas, United States',
  },
  company: {
    name: 'Example Corp',
    industry: 'Computer Software',
    employee_count: 250,
    location: 'Austin, Texas, United States',
    domain: 'example.com',
  },
  session: {
    landing_page: 'https://www.acme.com/pricing',
    pages_visited: 4,
    utm_source: 'google',
    utm_medium: 'cpc',
    referrer: 'https://www.google.com/',
    device_type: 'desktop',
  },
};

export { EXAMPLE as VISITOR_IDENTIFIED_EXAMPLE };

/** What each field of a part of the event means. */
type Meanings<T> = Readonly<Record<keyof T, string>>;

const VISITOR: Meanings<typeof EXAMPLE.visitor> = {
  email: 'The e-mail address of the person.',
  first_name: 'The first name of the person.',
  last_name: 'The last name of the person.',
  job_title: 'What the person does in the company.',
  linkedin_url: "The address of the person's LinkedIn profile.",
  location: 'Where the person is: city, region, country, as far as it is known.',
};

const COMPANY: Meanings<typeof EXAMPLE.company> = {
  name: 'The name of the company.',
  industry: 'The industry of the company.',
  employee_count: 'About how many people work there.',
  location: 'Where the company is: city, region, country, as far as it is known.',
  domain: "The domain of the company's website. Use it to tell companies apart.",
};

const SESSION: Meanings<typeof EXAMPLE.session> = {
  landing_page: 'The address of the first page that the person opened, with its query.',
  pages_visited: 'How many pages the person opened in this visit.',
  utm_source: 'The `utm_source` of the landing page: which site or campaign sent the person.',
  utm_medium: 'The `utm_medium` of the landing page: by which kind of link.',
  referrer: 'The address of the page that the person came from.',
  device_type: 'What the person browses with, such as `desktop` or `mobile`.',
};

/** Annotations alone: a description and a sample. Nothing that could refuse an event. */
function annotated<T extends object>(meanings: Meanings<T>, example: T): Record<string, unknown> {
  const names = Object.keys(meanings) as (keyof T & string)[];
  return Object.fromEntries(names.map((name) => [name, { description: meanings[name], examples: [example[name]] }]));
}

const name = (description: string, example: string) => ({
  type: 'string',
  minLength: 1,
  maxLength: 256,
  description,
  examples: [example],
});

/** JSON Schema (draft 2020-12) of `visitor.identified`. Fields that it does not name pass through, at every level. */
export const VISITOR_IDENTIFIED_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'visitor.identified',
  type: 'object',
  required: ['event', 'timestamp', 'organization_id', 'session_id', 'visitor'],
  properties: {
    event: name('The type of the event.', EXAMPLE.event),
    timestamp: name('When the visitor was identified: an ISO 8601 time, with its offset or in UTC (`Z`).', EXAMPLE.timestamp),
    organization_id: {
      type: 'string',
      pattern: ORGANIZATION_ID.source,
      description: 'Your organization in Bullseye.',
      examples: [EXAMPLE.organization_id],
    },
    session_id: name('The visit. One visit has one `session_id`, however many pages it has.', EXAMPLE.session_id),
    visitor: {
      type: 'object',
      description: 'Who was identified. The object is always there; each field in it can be missing or null.',
      properties: annotated(VISITOR, EXAMPLE.visitor),
    },
    company: {
      type: ['object', 'null'],
      description: 'Where the person works. Missing or null where the company is not known.',
      properties: annotated(COMPANY, EXAMPLE.company),
    },
    session: {
      type: ['object', 'null'],
      description: 'The visit to your website. Missing or null where nothing is known of it.',
      properties: annotated(SESSION, EXAMPLE.session),
    },
  },
};
