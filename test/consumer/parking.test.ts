import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { parkMessages } from '../../src/consumer/parking.ts';
import { databaseOf } from '../../src/db/client.ts';
import { parkedMessages } from '../../src/db/schema.ts';
import { platform } from '../support/api.ts';
import { printed } from '../support/quiet-log.ts';

const MAX = 3;

let printedBefore = 0;

beforeEach(async () => {
  await databaseOf(env.DB).delete(parkedMessages);
  printedBefore = printed.length;
});

/** Hands messages to the dead-letter queue's consumer, and tells what became of them. */
async function park(...ids: string[]) {
  const body = new TextEncoder().encode('not a message');
  const batch = createMessageBatch(
    'bullseye-events-dead',
    ids.map((id) => ({ id, timestamp: new Date(), attempts: 1, body })),
  );
  const delays: (number | undefined)[] = [];
  for (const message of batch.messages) {
    const retry = message.retry.bind(message);
    message.retry = (options) => {
      delays.push(options?.delaySeconds);
      retry(options);
    };
  }
  const context = createExecutionContext();
  await parkMessages(batch, env, MAX);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  return { parked: explicitAcks, left: retryMessages.map(({ msgId }) => msgId), delays };
}

const kept = async () => (await platform.get('/platform/parked-messages')).body.data.map(({ id }: { id: string }) => id).toSorted();
const linesOf = (event: string) =>
  printed
    .slice(printedBefore)
    .map((line) => JSON.parse(line))
    .filter((line) => line.event === event);

describe('parked messages', () => {
  it('say how many bytes they have: in the list, in detail and in the log', async () => {
    await park('a');
    expect((await platform.get('/platform/parked-messages')).body.data).toMatchObject([{ id: 'a', sizeBytes: 13 }]);
    expect((await platform.get('/platform/parked-messages/a')).body).toMatchObject({ sizeBytes: 13 });
    expect(linesOf('message.parked')).toMatchObject([{ message: 'a', sizeBytes: 13 }]);
  });

  it('are bounded: what is beyond stays in the dead-letter queue for an hour, and the log says so', async () => {
    expect(await park('a', 'b')).toEqual({ parked: ['a', 'b'], left: [], delays: [] });
    expect(await park('c', 'd', 'e')).toEqual({ parked: ['c'], left: ['d', 'e'], delays: [3_600, 3_600] });
    expect(await kept()).toEqual(['a', 'b', 'c']);
    expect(linesOf('parking.full')).toMatchObject([{ level: 'error', messages: 2 }]);
  });

  it('are kept once, also where the queue repeats one after the last place is taken', async () => {
    await park('a', 'b', 'c');
    const [before] = await databaseOf(env.DB).select().from(parkedMessages);
    expect(await park('a')).toEqual({ parked: ['a'], left: [], delays: [] });
    expect(await kept()).toEqual(['a', 'b', 'c']);
    expect((await databaseOf(env.DB).select().from(parkedMessages))[0]).toEqual(before);
    expect(linesOf('parking.full')).toEqual([]);
  });

  it('go on being taken when a person has made room', async () => {
    await park('a', 'b', 'c', 'd');
    expect((await platform.delete('/platform/parked-messages/b')).status).toBe(204);
    expect(await park('d')).toMatchObject({ parked: ['d'] });
    expect(await kept()).toEqual(['a', 'c', 'd']);
  });

  it('cannot pass the bound together', async () => {
    const results = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => park(id)));
    expect(results.flatMap(({ parked }) => parked)).toHaveLength(MAX);
    expect(await kept()).toHaveLength(MAX);
  });
});
