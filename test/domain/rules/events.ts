import fc from 'fast-check';
import { readEvents } from '../../../src/domain/event/event.ts';
import { BUILT_IN_EVENT_TYPES } from '../../../src/domain/event/event-type.ts';
import { anyText, oddJson } from '../../support/fuzz.ts';

/** A visitor as the catalogue shows it. */
export const VISITOR = BUILT_IN_EVENT_TYPES.find(({ name }) => name === 'visitor.identified')?.example as Record<string, unknown>;

/** What somebody may write where a name belongs. */
const spiteful = fc.constantFrom(
  ...[
    '<!channel> <!here> @channel @everyone',
    '<@U012AB3CD> <@&12> <#C1>',
    '<at>everyone</at>',
    '*a* _b_ ~c~ `d` **e** __f__ ||g||',
    '```x',
  ],
  ...['[a](javascript:alert(1))', '<javascript:alert(1)|a>', '<https://a.example|b>', 'https://a.example/(_*~`|@everyone)?b=<c>&d="e"'],
  ...[
    'https://user:secret@a.example',
    'HTTPS://a.example/é',
    'http://[::1]/',
    'data:text/html,x',
    '<b>x</b> &amp; &',
    '# a',
    '- a',
    '1. a',
    '> a',
  ],
  ...[
    '\u202eabc',
    '\u200b',
    '\u0085',
    '\u3000',
    '\\',
    '\\*',
    'a\nb\tc',
    '😀'.repeat(400),
    '&'.repeat(2_000),
    '*'.repeat(2_000),
    'é'.repeat(9_000),
  ],
  ...[`https://a.example/${'&'.repeat(900)}`, `https://a.example/${'é'.repeat(100)}`, '"'.repeat(1_000), '\ud83d'.repeat(500)],
);
const text = fc.oneof(spiteful, spiteful, anyText);
const part = fc.dictionary(fc.oneof(fc.constantFrom('name', 'a_b', 'url'), text), fc.oneof(text, oddJson), { maxKeys: 30 });
const person = fc.record(
  { first_name: text, last_name: text, email: text, job_title: text, linkedin_url: text, location: oddJson },
  { requiredKeys: [] },
);
const company = fc.record({ name: text, domain: text, industry: text, employee_count: oddJson, location: text }, { requiredKeys: [] });
const session = fc.record(
  { landing_page: text, pages_visited: fc.oneof(oddJson, fc.array(text)), utm_source: text, referrer: text },
  { requiredKeys: [] },
);
const base = {
  timestamp: fc.constantFrom('2026-11-23T14:05:09.000Z', '0001-01-01', '9999-12-31T23:59Z'),
  organization_id: fc.constant('org_acme'),
};

const visitors = fc
  .record({ ...base, visitor: person, company: fc.option(company), session: fc.option(session), more: part })
  .map((event) => ({ event: 'visitor.identified', session_id: 'ses_1', ...event }));
const others = fc
  .tuple(fc.record(base), fc.oneof(text, fc.constant('order.created')), part)
  .map(([envelope, event, more]) => ({ ...more, ...envelope, event, session_id: 1, company: null, session: null }));
const alerts = fc
  .tuple(
    fc.record(base),
    fc.constantFrom('webhook.failing', 'webhook.disabled', 'webhook.recovered', 'webhook.disable_warning', 'visitor.erased'),
    fc.oneof(oddJson, fc.record({ id: text, name: text, host: text, description: text, disabled_reason: text }, { requiredKeys: [] })),
  )
  .map(([envelope, event, webhook]) => ({ ...envelope, event, webhook, field: 'visitor.email', value: 'a@b.example' }));

/** Any event that ingest lets in, and the service's own: their bytes. */
export const acceptedEvents = fc
  .oneof(visitors, others, alerts)
  .map((event) => new TextEncoder().encode(JSON.stringify(event)))
  .filter((bytes) => readEvents(bytes).ok);
