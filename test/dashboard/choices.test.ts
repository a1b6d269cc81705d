import { describe, expect, it } from 'vitest';
import { createOrganization, createWebhook, type TestOrganization } from '../support/api.ts';
import { type FormFields, fieldsIn, PAGES, signedIn, type Visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, deliveriesOf, endedDeliveriesOf, endpointInbox, outboxOf } from '../support/deliveries.ts';
import { bodyBytes } from '../support/receiver.ts';

const textOf = (request: Parameters<typeof bodyBytes>[0]) => new TextDecoder().decode(bodyBytes(request));

const SIZE = { field: 'company.employee_count', operator: 'at_least', value: 200 };
const PLACE = { field: 'company.location', operator: 'ends_with', value: 'United States' };
const ROWS = { all: [SIZE, { any: [PLACE, { field: 'visitor.email', operator: 'exists' }] }] };
/** What rows cannot show. */
const DEEP = { all: [SIZE, { not: { any: [PLACE, SIZE] } }] };

const BASE: [string, string][] = [
  ['url', 'https://hooks.example.com/in'],
  ['events', 'visitor.identified'],
  ['secretChoice', 'none'],
];

const row = (field: string, operator: string, value: string): [string, string][] => [
  ['conditionField', field],
  ['conditionOther', ''],
  ['conditionOperator', operator],
  ['conditionValue', value],
];

const webhooksOf = async ({ admin, path }: TestOrganization) => (await admin.get(`${path}/webhooks`)).body.webhooks;
const secretOf = async ({ admin, path }: TestOrganization, id: string) => (await admin.get(`${path}/webhooks/${id}/secret`)).body;

/** The fields of a form with some that are filled in otherwise. */
const filledIn = (fields: [string, string][], changes: Record<string, string>): [string, string][] => {
  const rest = fields.filter(([name]) => !(name in changes));
  return [...rest, ...Object.entries(changes)];
};

const newestOf = async ({ admin, path }: TestOrganization, id: string) => {
  const deliveries = `${path}/webhooks/${id}/deliveries`;
  return (await admin.get(`${deliveries}/${(await admin.get(deliveries)).body.data[0].id}`)).body;
};

const visitorWith = (organizationId: string, visitor: object, company: object) => anEvent(organizationId, { visitor, company });

describe('a webhook that is added', () => {
  it('has what the form says: conditions, once, form, fields, authentication, retries', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const said = await person.submit('new', [
      ...BASE,
      ...[['filterMode', 'rows'] as [string, string], ['match', 'all'] as [string, string]],
      ...row('company.employee_count', 'at_least', '200'),
      ['groupMatch', 'any'],
      ...row('company.location', 'ends_with', ' United States '),
      ...row('visitor.email', 'exists', 'left over'),
      ['groupEnd', ''],
      // Nobody has filled this one in.
      ...row('', 'equals', ''),
      ...Object.entries({ once: 'on', oncePer: '.', onceOther: 'company.lead_owner', onceDays: '7', format: 'template' }),
      ['template', '{\r\n  "to": {{ visitor.email | json }}\r\n}'],
      ...Object.entries({ fieldsChoice: 'some', fields: 'visitor.email', otherFields: 'company.name\r\n\r\nvisitor.email' }),
      ...Object.entries({ auth: 'basic', authUser: 'zoë', authPassword: 'p:w' }),
      ...Object.entries({ retries: 'patient', retrySchedule: 'left over' }),
    ]);
    expect(said.text).toContain('The webhook is saved');
    const [webhook] = await webhooksOf(organization);
    expect(webhook).toMatchObject({
      filter: ROWS,
      once: { per: 'company.lead_owner', days: 7 },
      format: 'template',
      template: '{\n  "to": {{ visitor.email | json }}\n}',
      fields: ['visitor.email', 'company.name'],
      headerNames: ['Authorization'],
      retrySchedule: ['1m', '5m', '30m', '2h', '6h', '12h', '24h', '24h'],
    });
    const { headers } = await secretOf(organization, webhook.id);
    expect(Buffer.from(headers.Authorization.replace('Basic ', ''), 'base64').toString()).toBe('zoë:p:w');
  });

  it('has nothing of it where nobody has touched it', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const fields = fieldsIn((await person.get('new')).html);
    await person.submit('new', filledIn(fields, { url: 'https://hooks.example.com/in' }));
    expect((await webhooksOf(organization))[0]).toMatchObject({
      ...{
        filter: null,
        once: null,
        fields: null,
        format: 'event',
        template: null,
        headerNames: null,
        retrySchedule: null,
        hasSecret: true,
      },
    });
  });

  it.each<[string, [string, string][], string, string]>([
    ['a number that is none', row('company.employee_count', 'at_least', 'many'), 'condition-0', 'Enter a number, such as 200.'],
    ['a value that is missing', [...row('', 'equals', ''), ...row('company.name', 'contains', ' ')], 'condition-1', 'Enter a value.'],
    ['a list without a value', row('company.name', 'one_of', ','), 'condition-0', 'Enter a value.'],
    ['a field that is missing', row('', 'equals', 'x'), 'condition-0', 'Choose a field'],
    ['another field that is missing', row('.', 'equals', 'x'), 'condition-0', 'Choose a field'],
    [
      'a value in a group',
      [['groupMatch', 'any'], ...row('company.name', 'equals', ''), ['groupEnd', '']],
      'condition-0-0',
      'Enter a value.',
    ],
    [
      'JSON that is none',
      [
        ['filterMode', 'json'],
        ['filterJson', '{"field":'],
      ],
      'filter',
      'This is not JSON: it ends too early, at line 1, column 10.',
    ],
    [
      'JSON that is no condition',
      [
        ['filterMode', 'json'],
        ['filterJson', '{"field":"a"}'],
      ],
      'filter',
      'operator',
    ],
    [
      'JSON that nests deeply',
      [
        ['filterMode', 'json'],
        ['filterJson', '['.repeat(20_000) + ']'.repeat(20_000)],
      ],
      'filter',
      'nests deeper than 4 levels',
    ],
    [
      'days that are none',
      Object.entries({ once: 'on', oncePer: 'visitor.email', onceDays: '' }),
      'once',
      'Enter a whole number of days, from 1 to 365.',
    ],
    ['a field of once that is missing', Object.entries({ once: 'on', oncePer: '.', onceDays: '3' }), 'once', 'Enter the path of a field'],
    ['no field at all', [['fieldsChoice', 'some']], 'fields', 'Choose at least one field'],
    ['a template that is missing', [['format', 'template']], 'template', 'Write a template'],
    ['a template that is none', Object.entries({ format: 'template', template: '{\n{{ x | nope }}}' }), 'template', 'line 2, column'],
    ['a token that is missing', [['auth', 'bearer']], 'token', 'Enter the token.'],
    ['a user name with a colon', Object.entries({ auth: 'basic', authUser: 'a:b' }), 'authUser', 'cannot contain a colon'],
    [
      'a header without a value',
      Object.entries({ auth: 'own', headerName: 'X-Key', headerValue: '' }),
      'headers',
      'Enter the value of the header.',
    ],
    ['a header that is refused', Object.entries({ auth: 'own', headerName: 'Host', headerValue: 'x' }), 'headers', 'has already'],
    [
      'a header that is there twice',
      [...Object.entries({ auth: 'own', headerName: 'X-Key', headerValue: 'a' }), ['headerName', 'x-key'], ['headerValue', 'b']],
      'headers',
      'there already',
    ],
    ['a retry that comes too soon', Object.entries({ retries: 'own', retrySchedule: '30s, 1s' }), 'retrySchedule', '`30s` to `24h`'],
    ['no retry at all', [['retries', 'own']], 'retrySchedule', 'Enter at least one time'],
  ])('is refused with %s, which is said beside it', async (_what, fields, name, said) => {
    const organization = await createOrganization();
    const page = await (await signedIn(organization)).post('new', [...BASE, ['description', 'kept as typed'], ...fields]);
    expect(page.status).toBe(422);
    const error = new RegExp(`class="error" id="${name}-error">([^<]*)<`).exec(page.html)?.[1] ?? '';
    expect(error.replaceAll('&quot;', '"')).toContain(said);
    expect(page.html.match(/class="error" id=/g)).toHaveLength(1);
    expect(page.text).toContain('One thing needs another look. Nothing has been saved.');
    const [, target] = /<li><a href="#([\w-]+)">/.exec(page.html) ?? [];
    expect(page.html).toContain(`id="${target}"`);
    // It is open, and all that was typed is there.
    const typed = (pairs: [string, string][]) => pairs.map(([field, value]) => `${field}=${value.trim().replaceAll('\r', '')}`);
    expect(typed(fieldsIn(page.html))).toEqual(
      expect.arrayContaining(['description=kept as typed', ...typed(fields).filter((one) => !/=$/.test(one))]),
    );
    expect(await webhooksOf(organization)).toEqual([]);
  });

  it('shows the line of a template that is wrong', async () => {
    const template = '{\n  "to": {{ visitor.email | jsn }}\n}';
    const page = await (await signedIn(await createOrganization())).post('new', [...BASE, ['format', 'template'], ['template', template]]);
    expect(page.html).toMatch(/2 │ {3}&quot;to&quot;: \{\{ visitor\.email \| jsn \}\}\n {2}│ {9}\^/);
  });
});

describe('a webhook that is edited', () => {
  const CHOSEN = {
    ...{ filter: ROWS, once: { per: 'visitor.email', days: 30 }, fields: ['visitor', 'company.name'], format: 'template' },
    ...{
      template: '\n{ "a": {{ visitor | json }} }\n',
      headers: { 'X-Key': 'kept secret', 'X-Other': 'also kept' },
      retrySchedule: ['30s', '2h'],
    },
  };

  it.each([
    ['rows can show', ROWS],
    ['rows cannot show', DEEP],
    ['is a single condition', SIZE],
  ])('stays as it is where nobody touches its form, also with a filter that %s', async (_what, filter) => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { ...CHOSEN, filter });
    const before = (await webhooksOf(organization))[0];
    const person = await signedIn(organization);
    const fields = fieldsIn((await person.get(`${id}/settings`)).html);
    expect((await person.submit(`${id}/edit`, fields)).text).toContain('Saved.');
    expect(await webhooksOf(organization)).toEqual([before]);
    expect((await secretOf(organization, id)).headers).toEqual(CHOSEN.headers);
    // Nor does a change of something else.
    await person.submit(`${id}/edit`, filledIn(fields, { description: 'Another' }));
    const [after] = await webhooksOf(organization);
    expect(after).toEqual({ ...before, description: 'Another', updatedAt: after.updatedAt });
    expect((await secretOf(organization, id)).headers).toEqual(CHOSEN.headers);
  });

  it('shows a filter that rows cannot show in words and as JSON, which can be changed', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { filter: DEEP });
    const person = await signedIn(organization);
    const page = await person.get(`${id}/settings`);
    expect(page.text).toContain(
      'Rows cannot show this filter, so it stands here as JSON. It sends an event only where company size is at least 200 and',
    );
    const fields = fieldsIn(page.html);
    expect(JSON.parse(new Map(fields).get('filterJson') ?? '')).toEqual(DEEP);
    await person.submit(`${id}/edit`, filledIn(fields, { filterJson: JSON.stringify({ not: SIZE }) }));
    expect((await webhooksOf(organization))[0].filter).toEqual({ not: SIZE });
    await person.submit(`${id}/edit`, filledIn(fields, { filterJson: ' ' }));
    expect((await webhooksOf(organization))[0].filter).toBeNull();
  });

  it('is without what the form takes away', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, CHOSEN);
    const person = await signedIn(organization);
    const fields = fieldsIn((await person.get(`${id}/settings`)).html).filter(([name]) => !/^(condition|group|once$)/.test(name));
    await person.submit(`${id}/edit`, filledIn(fields, { fieldsChoice: 'all', format: 'slack', auth: 'none', retries: 'usual' }));
    expect((await webhooksOf(organization))[0]).toMatchObject({
      ...{ filter: null, once: null, fields: null, format: 'slack', template: null, headerNames: null, retrySchedule: null },
    });
  });

  it.each<[string, FormFields & [string, string][], object | null]>([
    [
      'keeps a header whose value is left empty, and changes another',
      [
        ['headerName', 'X-Key'],
        ['headerValue', ''],
        ['headerName', 'X-Other'],
        ['headerValue', 'new'],
      ],
      { 'X-Key': 'kept secret', 'X-Other': 'new' },
    ],
    [
      'removes those whose rows are gone',
      [
        ['headerName', 'X-Other'],
        ['headerValue', ''],
      ],
      { 'X-Other': 'also kept' },
    ],
    [
      'adds one',
      [
        ['headerName', 'x-key'],
        ['headerValue', ''],
        ['headerName', 'x-other'],
        ['headerValue', ''],
        ['headerName', 'X-New'],
        ['headerValue', 'n'],
      ],
      { ...CHOSEN.headers, 'X-New': 'n' },
    ],
    [
      'replaces all by a token',
      [
        ['auth', 'bearer'],
        ['token', ' t0k3n '],
      ],
      { Authorization: 'Bearer t0k3n' },
    ],
  ])('%s', async (_what, changes, headers) => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, CHOSEN);
    const person = await signedIn(organization, 'write');
    const fields = fieldsIn((await person.get(`${id}/settings`)).html).filter(([name]) => !/^(header(Name|Value)|auth|token)$/.test(name));
    await person.submit(`${id}/edit`, [
      ...fields,
      ...(new Map(changes).has('auth') ? [] : [['auth', 'own'] as [string, string]]),
      ...changes,
    ]);
    expect((await secretOf(organization, id)).headers).toEqual(headers);
  });

  it('says that its headers are gone where its URL has moved to another host', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, CHOSEN);
    const person = await signedIn(organization);
    const fields = fieldsIn((await person.get(`${id}/settings`)).html);
    const moved = await person.submit(`${id}/edit`, filledIn(fields, { url: 'https://other.example.com/in' }));
    expect(moved.text).toContain('Its own headers were removed, because the URL has another host now');
    expect((await webhooksOf(organization))[0].headerNames).toBeNull();
  });

  it('is offered the fields that really came, and takes them for what they hold', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url, format: 'flat' });
    await consume([aMessage([visitorWith(organization.id, { email: 'a@example.com' }, { postal_code: '10115', lead_score: 7 })])]);
    await endedDeliveriesOf(id, 1);
    const person = await signedIn(organization);
    const { html } = await person.get(`${id}/settings`);
    expect(html).toContain('<option value="company.lead_score">Company lead score</option>');
    const fields = fieldsIn(html).filter(([name]) => !name.startsWith('condition'));
    await person.submit(`${id}/edit`, [
      ...fields,
      ...row('company.postal_code', 'equals', '10115'),
      ...row('company.lead_score', 'equals', '7'),
    ]);
    expect((await webhooksOf(organization))[0].filter).toEqual({
      all: [
        { field: 'company.postal_code', operator: 'equals', value: '10115' },
        { field: 'company.lead_score', operator: 'equals', value: 7 },
      ],
    });
  });
});

describe('a button that changes the form', () => {
  const typed: [string, string][] = [
    ...BASE.filter(([name]) => name !== 'secretChoice'),
    ...Object.entries({
      description: 'kept as typed',
      secretChoice: 'own',
      secret: 'a secret to keep',
      auth: 'bearer',
      token: 'a token to keep',
    }),
    ['filterMode', 'rows'],
    ['match', 'any'],
    ...row('company.name', 'contains', 'Ltd'),
  ];
  const press = async (person: Visitor, step: string, fields = typed, path = 'new') => await person.post(path, [...fields, ['step', step]]);

  it('keeps what was typed, saves nothing, and has the focus where one goes on', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    for (const [step, focus] of [
      ['condition.add', 'condition-1-field'],
      ['group.add', 'condition-1-0-field'],
      ['condition.remove.0', 'add-condition'],
      ['filter.json', 'filterJson'],
      ['header.add', 'header-1'],
      ['header.remove.0', 'add-header'],
      ['preview.filter', 'preview-filter'],
      ['preview.sent', 'preview-sent'],
    ] as const) {
      const page = await press(person, step);
      expect([step, page.status]).toEqual([step, 200]);
      const [, focused] = / id="([\w-]+)"[^>]* autofocus/.exec(page.html) ?? [];
      expect([step, focused]).toEqual([step, focus]);
      expect(page.html.match(/ autofocus/g)).toHaveLength(1);
      const fields = new Map(fieldsIn(page.html));
      expect([fields.get('description'), fields.get('secret'), fields.get('token')]).toEqual([
        'kept as typed',
        'a secret to keep',
        'a token to keep',
      ]);
      expect(page.text).not.toContain('nothing has been saved');
    }
    expect(await webhooksOf(organization)).toEqual([]);
  });

  it('goes on from page to page until it is saved', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    let page = await press(person, 'group.add');
    const [, , third] = [...page.html.matchAll(/name="conditionField"/g)];
    expect(third).toBeDefined();
    page = await press(person, 'condition.remove.1-1', fieldsIn(page.html));
    page = await press(person, 'filter.json', fieldsIn(page.html));
    expect(JSON.parse(new Map(fieldsIn(page.html)).get('filterJson') ?? '')).toEqual({
      any: [{ field: 'company.name', operator: 'contains', value: 'Ltd' }],
    });
    page = await press(person, 'filter.rows', fieldsIn(page.html));
    await person.submit('new', fieldsIn(page.html));
    expect((await webhooksOf(organization))[0]).toMatchObject({
      filter: { any: [{ field: 'company.name', operator: 'contains', value: 'Ltd' }] },
      headerNames: ['Authorization'],
    });
  });

  it('says why JSON cannot be shown as rows, and leaves it as it is', async () => {
    const json = JSON.stringify(DEEP);
    const page = await press(await signedIn(await createOrganization()), 'filter.rows', [
      ...BASE,
      ['filterMode', 'json'],
      ['filterJson', json],
    ]);
    expect(page.html).toMatch(/id="filter-error">Rows cannot show this/);
    expect(new Map(fieldsIn(page.html)).get('filterJson')).toBe(json);
  });

  it('is refused where a session can read only', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const reader = await signedIn(organization, 'read');
    for (const path of ['new', `${id}/edit`]) expect((await press(reader, 'preview.sent', typed, path)).status).toBe(403);
  });
});

describe('a preview', () => {
  const press = async (person: Visitor, path: string, fields: [string, string][]) =>
    await person.post(path, [...fields, ['step', 'preview.sent']]);

  it('of a new webhook is of the example, and says so', async () => {
    const person = await signedIn(await createOrganization());
    const page = await press(person, 'new', [
      ...BASE,
      ['description', 'Sales'],
      ['format', 'slack'],
      ['filterMode', 'rows'],
      ...row('company.employee_count', 'at_least', '1,000'),
    ]);
    expect(page.text).toContain('The webhook is new, so there is only the example to try it on.');
    expect(page.text).toContain('The example would not be sent, because this is not true: company size is at least 1,000.');
    expect(page.text).toContain('In the example, company size is 250.');
    // As the chat shows it, and as JSON.
    expect(page.text).toContain('Jane Doe · Example Corp');
    expect(page.html).toMatch(/&quot;blocks&quot;: \[/);
    const wider = await press(person, 'new', [...BASE, ['filterMode', 'rows'], ...row('company.employee_count', 'at_least', '250')]);
    expect(wider.text).toContain('The example would be sent.');
    expect(wider.html).toMatch(/&quot;email&quot;: &quot;jane\.doe@example\.com&quot;/);
  });

  it('of one that is there counts what came, and shows three of them', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url });
    const sizes = [100, 200, 300, 400, 500, 600];
    const events = sizes.map((size) => visitorWith(organization.id, { first_name: `Ada ${size}` }, { name: 'Acme', employee_count: size }));
    await consume([aMessage(events)]);
    await endedDeliveriesOf(id, sizes.length);
    const person = await signedIn(organization);
    const form = fieldsIn((await person.get(`${id}/settings`)).html).filter(([name]) => !/^(condition|format$)/.test(name));
    const page = await press(person, `${id}/edit`, [...form, ['format', 'slack'], ...row('company.employee_count', 'greater_than', '200')]);
    expect(page.text).toContain('Of the last 6 visitors, 4 would be sent.');
    expect(page.html.match(/<summary>Ada \d00 · Acme/g)).toHaveLength(3);
    const shown = [...page.html.matchAll(/<details class="sample" id="sample-(dlv_\w+)">/g)].map(([, deliveryId]) => deliveryId);
    expect(shown).toHaveLength(3);
    for (const deliveryId of shown) expect(page.html).toContain(`href="${PAGES}/${id}/deliveries/${deliveryId}"`);
    // It was only looked at.
    expect((await webhooksOf(organization))[0].filter).toBeNull();
  });

  it('says what stands in its way, in words, and the form stands all the same', async () => {
    const person = await signedIn(await createOrganization());
    for (const [fields, said] of [
      [row('company.employee_count', 'at_least', 'many'), 'It cannot be tried yet:'],
      [
        [
          ['filterMode', 'json'],
          ['filterJson', '{'],
        ],
        'This is not JSON',
      ],
      [
        [
          ['format', 'template'],
          ['template', '{{ x'],
        ],
        'The payload cannot be made from the example. Line 1, column 1',
      ],
      [[['format', 'template']], 'It cannot be tried yet:'],
    ] as [[string, string][], string][]) {
      const page = await press(person, 'new', [...BASE, ...fields]);
      expect([page.status, page.text.includes(said)]).toEqual([200, true]);
    }
  });

  it('is shown of what a webhook has, when its form is opened; of one that has chosen nothing none is made', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { filter: SIZE });
    const plain = await createWebhook(organization);
    const person = await signedIn(organization);
    expect((await person.get(`${id}/settings`)).text).toContain('There are no past events to try it on yet.');
    expect((await person.get(`${plain.id}/settings`)).html).toMatch(/id="preview-match" data-follows="" role="status"><\/div>/);
  });
});

describe('headers of a webhook', () => {
  it('stand in no page, but where an admin asks for their values', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization, { headers: { Authorization: 'Bearer s3cr3t-v4lue', 'X-Tenant': '<tenant & "co">' } });
    const admin = await signedIn(organization);
    const writer = await signedIn(organization, 'write');
    for (const part of ['', '/settings', '/verify', '/deliveries']) {
      const { html, text } = await admin.get(`${id}${part}`);
      expect([part, html.includes('s3cr3t')]).toEqual([part, false]);
      if (part === '/settings') expect(text).toContain('Each request has Authorization and X-Tenant.');
    }
    const revealed = await admin.post(`${id}/headers/reveal`);
    expect(revealed.status).toBe(200);
    expect(revealed.text).toContain('Bearer s3cr3t-v4lue');
    expect(revealed.text).toContain('<tenant & "co">');
    expect(revealed.headers.get('Cache-Control')).toBe('no-store');
    expect((await admin.get(`${id}/settings`)).html).not.toContain('s3cr3t');
    expect((await writer.get(`${id}/settings`)).text).not.toContain('Reveal the values');
    expect((await writer.post(`${id}/headers/reveal`)).status).toBe(403);
    const other = await signedIn(await createOrganization());
    expect((await other.post(`${id}/headers/reveal`)).status).toBe(404);
  });
});

describe("a webhook's pages", () => {
  it('say in words what is chosen, count what was kept back, and list it with why', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, {
      ...{ url: endpoint.url, format: 'slack', filter: { all: [SIZE, PLACE] }, once: { per: 'visitor.email', days: 30 } },
    });
    const company = { name: 'Acme', employee_count: 500, location: 'Austin, Texas, United States' };
    const ada = { email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' };
    await consume([
      aMessage([visitorWith(organization.id, ada, company), visitorWith(organization.id, { ...ada, email: 'ADA@example.com' }, company)]),
    ]);
    await endedDeliveriesOf(id, 1);
    const at = Date.now();
    const filtered = {
      eventId: 'evt_kept_back',
      event: 'visitor.identified',
      subject: 'Bob <b>, Tiny',
      at,
      failedConditions: ['filter.all[0]', 'filter.all[1]'],
    };
    await outboxOf(id).tellSkipped({ counts: new Map([[at - (at % 3_600_000), 3]]), latest: [filtered] });
    const person = await signedIn(organization, 'read');
    const overview = await person.get(id);
    expect(overview.text).toContain(
      'Only visitors where company size is at least 200 and company location ends with “United States” · each e-mail address once in 30 days · as a Slack message',
    );
    expect(overview.text).toContain('Skipped by the filter 3 Which ones');
    expect(overview.text).toContain('Skipped as repeats 1 Which ones');
    const { text, html } = await person.get(`${id}/skipped`);
    expect(text).toContain(
      'This visitor was skipped, because this is not true: company size is at least 200 and company location ends with “United States”.',
    );
    expect(text).toContain('Skipped as a repeat: each e-mail address once in 30 days.');
    expect(text).toContain('Bob <b>, Tiny');
    expect(html).toContain('<tr id="evt_kept_back">');
    expect(text).not.toContain('has been changed since');
    await organization.admin.patch(`${organization.path}/webhooks/${id}`, { filter: SIZE });
    const later = (await person.get(`${id}/skipped`)).text;
    expect(later).toContain('The webhook has been changed since.');
    expect(later).toContain('This visitor was skipped by the filter.');
  });

  it('are as they were where nothing is chosen', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const person = await signedIn(organization);
    const { text, html } = await person.get(id);
    expect(text).not.toMatch(/Skipped by the filter|Skipped as repeats/);
    expect(html).not.toContain('class="chosen"');
    expect((await person.get(`${id}/skipped`)).text).toContain('None so far.');
  });
});

describe("a delivery's page", () => {
  it('shows what was accepted where something else is sent', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url, format: 'flat' });
    await consume([aMessage([visitorWith(organization.id, { email: 'ada@example.com' }, { name: 'Acme' })])]);
    const [delivery] = await endedDeliveriesOf(id, 1);
    const { text } = await (await signedIn(organization)).get(`${id}/deliveries/${delivery!.id}`);
    expect(text).toMatch(
      /What is sent .*"visitor_email": "ada@example\.com".* made from the event, once.*The event as it was received .*"visitor": \{/,
    );
  });

  it('says why it could not be rendered, and offers to retry it', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const template = '{ "size": {{ company.employee_count }} }';
    const { id } = await createWebhook(organization, { url: endpoint.url, format: 'template', template });
    await consume([aMessage([visitorWith(organization.id, { email: 'ada@example.com' }, { name: 'Acme' })])]);
    const [delivery] = await endedDeliveriesOf(id, 1);
    const person = await signedIn(organization);
    const page = await person.get(`${id}/deliveries/${delivery!.id}`);
    expect(page.text).toContain('The payload could not be built from this event, so nothing was sent.');
    expect(page.text).toMatch(/so no attempt was made: Line 1, column \d+ of the template: /);
    expect(page.text).toContain('"name": "Acme"');
    expect(page.text).toContain('Retry now');
    await organization.admin.patch(`${organization.path}/webhooks/${id}`, { format: 'event' });
    await person.submit(`${id}/deliveries/${delivery!.id}/retry`);
    await endpoint.arrived(1);
    const [after] = await deliveriesOf(id);
    expect(after?.id).toBe(delivery?.id);
  });
});

describe('a test', () => {
  const formIn = (html: string) => Object.fromEntries(fieldsIn(html));

  it('can be of an event of one’s own: what came of it is shown with what was typed', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200, headers: { 'X-Trace': 'abc' }, body: '{"taken":"yes"}' }]);
    const { id } = await createWebhook(organization, { url: endpoint.url, format: 'flat', secret: 'a secret', headers: { 'X-Key': 'k' } });
    const person = await signedIn(organization);
    const form = await person.get(`${id}/test-event`);
    const { testEvent, source } = formIn(form.html);
    expect(source).toBe('type:visitor.identified');
    expect(JSON.parse(testEvent ?? '')).toMatchObject({ event: 'visitor.identified', organization_id: organization.id });
    expect(form.text).toContain('&quot;visitor_email&quot;'.replaceAll('&quot;', '"'));
    const own = '{ "event": "visitor.identified",\n  "session_id": "ses_own", "visitor": { "email": "own@example.com" } }';
    const sent = await person.post(`${id}/test-event`, { source: source ?? '', testEvent: own });
    expect(sent.status).toBe(200);
    for (const said of ['The test event arrived: 200 after', '"taken": "yes"', 'x-trace abc', 'Send it again'])
      expect(sent.text).toContain(said);
    expect(formIn(sent.html)).toEqual({ source, testEvent: own });
    const [request] = await endpoint.arrived(1);
    expect(JSON.parse(textOf(request!))).toMatchObject({ session_id: 'ses_own', visitor_email: 'own@example.com' });
    // The headers that were named are those that came.
    const [{ requestHeaders }] = (await newestOf(organization, id)).attempts as [{ requestHeaders: Record<string, string> }];
    const named = [...form.html.matchAll(/<li><code>([^<]+)<\/code><\/li>/g)].map(([, name]) => name);
    expect(named.toSorted()).toEqual(Object.keys(requestHeaders).toSorted());
    await endpoint.script([{ status: 422, body: 'no such lead' }]);
    const failed = await person.post(`${id}/test-event`, { testEvent: own });
    for (const said of ['The test event failed:', 'no such lead', 'refuses what is in it']) expect(failed.text).toContain(said);
    expect(failed.html).toContain('role="alert"');
  });

  it('of what is no event says so beside it, and sends nothing', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url });
    const person = await signedIn(organization);
    for (const [wrong, said] of [
      ['{"event":', 'This is not JSON: it ends too early, at line 1, column 10.'],
      ['[]', 'class="error" id="testEvent-error"'],
      ['{"event":"no.such_type"}', 'The catalogue has no such event type.'],
      ['['.repeat(5_000) + ']'.repeat(5_000), 'It nests deeper than'],
      ['', 'class="error" id="testEvent-error"'],
    ] as const) {
      const refused = await person.post(`${id}/test-event`, { testEvent: wrong });
      expect([wrong.slice(0, 30), refused.status, refused.html.includes(said)]).toEqual([wrong.slice(0, 30), 422, true]);
      expect(formIn(refused.html).testEvent).toBe(wrong);
      // Seen, and nothing more: no refusal of a preview.
      const seen = await person.post(`${id}/test-event`, { testEvent: wrong, step: 'preview.test' });
      expect([wrong.slice(0, 30), seen.status]).toEqual([wrong.slice(0, 30), 200]);
    }
    expect(await endpoint.requests()).toEqual([]);
  });

  it('of an example is sent by the button on the webhook’s other pages, which leads to the answer', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url });
    const person = await signedIn(organization);
    for (const part of ['', '/deliveries', '/verify', '/settings']) {
      const { html } = await person.get(`${id}${part}`);
      expect([part, html.match(/Send test event/g)]).toEqual([part, ['Send test event']]);
    }
    const sent = await person.post(`${id}/test-event`);
    expect(sent.text).toContain('The test event arrived: 204 after');
    expect(JSON.parse(formIn(sent.html).testEvent ?? '')).toMatchObject({ event: 'visitor.identified' });
    await endpoint.arrived(1);
  });

  it('can begin with another example, or with what came lately', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url, filter: SIZE });
    const sized = visitorWith(organization.id, { email: 'ada@example.com' }, { name: 'Acme', employee_count: 5_000 });
    await consume([aMessage([sized])]);
    const [delivery] = await endedDeliveriesOf(id, 1);
    const person = await signedIn(organization);
    const load = async (source: string) => await person.post(`${id}/test-event`, { source, testEvent: 'typed before', step: 'load' });
    const listed = await person.get(`${id}/test-event`);
    expect(listed.html).toContain(`<option value="delivery:${delivery!.id}">`);
    const real = await load(`delivery:${delivery!.id}`);
    expect(JSON.parse(formIn(real.html).testEvent ?? '')).toEqual(JSON.parse(new TextDecoder().decode(sized.payload)));
    expect(formIn(real.html).source).toBe(`delivery:${delivery!.id}`);
    expect((await person.get(`${id}/test-event?from=${delivery!.id}`)).html).toContain('ada@example.com');
    const example = await load('type:webhook.failing');
    expect(JSON.parse(formIn(example.html).testEvent ?? '').event).toBe('webhook.failing');
    for (const source of ['delivery:dlv_gone', 'type:no.such', 'nonsense', '']) {
      const page = await load(source);
      expect([source, page.status, page.html.includes('id="testEvent-error"')]).toEqual([source, 200, true]);
    }
    // A small company, which the filter would keep back.
    const small = JSON.stringify({ event: 'visitor.identified', session_id: 's', visitor: {}, company: { employee_count: 1 } });
    const seen = await person.post(`${id}/test-event`, { testEvent: small, step: 'preview.test' });
    expect(seen.text).toContain('A real event like this one would not be sent, because this is not true:');
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('can be of a delivery’s event, in the form that the webhook has now', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const { id } = await createWebhook(organization, { url: endpoint.url });
    await consume([aMessage([visitorWith(organization.id, { email: 'ada@example.com' }, { name: 'Acme' })])]);
    const [delivery] = await endedDeliveriesOf(id, 1);
    await organization.admin.patch(`${organization.path}/webhooks/${id}`, { format: 'flat' });
    const person = await signedIn(organization);
    expect((await person.get(`${id}/deliveries/${delivery!.id}`)).text).toContain('Send as test');
    expect((await person.submit(`${id}/test`, { deliveryId: delivery!.id })).text).toContain('The test event arrived');
    const [, test] = await endpoint.arrived(2);
    expect(JSON.parse(textOf(test!))).toMatchObject({ visitor_email: 'ada@example.com' });
    expect(test!.headers['x-bullseye-test']).toBe('true');
  });

  it('of which nothing could be made says so, before and after', async () => {
    const organization = await createOrganization();
    const endpoint = endpointInbox();
    const template = '{ "size": {{ company.employee_count }} }';
    const { id } = await createWebhook(organization, { url: endpoint.url, format: 'template', template });
    const person = await signedIn(organization);
    const own = JSON.stringify({ event: 'visitor.identified', session_id: 'ses_own', visitor: {} });
    const page = await person.post(`${id}/test-event`, { testEvent: own });
    expect(page.text).toContain('The payload could not be made from the test event: Line 1');
    expect(page.text).toContain('The payload cannot be made from this event. Line 1');
    expect(await endpoint.requests()).toEqual([]);
  });
});
