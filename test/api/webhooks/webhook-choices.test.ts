import { beforeAll, describe, expect, test } from 'vitest';
import { changesOf, onceAfter } from '../../../src/api/webhooks/webhook-changes.ts';
import { createWebhook as createRoute, updateWebhook as updateRoute } from '../../../src/api/webhooks/webhooks.ts';
import { databaseOf } from '../../../src/db/client.ts';
import { readOrganizations, readWebhook } from '../../../src/db/configuration.ts';
import { findWebhook, updateWebhook } from '../../../src/db/webhooks.ts';
import { settingsOf } from '../../../src/settings.ts';
import {
  call,
  client,
  createKey,
  createOrganization,
  createWebhook,
  env,
  expectStatus,
  PLATFORM_KEY,
  platform,
  type TestOrganization,
} from '../../support/api.ts';

const FILTER = {
  all: [
    { field: 'company.employee_count', operator: 'at_least', value: 200 },
    { any: [{ field: 'visitor.email', operator: 'exists' }, { not: { field: 'company.name', operator: 'one_of', value: ['A', 'B'] } }] },
  ],
};
const CHOICES = {
  filter: FILTER,
  once: { per: 'visitor.email', days: 30 },
  fields: ['visitor.email', 'company.employee_count'],
  format: 'template',
  template: '{ "email": {{ visitor.email | json }} }',
  retrySchedule: ['30s', '5m', '24h'],
};
const NOTHING = { filter: null, once: null, fields: null, format: 'event', template: null, headerNames: null, retrySchedule: null };

let organization: TestOrganization;
beforeAll(async () => {
  organization = await createOrganization('enterprise');
});

/** A new webhook of an organization of its own: 20 are the limit. */
async function given(input: Record<string, unknown> = {}) {
  const own = await createOrganization();
  const { id, ...created } = await createWebhook(own, input);
  const at = `${own.path}/webhooks/${id}`;
  const patch = (json: Record<string, unknown>) => own.admin.patch(at, json);
  return { own, id, created, at, patch, read: async () => (await own.admin.get(at)).body };
}

describe('what an owner chooses', () => {
  test('is nothing unless it is given', async () => {
    expect((await given()).created).toMatchObject(NOTHING);
    expect(
      (await given({ filter: null, once: null, fields: null, template: null, headers: null, retrySchedule: null })).created,
    ).toMatchObject(NOTHING);
    const { id } = await given();
    expect((await readWebhook(env.DB, id))?.webhook.choices).toBeNull();
  });

  test('can be a long template in any script, with every character escaped, and a long list of long values', async () => {
    const { at, patch, read } = await given();
    const template = `{ "text": "${'あ'.repeat(19_980)}" }`;
    const raw = JSON.stringify({ format: 'template', template }).replaceAll('あ', '\\u3042');
    expect((await call('PATCH', `/api/v1${at}`, { key: PLATFORM_KEY, raw })).status).toBe(200);
    const value = Array.from({ length: 500 }, (_, index) => `${'x'.repeat(200)}.${index}.example`);
    expect((await patch({ filter: { field: 'company.domain', operator: 'one_of', value } })).status).toBe(200);
    expect(await read()).toMatchObject({ template, filter: { value } });
  });

  test('is given at creation, and read as it was given', async () => {
    const { own, created, read } = await given(CHOICES);
    expect(created).toMatchObject(CHOICES);
    expect(await read()).toMatchObject(CHOICES);
    expect((await own.admin.get(`${own.path}/webhooks`)).body.webhooks).toMatchObject([CHOICES]);
  });

  test('is changed one by one, and what a change does not name stays', async () => {
    const { patch, read } = await given(CHOICES);
    const changes = [
      { filter: { field: 'event', operator: 'equals', value: 'visitor.identified' } },
      { once: { per: 'company.domain', days: 365 } },
      { fields: ['visitor'] },
      { template: '[{{ visitor.email | json }}]' },
      { retrySchedule: ['24h', '24h', '24h', '24h', '24h', '24h', '24h'] },
      { format: 'flat', template: null },
    ];
    let expected: Record<string, unknown> = CHOICES;
    for (const change of changes) {
      expected = { ...expected, ...change };
      expect(await patch(change)).toMatchObject({ status: 200, body: expected });
      expect(await read()).toMatchObject(expected);
    }
  });

  test('is cleared by null; the format, which is always one, by `event`', async () => {
    const { id, patch, read } = await given(CHOICES);
    const cleared = { filter: null, once: null, fields: null, format: 'event', retrySchedule: null };
    expect(await patch(cleared)).toMatchObject({ status: 200, body: NOTHING });
    expect(await read()).toMatchObject(NOTHING);
    expect((await readWebhook(env.DB, id))?.webhook.choices).toBeNull();
  });

  test('is what deliveries and consumers are told, the filter to consumers alone', async () => {
    const { own, id } = await given({ ...CHOICES, description: 'CRM' });
    const { once, fields, format, template } = CHOICES;
    const choices = { once, fields, format, template, name: 'CRM', headers: null, retryScheduleMs: [30_000, 300_000, 86_400_000] };
    const config = await readWebhook(env.DB, id);
    expect(config?.webhook).toMatchObject({ choices });
    expect(config?.webhook).not.toHaveProperty('filter');
    const consumed = (await readOrganizations(env.DB, [own.id])).get(own.id)?.webhooks[0];
    expect(consumed).toMatchObject({ filter: FILTER, choices });
  });

  test('can be read with the scope read, and set with the scope write', async () => {
    const { own, at } = await given();
    const writer = client(await createKey(own.id, ['write']));
    expect(await writer.patch(at, { ...CHOICES, headers: { 'X-Api-Token': 'a token' } })).toMatchObject({ status: 200, body: CHOICES });
    const reader = client(await createKey(own.id, ['read']));
    expect((await reader.get(at)).body).toMatchObject({ ...CHOICES, headerNames: ['X-Api-Token'] });
    expect((await reader.patch(at, { filter: null })).status).toBe(403);
  });
});

/** What is refused, with the place that the answer names. */
const leaf = { field: 'visitor.email', operator: 'exists' };
const nested = (levels: number): unknown => (levels === 1 ? leaf : { not: nested(levels - 1) });
const refused: [what: string, change: Record<string, unknown>, field: string][] = [
  ['a filter that is a text', { filter: 'visitor.email' }, 'filter'],
  ['a filter that is a list', { filter: [leaf] }, 'filter'],
  ['a filter that says nothing', { filter: {} }, 'filter.field'],
  ['an operator that there is not', { filter: { all: [leaf, { ...leaf, operator: 'matches' }] } }, 'filter.all[1].operator'],
  ['a number as text', { filter: { any: [{ field: 'a', operator: 'at_least', value: '200' }] } }, 'filter.any[0].value'],
  ['a null as value', { filter: { any: [{ field: 'a', operator: 'equals', value: null }] } }, 'filter.any[0].value'],
  ['a value with exists', { filter: { not: { ...leaf, value: 1 } } }, 'filter.not.value'],
  ['an empty group', { filter: { all: [{ any: [] }] } }, 'filter.all[0].any'],
  ['an empty list of values', { filter: { field: 'a', operator: 'one_of', value: [] } }, 'filter.value'],
  ['501 values', { filter: { field: 'a', operator: 'one_of', value: Array(501).fill(1) } }, 'filter.value'],
  ['a bad value in a list', { filter: { field: 'a', operator: 'one_of', value: ['x', null] } }, 'filter.value[1]'],
  ['a field with an index', { filter: { field: 'visits[0].page', operator: 'exists' } }, 'filter.field'],
  ['5 levels', { filter: nested(5) }, 'filter.not.not.not.not'],
  ['51 fields', { filter: { all: Array(51).fill(leaf) } }, 'filter'],
  ['something beside a group', { filter: { all: [leaf], field: 'a' } }, 'filter.field'],
  ['a once without days', { once: { per: 'visitor.email' } }, 'once.days'],
  ['a once of 0 days', { once: { per: 'visitor.email', days: 0 } }, 'once.days'],
  ['a once of 366 days', { once: { per: 'visitor.email', days: 366 } }, 'once.days'],
  ['a once of half a day', { once: { per: 'visitor.email', days: 0.5 } }, 'once.days'],
  ['a once per nothing', { once: { per: '', days: 1 } }, 'once.per'],
  ['a once with more', { once: { per: 'a', days: 1, since: 5 } }, 'once.since'],
  ['a once that is a text', { once: 'visitor.email' }, 'once'],
  ['no fields', { fields: [] }, 'fields'],
  ['101 fields', { fields: Array(101).fill('a') }, 'fields'],
  ['fields that are no list', { fields: 'visitor.email' }, 'fields'],
  ['a field that is no path', { fields: ['visitor', 'visitor..email'] }, 'fields[1]'],
  ['a field that is a number', { fields: [5] }, 'fields[0]'],
  ['a field of 257 characters', { fields: ['a'.repeat(257)] }, 'fields[0]'],
  ['a format that there is not', { format: 'xml' }, 'format'],
  ['no format', { format: null }, 'format'],
  ['a template without its format', { template: '{}' }, 'template'],
  ['a template with another format', { format: 'flat', template: '{}' }, 'template'],
  ['the format template without a template', { format: 'template' }, 'template'],
  ['the format template with null', { format: 'template', template: null }, 'template'],
  ['an empty template', { format: 'template', template: '' }, 'template'],
  ['a template of 20,001 characters', { format: 'template', template: `{}${' '.repeat(19_999)}` }, 'template'],
  ['a schedule without waits', { retrySchedule: [] }, 'retrySchedule'],
  ['13 waits', { retrySchedule: Array(13).fill('30s') }, 'retrySchedule'],
  ['a wait of 29 seconds', { retrySchedule: ['1m', '29s'] }, 'retrySchedule[1]'],
  ['a wait of more than a day', { retrySchedule: ['1441m'] }, 'retrySchedule[0]'],
  ['a wait in days', { retrySchedule: ['1d'] }, 'retrySchedule[0]'],
  ['half an hour as a fraction', { retrySchedule: ['0.5h'] }, 'retrySchedule[0]'],
  ...['30000ms', ' 30s', '+30s', '30S', '030s', '1e2s', '30', 's', '1h30m', ''].map((wait): [string, Record<string, unknown>, string] => [
    `a wait of ${JSON.stringify(wait)}`,
    { retrySchedule: ['1h', wait] },
    'retrySchedule[1]',
  ]),
  ['a wait that is a number', { retrySchedule: [60] }, 'retrySchedule[0]'],
  ['more than 7 days', { retrySchedule: [...Array(7).fill('24h'), '30s'] }, 'retrySchedule'],
  ['a schedule that is no list', { retrySchedule: '30s' }, 'retrySchedule'],
];

describe('what is refused', () => {
  let at: string;
  beforeAll(async () => {
    at = `${organization.path}/webhooks/${(await createWebhook(organization)).id}`;
  });

  test.each(refused)('%s is 422 and names the place, at creation, in a change and in a preview', async (_what, change, field) => {
    const before = (await organization.admin.get(at)).body;
    const valid = { url: 'https://hooks.example.com/in', events: ['visitor.identified'] };
    const { once, retrySchedule, ...previewed } = change;
    const answers = [
      await organization.admin.post(`${organization.path}/webhooks`, { ...valid, ...change }),
      await organization.admin.patch(at, change),
      ...(once === undefined && retrySchedule === undefined
        ? [await organization.admin.post(`${organization.path}/webhooks/preview`, previewed)]
        : []),
    ];
    for (const { status, body } of answers) {
      // A preview shows what is wrong with a template that reads; one that is too long is refused there, too.
      expect({ status, code: body.code, field: body.details?.field }).toEqual({ status: 422, code: 'validation_failed', field });
      expect(body.details.issues[0]).toMatchObject({ field, message: expect.stringMatching(/\w/) });
    }
    expect((await organization.admin.get(at)).body).toEqual(before);
  });

  test.each([
    ['in a filter', { filter: { any: [leaf, { all: [{ field: 'a', operator: 'one_of', value: ['x', '\ud800'] }] }] } }],
    ['in the fields', { fields: ['visitor', '\ud800'] }],
  ])('half a character is named by its place with brackets: %s', async (what, change) => {
    const field = what === 'in a filter' ? 'filter.any[1].all[0].value[1]' : 'fields[1]';
    expect(await organization.admin.patch(at, change)).toMatchObject({ status: 422, body: { details: { field } } });
    const body = { ...change };
    expect(await organization.admin.post(`${organization.path}/webhooks/preview`, body)).toMatchObject({ body: { details: { field } } });
  });

  test('all that is wrong is named at once', async () => {
    const { body } = await organization.admin.patch(at, { filter: { all: [{}, leaf] }, fields: ['a', ''], retrySchedule: ['1s'] });
    const places = body.details.issues.map(({ field }: { field: string }) => field);
    expect(places).toEqual(['filter.all[0].field', 'filter.all[0].operator', 'fields[1]', 'retrySchedule[0]']);
  });

  test('the bounds themselves are taken', async () => {
    const bounds = {
      filter: { all: [nested(3), ...Array(49).fill(leaf)] },
      once: { per: 'a'.repeat(256), days: 365 },
      fields: Array(100).fill('visitor'),
      format: 'template',
      template: `{}${' '.repeat(19_998)}`,
      retrySchedule: Array(12).fill('14h'),
    };
    expect(await organization.admin.patch(at, bounds)).toMatchObject({ status: 200, body: bounds });
    await expectStatus(organization.admin.patch(at, { format: 'event' }), 200);
  });
});

describe('a template', () => {
  test('goes when another format is chosen, and comes with its format again', async () => {
    const { patch } = await given({ format: 'template', template: '{"a":1}' });
    expect((await patch({ format: 'slack' })).body).toMatchObject({ format: 'slack', template: null });
    expect(await patch({ format: 'template' })).toMatchObject({ status: 422, body: { details: { field: 'template' } } });
    expect((await patch({ format: 'template', template: '{"b":2}' })).body).toMatchObject({ format: 'template', template: '{"b":2}' });
    expect(await patch({ template: null })).toMatchObject({ status: 422, body: { details: { field: 'template' } } });
    expect((await patch({ format: 'template', template: '{"c":3}' })).body).toMatchObject({ format: 'template', template: '{"c":3}' });
    expect((await patch({ description: 'x' })).body).toMatchObject({ format: 'template', template: '{"c":3}' });
  });

  test.each([
    ['does not end', '{ "a": {{ visitor.email | json }', { line: 1, column: 8 }],
    ['has a tag that there is not', '{\n  "a": {% nonsense %}\n}', { line: 2, column: 8 }],
    ['makes no JSON of the example', '{\n  "a": {{ visitor.email }}\n}', { line: 2, column: 8 }],
  ])('that %s is refused with its line and column', async (_what, template, place) => {
    const { patch, created } = await given();
    const answer = await patch({ format: 'template', template });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field: 'template', ...place } } });
    expect(answer.body.message).toContain(`line ${place.line}, column ${place.column}`);
    expect(created).toMatchObject(NOTHING);
    const valid = { url: 'https://hooks.example.com/in', events: ['visitor.identified'] };
    expect(await organization.admin.post(`${organization.path}/webhooks`, { ...valid, format: 'template', template })).toMatchObject({
      status: 422,
      body: { details: { field: 'template', ...place } },
    });
  });

  /** JSON of a visitor, and of nothing else. */
  const OF_VISITORS = '{ "n": {{ company.employee_count }} }';

  test('is tried on every type that the webhook subscribes to, the service’s own among them, also when these change', async () => {
    const { patch } = await given({ format: 'template', template: OF_VISITORS });
    for (const events of [['*'], ['visitor.identified', 'webhook.failing'], ['webhook.*'], ['visitor.*']]) {
      expect(await patch({ events })).toMatchObject({ status: 422, body: { details: { field: 'template', line: 1 } } });
    }
    const template = '{ "n": {{ company.employee_count | json }} }';
    expect((await patch({ events: ['*'], template })).status).toBe(200);
    expect(await patch({ template: OF_VISITORS })).toMatchObject({ status: 422, body: { details: { field: 'template' } } });
  });

  test('is tried with the fields that are chosen, also when these change, and on a type without an example not at all', async () => {
    const { patch } = await given({ format: 'template', template: OF_VISITORS });
    expect(await patch({ fields: ['visitor.email'] })).toMatchObject({ status: 422, body: { details: { field: 'template', line: 1 } } });
    expect((await patch({ fields: ['company.employee_count'] })).status).toBe(200);
    await expectStatus(platform.put('/event-types/company.sold', { description: 'x' }), 201);
    expect((await patch({ events: ['visitor.identified', 'company.sold'] })).status).toBe(200);
    await expectStatus(platform.delete('/event-types/company.sold'), 204);
  });

  test('that is there does not keep other changes from being made, whatever has become of the catalogue', async () => {
    await expectStatus(platform.put('/event-types/company.sold', { description: 'x' }), 201);
    const { patch } = await given({ format: 'template', template: OF_VISITORS, events: ['visitor.identified', 'company.sold'] });
    await expectStatus(platform.put('/event-types/company.sold', { description: 'x', example: { deal: 1 } }), 200);
    expect((await patch({ description: 'other', maxPerSecond: 5 })).status).toBe(200);
    expect((await patch({ template: OF_VISITORS })).status).toBe(422);
    await expectStatus(platform.delete('/event-types/company.sold'), 204);
  });
});

describe('once', () => {
  test('starts afresh with another `per`, also one that it had before, and goes on where the days alone change', () => {
    const first = onceAfter(null, { per: 'a', days: 1 }, 100);
    expect(first).toEqual({ per: 'a', days: 1, since: 100 });
    expect(onceAfter(first, { per: 'a', days: 2 }, 200)).toEqual({ per: 'a', days: 2, since: 100 });
    const other = onceAfter(first, { per: 'b', days: 1 }, 300);
    expect(other).toEqual({ per: 'b', days: 1, since: 300 });
    expect(onceAfter(other, { per: 'a', days: 1 }, 400)).toEqual({ per: 'a', days: 1, since: 400 });
    expect(onceAfter(first, null, 500)).toBeNull();
  });

  test('says when it began to outboxes, not to its owner', async () => {
    const { id, patch } = await given();
    const before = Date.now();
    expect((await patch({ once: { per: 'visitor.email', days: 7 } })).body.once).toEqual({ per: 'visitor.email', days: 7 });
    const since = (await readWebhook(env.DB, id))?.webhook.choices?.once?.since;
    expect(since).toBeGreaterThanOrEqual(before);
    await patch({ once: { per: 'visitor.email', days: 8 }, description: 'x' });
    expect((await readWebhook(env.DB, id))?.webhook.choices?.once).toEqual({ per: 'visitor.email', days: 8, since });
  });
});

describe('two changes at once', () => {
  test('of a webhook that another has changed since it was read, none is written over the other: it is made anew', async () => {
    const { own, id, patch } = await given(CHOICES);
    const db = databaseOf(env.DB);
    const before = (await findWebhook(db, own.id, id))!;
    const context = { db, settings: settingsOf(env), nowMs: Date.now() };
    const moves: Record<string, unknown>[] = [
      { url: 'https://hooks.example.com/elsewhere' },
      { events: ['*'] },
      { once: { per: 'company.domain', days: 1 } },
      { fields: null },
      { template: '[]' },
      { headers: { 'X-A': 'a' } },
      { format: 'flat' },
    ];
    let read = before;
    for (const move of moves) {
      const made = await changesOf({ description: 'of the slower one' }, read, context);
      await expectStatus(patch(move), 200);
      expect(await updateWebhook(db, read, made, Date.now(), null)).toBeNull();
      read = (await findWebhook(db, own.id, id))!;
      expect(read.description).toBeNull();
    }
    expect((await updateWebhook(db, read, { description: 'in time' }, Date.now(), null))?.description).toBe('in time');
  });

  test('are all made, however many: what they do not name stays as the others have it', async () => {
    const { own, patch, read } = await given();
    const changes: [string, unknown][] = [
      ['filter', leaf],
      ['once', { per: 'visitor.email', days: 3 }],
      ['fields', ['visitor']],
      ['format', 'flat'],
      ['retrySchedule', ['1h']],
      ['name', 'CRM'],
      ['description', 'x'],
      ['url', 'https://hooks.example.com/other'],
      ['events', ['*']],
    ];
    const answers = await Promise.all(changes.map(([name, value]) => patch({ [name]: value })));
    expect(answers.map(({ status }) => status)).toEqual(changes.map(() => 200));
    expect(await read()).toMatchObject(Object.fromEntries(changes));
    expect((await own.admin.get(`${own.path}/webhooks`)).body.webhooks).toHaveLength(1);
  });
});

describe('the examples of the reference', () => {
  const cases = [createRoute, updateRoute].flatMap(({ method, examples = {} }) =>
    Object.entries(examples).map(([what, json]) => [what, method, json as Record<string, unknown>] as const),
  );

  test.each(cases)('“%s” (%s) is taken', async (_what, method, json) => {
    const own = await createOrganization();
    const { id } = await createWebhook(own);
    if (method === 'post') await expectStatus(own.admin.post(`${own.path}/webhooks`, json), 201);
    else await expectStatus(own.admin.patch(`${own.path}/webhooks/${id}`, json), 200);
  });
});
