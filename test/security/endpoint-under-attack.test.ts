import { expect, test } from 'vitest';
import { createOrganization, createWebhook, env, expectStatus, platform } from '../support/api.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox, outboxOf } from '../support/deliveries.ts';

/* docs/runbook.md, "An endpoint is under attack from us": its query finds all that point there, and pausing them ends it, retries included. */

/** The runbook's, for one host. */
const query = (origin: string) => `SELECT id, organization_id, url FROM webhooks WHERE url LIKE '${origin}/%' OR url LIKE '${origin}:%'`;

test('all webhooks that point at a host are found and paused, and nothing more goes there', async () => {
  const victim = endpointInbox();
  await victim.script([{ status: 500 }]);
  const { origin } = new URL(victim.url);
  const organizations = [await createOrganization(), await createOrganization()];
  for (const own of organizations) await createWebhook(own, { url: victim.url });
  await createWebhook(organizations[0]!, { url: 'https://hooks.example.com/in' });
  for (const own of organizations) await consume([aMessage([anEvent(own.id)])]);
  const attacked = (await victim.arrived(2)).length;

  const { results } = await env.DB.prepare(query(origin)).all<{ id: string; organization_id: string }>();
  expect(results.map(({ organization_id }) => organization_id).sort()).toEqual(organizations.map(({ id }) => id).sort());
  for (const { id, organization_id } of results) {
    await expectStatus(platform.patch(`/organization/${organization_id}/webhooks/${id}`, { enabled: false }), 200);
    await outboxOf(id).reconfigured();
  }

  for (const own of organizations) await consume([aMessage([anEvent(own.id)])]);
  for (const { id } of results) {
    // The new one is recorded, and not attempted.
    expect(await deliveriesOf(id)).toContainEqual(
      expect.objectContaining({ status: 'discarded', reason: 'webhook_disabled', attemptCount: 0 }),
    );
  }
  expect((await victim.requests()).length).toBe(attacked);
});
