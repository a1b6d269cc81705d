import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { hashKey } from '../../src/api/access/auth.ts';
import { countsOfKey, countsOfSession, countsOfSignIn } from '../../src/api/access/rate-limit.ts';
import type { Count, RateLimiter } from '../../src/api/access/rate-limiter.ts';
import { createKey, createOrganization } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { makeLink, PAGES, signedIn, type Visitor, visitor } from '../support/dashboard.ts';

driveDate();

/** As many requests as a count has in a minute, already made. */
async function useUp(organizationId: string, count: Count): Promise<void> {
  const limiter = env.RATE_LIMITER.getByName(`organization:${organizationId}`);
  await runInDurableObject(limiter, async (instance: RateLimiter) => {
    for (let taken = 0; taken < count.limit; taken++) await instance.take([count]);
  });
}

const idOfKey = async (key: string) =>
  (await env.DB.prepare('SELECT id FROM api_keys WHERE key_hash = ?')
    .bind(await hashKey(key))
    .first<string>('id')) ?? '';

const hashOf = (person: Visitor) => hashKey(person.cookies.get('bullseye_session') ?? '');

describe('a session', () => {
  it('has 600 requests a minute: whoever uses them up locks nobody else out', async () => {
    const organization = await createOrganization();
    const [reader, admin] = [await signedIn(organization, 'read'), await signedIn(organization)];
    await useUp(organization.id, countsOfSession(null, await hashOf(reader))[0]!);
    const refused = await reader.get(PAGES);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await admin.get(PAGES)).status).toBe(200);
    expect((await signedIn(organization)).cookies.size).toBe(1);
  });

  it('shares 1,000 with others that were made with its key: signing in again gives no more', async () => {
    const organization = await createOrganization();
    const key = await createKey(organization.id, ['read']);
    const person = visitor();
    await person.submit('sign-in', { key });
    await useUp(organization.id, countsOfSession(await idOfKey(key), null)[0]!);
    expect((await person.get(PAGES)).status).toBe(429);
    const again = visitor();
    expect((await again.post('sign-in', { key })).status).toBe(429);
    expect(again.cookies.size).toBe(0);
    expect((await (await signedIn(organization)).get(PAGES)).status).toBe(200);
  });

  it('shares 5,000 with all others of its organization, and with those of no other', async () => {
    const [one, other] = [await createOrganization(), await createOrganization()];
    const [person, foreign] = [await signedIn(one), await signedIn(other)];
    const link = await makeLink(one.id);
    await useUp(one.id, countsOfSession(null, null)[0]!);
    expect((await person.get(PAGES)).status).toBe(429);
    expect((await visitor().post(link)).status).toBe(429);
    expect((await foreign.get(PAGES)).status).toBe(200);
  });

  it('is not locked out by programs', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    await useUp(organization.id, countsOfKey('any')[1]!);
    expect((await person.get(PAGES)).status).toBe(200);
  });
});

describe('signing in', () => {
  it('with one key, again and again, keeps nobody else from it', async () => {
    const organization = await createOrganization();
    const reader = await createKey(organization.id, ['read']);
    await useUp(organization.id, countsOfSignIn(await idOfKey(reader))[0]!);
    expect((await visitor().post('sign-in', { key: reader })).status).toBe(429);
    expect((await visitor().post('sign-in', { key: organization.key })).status).toBe(303);
    await useUp(organization.id, countsOfSignIn(null)[0]!);
    expect((await visitor().post('sign-in', { key: organization.key })).status).toBe(429);
    expect((await visitor().post(await makeLink(organization.id))).status).toBe(429);
  });

  it('ends the oldest of 50 sessions of the same key, and none of another', async () => {
    const organization = await createOrganization();
    const linked = await signedIn(organization);
    const other = visitor();
    await other.submit('sign-in', { key: await createKey(organization.id, ['read']) });
    const people: Visitor[] = [];
    for (let count = 0; count < 52; count++) {
      vi.setSystemTime(Date.now() + (count % 2));
      const person = visitor();
      expect((await person.post('sign-in', { key: organization.key })).status).toBe(303);
      people.push(person);
    }
    const statuses = await Promise.all(people.map(async (person) => (await person.get(PAGES)).status));
    expect(statuses).toEqual([303, 303, ...Array(50).fill(200)]);
    for (const unharmed of [linked, other]) expect((await unharmed.get(PAGES)).status).toBe(200);
  });

  it('ends the oldest of 50 that links of the platform have made for an organization', async () => {
    const [organization, other] = [await createOrganization(), await createOrganization()];
    const [first, unharmed] = [await signedIn(organization), await signedIn(other)];
    for (let count = 0; count < 50; count++) await signedIn(organization);
    expect((await first.get(PAGES)).status).toBe(303);
    expect((await unharmed.get(PAGES)).status).toBe(200);
  });
});
