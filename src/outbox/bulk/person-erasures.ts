import { withoutParameters } from '../../db/client.ts';
import type { OutboxConfig } from '../../db/configuration.ts';
import { saveErasureProgress } from '../../db/erasures.ts';
import type { NewDelivery } from '../../domain/delivery/delivery.ts';
import { isAtRest } from '../../domain/delivery/lifecycle.ts';
import { type ErasureRequest, type PersonErasure, visitorErased } from '../../domain/erasure.ts';
import { VISITOR_ERASED } from '../../domain/event/operational-event.ts';
import { deliveryId, mintId } from '../../domain/ids.ts';
import { subscribes } from '../../domain/webhook/webhook.ts';
import { logError } from '../../log.ts';
import { within } from '../../within.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import type { Ledger } from '../books/ledger.ts';
import type { Store } from '../books/store.ts';
import type { UsedValues } from '../used-values.ts';
import { beginWalk, ErasureWalk, type Found, type Walk } from './erasure-walk.ts';
import { KeptErasures } from './kept-erasures.ts';

/** How often what was in memory, or ran, is looked at until it has ended. */
const LOOK_EVERY_MS = 5_000;
/** Of it looked at in one step. */
const STEP_LEFT = 50;
/** Notices that are looked at, whether they have ended, whenever something has changed. */
const MAX_LOOKED_AT = 20;
/** How long D1 may take, and the wait before it is told again. */
const D1_TIMEOUT_MS = 2_000;
const AGAIN_AFTER_MS = 30_000;

const WALK = 'erasureWalk';

/** What erasures have to do with. */
export interface PersonErasuresParts {
  store: Store;
  ledger: Ledger;
  usedValues: UsedValues;
  d1: D1Database;
  webhookId: string;
  /** The configuration as it is now; null where the webhook has been deleted. Throws where none can be had. */
  configuration(): Promise<OutboxConfig | null>;
  /** Takes a delivery of the service's own to the rows, or to the log where it is not to be attempted. */
  take(config: OutboxConfig, delivery: NewDelivery, now: number): void;
}

/**
 * Erasures of people: every delivery of their events loses its payload and what its attempts show of it, whatever its state; what waits is not
 * attempted any more. Found by going through the log in steps. Once nothing is left to be found the endpoint is told, where it had received the
 * person and its webhook subscribes to that.
 */
export class PersonErasures {
  readonly #kv: SyncKvStorage;
  readonly #parts: PersonErasuresParts;
  readonly #kept: KeptErasures;
  readonly #walk: ErasureWalk;
  readonly #isBusy: (id: string) => boolean;
  /** Nothing that is left is looked at, and D1 is not told, before these. */
  #lookAt = 0;
  #tellAt = 0;

  constructor(kv: SyncKvStorage, parts: PersonErasuresParts, isBusy: (id: string) => boolean) {
    this.#kv = kv;
    this.#parts = parts;
    this.#kept = new KeptErasures(kv);
    this.#walk = new ErasureWalk(parts.store, parts.ledger, isBusy);
    this.#isBusy = isBusy;
  }

  /**
   * Asks for an erasure, once; it is durable when this returns.
   * @param inMemory deliveries that are in memory, or run: they are looked at when they have ended
   */
  request(request: ErasureRequest, inMemory: readonly string[], now: number): void {
    const known = this.#kept.get(request.id);
    if (known) {
      // Asked again, since D1 does not know that it is done: what it was told can have been overtaken.
      if (known.finishedAt !== null) this.#change(known, {});
      return;
    }
    const { store, usedValues } = this.#parts;
    this.#atomically(() => {
      this.#kept.add(request, inMemory, now);
      usedValues.forgetValue(request, request.requestedAt);
      store.filtered.forgetSubjects(request.requestedAt + 1);
    });
  }

  /** Of new deliveries those that are of nobody who was erased after they were accepted: the others are kept without what they carry. */
  sift(news: readonly NewDelivery[], now: number): readonly NewDelivery[] {
    if (news.length === 0 || !this.#kept.covers(Math.min(...news.map(({ acceptedAt }) => acceptedAt)))) return news;
    return news.filter((delivery) => {
      const people = this.#kept.of(delivery);
      if (people.length === 0) return true;
      this.#atomically(() => {
        this.#parts.ledger.addErased(delivery, this.#kept.areNamed(delivery, people), now);
        for (const erasure of people) this.#change(erasure, { deliveries: erasure.deliveries + 1 });
      });
      return false;
    });
  }

  /** Erases what is about to be attempted, of people whom no walk has come to yet. Returns whether there was any. */
  eraseSome(about: readonly StoredDelivery[], now: number): boolean {
    const erasures = this.#kept.unwalked();
    if (erasures.length === 0) return false;
    const found = about.flatMap((delivery) => this.#walk.look(delivery, erasures, now));
    for (const each of found) this.#note(each);
    return found.length > 0;
  }

  /** Whom events of before this time are about is not to be kept beside them. */
  get subjectsForgottenUntil(): number {
    return this.#kept.latestAt;
  }

  /** When something is to be done; null where nothing is. */
  dueAt(now: number, notBefore: number): number | null {
    const times = this.#kept.open().flatMap(({ walkedAt, left, isTold, finishedAt }) => {
      if (walkedAt === null) return [now];
      if (left.length > 0) return [Math.max(now, this.#lookAt)];
      return isTold && finishedAt !== null ? [] : [Math.max(now, this.#tellAt)];
    });
    if (this.#told().some((erasure) => this.#hasNoticeEnded(erasure))) times.push(Math.max(now, this.#tellAt));
    return times.length === 0 ? null : Math.max(notBefore, Math.min(...times));
  }

  /** Whether there are people whom no walk has come to its end for. */
  get areUnwalked(): boolean {
    return this.#kept.unwalked().length > 0;
  }

  /** Whether there is something to look at now. */
  isStepDue(now: number): boolean {
    return this.#kept.open().some(({ walkedAt, left }) => walkedAt === null || (left.length > 0 && now >= this.#lookAt));
  }

  /** Looks at a bounded number of deliveries. */
  step(now: number): void {
    if (this.#kept.open().some(({ walkedAt }) => walkedAt === null)) this.#stepWalk(now);
    else this.#stepLeft(now);
  }

  /** What follows when nothing is left to be found: the endpoint is told, and D1. It does not throw: what fails is done later. */
  async settle(now: number): Promise<void> {
    if (now < this.#tellAt) return;
    try {
      await this.#finish(now);
      for (const erasure of this.#told()) if (this.#hasNoticeEnded(erasure)) this.#endNotice(erasure, now);
      await this.#tell(now);
    } catch (error) {
      this.#kept.reset();
      this.#tellAt = now + AGAIN_AFTER_MS;
      logError('outbox.erasure_not_settled', withoutParameters(error), { webhook: this.#parts.webhookId });
    }
  }

  /** The storage has been emptied, or a step was undone. */
  reset(): void {
    this.#kept.reset();
    this.#lookAt = 0;
    this.#tellAt = 0;
  }

  /** One walk is for all that have been asked for when it begins; those that come meanwhile have their own. */
  #stepWalk(now: number): void {
    const before = this.#kv.get<Walk>(WALK) ?? beginWalk(this.#kept.unwalked().map(({ id }) => id));
    const erasures = before.ids.flatMap((id) => this.#kept.get(id) ?? []);
    const { found, walk } = this.#walk.step(before, erasures, now);
    for (const each of found) this.#note(each);
    if (walk) this.#kv.put(WALK, walk);
    else {
      this.#kv.delete(WALK);
      for (const { id } of erasures) this.#change(this.#kept.get(id), { walkedAt: now });
    }
  }

  #stepLeft(now: number): void {
    const erasure = this.#kept.open().find(({ left }) => left.length > 0);
    if (!erasure) return;
    const looked = erasure.left.slice(0, STEP_LEFT);
    const still: string[] = [];
    for (const id of looked) {
      const delivery = this.#isBusy(id) ? null : this.#parts.store.find(id);
      // What is in memory alone has no row yet; should it vanish with the object, its event comes again, and is sifted.
      if (!delivery) {
        if (this.#isBusy(id)) still.push(id);
        continue;
      }
      const [found] = this.#walk.look(delivery, [erasure], now);
      if (found?.isLeft) still.push(id);
      else if (found) this.#note(found);
    }
    this.#change(this.#kept.get(erasure.id), { left: [...erasure.left.slice(STEP_LEFT), ...still] });
    if (still.length === looked.length) this.#lookAt = now + LOOK_EVERY_MS;
  }

  #note({ erasure: { id }, delivery, isLeft }: Found): void {
    const erasure = this.#kept.get(id);
    if (!erasure) return;
    if (isLeft) this.#change(erasure, { left: [...erasure.left.filter((each) => each !== delivery.id), delivery.id] });
    else {
      const wasReceived = erasure.wasReceived || delivery.state.attemptCount > 0;
      this.#change(erasure, { deliveries: erasure.deliveries + 1, wasReceived });
    }
  }

  /** Nothing is left to be found of some: their values are forgotten, and the endpoint is told of those that it had received. */
  async #finish(now: number): Promise<void> {
    const isThrough = ({ walkedAt, left, finishedAt }: PersonErasure) => walkedAt !== null && left.length === 0 && finishedAt === null;
    if (!this.#kept.open().some(isThrough)) return;
    const config = await this.#parts.configuration();
    // The webhook has been deleted, and everything is about to be.
    if (!config) {
      this.#tellAt = now + AGAIN_AFTER_MS;
      return;
    }
    for (const erasure of this.#kept.open().filter(isThrough)) {
      this.#parts.store.atomically(() => this.#change(erasure, { ...this.#notice(erasure, config, now), value: null, finishedAt: now }));
    }
  }

  #notice(erasure: PersonErasure, config: OutboxConfig, now: number): Pick<PersonErasure, 'notice' | 'notified'> {
    const { webhook } = config;
    if (!subscribes(webhook.events, VISITOR_ERASED)) return { notice: null, notified: 'not_subscribed' };
    if (!erasure.wasReceived || erasure.value === null) return { notice: null, notified: null };
    const eventId = mintId('event', now);
    const id = deliveryId(eventId, webhook.id);
    const payload = new TextEncoder().encode(
      JSON.stringify(visitorErased(webhook.organizationId, { ...erasure, value: erasure.value }, now)),
    );
    this.#parts.take(config, { id, eventId, event: VISITOR_ERASED, sessionId: null, acceptedAt: now, payload }, now);
    return { notice: id, notified: 'pending' };
  }

  /** Those whose endpoint is being told, the oldest: their notices end first. */
  #told(): PersonErasure[] {
    return this.#kept
      .open()
      .filter(({ notified }) => notified === 'pending')
      .slice(0, MAX_LOOKED_AT);
  }

  #hasNoticeEnded({ notice, notified }: PersonErasure): boolean {
    if (notice === null || notified !== 'pending' || this.#isBusy(notice)) return false;
    const delivery = this.#parts.store.find(notice);
    return delivery === null || isAtRest(delivery.state);
  }

  /** What told the endpoint has ended: its payload goes, too. */
  #endNotice(erasure: PersonErasure, now: number): void {
    const { store, ledger } = this.#parts;
    const id = erasure.notice ?? '';
    store.atomically(() => {
      const delivered = store.find(id)?.state.status === 'delivered';
      ledger.erasePayload(id, now);
      this.#change(erasure, { notified: delivered ? 'delivered' : 'failed' });
    });
  }

  async #tell(now: number): Promise<void> {
    const { d1, webhookId } = this.#parts;
    for (const erasure of this.#kept.open().filter(({ isTold }) => !isTold)) {
      const { id, deliveries, notified, finishedAt } = erasure;
      await within(D1_TIMEOUT_MS, saveErasureProgress(d1, id, webhookId, { deliveries, notified, finishedAt }, now));
      // What has changed meanwhile is still to be told.
      if (this.#kept.get(id) === erasure) this.#kept.put({ ...erasure, isTold: true });
    }
  }

  #atomically(change: () => void): void {
    try {
      this.#parts.store.atomically(change);
    } catch (error) {
      this.#kept.reset();
      throw error;
    }
  }

  #change(erasure: PersonErasure | undefined, change: Partial<PersonErasure>): void {
    if (erasure) this.#kept.put({ ...erasure, isTold: false, ...change });
  }
}
