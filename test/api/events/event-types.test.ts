import { describe, expect, test } from 'vitest';
import { readEvents } from '../../../src/domain/event/event.ts';
import { VISITOR_IDENTIFIED_SCHEMA } from '../../../src/domain/event/visitor-identified.ts';
import { client, createKey, createOrganization, createWebhook, expectStatus, platform } from '../../support/api.ts';

describe('the catalogue', () => {
  test('ships with visitor.identified, whose example is an event that is accepted', async () => {
    const { body } = await platform.get('/event-types');
    const shipped = body.eventTypes.find(({ name }: { name: string }) => name === 'visitor.identified');
    expect(shipped).toMatchObject({ description: expect.stringContaining('session_id'), schema: VISITOR_IDENTIFIED_SCHEMA, builtIn: true });
    expect(readEvents(new TextEncoder().encode(JSON.stringify(shipped.example))).ok).toBe(true);
    expect((await platform.get('/event-types/visitor.identified')).body).toEqual(shipped);
  });

  test('is open to every organization key', async () => {
    const { id } = await createOrganization();
    const holder = client(await createKey(id, ['read']));
    expect((await holder.get('/event-types')).status).toBe(200);
    expect((await holder.get('/event-types/visitor.identified')).status).toBe(200);
    expect((await holder.get('/event-types/visitor.vanished')).status).toBe(404);
  });

  test('takes new types, which webhooks can then subscribe to, and lets them go', async () => {
    const organization = await createOrganization();
    const type = { description: 'A company was identified.', example: { event: 'company.identified' }, schema: { type: 'object' } };
    const put = await platform.put('/event-types/company.identified', type);
    expect(put).toMatchObject({ status: 201, body: { name: 'company.identified', ...type, builtIn: false } });
    expect((await platform.get('/event-types/company.identified')).body).toEqual(put.body);
    await createWebhook(organization, { events: ['company.identified', 'company.*'] });
    const again = await platform.put('/event-types/company.identified', { description: 'Anew.' });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ description: 'Anew.', example: null, schema: null });
    expect((await platform.delete('/event-types/company.identified')).status).toBe(204);
    expect((await platform.delete('/event-types/company.identified')).status).toBe(404);
  });

  test('takes a type that says its own name', async () => {
    const type = { name: 'company.named', description: 'A company has a name.' };
    expect(await platform.put('/event-types/company.named', type)).toMatchObject({ status: 201, body: type });
  });

  test('keeps what ships: it can be overlaid and laid bare again, not removed', async () => {
    const { example } = (await platform.get('/event-types/visitor.identified')).body;
    const put = await expectStatus(platform.put('/event-types/visitor.identified', { description: 'Ours.' }), 200);
    expect(put.body).toMatchObject({ description: 'Ours.', example, schema: VISITOR_IDENTIFIED_SCHEMA, builtIn: true });
    expect((await platform.get('/event-types/visitor.identified')).body).toEqual(put.body);
    const own = { description: 'Ours.', example: { event: 'visitor.identified' } };
    expect((await platform.put('/event-types/visitor.identified', own)).body).toMatchObject(own);
    expect((await platform.delete('/event-types/visitor.identified')).status).toBe(204);
    expect((await platform.get('/event-types/visitor.identified')).body.description).not.toBe('Ours.');
    expect(await platform.delete('/event-types/visitor.identified')).toMatchObject({ status: 409, body: { code: 'built_in_event_type' } });
  });

  test.each(['Visitor', 'visitor.', '.visitor', 'a..b', 'visitor-x', 'a%20b', 'x'.repeat(129)])('refuses the name %s', async (name) => {
    const answer = await platform.put(`/event-types/${name}`, { description: 'x' });
    expect(answer).toMatchObject({ status: 422, body: { details: { field: 'name' } } });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no description', { description: '' }, 'description'],
    ['an example that is no object', { example: 'x' }, 'example'],
    ['a schema that is no object', { schema: true }, 'schema'],
    ['a schema of no type', { schema: { properties: { visitor: { type: 'strnig' } } } }, 'schema.properties.visitor.type'],
    ['a schema whose pattern is none', { schema: { pattern: '(' } }, 'schema.pattern'],
    ['a schema that refers to nothing', { schema: { $ref: '#/$defs/visitor' } }, 'schema'],
    ['a schema that refers to itself in a circle', { schema: { $ref: '#' } }, 'schema'],
    [
      'a schema whose pattern repeats what repeats',
      { schema: { properties: { a: { pattern: '^(\\w+\\s?)*$' } } } },
      'schema.properties.a.pattern',
    ],
    ['a schema whose arrays are unique without end', { schema: { items: { uniqueItems: true } } }, 'schema.items.uniqueItems'],
    ['another name than the path has', { name: 'x' }, 'name'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ])('refuses %s', async (_what, change, field) => {
    const answer = await platform.put('/event-types/some.type', { description: 'x', ...change });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
  });
});
