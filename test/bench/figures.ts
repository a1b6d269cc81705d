import type { AttemptResult } from '../../src/attempt/attempt.ts';
import { closedCircuit } from '../../src/domain/endpoint/circuit.ts';
import { countingWebhook } from '../../src/domain/usage.ts';
import { Gathered } from '../../src/meter/gathered.ts';
import type { StoredDelivery } from '../../src/outbox/books/delivery-row.ts';
import { Ended } from '../../src/outbox/reports/ended.ts';
import type { PartResult } from './part.ts';
import { median } from './statistics.ts';
import { figure } from './table.ts';

/*
 * Figures: what it adds to an event that isolates and outboxes count for `/operator`, metrics and usage. It is counted in memory, so it takes CPU alone:
 * here in Node, a million events, with the source's own counters.
 */

const EVENTS = 1_000_000;
/** Events that come to an outbox in one call, as in a batch of a moderate load. */
const IN_A_CALL = 10;
/** Organizations of an isolate. */
const ORGANIZATIONS = Array.from({ length: 100 }, (_, at) => `org_${at}`);
const WEBHOOKS = [{ id: 'whk_1' }, { id: 'whk_2' }];
const CIRCUIT = closedCircuit(0);

const delivered = { eventId: 'evt_01KB3D3V6T00000000000000AA', state: { status: 'delivered' } } as StoredDelivery;
const succeeded = { record: { outcome: 'succeeded' } } as AttemptResult;

export async function figures({ runs }: { runs: number }): Promise<PartResult> {
  // The first makes the code warm.
  const microseconds = Array.from({ length: runs + 1 }, () => cpuMicroseconds(count) / EVENTS).slice(1);
  return {
    part: 'figures',
    tables: [
      {
        title: 'Figures: what counting adds to an event',
        header: ['', 'µs of CPU an event'],
        rows: [['for /operator, metrics and usage', figure(median(microseconds))]],
        note: 'In this process. `cpu` says what an event takes in all: seconds for 1,000 events are milliseconds for one.',
      },
    ],
    details: { microseconds },
    sound: true,
  };
}

/** As the consumer counts events and the outbox counts attempts, and the one takes over what the other answers. */
function count(): void {
  const gathered = new Gathered();
  const ended = new Ended('whk_1');
  for (let event = 0; event < EVENTS; event++) {
    countingWebhook(WEBHOOKS);
    gathered.event(ORGANIZATIONS[event % ORGANIZATIONS.length] as string);
    ended.attempt(delivered, succeeded, true);
    if (event % IN_A_CALL !== 0) continue;
    gathered.count('handed_over', IN_A_CALL);
    gathered.add(ended.take(CIRCUIT));
  }
  gathered.take();
}

function cpuMicroseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
