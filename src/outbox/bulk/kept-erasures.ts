import { keyedHash } from '../../domain/access/keyed-hash.ts';
import { acceptedOf, type NewDelivery } from '../../domain/delivery/delivery.ts';
import type { ErasureRequest, PersonErasure } from '../../domain/erasure.ts';
import { VISITOR_ERASED } from '../../domain/event/operational-event.ts';
import { foldedValue, mentions } from '../../domain/event/person.ts';
import { textsAt } from '../../domain/rules/path.ts';
import { DAY_MS } from '../../domain/text/day.ts';

/**
 * For so long events of before an erasure are recognized that come after it. Queues: a message is kept for 4 days, and for 4 more among the dead
 * letters; one that is parked then is sent again when somebody does it.
 */
const KEPT_MS = 90 * DAY_MS;
/** Erasures that are kept, the ended ones included. */
const MAX_KEPT = 1_000;
const KEY_BYTES = 32;

const PREFIX = 'erasure:';
const HASH_KEY = 'erasureKey';

const decoder = new TextDecoder();

function isOpen({ finishedAt, notified, isTold }: PersonErasure): boolean {
  return finishedAt === null || notified === 'pending' || !isTold;
}

/** The erasures of an outbox, each one stored value; those that have come to their end without the value that they were of. */
export class KeptErasures {
  readonly #kv: SyncKvStorage;
  #known: Map<string, PersonErasure> | null = null;
  #key: Uint8Array | null = null;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  get(id: string): PersonErasure | undefined {
    return this.#all().get(id);
  }

  /** Those with something left to do, the oldest first. */
  open(): PersonErasure[] {
    return [...this.#all().values()].filter(isOpen);
  }

  /** Those that no walk has been through for. */
  unwalked(): PersonErasure[] {
    return this.open().filter(({ walkedAt }) => walkedAt === null);
  }

  /** When the latest was asked for; 0: none was. */
  get latestAt(): number {
    return Math.max(0, ...[...this.#all().values()].map(({ requestedAt }) => requestedAt));
  }

  /** Whether something that was accepted at a time can be of somebody who has been erased. */
  covers(acceptedAt: number): boolean {
    for (const { requestedAt } of this.#all().values()) if (acceptedAt <= requestedAt) return true;
    return false;
  }

  /** The erasures of whoever a delivery is of, of those that came after its event. */
  of(delivery: NewDelivery): PersonErasure[] {
    const erasures = [...this.#all().values()].filter(({ requestedAt }) => delivery.acceptedAt <= requestedAt);
    if (erasures.length === 0 || delivery.event === VISITOR_ERASED) return [];
    const source = decoder.decode(acceptedOf(delivery));
    const event: unknown = JSON.parse(source);
    const hashes = new Map<string, Set<string>>();
    const hashesAt = (field: string) => {
      const known = hashes.get(field) ?? new Set(textsAt(event, field, source).map((text) => String(this.#hash(field, text))));
      hashes.set(field, known);
      return known;
    };
    return erasures.filter(({ field, hash }) => hashesAt(field).has(String(hash)));
  }

  /** Whether a delivery's session names whoever these erasures are of, as its event does. */
  areNamed({ sessionId, ...delivery }: NewDelivery, erasures: readonly PersonErasure[]): boolean {
    if (sessionId === null) return false;
    const source = decoder.decode(acceptedOf(delivery));
    const event: unknown = JSON.parse(source);
    return erasures.some(({ field }) => textsAt(event, field, source).some((value) => mentions(sessionId, { field, value })));
  }

  /** Keeps a new one, and forgets those that no late event can be of any more. */
  add({ id, field, value, requestedAt }: ErasureRequest, left: readonly string[], now: number): void {
    const ended = [...this.#all().values()].filter((each) => !isOpen(each));
    const tooMany = this.#all().size + 1 - MAX_KEPT;
    for (const [index, each] of ended.entries()) if (index < tooMany || each.requestedAt < now - KEPT_MS) this.#remove(each.id);
    const progress = { left, deliveries: 0, wasReceived: false, walkedAt: null, finishedAt: null, notice: null, notified: null };
    this.put({ id, field, value, hash: this.#hash(field, value), requestedAt, ...progress, isTold: false });
  }

  put(erasure: PersonErasure): void {
    const known = this.#all();
    // Known again when it is kept: what could not be, or is undone with the rows, has not happened.
    this.#known = null;
    this.#kv.put(PREFIX + erasure.id, erasure);
    this.#known = known.set(erasure.id, erasure);
  }

  /** The storage has been emptied, or a change was undone. */
  reset(): void {
    this.#known = null;
    this.#key = null;
  }

  #remove(id: string): void {
    this.#kv.delete(PREFIX + id);
    this.#all().delete(id);
  }

  #all(): Map<string, PersonErasure> {
    // Asked for with every batch: read once, since only this object writes it. Their ids sort by time.
    this.#known ??= new Map([...this.#kv.list<PersonErasure>({ prefix: PREFIX })].map(([, erasure]) => [erasure.id, erasure]));
    return this.#known;
  }

  #hash(field: string, text: string): Uint8Array {
    return keyedHash(this.#hashKey(), `${field}\n${foldedValue(text)}`);
  }

  #hashKey(): Uint8Array {
    this.#key ??= this.#kv.get<Uint8Array>(HASH_KEY) ?? null;
    if (!this.#key) {
      this.#key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
      this.#kv.put(HASH_KEY, this.#key);
    }
    return this.#key;
  }
}
