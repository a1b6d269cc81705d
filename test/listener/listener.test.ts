import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { CLOSE_CODES } from '../../src/listener/protocol.ts';
import { createOrganization, createWebhook, eventually, expectStatus, platform } from '../support/api.ts';
import { auditLogOf } from '../support/audit.ts';
import { driveDate } from '../support/clock.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox } from '../support/deliveries.ts';
import { connected, listening, lookAfter, openSocket } from '../support/listening.ts';

driveDate();

/** Longer than a command may be silent. */
const AWAY_MS = 31_000;

describe('a delivery of a listener', () => {
  it('reaches the command with its bytes and a signature, and the log has what the command was answered', async () => {
    const own = await createOrganization();
    const command = await listening(own, { forwardTo: 'http://localhost:3000/hook' });
    const event = anEvent(own.id);
    const consumed = consume([aMessage([event])]);
    const { delivery, body } = await command.next();
    expect(body).toBe(new TextDecoder().decode(event.payload));
    expect(delivery.headers).toMatchObject({
      'Content-Type': 'application/json',
      'X-Bullseye-Event': 'visitor.identified',
      'X-Bullseye-Attempt': '1',
    });
    expect(new Webhook(command.secret).verify(body, lowerCase(delivery.headers))).toEqual(JSON.parse(body));
    command.answer(delivery, 201, '{"ok":true}', [['X-Local', 'yes']]);
    expect((await consumed).acknowledged).toHaveLength(1);
    const id = (await deliveriesOf(command.webhookId))[0]?.id;
    const detail = (await expectStatus(own.admin.get(`${own.path}/webhooks/${command.webhookId}/deliveries/${id}`), 200)).body;
    expect(detail).toMatchObject({ status: 'delivered', attemptCount: 1 });
    expect(detail.attempts).toMatchObject([
      {
        url: 'listen://localhost:3000/hook',
        outcome: 'succeeded',
        responseStatus: 201,
        responseHeaders: { 'x-local': 'yes' },
        responseBody: '{"ok":true}',
        requestHeaders: { 'X-Bullseye-Delivery': id },
      },
    ]);
  });

  it('fails as the command says where nothing answers on its machine, and is tried again by the schedule', async () => {
    const own = await createOrganization();
    const command = await listening(own);
    const consumed = consume([aMessage([anEvent(own.id)])]);
    const { delivery } = await command.next();
    command.socket.send(
      JSON.stringify({ type: 'failure', id: delivery.id, message: 'no answer from http://localhost:3000: ECONNREFUSED' }),
    );
    await consumed;
    const [logged] = await deliveriesOf(command.webhookId);
    expect(logged).toMatchObject({ status: 'retrying', attemptCount: 1 });
    const detail = (await own.admin.get(`${own.path}/webhooks/${command.webhookId}/deliveries/${logged?.id}`)).body;
    expect(detail.attempts[0].error).toBe('The request failed: no answer from http://localhost:3000: ECONNREFUSED');
  });

  it.each([
    ['not connected', 'is not connected'],
    ['hung up before it answered', 'went away before it answered'],
  ])('fails where the command has %s', async (how, words) => {
    const own = await createOrganization();
    const command = await listening(own);
    if (how === 'not connected') {
      command.socket.close(1000);
      await command.closed;
    }
    const consumed = consume([aMessage([anEvent(own.id)])]);
    if (how !== 'not connected') {
      await command.next();
      command.socket.close(1000);
    }
    await consumed;
    const [logged] = await deliveriesOf(command.webhookId);
    const detail = (await own.admin.get(`${own.path}/webhooks/${command.webhookId}/deliveries/${logged?.id}`)).body;
    expect(detail).toMatchObject({ status: 'retrying' });
    expect(detail.attempts[0].error).toContain(words);
  });

  it('does not disable the webhook, open its circuit or alert anybody, whatever is answered', async () => {
    const own = await createOrganization();
    const other = endpointInbox();
    await createWebhook(own, { url: other.url, events: ['webhook.*'] });
    const command = await listening(own, { events: ['visitor.*'] });
    for (let posted = 0; posted < 12; posted++) {
      const consumed = consume([aMessage([anEvent(own.id)])]);
      command.answer((await command.next()).delivery, posted % 2 ? 410 : 500);
      await consumed;
    }
    const webhook = (await own.admin.get(`${own.path}/webhooks/${command.webhookId}`)).body;
    expect(webhook).toMatchObject({ enabled: true, health: 'healthy', disabledReason: null });
    expect(await other.requests()).toEqual([]);
    // The next one goes out at once.
    const consumed = consume([aMessage([anEvent(own.id)])]);
    command.answer((await command.next()).delivery, 200);
    await consumed;
    expect((await deliveriesOf(command.webhookId))[0]).toMatchObject({ status: 'delivered' });
  });

  it('that is never answered delays no other webhook of the event', async () => {
    const own = await createOrganization();
    const endpoint = endpointInbox();
    await endpoint.script([{ status: 200 }]);
    const { id } = await createWebhook(own, { url: endpoint.url });
    const command = await listening(own);
    const { acknowledged } = await consume([aMessage([anEvent(own.id)])]);
    expect(acknowledged).toHaveLength(1);
    expect(await deliveriesOf(id)).toMatchObject([{ status: 'delivered' }]);
    expect(await deliveriesOf(command.webhookId)).toMatchObject([{ status: 'pending' }]);
    command.answer((await command.next()).delivery, 200);
    await eventually(async () => (await deliveriesOf(command.webhookId))[0]?.status === 'delivered');
  });

  it('goes to the command that connected last, and a test to it as well', async () => {
    const own = await createOrganization();
    const command = await listening(own);
    const second = await connected(command.path, own.key);
    expect(await command.closed).toMatchObject({ code: CLOSE_CODES.replaced });
    const tested = own.admin.post(`${own.path}/webhooks/${command.webhookId}/test`, {});
    const { delivery } = await second.next();
    expect(delivery.headers).toMatchObject({ 'X-Bullseye-Test': 'true' });
    second.answer(delivery, 204);
    expect((await tested).body).toMatchObject({ attempt: { outcome: 'succeeded', responseStatus: 204 } });
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['no status', JSON.stringify({ type: 'answer', id: 'ID', headers: [], body: '' })],
    ['a status that HTTP does not end with', JSON.stringify({ type: 'answer', id: 'ID', status: 101, headers: [], body: '' })],
    ['headers that are none', JSON.stringify({ type: 'answer', id: 'ID', status: 200, headers: [['a']], body: '' })],
  ])('passes over what the command says that is no answer: %s', async (_what, said) => {
    const own = await createOrganization();
    const command = await listening(own);
    const tested = own.admin.post(`${own.path}/webhooks/${command.webhookId}/test`, {});
    const { delivery } = await command.next();
    command.socket.send(said.replace('ID', delivery.id));
    command.answer(delivery, 200);
    expect((await tested).body).toMatchObject({ attempt: { responseStatus: 200 } });
  });

  it('takes headers that are none of HTTP, and a body that is not base64, for what they are', async () => {
    const own = await createOrganization();
    const command = await listening(own);
    const test = () => own.admin.post(`${own.path}/webhooks/${command.webhookId}/test`, {});
    const first = test();
    command.answer((await command.next()).delivery, 200, 'fine', [
      ['bad name', 'x'],
      ['good', 'a'],
      ['Content-Encoding', 'gzip'],
    ]);
    expect((await first).body.attempt).toMatchObject({ responseStatus: 200, responseBody: 'fine', responseHeaders: { good: 'a' } });
    const second = test();
    const { delivery } = await command.next();
    command.socket.send(JSON.stringify({ type: 'answer', id: delivery.id, status: 200, headers: [], body: '***' }));
    expect((await second).body.attempt).toMatchObject({ outcome: 'failed', error: expect.stringContaining('not base64') });
  });
});

describe('a listener ends', () => {
  it('within a minute after its command was killed: the webhook and its log are gone, and the audit log says by whom', async () => {
    const own = await createOrganization();
    const command = await listening(own);
    command.socket.close(1000);
    await command.closed;
    expect(await lookAfter(command.webhookId)).toBe(true);
    // It may be about to come back.
    await expectStatus(own.admin.get(`${own.path}/webhooks/${command.webhookId}`), 200);
    vi.setSystemTime(Date.now() + AWAY_MS);
    expect(await lookAfter(command.webhookId)).toBe(true);
    await expectStatus(own.admin.get(`${own.path}/webhooks/${command.webhookId}`), 404);
    expect(await deliveriesOf(command.webhookId)).toEqual([]);
    expect((await auditLogOf(own)).at(-1)).toMatchObject({
      action: 'webhook.deleted',
      actor: { type: 'service' },
      target: { type: 'webhook', id: command.webhookId },
      changes: { url: { from: 'listen://terminal', to: null } },
    });
    expect(await lookAfter(command.webhookId)).toBe(false);
    expect((await openSocket(command.path, own.key)).status).toBe(404);
  });

  it('where its command never connects, and where it is silent though its connection stands', async () => {
    const own = await createOrganization();
    const { body } = await own.admin.post(`${own.path}/listeners`, {});
    const silent = await listening(own);
    vi.setSystemTime(Date.now() + AWAY_MS);
    for (const id of [body.id, silent.webhookId]) {
      await lookAfter(id);
      await expectStatus(own.admin.get(`${own.path}/webhooks/${id}`), 404);
    }
    expect(await silent.closed).toMatchObject({ code: CLOSE_CODES.gone });
  });

  it('not while its command says that it is there', async () => {
    // The runtime's own clock stamps a ping.
    vi.useRealTimers();
    const own = await createOrganization();
    const [pinging, silent] = [await listening(own), await listening(own)];
    const answered = new Promise((resolve) => pinging.socket.addEventListener('message', ({ data }) => resolve(data)));
    pinging.socket.send('ping');
    expect(await answered).toBe('pong');
    const stateOf = async ({ webhookId }: { webhookId: string }) => {
      // As if both had connected long ago.
      await runInDurableObject(env.LISTENER.getByName(webhookId), (_, { storage }) => storage.kv.put('seen', 0));
      await lookAfter(webhookId);
      return (await own.admin.get(`${own.path}/webhooks/${webhookId}`)).status;
    };
    expect([await stateOf(pinging), await stateOf(silent)]).toEqual([200, 404]);
  });

  it('with the key that opened it', async () => {
    const own = await createOrganization();
    const { body: key } = await platform.post(`${own.path}/api-keys`, { name: 'spare', scopes: ['write'] });
    const command = await listening(own, {}, key.plainKey);
    await expectStatus(own.admin.delete(`${own.path}/api-keys/${key.id}`), 204);
    await lookAfter(command.webhookId);
    expect(await command.closed).toMatchObject({ code: CLOSE_CODES.keyEnded });
    await expectStatus(own.admin.get(`${own.path}/webhooks/${command.webhookId}`), 404);
  });

  it('at once where its webhook is deleted, and with its organization', async () => {
    const own = await createOrganization();
    const [first, second] = [await listening(own), await listening(own)];
    await expectStatus(own.admin.delete(`${own.path}/webhooks/${first.webhookId}`), 204);
    expect(await first.closed).toMatchObject({ code: CLOSE_CODES.gone });
    await expectStatus(platform.delete(own.path), 204);
    await lookAfter(second.webhookId);
    expect(await second.closed).toMatchObject({ code: CLOSE_CODES.gone });
  });
});

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
