import { beforeAll, describe, expect, it } from 'vitest';
import { previewWebhook } from '../../../src/api/webhooks/webhook-preview.ts';
import {
  call,
  client,
  createKey,
  createOrganization,
  createWebhook,
  expectStatus,
  platform,
  type TestOrganization,
} from '../../support/api.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox } from '../../support/deliveries.ts';

let own: TestOrganization;
let reader: ReturnType<typeof client>;
beforeAll(async () => {
  own = await createOrganization();
  reader = client(await createKey(own.id, ['read']));
});

const preview = (json: Record<string, unknown>, organization = own, as = reader) => as.post(`${organization.path}/webhooks/preview`, json);
const ofSize = (value: number) => ({ field: 'company.employee_count', operator: 'at_least', value });
const EMPTY = { event: 'visitor.identified', session_id: 's', visitor: {} };

describe('a preview without a webhook', () => {
  it('is of the example of visitor.identified, as it is, where nothing is said', async () => {
    const { status, body } = await preview({});
    expect(status).toBe(200);
    expect(body).toEqual({
      matches: true,
      failedConditions: [],
      contentType: 'application/json',
      payload: expect.any(String),
      error: null,
      past: null,
    });
    expect(JSON.parse(body.payload)).toMatchObject({
      event: 'visitor.identified',
      organization_id: own.id,
      visitor: { first_name: 'Jane' },
    });
  });

  it('tells whether the filter lets the event through, and which conditions keep it back', async () => {
    expect((await preview({ filter: ofSize(250) })).body).toMatchObject({ matches: true, failedConditions: [] });
    const there = { field: 'visitor.email', operator: 'exists' };
    const filter = { all: [there, ofSize(251), { any: [ofSize(300), ofSize(400)] }, { not: there }] };
    const { body } = await preview({ filter, fields: ['visitor.email'] });
    expect(body).toMatchObject({ matches: false, failedConditions: ['filter.all[1]', 'filter.all[2]', 'filter.all[3]'] });
    // It is rendered all the same.
    expect(JSON.parse(body.payload).visitor).toEqual({ email: 'jane.doe@example.com' });
    expect((await preview({ filter: ofSize(251) })).body.failedConditions).toEqual(['filter']);
  });

  it('renders fields, formats and templates', async () => {
    const flat = JSON.parse((await preview({ fields: ['company.name'], format: 'flat' })).body.payload);
    expect(flat).toMatchObject({ event: 'visitor.identified', company_name: 'Example Corp' });
    expect(flat).not.toHaveProperty('visitor_email');
    for (const [format, part] of [
      ['slack', 'blocks'],
      ['teams', 'attachments'],
      ['discord', 'embeds'],
    ]) {
      const { body } = await preview({ format });
      expect(body).toMatchObject({ contentType: 'application/json', error: null });
      expect(JSON.parse(body.payload)).toHaveProperty(part!);
      expect(body.payload).toContain('Jane');
    }
    const template = '{ "mail": {{ visitor.email | json }} }';
    expect((await preview({ format: 'template', template })).body.payload).toBe('{ "mail": "jane.doe@example.com" }');
  });

  it('is 200 also where the template does not read, or fails on the event: without a payload, and why', async () => {
    for (const template of ['{ "a": {{ visitor.email | json }', '{ "n": {{ company.employee_count }} }']) {
      const { status, body } = await preview({ format: 'template', template, event: EMPTY });
      expect({ status, payload: body.payload, matches: body.matches }).toEqual({ status: 200, payload: null, matches: true });
      expect(body.error).toMatch(/line 1, column \d+/i);
    }
  });

  it('is of an event type by its name, or of a whole event, in its own text', async () => {
    expect(JSON.parse((await preview({ event: 'webhook.failing' })).body.payload)).toMatchObject({ event: 'webhook.failing' });
    const text = `{"event":"visitor.identified","timestamp":"2026-11-23T10:00:00Z","organization_id":"${own.id}","session_id":"s","visitor":{"n":12345678901234567890}}`;
    expect((await preview({ event: JSON.parse(text.replace('12345678901234567890', '5')) })).body.payload).toContain('"n":5');
    const exactly = await fetchText(`{ "event": ${text} }`);
    expect(exactly.body.payload).toBe(text);
    expect((await preview({ event: EMPTY, filter: { field: 'visitor.email', operator: 'exists' } })).body.matches).toBe(false);
  });

  it('lets the service’s own events through every filter', async () => {
    const filter = { field: 'visitor.email', operator: 'exists' };
    expect((await preview({ event: 'webhook.failing', filter })).body).toMatchObject({ matches: true, failedConditions: [] });
    const event = { event: 'webhook.disabled', webhook: { id: 'whk_1' } };
    expect((await preview({ event, filter })).body).toMatchObject({ matches: true, failedConditions: [] });
  });

  it.each<[what: string, json: Record<string, unknown>, field: string, code?: string]>([
    ['a type that there is not', { event: 'visitor.vanished' }, 'event', 'unknown_event_type'],
    ['an event of such a type', { event: { ...EMPTY, event: 'visitor.vanished' } }, 'event.event', 'unknown_event_type'],
    ['an event that lacks something', { event: { event: 'visitor.identified', session_id: 's' } }, 'event.visitor'],
    ['a number for an event', { event: 5 }, 'event'],
    ['a list for an event', { event: [] }, 'event'],
    ['null for an event', { event: null }, 'event'],
    ['a webhook that is a number', { webhookId: 5 }, 'webhookId'],
    ['something that has no preview', { once: { per: 'visitor.email', days: 1 } }, 'once'],
    ['headers', { headers: { 'X-A': 'a' } }, 'headers'],
  ])('is refused with %s', async (_what, json, field, code = 'validation_failed') => {
    expect(await preview(json)).toMatchObject({ status: 422, body: { code, details: { field } } });
  });
});

async function fetchText(raw: string) {
  const headers = { 'Content-Type': 'application/json' };
  return await call('POST', `/api/v1${own.path}/webhooks/preview`, { key: own.key, raw, headers });
}

describe('a preview of a webhook', () => {
  const CHOICES = { filter: ofSize(200), fields: ['company'], format: 'flat' };

  async function given(input: Record<string, unknown> = {}) {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url, ...input });
    const as = client(await createKey(organization.id, ['read']));
    return {
      organization,
      id,
      endpoint,
      preview: (json: Record<string, unknown> = {}) => preview({ webhookId: id, ...json }, organization, as),
    };
  }

  it('takes from the webhook what it does not name', async () => {
    const template = '{ "size": {{ company.employee_count | json }}, "mail": {{ visitor.email | json }} }';
    const webhook = await given({ ...CHOICES, format: 'template', template });
    const big = { ...EMPTY, company: { employee_count: 300 } };
    const small = { ...EMPTY, company: { employee_count: 100 } };
    expect((await webhook.preview({ event: big })).body).toMatchObject({ matches: true, payload: '{ "size": 300, "mail": null }' });
    expect((await webhook.preview({ event: small })).body).toMatchObject({ matches: false, failedConditions: ['filter'] });
    expect((await webhook.preview({ event: small, filter: null })).body).toMatchObject({
      matches: true,
      payload: '{ "size": 100, "mail": null }',
    });
    expect((await webhook.preview({ fields: null })).body.payload).toContain('jane.doe@example.com');
    expect((await webhook.preview({ template: '[1]' })).body.payload).toBe('[1]');
    expect(JSON.parse((await webhook.preview({ format: 'event' })).body.payload)).toHaveProperty('company');
    expect(await webhook.preview({ template: null })).toMatchObject({ status: 422, body: { details: { field: 'template' } } });
  });

  it('is called in a chat what the webhook is called: by its name, its description, or else its host', async () => {
    const named = await given({ name: 'Leads of the spring', description: 'Leads of the pricing page' });
    expect((await named.preview({ format: 'slack' })).body.payload).toContain('Leads of the spring');
    const described = await given({ description: 'Leads of the pricing page' });
    expect((await described.preview({ format: 'slack' })).body.payload).toContain('Leads of the pricing page');
    const bare = await given({ url: 'https://hooks.example.com/in' });
    expect((await bare.preview({ format: 'slack' })).body.payload).toContain('hooks.example.com');
  });

  it('goes through what the webhook has got, the latest first, and renders ten of those that match', async () => {
    const webhook = await given(CHOICES);
    const { organization, id } = webhook;
    const sizes = [...Array(15).keys()].map((n) => 100 * n);
    await expectStatus(organization.admin.patch(`${organization.path}/webhooks/${id}`, { filter: null }), 200);
    await consume([aMessage(sizes.map((employee_count) => anEvent(organization.id, { company: { employee_count } })))]);
    const deliveries = await endedDeliveriesOf(id, 15);
    const past = async (json: Record<string, unknown>) => (await webhook.preview(json)).body.past;
    expect(await past({ filter: null })).toMatchObject({ considered: 15, matching: 15 });
    const { considered, matching, samples } = await past({ filter: ofSize(1_200) });
    expect([considered, matching, samples.length]).toEqual([15, 3, 3]);
    for (const { deliveryId, eventId, payload } of samples) {
      expect(deliveries).toContainEqual(expect.objectContaining({ id: deliveryId, eventId }));
      expect(JSON.parse(payload)).toMatchObject({ event: 'visitor.identified', company_employee_count: expect.any(Number) });
    }
    expect((await past({ filter: null })).samples).toHaveLength(10);
    const failing = await past({ filter: ofSize(1_400), format: 'template', template: '{{ company.employee_count }}x' });
    expect(failing).toMatchObject({ considered: 15, matching: 1, samples: [{ payload: null }] });
    // Nothing of it is sent or kept.
    expect(await webhook.endpoint.requests()).toHaveLength(15);
    expect(await deliveriesOf(id)).toHaveLength(15);
  });

  it('of one whose log is empty has nothing to show', async () => {
    expect((await (await given()).preview()).body.past).toEqual({ considered: 0, matching: 0, samples: [] });
  });

  it('is 404 where the webhook is another organization’s, or nobody’s', async () => {
    const foreign = await given();
    for (const webhookId of [foreign.id, 'whk_nothing']) {
      expect(await preview({ webhookId })).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect((await preview({}, foreign.organization)).status).toBe(404);
  });

  it('needs no plan: it is looking', async () => {
    const webhook = await given();
    await expectStatus(platform.put(webhook.organization.path, { name: 'Test', plan: 'growth' }), 200);
    expect((await webhook.preview()).status).toBe(200);
  });
});

describe('the examples of the reference', () => {
  it.each(Object.entries(previewWebhook.examples ?? {}))('“%s” is answered', async (_what, json) => {
    const { status, body } = await preview(json as Record<string, unknown>);
    expect([status, body.error]).toEqual([200, null]);
  });
});
