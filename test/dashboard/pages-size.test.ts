import { expect, it } from 'vitest';
import { addEntry } from '../../src/db/audit-log.ts';
import { databaseOf } from '../../src/db/client.ts';
import { createKey, createOrganization, createWebhook, env, expectStatus } from '../support/api.ts';
import { anEntry } from '../support/audit.ts';
import { fieldsIn, makeLink, signedIn, visitor } from '../support/dashboard.ts';
import { outboxOf } from '../support/deliveries.ts';

/** As long as each may be, of what takes most room in a page. */
const CHOSEN = {
  // As much as a request can bring.
  filter: { any: [{ field: 'company.name', operator: 'one_of', value: Array.from({ length: 60 }, () => '"\'&<'.repeat(120)) }] },
  once: { per: `company.${'"'.repeat(240)}`, days: 30 },
  headers: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`x-${at}-${'n'.repeat(90)}`, "'"])),
  retrySchedule: Array.from({ length: 12 }, () => '30s'),
};
const FIELDS = Array.from({ length: 100 }, (_, at) => `a.${at}${"'".repeat(250)}`);
const TEMPLATE = `"${"'".repeat(19_998)}"`;

const PARTS = [
  ...['', '/settings', '/verify', '/verify?for=developers', '/deliveries', '/skipped', '/test-event'],
  ...['/setup', '/setup/test', '/setup/done', '/pause', '/secret/rotate', '/delete'],
];

/** What an organization writes itself, at its longest, of characters that take six bytes as they are sent. A delivery's page: rendered-size.test.tsx. */
it('every page of an organization that has written as much as it may is less than 500 kB', { timeout: 60_000 }, async () => {
  const organization = await createOrganization();
  const url = `https://hooks.example.com/?${"'".repeat(2_000)}`;
  const ids: string[] = [];
  for (let made = 0; made < 20; made++) {
    const { id } = await createWebhook(organization, { url, description: '"'.repeat(500), events: ['*', 'visitor.*', 'webhook.*'] });
    ids.push(id);
  }
  for (const changes of [CHOSEN, { fields: FIELDS }, { format: 'template', template: TEMPLATE }]) {
    await expectStatus(organization.admin.patch(`${organization.path}/webhooks/${ids[0]}`, changes), 200);
  }
  const at = Date.now();
  const skipped = { event: 'visitor.identified', subject: "'".repeat(200), at, failedConditions: ['filter', 'filter.any[0]'] };
  const latest = Array.from({ length: 100 }, (_, index) => ({ ...skipped, eventId: `evt_${index}` }));
  await outboxOf(ids[0]!).tellSkipped({ counts: new Map([[at - (at % 3_600_000), 100]]), latest });
  // Each as long as it may be, and as many as a page has.
  const changes = Object.fromEntries(
    Array.from({ length: 14 }, (_, field) => [`"${field}`, { from: '"'.repeat(600), to: "'".repeat(600) }]),
  );
  for (let entry = 0; entry < 25; entry++) await addEntry(databaseOf(env.DB), anEntry(organization.id, { changes }));
  const person = await signedIn(organization);
  // As many as are listed, half of them with a key.
  const key = await createKey(organization.id, ['read']);
  for (let session = 0; session < 49; session++) {
    expect((await visitor().post('sign-in', { key })).status).toBe(303);
    expect((await visitor().post(await makeLink(organization.id, 'admin', '"'.repeat(200)))).status).toBe(303);
  }
  const long = '"'.repeat(4_000);
  const pages = [
    '',
    ...['search', `search?q=${encodeURIComponent("'".repeat(100))}`, `search?q=${encodeURIComponent('"'.repeat(4_000))}`],
    ...['new', 'alerts', 'audit-log', 'sessions', 'erasures', 'usage'],
    ...PARTS.map((part) => `${ids[0]}${part}`),
  ];
  for (const path of [...pages, `${ids[0]}/deliveries?q=${encodeURIComponent(long)}&event=${encodeURIComponent(long)}`]) {
    const page = await person.get(path);
    expect(page.status, path).toBe(200);
    expect(page.html.length, path).toBeLessThan(500_000);
  }
  const refused = await person.post('new', { url: '"'.repeat(20_000), description: '"', events: ['*'] });
  expect(refused.status).toBe(422);
  expect(refused.html.length).toBeLessThan(500_000);
  // What the page of its form has no room for stays as it is.
  const form = await person.get(`${ids[0]}/settings`);
  expect(form.text).toContain('The conditions of this webhook are too long to be shown here.');
  const before = (await organization.admin.get(`${organization.path}/webhooks/${ids[0]}`)).body;
  await person.submit(`${ids[0]}/edit`, fieldsIn(form.html));
  expect((await organization.admin.get(`${organization.path}/webhooks/${ids[0]}`)).body).toEqual(before);
  const anew = await person.post(`${ids[0]}/edit`, [...fieldsIn(form.html), ['step', 'anew.filter']]);
  expect(anew.text).not.toContain('The conditions of this webhook are too long');
  await person.submit(`${ids[0]}/edit`, fieldsIn(anew.html));
  expect((await organization.admin.get(`${organization.path}/webhooks/${ids[0]}`)).body).toMatchObject({
    filter: null,
    fields: before.fields,
  });
});

it('a form with more of everything than a form has is answered with a page of less than 500 kB', async () => {
  const person = await signedIn(await createOrganization());
  for (const piece of ['conditionField=a&', 'groupMatch=any&', 'headerName=a&', 'events=a&', 'fields=a&', 'otherFields=%22&', 'seen=a&']) {
    const fields = [...new URLSearchParams(`step=preview.sent&${piece.repeat(9_000)}`)] as [string, string][];
    const page = await person.post('new', fields);
    expect([piece, page.status]).toEqual([piece, 200]);
    expect([piece, page.html.length < 500_000]).toEqual([piece, true]);
  }
});
