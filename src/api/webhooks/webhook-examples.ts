/** Bodies that create a webhook, by what it is for, for the description of the API. */
export const NEW_WEBHOOKS = {
  'All identified visitors, signed': {
    url: 'https://hooks.example.com/bullseye',
    events: ['visitor.identified'],
    generateSecret: true,
  },
  'Only companies with more than 200 employees': {
    url: 'https://hooks.example.com/bullseye',
    events: ['visitor.identified'],
    filter: { field: 'company.employee_count', operator: 'greater_than', value: 200 },
  },
  'Visitors of the pricing page, from the United States': {
    url: 'https://hooks.example.com/bullseye',
    events: ['visitor.identified'],
    filter: {
      all: [
        { field: 'session.landing_page', operator: 'contains', value: '/pricing' },
        { field: 'company.location', operator: 'ends_with', value: 'United States' },
      ],
    },
  },
  'A message in Slack for each lead, once a person a month': {
    url: 'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX',
    description: 'Slack, #leads',
    events: ['visitor.identified', 'webhook.*'],
    once: { per: 'visitor.email', days: 30 },
    format: 'slack',
  },
  'Into Clay, with its token': {
    url: 'https://api.clay.com/v3/sources/webhook/pull-in-data-from-a-webhook-0000',
    events: ['visitor.identified'],
    format: 'flat',
    headers: { 'x-clay-webhook-auth': '0123456789abcdef' },
    maxPerSecond: 10,
  },
  'Into a CRM that wants flat JSON of some fields, patiently': {
    url: 'https://crm.example.com/api/leads',
    events: ['visitor.identified'],
    fields: ['visitor.email', 'visitor.first_name', 'visitor.last_name', 'company.name', 'company.domain'],
    format: 'flat',
    headers: { Authorization: 'Bearer 3f9a07c2' },
    retrySchedule: ['1m', '10m', '1h', '6h', '24h', '24h'],
  },
  'JSON of a form of its own': {
    url: 'https://crm.example.com/api/leads',
    events: ['visitor.identified'],
    format: 'template',
    template: '{\n  "contact": { "email": {{ visitor.email | json }} },\n  "account": {{ company.name | json }}\n}',
  },
} as const;

/** Bodies that change one. */
export const WEBHOOK_CHANGES = {
  'Another filter, and no template any more': {
    filter: { not: { field: 'visitor.email', operator: 'one_of', value: ['me@example.com', 'you@example.com'] } },
    format: 'event',
  },
  'One header set, another removed; the others stay': { headers: { Authorization: 'Bearer 77b1e05d', 'X-Former-Token': null } },
  'Everything that comes, as it comes': { filter: null, once: null, fields: null, format: 'event', headers: null, retrySchedule: null },
} as const;
