import { describe, expect, it } from 'vitest';
import { databaseOf } from '../../../src/db/client.ts';
import { readWebhook } from '../../../src/db/configuration.ts';
import { openSecret } from '../../../src/db/secret-box.ts';
import { findWebhook } from '../../../src/db/webhooks.ts';
import { settingsOf } from '../../../src/settings.ts';
import { call, client, createKey, createOrganization, createWebhook, env, platform } from '../../support/api.ts';
import { endpointInbox } from '../../support/deliveries.ts';

async function given(input: Record<string, unknown> = {}) {
  const own = await createOrganization();
  const { id, ...created } = await createWebhook(own, input);
  const at = `${own.path}/webhooks/${id}`;
  const stored = async () => (await findWebhook(databaseOf(env.DB), own.id, id))!;
  return {
    own,
    id,
    created,
    at,
    patch: (json: Record<string, unknown>) => own.admin.patch(at, json),
    names: async () => (await own.admin.get(at)).body.headerNames,
    values: async () => (await own.admin.get(`${at}/secret`)).body.headers,
    stored,
  };
}

const TWO = { Authorization: 'Bearer 3f9a', 'X-Tenant': 'acme' };

describe('the headers of a webhook', () => {
  it('are read by their names as they were given, and with their values by an admin alone', async () => {
    const { own, at, created, names, values } = await given({ headers: TWO });
    expect(created).toMatchObject({ headerNames: ['Authorization', 'X-Tenant'] });
    expect(created).not.toHaveProperty('headers');
    expect(await names()).toEqual(['Authorization', 'X-Tenant']);
    expect(await values()).toEqual(TWO);
    expect((await platform.get(`${at}/secret`)).body.headers).toEqual(TWO);
    for (const scope of ['read', 'write']) {
      expect((await client(await createKey(own.id, [scope])).get(`${at}/secret`)).status).toBe(403);
    }
  });

  it('are sealed where they are kept, as its secret is', async () => {
    const { id, stored } = await given({ headers: TWO });
    const { headers } = await stored();
    expect(headers).toMatch(/^v1:[0-9a-f]{8}:[\w-]+:[\w-]+$/);
    expect(JSON.parse(await openSecret(settingsOf(env).masterKeys, id, headers!))).toEqual(TWO);
    expect((await readWebhook(env.DB, id))?.webhook.choices).toMatchObject({ headers });
  });

  it('are merged by a change: set, removed by null, and the others stay', async () => {
    const { patch, names, values } = await given({ headers: TWO });
    expect((await patch({ headers: { 'X-Token': 'third' } })).body.headerNames).toEqual(['Authorization', 'X-Tenant', 'X-Token']);
    expect((await patch({ headers: { AUTHORIZATION: 'Basic YTpi' } })).body.headerNames).toEqual(['AUTHORIZATION', 'X-Tenant', 'X-Token']);
    expect((await patch({ headers: { 'x-tenant': null, 'X-Nothing': null } })).status).toBe(200);
    expect(await values()).toEqual({ AUTHORIZATION: 'Basic YTpi', 'X-Token': 'third' });
    await patch({ description: 'other' });
    expect(await names()).toEqual(['AUTHORIZATION', 'X-Token']);
    expect((await patch({ headers: { authorization: null, 'x-token': null } })).body.headerNames).toBeNull();
    expect(await values()).toBeNull();
  });

  it('are all removed by null', async () => {
    const { patch, names, values, stored } = await given({ headers: TWO });
    expect((await patch({ headers: null })).body.headerNames).toBeNull();
    expect(await names()).toBeNull();
    expect(await values()).toBeNull();
    expect((await stored()).headers).toBeNull();
  });

  it('are left alone by what names none of them, also what would remove some that are not there', async () => {
    const { id, patch, stored } = await given({ headers: TWO });
    const bare = await given();
    for (const [webhook, changes] of [
      [{ id, patch, stored }, [{ headers: {} }]],
      [bare, [{ headers: {} }, { headers: null }, { headers: { 'X-Nothing': null } }]],
    ] as const) {
      await env.DB.prepare('UPDATE webhooks SET updated_at = 1 WHERE id = ?').bind(webhook.id).run();
      const before = await webhook.stored();
      for (const change of changes) expect((await webhook.patch(change)).status).toBe(200);
      expect(await webhook.stored()).toEqual(before);
    }
  });

  it('are written anew also where they are what they were: nobody is told whether a guess is right', async () => {
    const { own, id, at, stored } = await given({ headers: TWO });
    const writer = client(await createKey(own.id, ['write']));
    const answers: unknown[] = [];
    for (const value of [TWO.Authorization, 'a wrong guess']) {
      await env.DB.prepare('UPDATE webhooks SET updated_at = 1 WHERE id = ?').bind(id).run();
      const { headers: before } = await stored();
      const { status, body } = await writer.patch(at, { headers: { Authorization: value } });
      expect((await stored()).headers).not.toBe(before);
      answers.push([status, Date.parse(body.updatedAt) > 1, body.headerNames]);
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  it('are at most 20 with those that are there', async () => {
    const many = (count: number, prefix: string) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${prefix}${n}`, 'v']));
    const { own, patch, names } = await given({ headers: many(20, 'a') });
    expect(await names()).toHaveLength(20);
    expect(await patch({ headers: { 'X-More': 'v' } })).toMatchObject({ status: 422, body: { details: { field: 'headers' } } });
    expect((await patch({ headers: { 'X-More': 'v', 'x-a0': null } })).body.headerNames).toHaveLength(20);
    const input = { url: 'https://hooks.example.com/in', events: ['*'], headers: many(21, 'a') };
    expect(await own.admin.post(`${own.path}/webhooks`, input)).toMatchObject({ status: 422, body: { details: { field: 'headers' } } });
  });

  it.each([
    ['one that each request has', { 'content-type': 'text/plain' }, 'headers.content-type'],
    ['one that steers the connection', { 'X-A': 'fine', 'Transfer-Encoding': 'chunked' }, 'headers.Transfer-Encoding'],
    ['two of one name', { 'X-Same': 'a', 'x-same': 'b' }, 'headers.x-same'],
    ['a value that is empty', { 'X-A': '' }, 'headers.X-A'],
    ['a line break', { 'X-A': 'a\r\nX-B: b' }, 'headers.X-A'],
    ['a name that is none', { 'X A': 'a' }, 'headers.X A'],
    ['a list', [['X-A', 'a']], 'headers'],
  ])('are refused with %s, at the place that is wrong', async (_what, headers, field) => {
    const { own, patch, names } = await given({ headers: TWO });
    const input = { url: 'https://hooks.example.com/in', events: ['*'], headers };
    for (const answer of [await patch({ headers }), await own.admin.post(`${own.path}/webhooks`, input)]) {
      expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', details: { field } } });
    }
    expect(await names()).toEqual(['Authorization', 'X-Tenant']);
  });

  it('are refused where the text of a request has a name twice, of which its value shows the last alone', async () => {
    const { own, at, names } = await given({ headers: TWO });
    const headers = '{ "X-\\u0041": "first", "X-B": "b", "X-A": "second" }';
    const sent = { key: own.key, headers: { 'Content-Type': 'application/json' } };
    const created = `{ "url": "https://hooks.example.com/in", "events": ["*"], "headers": ${headers} }`;
    for (const answer of [
      await call('PATCH', `/api/v1${at}`, { ...sent, raw: `{ "headers": ${headers} }` }),
      await call('POST', `/api/v1${own.path}/webhooks`, { ...sent, raw: created }),
    ]) {
      const { status, body } = answer;
      expect([status, body.code, body.details.field]).toEqual([422, 'validation_failed', 'headers.X-A']);
      expect(JSON.stringify(body)).not.toMatch(/first|second/);
    }
    // Of a repeated `headers` the last counts, here as everywhere.
    const raw = `{ "headers": ${headers}, "headers": { "X-Tenant": null } }`;
    expect((await call('PATCH', `/api/v1${at}`, { ...sent, raw })).status).toBe(200);
    expect(await names()).toEqual(['Authorization']);
  });

  it('are not lost by changes at the same moment: each adds its own', async () => {
    const { patch, values } = await given({ headers: TWO });
    const answers = await Promise.all(['A', 'B', 'C', 'D', 'E'].map((name) => patch({ headers: { [`X-${name}`]: name } })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await values()).toEqual({ ...TWO, 'X-A': 'A', 'X-B': 'B', 'X-C': 'C', 'X-D': 'D', 'X-E': 'E' });
  });

  it('that do not open are lost by nobody: a change of one is an error of ours, and all of them can be removed', async () => {
    const { id, patch, stored } = await given({ headers: TWO });
    const { headers } = await stored();
    const tampered = `${headers!.slice(0, -4)}AAAA`;
    await env.DB.prepare('UPDATE webhooks SET headers = ? WHERE id = ?').bind(tampered, id).run();
    expect((await patch({ headers: { 'X-More': 'v' } })).status).toBe(500);
    expect((await stored()).headers).toBe(tampered);
    expect((await patch({ description: 'x' })).status).toBe(200);
    expect((await patch({ headers: null })).body.headerNames).toBeNull();
  });
});

describe('a move to another origin', () => {
  const URL_BEFORE = 'https://hooks.example.com/in';

  it.each([
    ['another host', 'https://elsewhere.example.com/in'],
    ['another port', 'https://hooks.example.com:8443/in'],
    ['another scheme and host', 'http://127.0.0.1:9/in', 'https://127.example.com/in'],
  ])('to %s removes the headers that are not given anew with it', async (_what, url, before = URL_BEFORE) => {
    const { own, at, patch, values } = await given({ url: before, headers: TWO });
    const writer = client(await createKey(own.id, ['write']));
    expect((await writer.patch(at, { url })).body).toMatchObject({ url, headerNames: null });
    expect((await writer.patch(at, { url: before })).body).toMatchObject({ url: before, headerNames: null });
    expect(await values()).toBeNull();
    await patch({ headers: TWO });
    expect((await writer.patch(at, { url, headers: { 'x-tenant': 'other', 'X-New': 'n' } })).body.headerNames).toEqual([
      'x-tenant',
      'X-New',
    ]);
    expect(await values()).toEqual({ 'x-tenant': 'other', 'X-New': 'n' });
    expect((await writer.patch(at, { url: before, headers: {} })).body.headerNames).toBeNull();
  });

  it.each([
    ['another path and query', 'https://hooks.example.com/elsewhere?x=1'],
    ['the same origin in other letters', 'https://HOOKS.example.com:443/in'],
    ['the same URL', URL_BEFORE],
  ])('is not one to %s: they stay', async (_what, url) => {
    const { patch, values } = await given({ url: URL_BEFORE, headers: TWO });
    expect((await patch({ url })).body).toMatchObject({ url, headerNames: ['Authorization', 'X-Tenant'] });
    expect((await patch({ url, headers: { 'X-Tenant': null } })).body.headerNames).toEqual(['Authorization']);
    expect(await values()).toEqual({ Authorization: 'Bearer 3f9a' });
  });

  it('sends nothing of what was meant for the old one to the new one', async () => {
    const [before, after] = [endpointInbox(), endpointInbox()];
    const { own, at, patch } = await given({ url: before.url, headers: TWO });
    await own.admin.post(`${at}/test`);
    // The receiver has one origin: a move there and back from another one is a move, too.
    await patch({ url: 'https://elsewhere.example.com/in' });
    await patch({ url: after.url });
    await own.admin.post(`${at}/test`);
    expect((await before.requests())[0]?.headers).toMatchObject({ authorization: 'Bearer 3f9a', 'x-tenant': 'acme' });
    const [received] = await after.requests();
    expect(received?.headers).not.toHaveProperty('authorization');
    expect(received?.headers).not.toHaveProperty('x-tenant');
  });
});
