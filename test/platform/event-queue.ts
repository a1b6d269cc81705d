import type { Random } from '../simulation/random.ts';
import { whole } from './fault-plan.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Of wrangler.toml: what the queue does where the handler said nothing. */
const RETRY_DELAY_MS = 60_000;
const MAX_RETRIES = 100;
/** How long a message takes from the queue to a consumer, and how many come together. */
const LONGEST_TRANSIT_MS = 20;
const LARGEST_BATCH = 4;

/** Which queue a batch says it is of: however many there are, they are consumed alike, and beside one another. */
const QUEUES = ['bullseye-events', 'bullseye-events-2'];

interface Queued {
  id: string;
  body: unknown;
  attempts: number;
}

/**
 * A queue as Cloudflare's: it delivers at least once, in no particular order, several batches at a time. What a handler says counts
 * when the handler returns; where it does not, all of its messages come again.
 */
export class EventQueue {
  /** Every message it took, in order. */
  readonly taken: unknown[] = [];
  /** Messages that were given up. */
  readonly dead: unknown[] = [];
  /** How often a message came again. */
  redelivered = 0;
  readonly #random: Random;
  readonly #consume: (batch: MessageBatch) => Promise<void>;
  readonly #time: VirtualTime;
  readonly #due: Queued[] = [];
  /** Messages not acknowledged: due, under way, or waiting to come again. */
  #unacknowledged = 0;

  constructor(random: Random, time: VirtualTime, consume: (batch: MessageBatch) => Promise<void>) {
    this.#random = random;
    this.#time = time;
    this.#consume = consume;
  }

  get isEmpty(): boolean {
    return this.#unacknowledged === 0;
  }

  enqueue(bodies: readonly unknown[]): void {
    for (const each of bodies) {
      const body = structuredClone(each);
      this.#unacknowledged++;
      this.#deliverLater({ id: `message-${this.taken.push(body)}`, body, attempts: 1 }, whole(this.#random, 0, LONGEST_TRANSIT_MS));
    }
  }

  #deliverLater(message: Queued, delayMs: number): void {
    this.#time.after(delayMs, () => {
      this.#due.push(message);
      // Others that become due in the same millisecond can be part of the batch.
      this.#time.after(0, () => void this.#deliver());
    });
  }

  async #deliver(): Promise<void> {
    const messages = this.#due.splice(0, whole(this.#random, 1, LARGEST_BATCH));
    if (this.#due.length > 0) this.#time.after(0, () => void this.#deliver());
    if (messages.length === 0) return;
    const answers = new Map<string, 'ack' | number>();
    const answer = (id: string, what: 'ack' | number) => {
      // The first answer counts.
      if (!answers.has(id)) answers.set(id, what);
    };
    const batch = {
      queue: QUEUES[whole(this.#random, 0, QUEUES.length - 1)],
      messages: messages.map(({ id, body, attempts }) => ({
        id,
        body,
        attempts,
        timestamp: new Date(),
        ack: () => answer(id, 'ack'),
        retry: ({ delaySeconds = RETRY_DELAY_MS / 1_000 } = {}) => answer(id, delaySeconds * 1_000),
      })),
    } as unknown as MessageBatch;
    const returned = await this.#consume(batch).then(
      () => true,
      () => false,
    );
    for (const message of messages) this.#settle(message, returned ? (answers.get(message.id) ?? 'ack') : RETRY_DELAY_MS);
  }

  #settle(message: Queued, what: 'ack' | number): void {
    if (what !== 'ack' && message.attempts <= MAX_RETRIES) {
      this.redelivered++;
      this.#deliverLater({ ...message, attempts: message.attempts + 1 }, what);
      return;
    }
    this.#unacknowledged--;
    if (what !== 'ack') this.dead.push(message.body);
  }
}
