import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_EVENT_TYPES } from '../../../src/domain/event/event-type.ts';
import {
  aboutWebhook,
  answerInWords,
  isOperational,
  NOTICES,
  type Notice,
  noticeEvent,
  VISITOR_ERASED,
} from '../../../src/domain/event/operational-event.ts';
import { hostOf } from '../../../src/domain/webhook/webhook.ts';
import { aFailing, aNotice, TOLD } from '../../support/notices.ts';

const LINK = 'https://webhooks.example.com/settings/integrations/webhooks/whk_1';

/** One of each, of a webhook with this URL. */
const each = (url: string): Notice[] => {
  const common = { at: 0, organizationId: 'org_1', host: hostOf(url), since: 0, lastAnswer: answerInWords(`Fetching ${url} failed`, url) };
  return [
    aFailing({ ...common }),
    { ...common, event: 'webhook.disable_warning', disableAt: 1 },
    { ...common, event: 'webhook.disabled', disabledReason: 'endpoint_gone' },
    { ...common, event: 'webhook.recovered' },
  ];
};
const told = (url: string) => each(url).map((notice) => noticeEvent(notice, TOLD));

it.each([
  ['https://hooks.zapier.example/hooks/catch/1/SECRET/', 'hooks.zapier.example'],
  ['https://in.crm.example:8443/?token=SECRET&x=1', 'in.crm.example:8443'],
  ['http://127.0.0.1:9610/SECRET?a=SECRET', '127.0.0.1:9610'],
])('the other webhooks are told the host of %s, and no more of it', (url, host) => {
  for (const event of told(url)) {
    expect(event.webhook).toMatchObject({ id: 'whk_1', name: host, host, description: null });
    expect(JSON.stringify(event)).not.toContain('SECRET');
  }
});

it('whatever the path and the query are, nothing of them is in an event', () => {
  const part = fc.stringMatching(/^[a-z]{12,20}$/);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), part, (path, query) => {
      for (const event of told(`https://hooks.example.com/${path.join('/')}?${query}=${query}`)) {
        const text = JSON.stringify(event);
        for (const word of [...path, query]) expect(text).not.toContain(word);
      }
    }),
  );
});

describe('a notice', () => {
  it('says what happened to which webhook, since when, how many wait, what was answered, and where there is more', () => {
    const since = Date.UTC(2026, 10, 23, 13, 0);
    const event = aNotice({ since, at: since + 60_000 }, { name: 'Leads', description: 'Of sales', waiting: 3, link: LINK });
    expect(event).toEqual({
      event: 'webhook.failing',
      timestamp: '2026-11-23T13:01:00.000Z',
      organization_id: 'org_acme',
      message: 'A delivery to “Leads” has failed for good, though its endpoint had worked before.',
      webhook: { id: 'whk_1', name: 'Leads', host: 'hooks.example.com', description: 'Of sales' },
      delivery: { id: 'dlv_1', event_id: 'evt_1' },
      failing_since: '2026-11-23T13:00:00.000Z',
      deliveries_waiting: 3,
      last_answer: 'The endpoint answered 500; only a 2xx acknowledges a delivery',
      url: LINK,
    });
  });

  it('of a webhook without a name has its host as that, and speaks of its description', () => {
    const { webhook, message } = aNotice({}, { description: 'CRM' });
    expect(webhook).toEqual({ id: 'whk_1', name: 'hooks.example.com', host: 'hooks.example.com', description: 'CRM' });
    expect(message).toContain('A delivery to “CRM” has failed');
    expect(aNotice().message).toContain('A delivery to hooks.example.com has failed');
  });

  it('has no link where nobody knows where the dashboard is', () => {
    expect(aNotice()).not.toHaveProperty('url');
  });

  it('of a warning says when the webhook will be disabled', () => {
    const event = aNotice({ event: 'webhook.disable_warning', delivery: undefined, disableAt: Date.UTC(2026, 10, 28, 14, 5, 9) });
    expect(event.message).toContain('hooks.example.com will be disabled on 2026-11-28 at 14:05 UTC');
    expect(event).toMatchObject({ will_be_disabled_at: '2026-11-28T14:05:09.000Z' });
  });

  it('of an outbox that is full says so', () => {
    expect(aNotice({ isFull: true })).toMatchObject({
      reason: 'outbox_full',
      message: expect.stringContaining('than are kept') as string,
    });
  });
});

it('are all the events of the service: those about webhooks, and the erasure, which is about none', () => {
  const own = BUILT_IN_EVENT_TYPES.map(({ name }) => name).filter(isOperational);
  expect(own.sort()).toEqual([...NOTICES, VISITOR_ERASED].sort());
  expect(isOperational('visitor.identified')).toBe(false);
  expect(isOperational('webhook.of_a_producer')).toBe(false);
  expect(aboutWebhook({ event: VISITOR_ERASED, webhook: { id: 'whk_1' } })).toBeNull();
  expect(aboutWebhook(aNotice() as { event: string })).toBe('whk_1');
  const erased = BUILT_IN_EVENT_TYPES.find(({ name }) => name === VISITOR_ERASED)?.example as { event: string };
  expect(aboutWebhook(erased)).toBeNull();
  expect(Object.keys(erased)).toEqual(['event', 'timestamp', 'organization_id', 'erasure_id', 'field', 'value']);
});

it('the examples of the catalogue have the same fields', () => {
  const examples = new Map(BUILT_IN_EVENT_TYPES.map(({ name, example }) => [name, example as { webhook: object }]));
  const keys = (event: object) => [Object.keys(event).sort(), Object.keys((event as { webhook: object }).webhook).sort()];
  for (const notice of each('https://hooks.example.com/')) {
    expect(keys(examples.get(notice.event) as object)).toEqual(keys(noticeEvent(notice, { ...TOLD, link: LINK })));
  }
});

it('their words in the examples are those that they really have', () => {
  for (const { example } of BUILT_IN_EVENT_TYPES.filter(({ name }) => isOperational(name) && name !== VISITOR_ERASED)) {
    const shown = example as Record<string, string> & { webhook: { name: string; disabled_reason?: 'endpoint_failing' } };
    const again = aNotice(
      {
        event: shown.event as Notice['event'],
        disabledReason: shown.webhook.disabled_reason,
        disableAt: Date.parse(shown.will_be_disabled_at ?? '') || undefined,
      },
      { name: shown.webhook.name },
    );
    expect(shown.message).toBe(again.message);
  }
});
