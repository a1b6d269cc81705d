import { expect, it } from 'vitest';
import { createOrganization, createWebhook } from '../support/api.ts';
import { signedIn } from '../support/dashboard.ts';

/** What an organization writes itself, at its longest, of characters that take six bytes as they are sent. A delivery's page: rendered-size.test.tsx. */
it('every page of an organization that has written as much as it may is less than 500 kB', async () => {
  const organization = await createOrganization();
  const url = `https://hooks.example.com/?${"'".repeat(2_000)}`;
  const ids: string[] = [];
  for (let made = 0; made < 20; made++) {
    const { id } = await createWebhook(organization, { url, description: '"'.repeat(500), events: ['*', 'visitor.*', 'webhook.*'] });
    ids.push(id);
  }
  const person = await signedIn(organization);
  const long = '"'.repeat(4_000);
  const pages = ['', 'new', ...['', '/edit', '/settings', '/verify', '/deliveries', '/delete'].map((part) => `${ids[0]}${part}`)];
  for (const path of [...pages, `${ids[0]}/deliveries?q=${encodeURIComponent(long)}&event=${encodeURIComponent(long)}`]) {
    const page = await person.get(path);
    expect(page.status, path).toBe(200);
    expect(page.html.length, path).toBeLessThan(500_000);
  }
  const refused = await person.post('new', { url: '"'.repeat(20_000), description: '"', events: ['*'] });
  expect(refused.status).toBe(422);
  expect(refused.html.length).toBeLessThan(500_000);
});
