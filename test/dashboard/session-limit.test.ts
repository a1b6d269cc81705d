import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { REQUESTS_PER_WINDOW } from '../../src/api/rate-limiter.ts';
import { createOrganization } from '../support/api.ts';
import { makeLink, PAGES, signedIn, visitor } from '../support/dashboard.ts';

/** As many requests as a minute has, already made by the sessions that the platform has made for an organization. */
async function usedUp(organizationId: string): Promise<void> {
  const limiter = env.RATE_LIMITER.getByName(`sessions:${organizationId}`);
  await runInDurableObject(limiter, async (instance) => {
    for (let taken = 0; taken < REQUESTS_PER_WINDOW; taken++) instance.take();
  });
}

describe('the sessions that one maker has made', () => {
  it('share a limit, and signing in again gives no more of it', async () => {
    const organization = await createOrganization();
    const person = await signedIn(organization);
    const link = await makeLink(organization.id);
    await usedUp(organization.id);
    expect((await person.get(PAGES)).status).toBe(429);
    const again = visitor();
    expect((await again.post(link)).status).toBe(429);
    expect(again.cookies.size).toBe(0);
  });

  it('are of no concern to those of another', async () => {
    const [one, other] = [await createOrganization(), await createOrganization()];
    const person = await signedIn(other);
    await usedUp(one.id);
    expect((await person.get(PAGES)).status).toBe(200);
  });
});
