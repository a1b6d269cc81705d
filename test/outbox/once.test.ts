import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Sender } from '../../src/attempt/sender.ts';
import { databaseOf } from '../../src/db/client.ts';
import { webhooks } from '../../src/db/schema.ts';
import type { NewDelivery } from '../../src/domain/delivery/delivery.ts';
import { closedCircuit } from '../../src/domain/endpoint/circuit.ts';
import { keyedEventIds } from '../../src/domain/ids.ts';
import type { Once } from '../../src/domain/rules/choices.ts';
import { Admission } from '../../src/outbox/books/admission.ts';
import { platform } from '../support/api.ts';
import { driveDate } from '../support/clock.ts';
import {
  aMessage,
  anEvent,
  consume,
  deliveriesOf,
  endedDeliveriesOf,
  endpointInbox,
  givenOrganization,
  givenWebhook,
  outboxOf,
  runAlarm,
} from '../support/deliveries.ts';
import { bring, configOf, deliver, havePatience, inOutbox, newDelivery, vanish } from '../support/outbox.ts';
import type { Reply } from '../support/receiver.ts';

driveDate();
afterEach(() => {
  vi.restoreAllMocks();
});

/** A webhook that gets each e-mail once in 30 days. */
async function given(script: Reply[] = [{ status: 200 }], options: { enabled?: boolean; once?: Once } = {}) {
  const endpoint = endpointInbox();
  await endpoint.script(script);
  const organization = await givenOrganization();
  const webhook = await givenWebhook(organization, { url: endpoint.url, once: { per: 'visitor.email', days: 30 }, ...options });
  const of = (email: string) => newDelivery(webhook, { visitor: { email } });
  return { endpoint, organization, webhook, of, path: `/organization/${organization}/webhooks/${webhook}` };
}

const idsOf = (deliveries: readonly { id: string }[]) => deliveries.map(({ id }) => id).toSorted();

/** The events that were kept back, the latest first. */
const repeatedOf = async (webhook: string) => (await outboxOf(webhook).skipped()).map(({ eventId, why }) => [eventId, why]);

const asRepeated = (...deliveries: NewDelivery[]) => deliveries.map(({ eventId }) => [eventId, 'repeated']).toReversed();

describe('of events with one value', () => {
  it('the first goes out, in whatever calls they come, and the others are listed as repeated', async () => {
    const { endpoint, webhook, of } = await given();
    const [first, second, third] = [of('ada@x.example'), of('Ada@X.example '), of('ada@x.example')];
    await deliver(webhook, first, second);
    await deliver(webhook, third);
    expect(idsOf(await deliveriesOf(webhook))).toEqual([first.id]);
    expect(await endpoint.requests()).toHaveLength(1);
    expect((await repeatedOf(webhook)).toSorted()).toEqual(asRepeated(second, third).toSorted());
  });

  it('one goes out however many come at the same moment', async () => {
    const { endpoint, webhook, of } = await given();
    const deliveries = Array.from({ length: 20 }, () => of('ada@x.example'));
    const config = await configOf(webhook);
    await Promise.all(deliveries.map((each) => outboxOf(webhook).deliver(config, [each], Date.now())));
    expect(await endedDeliveriesOf(webhook, 1)).toHaveLength(1);
    expect(await endpoint.requests()).toHaveLength(1);
    expect(await repeatedOf(webhook)).toHaveLength(19);
  });

  it('all go out whose value is missing, and all of a webhook that does not want it', async () => {
    const { webhook } = await given();
    await deliver(webhook, newDelivery(webhook, { visitor: {} }), newDelivery(webhook, { visitor: null }));
    expect(await deliveriesOf(webhook)).toHaveLength(2);
    const other = await givenWebhook(await givenOrganization(), { url: endpointInbox().url });
    await deliver(other, newDelivery(other), newDelivery(other));
    expect(await deliveriesOf(other)).toHaveLength(2);
  });
});

describe('a message that comes again', () => {
  it('is not repeated where its delivery is known: one that waits, one that runs and one that has ended', async () => {
    const { endpoint, webhook, of } = await given([{ status: 200 }, { hang: true }]);
    const [ended, running] = [of('a@x.example'), of('b@x.example')];
    await deliver(webhook, ended);
    await bring(webhook, running);
    await endpoint.arrived(2);
    await bring(webhook, ended, running);
    expect(await repeatedOf(webhook)).toEqual([]);
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('with an `Idempotency-Key` that was used before is not repeated, days later and after its object has vanished, too', async () => {
    const { endpoint, organization, webhook, path } = await given();
    const event = anEvent(organization);
    const [id = ''] = await keyedEventIds([{ organizationId: organization, payload: event.payload }], 'a key');
    const keyed = { ...event, id };
    for (let days = 0; days < 3; days++) {
      await consume([aMessage([keyed]), aMessage([keyed])]);
      await endedDeliveriesOf(webhook, 1);
      await vanish(webhook);
      vi.setSystemTime(Date.now() + 86_400_000);
    }
    expect(await deliveriesOf(webhook)).toMatchObject([{ eventId: id, status: 'delivered' }]);
    expect(await endpoint.requests()).toHaveLength(1);
    expect(await repeatedOf(webhook)).toEqual([]);
    expect((await platform.get(`${path}/stats?period=7d`)).body.totals).toMatchObject({ delivered: 1, repeated: 0 });
  });

  it('because its outbox has vanished passes, though its value is used up; another event does not', async () => {
    const { endpoint, webhook, of } = await given([{ hang: true }]);
    const [first, other] = [of('ada@x.example'), of('ada@x.example')];
    // Its attempt is under way, and the call that brought it has kept nothing of it yet.
    havePatience();
    const call = outboxOf(webhook).deliver(await configOf(webhook), [first], Date.now());
    const failed = call.then(
      () => false,
      () => true,
    );
    await endpoint.arrived(1);
    await endpoint.script([{ status: 200 }]);
    await vanish(webhook);
    expect(await failed).toBe(true);
    await deliver(webhook, other);
    expect(await deliveriesOf(webhook)).toEqual([]);
    await deliver(webhook, first);
    expect(await deliveriesOf(webhook)).toMatchObject([{ id: first.id, status: 'delivered' }]);
    expect(await endpoint.requests()).toHaveLength(2);
    expect(await repeatedOf(webhook)).toEqual(asRepeated(other));
  });

  it('because its outbox has vanished between the row and the attempt is the one that goes out', async () => {
    const { endpoint, webhook, of } = await given();
    const [first, other] = [of('ada@x.example'), of('ada@x.example')];
    havePatience();
    const sending = vi.spyOn(Sender.prototype, 'send').mockReturnValue(new Promise(() => {}));
    const call = outboxOf(webhook)
      .deliver(await configOf(webhook), [first], Date.now())
      .catch(() => {});
    await vi.waitFor(() => expect(sending).toHaveBeenCalled());
    await vanish(webhook);
    await call;
    vi.restoreAllMocks();
    await deliver(webhook, other);
    expect(await endpoint.requests()).toEqual([]);
    await deliver(webhook, first, other);
    expect(idsOf(await deliveriesOf(webhook))).toEqual([first.id]);
    expect(await endpoint.requests()).toHaveLength(1);
  });

  it('through the queue: what another webhook’s outbox could not take brings nothing about here', async () => {
    const { endpoint, organization, webhook } = await given();
    const broken = await givenWebhook(organization, { url: endpointInbox().url });
    const getByName = (id: string) => (id === broken ? { deliver: async () => Promise.reject(new Error('broken')) } : outboxOf(id));
    const events = [anEvent(organization), anEvent(organization)];
    const message = aMessage(events);
    for (let attempts = 1; attempts <= 3; attempts++) {
      await consume([{ ...message, attempts }], { ...env, OUTBOX: { getByName } as unknown as Env['OUTBOX'] });
    }
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ eventId: events[0]!.id }]);
    expect(await endpoint.requests()).toHaveLength(1);
    expect(await repeatedOf(webhook)).toEqual([[events[1]!.id, 'repeated']]);
  });
});

describe('a value is used up', () => {
  it('by an event that fails for good: recovered, it goes out, and no other one does', async () => {
    const { endpoint, webhook, of, path } = await given([{ status: 410 }]);
    const [first, other] = [of('ada@x.example'), of('ada@x.example')];
    await deliver(webhook, first);
    await runAlarm(webhook);
    await endpoint.script([{ status: 200 }]);
    await platform.patch(path, { enabled: true });
    vi.setSystemTime(Date.now() + 10_000);
    await deliver(webhook, other);
    expect((await platform.post(`${path}/recover`, { since: '2020-01-01' })).body).toEqual({ count: 1 });
    await runAlarm(webhook);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ id: first.id, status: 'delivered' }]);
    expect(await endpoint.requests()).toHaveLength(2);
  });

  it('by an event that is discarded because the webhook is disabled', async () => {
    const { webhook, of } = await given([], { enabled: false });
    const [first, other] = [of('ada@x.example'), of('ada@x.example')];
    await deliver(webhook, first, other);
    expect(await deliveriesOf(webhook)).toMatchObject([{ id: first.id, status: 'discarded', reason: 'webhook_disabled' }]);
    expect(await repeatedOf(webhook)).toEqual(asRepeated(other));
  });

  it('not by one that is lost because the outbox is full: nobody could recover it', async () => {
    const { webhook, of } = await given();
    const [lost, next] = [of('ada@x.example'), of('ada@x.example')];
    await deliver(webhook, of('bob@x.example'));
    // Nothing begins now, and there is no room for what would wait.
    await inOutbox(webhook, (_, { kv }) => {
      kv.put('vitals', { circuit: closedCircuit(0), running: [], notBefore: Date.now() + 30_000 });
    });
    await evictDurableObject(outboxOf(webhook));
    vi.spyOn(Admission.prototype, 'admits').mockReturnValueOnce(false);
    await bring(webhook, lost);
    expect(await outboxOf(webhook).summary(lost.id)).toMatchObject({ status: 'discarded', reason: 'outbox_full' });
    await bring(webhook, next);
    expect(await outboxOf(webhook).summary(next.id)).toMatchObject({ status: 'pending' });
    expect(await repeatedOf(webhook)).toEqual([]);
  });

  it('not by a test', async () => {
    const { endpoint, webhook, of, path } = await given();
    for (let times = 0; times < 2; times++) await platform.post(`${path}/test`);
    await outboxOf(webhook).sendTest(of('ada@x.example'));
    expect(await endpoint.requests()).toHaveLength(3);
    await deliver(webhook, of('ada@x.example'));
    expect(await endpoint.requests()).toHaveLength(4);
    expect((await platform.get(`${path}/stats`)).body.totals).toMatchObject({ delivered: 1 });
    expect(await repeatedOf(webhook)).toEqual([]);
  });
});

describe('what a retry by hand, the schedule or a probe sends', () => {
  it('is never repeated: it is the same delivery', async () => {
    const { endpoint, webhook, of } = await given([{ status: 500 }, { status: 200 }]);
    const first = of('ada@x.example');
    await deliver(webhook, first);
    expect(await outboxOf(webhook).retryNow(first.id)).toMatchObject({ kind: 'begun' });
    await endpoint.arrived(2);
    expect(await endedDeliveriesOf(webhook, 1)).toMatchObject([{ id: first.id, status: 'delivered', attemptCount: 2 }]);
  });
});

describe('a change of the owner’s', () => {
  const change = (webhook: string, once: Once | null) => databaseOf(env.DB).update(webhooks).set({ once }).where(eq(webhooks.id, webhook));

  it('is in force with the next configuration that a consumer has read', async () => {
    const { endpoint, webhook, of } = await given();
    await deliver(webhook, of('ada@x.example'));
    await change(webhook, { per: 'visitor.email', days: 1 });
    vi.setSystemTime(Date.now() + 86_400_000);
    await deliver(webhook, of('ada@x.example'));
    await change(webhook, null);
    vi.setSystemTime(Date.now() + 10_000);
    await deliver(webhook, of('ada@x.example'), of('ada@x.example'));
    expect(await endpoint.requests()).toHaveLength(4);
    await change(webhook, { per: 'visitor.email', days: 30 });
    vi.setSystemTime(Date.now() + 10_000);
    await deliver(webhook, of('ada@x.example'), of('ada@x.example'));
    expect(await endpoint.requests()).toHaveLength(5);
  });

  it('is not undone by a consumer that has a configuration from before it', async () => {
    const { endpoint, webhook, of } = await given();
    const [before, readAt] = [await configOf(webhook), Date.now()];
    vi.setSystemTime(readAt + 10_000);
    await change(webhook, { per: 'visitor.name', days: 30 });
    const named = () => newDelivery(webhook, { visitor: { name: 'Ada', email: `${crypto.randomUUID()}@x.example` } });
    await deliver(webhook, named());
    await evictDurableObject(outboxOf(webhook));
    await outboxOf(webhook).deliver(before, [named()], readAt);
    await deliver(webhook, named(), of('ada@x.example'));
    expect(await endpoint.requests()).toHaveLength(2);
  });
});

it('an outbox that is erased has forgotten its values', async () => {
  const { webhook, of } = await given();
  await deliver(webhook, of('ada@x.example'), of('ada@x.example'));
  await outboxOf(webhook).erase();
  const left = await inOutbox(webhook, (_, { sql, kv }) => [
    ...sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*'").toArray(),
    ...kv.list(),
  ]);
  expect(left).toEqual([]);
  expect(await outboxOf(webhook).skipped()).toEqual([]);
});
