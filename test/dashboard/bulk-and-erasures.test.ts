import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { createOrganization, createWebhook, platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import { fieldsIn, heldIn, PAGES, signedIn, visitor } from '../support/dashboard.ts';
import { aMessage, anEvent, consume, deliveriesOf, endpointInbox, runAlarm, untilEnded } from '../support/deliveries.ts';
import type { Reply } from '../support/receiver.ts';

driveDate(Date.now() + 86_400_000);

/** Somebody signed in, and a webhook with so many deliveries, each attempted once. */
async function given(script: Reply[], events = 3, scope = 'admin') {
  const organization = await createOrganization();
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const { id: webhookId } = await createWebhook(organization, { url: endpoint.url });
  await consume([aMessage(Array.from({ length: events }, () => anEvent(organization.id)))]);
  await vi.waitFor(async () => expect((await deliveriesOf(webhookId)).every(({ attemptCount }) => attemptCount === 1)).toBe(true));
  vi.setSystemTime(Date.now() + 1);
  const path = `${PAGES}/${webhookId}`;
  return { organization, endpoint, webhookId, path, person: await signedIn(organization, scope) };
}

/** The outboxes, and what they are asked. */
function recordedOutbox(): { vars: Partial<Env>; calls: string[] } {
  const calls: string[] = [];
  const recorded = (stub: object) =>
    new Proxy(stub, {
      get: (target, method) => {
        calls.push(String(method));
        const called = Reflect.get(target, method) as (...given: unknown[]) => unknown;
        return (...given: unknown[]) => called.apply(target, given);
      },
    });
  const getByName: Env['OUTBOX']['getByName'] = (...given) => recorded(env.OUTBOX.getByName(...given)) as never;
  return { vars: { OUTBOX: { getByName } as Env['OUTBOX'] }, calls };
}

const statusesOf = async (webhookId: string) => (await deliveriesOf(webhookId)).map(({ status, reason }) => reason ?? status);

describe('all that match', () => {
  it('are retried with one button, which says how many they are', async () => {
    const { endpoint, webhookId, path, person } = await given([{ status: 500 }]);
    await untilEnded(webhookId);
    vi.setSystemTime(Date.now() + 1);
    await endpoint.script([{ status: 200 }]);
    const list = await person.get(`${path}/deliveries?status=failed&event=visitor.identified`);
    expect(list.text).toContain('Retry all that match (3)');
    const after = await person.submit(`${path}/deliveries/retry-all`, { status: 'failed', event: 'visitor.identified' });
    expect(after.text).toContain('3 deliveries start over.');
    expect(after.text).toContain('3 waiting');
    await runAlarm(webhookId);
    await untilEnded(webhookId);
    expect(await statusesOf(webhookId)).toEqual(['delivered', 'delivered', 'delivered']);
    const again = await person.submit(`${path}/deliveries/retry-all`, { status: 'failed' });
    expect(again.text).toContain('Nothing matches any more');
  });

  it('of those that were delivered, the page asks once more', async () => {
    const { endpoint, webhookId, path, person } = await given([{ status: 200 }]);
    const list = await person.get(`${path}/deliveries?status=delivered`);
    // The list does not go through the whole log for their number: the page that asks does.
    expect(list.text).toContain('Send all that match again');
    expect(list.text).not.toContain('again (');
    const asked = await person.get(`${path}/deliveries/retry-all?status=delivered`);
    expect(asked.text).toContain('3 deliveries match. Each is sent again with the same payload and the same webhook-id');
    await person.submit(`${path}/deliveries/retry-all`, { status: 'delivered' });
    await runAlarm(webhookId);
    expect(await endpoint.arrived(6)).toHaveLength(6);
  });

  it('are counted for a page with their button alone: not for what was delivered, and not each time it brings itself up to date', async () => {
    const { path, person } = await given([{ status: 500 }]);
    const asked = async (query: string, headers = {}) => {
      const { vars, calls } = recordedOutbox();
      const observer = visitor({ vars });
      for (const [name, value] of person.cookies) observer.cookies.set(name, value);
      expect((await observer.get(`${path}/deliveries${query}`, headers)).status).toBe(200);
      return calls.sort();
    };
    const live = { 'X-Live': '1' };
    const usual = await asked('');
    expect((await asked('?status=retrying')).length).toBe(usual.length + 1);
    for (const calls of [await asked('?status=delivered'), await asked('?status=retrying', live), await asked('?status=delivered', live)])
      expect(calls).toEqual(usual);
  });

  it('of those that wait are canceled, after the page has asked', async () => {
    const { webhookId, path, person } = await given([{ status: 500 }]);
    const list = await person.get(`${path}/deliveries?status=retrying`);
    expect(list.text).toContain('Cancel all that match (3)');
    const asked = await person.get(`${path}/deliveries/cancel-all?status=retrying`);
    expect(asked.text).toContain('3 deliveries match. They will not be attempted any more');
    expect(await statusesOf(webhookId)).toEqual(['retrying', 'retrying', 'retrying']);
    const after = await person.submit(`${path}/deliveries/cancel-all`, { status: 'retrying' });
    expect(after.text).toContain('3 deliveries are canceled.');
    expect(await statusesOf(webhookId)).toEqual(['canceled', 'canceled', 'canceled']);
  });

  it('by days: those of other days stay as they are', async () => {
    const { webhookId, path, person } = await given([{ status: 500 }]);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    expect((await person.get(`${path}/deliveries?status=retrying&from=${tomorrow}`)).text).not.toContain('Cancel all');
    const after = await person.submit(`${path}/deliveries/cancel-all`, { status: 'retrying', from: tomorrow, to: tomorrow });
    expect(after.text).toContain('Nothing matches any more: there is nothing to cancel.');
    expect(await statusesOf(webhookId)).toEqual(['retrying', 'retrying', 'retrying']);
  });

  it('have no button without a status, with a search by id, for who only reads, and where nothing matches', async () => {
    const { organization, webhookId, path, person } = await given([{ status: 500 }]);
    const without = [
      '',
      '?status=failed',
      '?status=delivered',
      `?status=retrying&q=${(await deliveriesOf(webhookId))[0]!.id}`,
      '?status=nonsense',
    ];
    for (const query of without) expect((await person.get(`${path}/deliveries${query}`)).html).not.toMatch(/retry-all|cancel-all/);
    const reader = await signedIn(organization, 'read');
    expect((await reader.get(`${path}/deliveries?status=retrying`)).html).not.toContain('cancel-all');
    expect((await reader.post(`${path}/deliveries/cancel-all`, { status: 'retrying' })).status).toBe(403);
    for (const query of ['', '?status=failed', '?status=nonsense', '?status=retrying&from=yesterday']) {
      expect((await person.get(`${path}/deliveries/cancel-all${query}`)).status).toBe(404);
    }
  });

  it('of a paused webhook wait until it is resumed', async () => {
    const { webhookId, path, person } = await given([{ status: 500 }]);
    await untilEnded(webhookId);
    await person.submit(`${path}/pause`);
    const list = await person.get(`${path}/deliveries?status=failed`);
    expect(list.text).toContain('Resume the webhook to retry what matches.');
    expect((await person.submit(`${path}/deliveries/retry-all`, { status: 'failed' })).text).toContain(
      'The webhook is paused or disabled. Resume it first.',
    );
  });
});

it('one delivery that waits is canceled on its page', async () => {
  const { webhookId, path, person } = await given([{ status: 500 }], 1);
  const { id } = (await deliveriesOf(webhookId))[0]!;
  expect((await person.get(`${path}/deliveries/${id}`)).html).toContain(`action="${path}/deliveries/${id}/cancel"`);
  const after = await person.submit(`${path}/deliveries/${id}/cancel`);
  expect(after.text).toContain('The delivery is canceled.');
  expect(after.text).toContain('It was canceled while it waited.');
  expect(after.html).not.toContain(`${id}/cancel"`);
  expect((await person.submit(`${path}/deliveries/${id}/cancel`)).text).toContain('This delivery has ended already');
});

describe('a person', () => {
  it('is erased by an admin, who sees what was found', async () => {
    const { webhookId, person } = await given([{ status: 200 }]);
    expect((await person.get('erasures')).text).toContain('Nobody yet.');
    const begun = await person.submit('erasures', { field: 'visitor.email', value: 'ADA@example.com' });
    expect(begun.text).toContain('The person is being erased.');
    expect(begun.text).toContain('Searching the logs');
    expect(begun.html.toLowerCase()).not.toContain('ada@example.com');
    for (let alarm = 0; alarm < 5; alarm++) await runAlarm(webhookId).catch(() => {});
    const done = await person.get('erasures');
    expect(done.text).toContain('Done');
    expect(done.text).toContain('3 deliveries of');
    expect(done.text).toContain('the endpoint is not told');
    const [delivery] = await deliveriesOf(webhookId);
    expect((await person.get(`${PAGES}/${webhookId}/deliveries/${delivery!.id}`)).html).not.toContain('ada@example.com');
  });

  it('is not erased by a form that is wrong, which stands again', async () => {
    const { organization, person } = await given([{ status: 200 }], 1);
    const refused = await person.post('erasures', { field: 'visitor..email', value: ' ' });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('This is blank.');
    expect(refused.text).toContain('This is not a path of keys');
    expect(refused.html).toContain('value="visitor..email"');
    expect((await platform.get(`/organization/${organization.id}/erasures`)).body.data).toEqual([]);
  });

  it('does not stand in the sign-in page after the session has ended, but has to be named again', async () => {
    const { person } = await given([{ status: 200 }], 1);
    const form = { field: 'session_id', value: 'ada@example.com' };
    const asked = await visitor().post(`sign-in?${new URLSearchParams({ next: `${PAGES}/erasures` })}`, form);
    expect(asked.text).toContain('We kept what you entered, except secrets and personal data: sign in to continue with it.');
    expect(decodeURIComponent(asked.html)).not.toContain('ada@example.com');
    const restored = await person.post('erasures', { held: heldIn(asked.html) });
    expect(fieldsIn(restored.html)).toEqual([
      ['value', ''],
      ['field', 'session_id'],
    ]);
  });

  it('is not erased by who may only write', async () => {
    const { person } = await given([{ status: 200 }], 1, 'write');
    expect((await person.get('erasures')).status).toBe(403);
    expect((await person.post('erasures', { field: 'visitor.email', value: 'ada@example.com' })).status).toBe(403);
  });
});
