import { inject, it, expect, describe } from 'vitest';
import { aMessage, anEvent, consume, givenOrganization, givenWebhook, outboxOf } from '../support/deliveries.ts';
import { bodyBytes, inbox } from '../support/receiver.ts';

describe('a batch of events', () => {
  it('arrives', async () => {
    const endpoint = inbox(inject('receiverOrigin'));
    const organization = await givenOrganization();
    const webhook = await givenWebhook(organization, { url: endpoint.url, secret: 'sesame' });
    const event = anEvent(organization);
    const message = aMessage([event]);
    const result = await consume([message]);
    expect(result.explicitAcks).toEqual([message.id]);
    const [received] = await endpoint.arrived(1);
    expect(bodyBytes(received!)).toEqual(event.payload);
    const page = await outboxOf(webhook).list({}, 10, null);
    console.log(JSON.stringify(page), received);
    console.log(JSON.stringify(await outboxOf(webhook).find(page.deliveries[0]!.id)));
  });
});
