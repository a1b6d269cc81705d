import { describe, expect, test } from 'vitest';
import { z } from '../../src/api/zod.ts';
import { KEY_SCOPES } from '../../src/domain/access/api-key.ts';
import { createOrganization, createWebhook, platform } from '../support/api.ts';

const schema = z.strictObject({
  url: z.string().min(1).max(5).optional(),
  count: z.number().int().min(1).max(9).optional(),
  enabled: z.boolean().optional(),
  events: z.array(z.string()).min(1).max(2).optional(),
  example: z.record(z.string(), z.unknown()).optional(),
  scope: z.enum(KEY_SCOPES).optional(),
  only: z.literal('ingest').optional(),
});

describe('what is wrong with a body is said in words', () => {
  test.each<[unknown, string]>([
    [{ url: 5 }, '`url` is a number, not a string'],
    [{ url: null }, '`url` is null, not a string'],
    [{ url: '' }, '`url` is empty'],
    [{ url: '123456' }, '`url` has more than 5 characters'],
    [{ count: '1' }, '`count` is a string, not a number'],
    [{ count: 1.5 }, '`count` is not a whole number'],
    [{ count: 0 }, '`count` is less than 1'],
    [{ count: 10 }, '`count` is more than 9'],
    [{ enabled: 'yes' }, '`enabled` is a string, not true or false'],
    [{ events: 'x' }, '`events` is a string, not an array'],
    [{ events: [] }, '`events` is empty'],
    [{ events: ['a', 'b', 'c'] }, '`events` has more than 2 entries'],
    [{ events: ['a', {}] }, '`events[1]` is an object, not a string'],
    [{ example: [] }, '`example` is an array, not an object'],
    [{ scope: 'all' }, '`scope` is not one of `read`, `write`, `admin`'],
    [{ only: 5 }, '`only` is not `ingest`'],
    [[], 'the body is an array, not an object'],
    [null, 'the body is null, not an object'],
  ])('%j', (body, message) => {
    const result = schema.safeParse(body);
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([message]);
  });

  test('what is missing as well', () => {
    const required = z.object({ url: z.string(), scope: z.enum(KEY_SCOPES) });
    expect(required.safeParse({}).error?.issues.map((issue) => issue.message)).toEqual([
      '`url` is missing; it is a string',
      '`scope` is missing; it is one of `read`, `write`, `admin`',
    ]);
  });

  test('in the answer, with the field', async () => {
    const { path, admin } = await createOrganization();
    const issue = { field: 'url', message: '`url` is missing; it is a string' };
    expect(await admin.post(`${path}/webhooks`, { events: ['*'] })).toMatchObject({
      status: 422,
      body: { message: issue.message, details: { field: 'url', issues: [issue] } },
    });
    expect((await admin.post(`${path}/webhooks`, { url: 'https://a.example', events: ['*'], colour: 1 })).body.message).toBe(
      '`colour` is not a field of this request',
    );
  });

  test('at most 20 times, however much is wrong', async () => {
    const organization = await createOrganization();
    const { id } = await createWebhook(organization);
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`field_${at}`, 1]));
    const answers = [
      await organization.admin.patch(`${organization.path}/webhooks/${id}`, unknown),
      await organization.admin.patch(`${organization.path}/webhooks/${id}`, { events: Array(50).fill(5) }),
      await organization.admin.patch(`${organization.path}/webhooks/${id}`, {
        events: Array.from({ length: 50 }, (_, at) => `no.type_${at}`),
      }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(422);
      expect(body.details.issues).toHaveLength(20);
    }
    const events = Array.from({ length: 100 }, () => ({ event: 'no.type', timestamp: '2026-11-23', organization_id: 'o' }));
    expect((await platform.post('/events', events)).body.details.issues).toHaveLength(20);
  });
});
