import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BUILT_IN_EVENT_TYPES } from '../../src/domain/event-type.ts';
import { isOperational, webhookDisabled, webhookFailing } from '../../src/domain/operational-event.ts';

const about = (url: string) => ({ id: 'whk_1', organizationId: 'org_1', url });
const told = (url: string) => [
  webhookDisabled(about(url), 'endpoint_gone', 0),
  webhookFailing(about(url), { id: 'dlv_1', eventId: 'evt_1' }, 0),
];

it.each([
  ['https://hooks.zapier.example/hooks/catch/1/SECRET/', 'hooks.zapier.example'],
  ['https://in.crm.example:8443/?token=SECRET&x=1', 'in.crm.example:8443'],
  ['http://127.0.0.1:9610/SECRET?a=SECRET', '127.0.0.1:9610'],
])('the other webhooks are told the host of %s, and no more of it', (url, host) => {
  for (const event of told(url)) {
    expect(event.webhook).toMatchObject({ id: 'whk_1', name: host, host });
    expect(JSON.stringify(event)).not.toContain('SECRET');
  }
});

it('whatever the path and the query are, nothing of them is in an event', () => {
  const part = fc.stringMatching(/^[a-z]{12,20}$/);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), part, (path, query) => {
      for (const event of told(`https://hooks.example.com/${path.join('/')}?${query}=${query}`)) {
        const text = JSON.stringify(event);
        for (const each of [...path, query]) expect(text).not.toContain(each);
      }
    }),
  );
});

it('the examples of the catalogue have the same fields', () => {
  const keys = (event: unknown) => Object.keys((event as { webhook: object }).webhook).sort();
  const examples = BUILT_IN_EVENT_TYPES.filter(({ name }) => isOperational(name)).map(({ example }) => example);
  expect(examples.map(keys)).toEqual(told('https://hooks.example.com/').map(keys));
});
