import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { createOrganization } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { makeLink, PAGES, signedIn, visitor } from '../support/dashboard.ts';

driveDate();

let networks = 0;
const someAddress = () => `198.51.100.${++networks}`;
const token = () => (crypto.randomUUID() + crypto.randomUUID()).replaceAll('-', '').slice(0, 43);

/** A database that counts what it is asked for. */
function counting() {
  let asked = 0;
  const prepare = (query: string) => {
    asked++;
    return env.DB.prepare(query);
  };
  return { DB: { prepare, batch: env.DB.batch.bind(env.DB) } as unknown as D1Database, asked: () => asked };
}

/** Somebody at an address who presents one made-up token after another, until that is refused. */
async function guess(present: (address: string, vars: Partial<Env>) => Promise<{ status: number; headers: Headers }>) {
  const address = someAddress();
  const { DB, asked } = counting();
  const statuses: number[] = [];
  while (statuses.length < 300 && statuses.at(-1) !== 429) statuses.push((await present(address, { DB })).status);
  const before = asked();
  const after: number[] = [];
  for (let more = 0; more < 30; more++) after.push((await present(address, { DB })).status);
  return { statuses, after, askedAfter: asked() - before, address };
}

const from = (address: string, headers: Record<string, string> = {}) => ({ 'CF-Connecting-IP': address, ...headers });

describe.each<[string, (address: string, vars: Partial<Env>) => Promise<{ status: number; headers: Headers }>]>([
  ['sessions', (address, vars) => visitor({ vars }).get('', from(address, { Cookie: `bullseye_session=${token()}` }))],
  ['sessions that do not look like any', (address, vars) => visitor({ vars }).get('', from(address, { Cookie: 'bullseye_session=x' }))],
  ['links to look at', (address, vars) => visitor({ vars }).get(`link/${token()}`, from(address))],
  ['links to use', (address, vars) => visitor({ vars }).post(`link/${token()}`, {}, from(address))],
  ['links that do not look like any', (address, vars) => visitor({ vars }).get('link/made-up', from(address))],
  ['keys to sign in with', (address, vars) => visitor({ vars }).post('sign-in', { key: 'bsk_live_x' }, from(address))],
])('made-up %s', (_what, present) => {
  it('meet 429 from one network, and cost the database next to nothing from then on', async () => {
    const { statuses, after, askedAfter } = await guess(present);
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.length).toBeGreaterThan(100);
    expect(new Set(after)).toEqual(new Set([429]));
    // One look-up a second, which can be a batch of 4 statements.
    expect(askedAfter).toBeLessThanOrEqual(4);
  });
});

it('tokens of different kinds count together', async () => {
  const address = someAddress();
  const asked: (() => Promise<{ status: number }>)[] = [
    () => visitor().get('', from(address, { Cookie: `bullseye_session=${token()}` })),
    () => visitor().get(`link/${token()}`, from(address)),
    async () => {
      const headers = from(address, { 'X-API-Key': `bsk_live_${'0'.repeat(32)}` });
      return await app.fetch(new Request('http://localhost/api/v1/event-types', { headers }), env, createExecutionContext());
    },
  ];
  let tried = 0;
  while (tried < 300 && (await asked[tried % 3]!()).status !== 429) tried++;
  expect(tried).toBeLessThanOrEqual(200);
});

describe('beside guesses from the same address', () => {
  const refusing = { FAILED_KEYS: { limit: async () => ({ success: false }) } };

  it('somebody who is signed in goes on as before', async () => {
    const person = await signedIn(await createOrganization());
    const address = someAddress();
    expect((await person.get('', from(address))).status).toBe(200);
    for (let tried = 0; tried < 20; tried++) {
      expect((await visitor({ vars: refusing }).get(`link/${token()}`, from(address))).status).toBe(429);
      expect((await person.get('', from(address))).status).toBe(200);
    }
  });

  it('a link works a second later at most, and is not used up by the refusal', async () => {
    const link = await makeLink((await createOrganization()).id);
    const address = someAddress();
    for (let tried = 0; tried < 3; tried++) await visitor({ vars: refusing }).get(`link/${token()}`, from(address));
    const refused = await visitor().post(link, {}, from(address));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await visitor().post(link, {}, from(someAddress()))).status).toBe(303);
  });
});

describe('signing out behind a network that is refused', () => {
  const refusing = { FAILED_KEYS: { limit: async () => ({ success: false }) } };
  const refuse = async (address: string) => {
    // The second takes the turn of this second.
    for (let tried = 0; tried < 3; tried++) await visitor({ vars: refusing }).get(`link/${token()}`, from(address));
  };

  it.each([token(), 'x', ''])('works with any cookie, "%s": the browser forgets it, and the database is not asked', async (cookie) => {
    const address = someAddress();
    await refuse(address);
    const { DB, asked } = counting();
    for (let tried = 0; tried < 30; tried++) {
      const person = visitor({ vars: { DB } });
      person.cookies.set('bullseye_session', cookie);
      expect(await person.post('sign-out', {}, from(address))).toMatchObject({ status: 303, location: `${PAGES}/sign-in` });
      expect(person.cookies.size).toBe(0);
    }
    expect(asked()).toBeLessThanOrEqual(1);
  });

  it('ends a session for good that is in use', async () => {
    const [person, copy] = [await signedIn(await createOrganization()), visitor()];
    for (const [name, value] of person.cookies) copy.cookies.set(name, value);
    const address = someAddress();
    expect((await person.get('', from(address))).status).toBe(200);
    await refuse(address);
    expect((await person.post('sign-out', {}, from(address))).status).toBe(303);
    expect((await copy.get()).status).toBe(303);
  });

  it('and asking for a page: a session that opens nothing is forgotten, one that may open something is not', async () => {
    const address = someAddress();
    for (const cookie of [token(), 'x']) {
      const guesser = visitor({ vars: refusing });
      guesser.cookies.set('bullseye_session', cookie);
      expect((await guesser.get('', from(address))).status).toBe(429);
      expect(guesser.cookies.size, 'it was looked up').toBe(0);
    }
    await refuse(address);
    const unknown = visitor();
    unknown.cookies.set('bullseye_session', token());
    expect((await unknown.get('', from(address))).status).toBe(429);
    expect(unknown.cookies.size, 'it was not').toBe(1);
  });
});

it('a session that is over is forgotten by the browser, so that it is counted once', async () => {
  const person = visitor();
  person.cookies.set('bullseye_session', token());
  expect((await person.get(PAGES)).status).toBe(303);
  expect(person.cookies.size).toBe(0);
});
