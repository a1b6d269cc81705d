import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import { app } from '../../../src/app.ts';
import { type Answer, createKey, createOrganization, createProducerKey, env, ORIGIN, PLATFORM_KEY, read } from '../../support/api.ts';
import { driveDate } from '../../support/clock.ts';

driveDate();

/** As many as wrangler.toml admits of a network, and then none. */
function limiterOf(limit: number) {
  const counted: string[] = [];
  const limiter: RateLimit = {
    limit: async ({ key }) => ({ success: counted.push(key) <= limit }),
  };
  return { limiter, counted };
}

/** A database that counts the statements it is asked for. */
function counting(db: D1Database) {
  let statements = 0;
  const prepare = (query: string) => {
    statements++;
    return db.prepare(query);
  };
  return { DB: { prepare, batch: db.batch.bind(db) } as unknown as D1Database, asked: () => statements };
}

interface From {
  address: string;
  environment?: Partial<Env>;
}

async function get(key: string | undefined, { address, environment }: From, path = '/event-types'): Promise<Answer> {
  const context = createExecutionContext();
  const headers = { 'CF-Connecting-IP': address, ...(key !== undefined && { 'X-API-Key': key }) };
  const answer = await read(await app.fetch(new Request(`${ORIGIN}/api/v1${path}`, { headers }), { ...env, ...environment }, context));
  await waitOnExecutionContext(context);
  return answer;
}

const guess = () => `bsk_live_${crypto.randomUUID().replaceAll('-', '')}`;
let networks = 0;
const someAddress = () => `203.0.113.${++networks}`;

describe('keys that open nothing', () => {
  test('are 401 up to the limit, then 429 with Retry-After, unknown and malformed ones alike', async () => {
    const { limiter } = limiterOf(3);
    const from = { address: someAddress(), environment: { FAILED_KEYS: limiter } };
    for (const key of [guess(), 'nonsense', `${PLATFORM_KEY}x`]) expect(await get(key, from)).toMatchObject({ status: 401 });
    for (const key of [guess(), 'nonsense', `${PLATFORM_KEY}x`]) {
      const answer = await get(key, from);
      expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited', details: {} } });
      expect(answer.headers.get('Retry-After')).toBe('10');
    }
    expect(await get(undefined, from), 'nobody guesses with no key').toMatchObject({ status: 401, body: { code: 'missing_api_key' } });
    expect(await get(guess(), { ...from, address: someAddress(), environment: {} }), 'from elsewhere').toMatchObject({ status: 401 });
  });

  test('cost the database one look-up a second while they are refused, however many come', async () => {
    const { limiter } = limiterOf(3);
    const { DB, asked } = counting(env.DB);
    const from = { address: someAddress(), environment: { FAILED_KEYS: limiter, DB } };
    for (let tried = 0; tried < 4; tried++) await get(guess(), from);
    const before = asked();
    for (let tried = 0; tried < 50; tried++) expect(await get(guess(), from)).toMatchObject({ status: 429 });
    expect(asked() - before).toBe(1);
    vi.setSystemTime(Date.now() + 1_000);
    for (let tried = 0; tried < 50; tried++) await get(guess(), from);
    expect(asked() - before).toBe(2);
  });

  test('are judged anew ten seconds later', async () => {
    let full = true;
    const limiter: RateLimit = { limit: async () => ({ success: !full }) };
    const from = { address: someAddress(), environment: { FAILED_KEYS: limiter } };
    expect(await get(guess(), from)).toMatchObject({ status: 429 });
    full = false;
    expect(await get(guess(), from)).toMatchObject({ status: 429 });
    vi.setSystemTime(Date.now() + 10_000);
    expect(await get(guess(), from)).toMatchObject({ status: 401 });
  });

  test('are counted by the network: an IPv6 address is all of its /64', async () => {
    const { limiter, counted } = limiterOf(100);
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9'])
      await get(guess(), { address, environment: { FAILED_KEYS: limiter } });
    expect(new Set(counted)).toEqual(new Set(['2001:db8:1:2::/64']));
  });

  test('are not counted on loopback', async () => {
    const { limiter, counted } = limiterOf(0);
    expect(await get(guess(), { address: '127.0.0.1', environment: { FAILED_KEYS: limiter } })).toMatchObject({ status: 401 });
    expect(counted).toEqual([]);
  });

  test.each([
    ['fails', () => Promise.reject(new Error('the limiter is gone'))],
    ['hangs', () => new Promise<never>(() => {})],
  ])('are 401 where the limiter %s', async (_how, limit) => {
    expect(await get(guess(), { address: someAddress(), environment: { FAILED_KEYS: { limit } } })).toMatchObject({ status: 401 });
  });

  test('are refused by the limits of wrangler.toml', async () => {
    const from = { address: someAddress() };
    // Its windows are those of the clock: at worst two of them are filled.
    let tried = 0;
    while (tried <= 200 && (await get('nonsense', from)).status === 401) tried++;
    expect(tried).toBeGreaterThanOrEqual(100);
    expect(tried).toBeLessThanOrEqual(200);
  });
});

describe('a key that opens something, beside others from its address that do not', () => {
  const refusing = { FAILED_KEYS: { limit: async () => ({ success: false }) } };

  test('passes where it was seen before, and so does the platform key', async () => {
    const { id } = await createOrganization();
    const [key, producer] = [await createKey(id, ['read']), await createProducerKey()];
    const from = { address: someAddress(), environment: refusing };
    expect(await get(key, from)).toMatchObject({ status: 200 });
    expect(await get(producer, from)).toMatchObject({ status: 403 });
    for (let tried = 0; tried < 20; tried++) expect(await get(guess(), from)).toMatchObject({ status: 429 });
    expect(await get(key, from)).toMatchObject({ status: 200 });
    expect(await get(producer, from)).toMatchObject({ status: 403 });
    expect(await get(PLATFORM_KEY, from)).toMatchObject({ status: 200 });
  });

  test('is delayed by a second at most where it was never seen', async () => {
    const { id } = await createOrganization();
    const key = await createKey(id, ['read']);
    const from = { address: someAddress(), environment: refusing };
    for (let tried = 0; tried < 20; tried++) await get(guess(), from);
    expect(await get(key, from)).toMatchObject({ status: 429 });
    vi.setSystemTime(Date.now() + 1_000);
    expect(await get(key, from)).toMatchObject({ status: 200 });
  });

  test('is not counted, and costs no call', async () => {
    const { id } = await createOrganization();
    const { limiter, counted } = limiterOf(0);
    for (const key of [await createKey(id, ['read']), PLATFORM_KEY]) {
      expect(await get(key, { address: someAddress(), environment: { FAILED_KEYS: limiter } })).toMatchObject({ status: 200 });
    }
    expect(counted).toEqual([]);
  });
});
