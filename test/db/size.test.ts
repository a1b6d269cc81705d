import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import scaling from '../../docs/scaling.md?raw';
import { createOrganization, createWebhook } from '../support/api.ts';

const bytes = async () => (await env.DB.prepare('SELECT 1').run()).meta.size_after;

it('a webhook takes about as much of D1 as docs/scaling.md says, its organization, its keys and its audit log included', async () => {
  const [, said] = /A webhook takes about (\d+) kB of D1/.exec(scaling) ?? [];
  await createWebhook(await createOrganization());
  const before = await bytes();
  const count = 40;
  for (let made = 0; made < count; made++) {
    const organization = await createOrganization();
    await createWebhook(organization, { secret: 'the secret of the tests', description: 'To our CRM' });
  }
  const each = ((await bytes()) - before) / count / 1_000;
  expect(each).toBeGreaterThan(Number(said) * 0.75);
  expect(each).toBeLessThan(Number(said) * 1.25);
});
