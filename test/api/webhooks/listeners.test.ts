import { describe, expect, it } from 'vitest';
import { MAX_LISTENERS } from '../../../src/domain/endpoint/listen-url.ts';
import { MAX_WEBHOOKS } from '../../../src/domain/webhook/webhook.ts';
import { client, createKey, createOrganization, createWebhook, expectStatus } from '../../support/api.ts';
import { openSocket } from '../../support/listening.ts';

describe('POST /listeners', () => {
  it('answers with a webhook like any, its secret and where to connect', async () => {
    const own = await createOrganization();
    const { body } = await expectStatus(
      own.admin.post(`${own.path}/listeners`, { forwardTo: 'http://me:pw@localhost:3000/hook?token=1#x' }),
      201,
    );
    expect(body).toMatchObject({
      name: 'listen localhost:3000',
      url: 'listen://localhost:3000/hook',
      events: ['*'],
      enabled: true,
      hasSecret: true,
      secret: expect.stringMatching(/^whsec_/),
      socketPath: `/api/v1${own.path}/listeners/${body.id}/socket`,
    });
    expect((await own.admin.get(`${own.path}/webhooks/${body.id}`)).body).toMatchObject({
      id: body.id,
      url: 'listen://localhost:3000/hook',
    });
  });

  it('needs no body, and takes a secret of the developer’s', async () => {
    const own = await createOrganization();
    expect((await own.admin.post(`${own.path}/listeners`)).body).toMatchObject({ url: 'listen://terminal' });
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
    expect((await own.admin.post(`${own.path}/listeners`, { secret })).body).toMatchObject({ secret });
  });

  it.each([
    [{ forwardTo: 'ftp://localhost/' }, 'forwardTo'],
    [{ forwardTo: 'localhost:3000' }, 'forwardTo'],
    [{ events: ['nothing.*'] }, 'events[0]'],
    [{ events: [] }, 'events'],
    [{ url: 'https://hooks.example.com/' }, 'url'],
    [{ secret: ' spaces ' }, 'secret'],
  ])('refuses %j', async (input, field) => {
    const own = await createOrganization();
    const answer = await own.admin.post(`${own.path}/listeners`, input);
    expect([answer.status, answer.body.details.field]).toEqual([422, field]);
  });

  it(`is refused beyond ${MAX_LISTENERS} at a time, which do not count among the ${MAX_WEBHOOKS}`, async () => {
    const own = await createOrganization();
    for (let made = 0; made < MAX_WEBHOOKS; made++) await createWebhook(own);
    const post = () => own.admin.post(`${own.path}/listeners`, {});
    const answers = await Promise.all(Array.from({ length: MAX_LISTENERS + 2 }, post));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(MAX_LISTENERS).fill(201), 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'webhook_limit_reached',
      details: { limit: MAX_LISTENERS },
    });
    const { webhooks } = (await own.admin.get(`${own.path}/webhooks`)).body;
    expect(webhooks).toHaveLength(MAX_WEBHOOKS + MAX_LISTENERS);
    // Nor do they take the place of others.
    await expectStatus(own.admin.delete(`${own.path}/webhooks/${webhooks.at(-1).id}`), 204);
    await createWebhook(own);
  });

  it('needs a plan with webhooks', async () => {
    const own = await createOrganization('growth');
    expect((await own.admin.post(`${own.path}/listeners`, {})).body).toMatchObject({ code: 'plan_upgrade_required' });
  });
});

describe('a webhook of listen', () => {
  it('is changed like any, but goes nowhere else; and no other becomes one', async () => {
    const own = await createOrganization();
    const { body } = await own.admin.post(`${own.path}/listeners`, {});
    const at = `${own.path}/webhooks/${body.id}`;
    expect((await own.admin.patch(at, { url: body.url, events: ['visitor.*'] })).body).toMatchObject({ events: ['visitor.*'] });
    for (const url of ['https://hooks.example.com/', 'listen://elsewhere/']) {
      const answer = await own.admin.patch(at, { url });
      expect([answer.status, answer.body.details.field]).toEqual([422, 'url']);
    }
    const { id } = await createWebhook(own);
    expect((await own.admin.patch(`${own.path}/webhooks/${id}`, { url: body.url })).status).toBe(422);
    expect((await own.admin.post(`${own.path}/webhooks`, { url: body.url, events: ['*'] })).status).toBe(422);
  });
});

describe('its socket', () => {
  it('is for who may create it', async () => {
    const [own, other] = [await createOrganization(), await createOrganization()];
    const { body } = await own.admin.post(`${own.path}/listeners`, {});
    const statusFor = async (key: string | undefined) => (await openSocket(body.socketPath, key)).status;
    expect(await statusFor(undefined)).toBe(401);
    expect(await statusFor(`bsk_live_${'0'.repeat(32)}`)).toBe(401);
    expect(await statusFor(other.key)).toBe(404);
    expect(await statusFor(await createKey(own.id, ['read']))).toBe(403);
    const opened = await openSocket(body.socketPath, await createKey(own.id, ['write']));
    expect(opened.status).toBe(101);
    expect(opened.headers.get('X-RateLimit-Limit')).toBe('1000');
    opened.webSocket?.accept();
    opened.webSocket?.close();
  });

  it('is no page, no other webhook’s, and takes no other method', async () => {
    const own = await createOrganization();
    const { body } = await own.admin.post(`${own.path}/listeners`, {});
    expect((await openSocket(body.socketPath, own.key, {})).status).toBe(422);
    const { id } = await createWebhook(own);
    expect((await openSocket(body.socketPath.replace(body.id, id), own.key)).status).toBe(404);
    expect((await openSocket(body.socketPath.replace(body.id, 'whk_none'), own.key)).status).toBe(404);
    const path = body.socketPath.replace('/api/v1', '');
    expect((await client(own.key).post(path, {})).status).toBe(405);
  });
});
