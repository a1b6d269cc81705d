import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { forward } from '../../src/client/command/forward.ts';
import { plain, table } from '../../src/client/command/table.ts';
import { timeOf } from '../../src/client/command/times.ts';
import { MAX_ANSWER_BODY_BYTES, MAX_ANSWER_HEADERS, MAX_ANSWER_LENGTH, readAnswer } from '../../src/listener/protocol.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A local endpoint that answers so. */
async function endpoint(answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>): Promise<URL> {
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1`);
}

const delivery = (bytes: Uint8Array, headers: Record<string, string> = {}) => ({
  type: 'delivery' as const,
  id: 'a',
  headers,
  body: Buffer.from(bytes).toString('base64'),
});

describe('a delivery that is forwarded', () => {
  it('has the bytes and the headers that came', async () => {
    let seen: { url: string | undefined; headers: IncomingMessage['headers']; body: Buffer } | undefined;
    const target = await endpoint(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      seen = { url: request.url, headers: request.headers, body };
      response.writeHead(202, { 'X-One': '1', 'Set-Cookie': ['a=1', 'b=2'] }).end('fine');
    });
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const headers = {
      'Content-Type': 'application/json',
      'User-Agent': 'Bullseye-Webhooks/1',
      'webhook-id': 'evt_1',
      Authorization: 'Bearer x',
    };
    const answer = await forward(delivery(bytes, headers), target);
    expect(seen).toMatchObject({
      url: '/hook?x=1',
      headers: {
        'user-agent': 'Bullseye-Webhooks/1',
        'webhook-id': 'evt_1',
        authorization: 'Bearer x',
        'content-type': 'application/json',
      },
    });
    expect([...(seen?.body ?? [])]).toEqual([...bytes]);
    expect(answer).toMatchObject({ type: 'answer', id: 'a', status: 202, body: Buffer.from('fine').toString('base64') });
    expect(answer.type === 'answer' && answer.headers).toEqual(
      expect.arrayContaining([
        ['x-one', '1'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ]),
    );
  });

  it('is answered as the endpoint says, and no redirect is followed', async () => {
    const target = await endpoint((_, response) => void response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end());
    expect(await forward(delivery(new Uint8Array()), target)).toMatchObject({ status: 302 });
  });

  it('brings back no more than the service takes, however much is answered', async () => {
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`x-${index}`, 'v'.repeat(100)]));
    const target = await endpoint((_, response) => {
      response.writeHead(200, { 'x-long': 'v'.repeat(5_000), ...many });
      for (let at = 0; at < 100; at++) response.write('b'.repeat(10_000));
    });
    const answer = await forward(delivery(new Uint8Array()), target);
    if (answer.type !== 'answer') throw new Error(answer.message);
    expect(answer.headers).toHaveLength(MAX_ANSWER_HEADERS);
    expect(Buffer.from(answer.body, 'base64')).toHaveLength(MAX_ANSWER_BODY_BYTES);
    const text = JSON.stringify(answer);
    expect(text.length).toBeLessThan(MAX_ANSWER_LENGTH);
    expect(readAnswer(text)).toEqual(answer);
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['hangs up', (request) => request.socket.destroy()],
    ['answers no HTTP', (request) => void request.socket.end('nonsense')],
  ])('fails where the endpoint %s', async (_what, answer) => {
    const target = await endpoint(answer);
    expect(await forward(delivery(new Uint8Array()), target)).toMatchObject({
      type: 'failure',
      id: 'a',
      message: expect.stringContaining(`no answer from ${target.origin}: `),
    });
  });
});

describe('a table', () => {
  it('stands in columns, also with wide characters', () => {
    expect(
      table(
        ['A', 'BB', 'C'],
        [
          ['日本', 1, null],
          ['x', 'yyy', 'z'],
        ],
      ),
    ).toEqual(['A     BB   C', '日本  1    -', 'x     yyy  z']);
  });

  it('lets nothing through that moves the cursor', () => {
    expect(plain('\u001b[2Ja\nb\u202e\u0000')).toBe('\uFFFD[2Ja\uFFFDb\uFFFD\uFFFD');
  });
});

describe('a time', () => {
  it.each([
    ['90s', '2026-11-27T11:58:30.000Z'],
    ['2h', '2026-11-27T10:00:00.000Z'],
    ['3d', '2026-11-24T12:00:00.000Z'],
    ['2026-11-27T14:00:00Z', '2026-11-27T14:00:00Z'],
  ])('%s is %s', (text, time) => {
    expect(timeOf(text, Date.parse('2026-11-27T12:00:00Z'))).toBe(time);
  });

  it.each(['', 'soon', '5', '5w', '-2h'])('"%s" is none', (text) => {
    expect(() => timeOf(text)).toThrow('is no time');
  });
});
