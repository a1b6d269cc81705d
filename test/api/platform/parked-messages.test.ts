import { createExecutionContext } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { app } from '../../../src/app.ts';
import { encodeEventMessage } from '../../../src/domain/event/event-message.ts';
import { env, ORIGIN, PLATFORM_KEY, platform, read } from '../../support/api.ts';

const path = '/platform/parked-messages';
const payload = new TextEncoder().encode('{"event":"visitor.identified"}');
const message = encodeEventMessage({ acceptedAt: 1, events: [{ id: 'evt_1', payload }] });

async function park(id: string, body: Uint8Array, parkedAt: number): Promise<void> {
  const insert = 'INSERT INTO parked_messages (id, reason, body, parked_at) VALUES (?, ?, ?, ?)';
  await env.DB.prepare(insert).bind(id, 'the consumer failed', body, parkedAt).run();
}

/** A redrive through a queue of the test's own. */
async function redrive(id: string, send: (body: Uint8Array) => Promise<unknown>) {
  const request = new Request(`${ORIGIN}/api/v1${path}/${id}/redrive`, { method: 'POST', headers: { 'X-API-Key': PLATFORM_KEY } });
  const EVENTS = { send } as unknown as Queue;
  return await read(await app.fetch(request, { ...env, EVENTS }, createExecutionContext()));
}

describe('parked messages', () => {
  test('are listed newest first, in pages', async () => {
    for (const [at, id] of ['a', 'b', 'c', 'd', 'e'].entries()) await park(id, message, at < 3 ? 1_000 : 2_000);
    const first = await platform.get(`${path}?limit=3`);
    expect(first.body.data.map(({ id }: { id: string }) => id)).toEqual(['e', 'd', 'c']);
    expect(first.body.data[0]).toEqual({
      id: 'e',
      reason: 'the consumer failed',
      sizeBytes: message.length,
      parkedAt: '1970-01-01T00:00:02.000Z',
    });
    const second = await platform.get(`${path}?limit=3&cursor=${first.body.nextCursor}`);
    expect(second.body.data.map(({ id }: { id: string }) => id)).toEqual(['b', 'a']);
    expect(second.body.nextCursor).toBeNull();
    expect((await platform.get(`${path}?cursor=nonsense`)).status).toBe(422);
  });

  test('are read with their body, as base64 and as text', async () => {
    await park('whole', new Uint8Array([0x68, 0x69, 0xff]), 1);
    const { body } = await platform.get(`${path}/whole`);
    expect(body).toMatchObject({ id: 'whole', bodyBase64: 'aGn/', bodyText: 'hi\ufffd' });
    expect((await platform.get(`${path}/none`)).status).toBe(404);
  });

  test('are redriven: as they were, in the queue, and off the list', async () => {
    await park('again', message, 1);
    const sent: Uint8Array[] = [];
    const answer = await redrive('again', async (body) => sent.push(body));
    expect(answer).toMatchObject({ status: 202, body: { id: 'again' } });
    expect(sent).toEqual([message]);
    expect((await platform.get(`${path}/again`)).status).toBe(404);
    expect((await platform.post(`${path}/again/redrive`)).status).toBe(404);
  });

  test('stay where the queue does not take them, or they cannot be read', async () => {
    await park('refused', message, 1);
    await park('garbage', new TextEncoder().encode('garbage'), 1);
    const refused = await redrive('refused', () => Promise.reject(new Error('overloaded')));
    expect(refused).toMatchObject({ status: 503, body: { code: 'queue_unavailable' } });
    expect(await platform.post(`${path}/garbage/redrive`)).toMatchObject({ status: 409, body: { code: 'message_unreadable' } });
    for (const id of ['refused', 'garbage']) expect((await platform.get(`${path}/${id}`)).status).toBe(200);
  });

  test('are deleted for good', async () => {
    await park('gone', message, 1);
    expect((await platform.delete(`${path}/gone`)).status).toBe(204);
    expect((await platform.delete(`${path}/gone`)).status).toBe(404);
  });
});
