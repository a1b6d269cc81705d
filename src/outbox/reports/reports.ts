import { eventQueueFor } from '../../consumer/event-queues.ts';
import { withoutParameters } from '../../db/client.ts';
import type { OutboxConfig } from '../../db/configuration.ts';
import { type Disabling, disableWebhook, markBusy, type SeenHealth, saveHealth } from '../../db/outboxes.ts';
import { encodeEventMessage, type QueuedEvent } from '../../domain/event/event-message.ts';
import { type Notice, noticeEvent } from '../../domain/event/operational-event.ts';
import { mintId } from '../../domain/ids.ts';
import type { DisabledReason, WebhookConfig } from '../../domain/webhook/webhook.ts';
import { logError } from '../../log.ts';
import { within } from '../../within.ts';
import { AlertMails } from './alert-mails.ts';
import { webhookTold } from './webhook-told.ts';

/** How long D1 may take. */
const D1_TIMEOUT_MS = 2_000;
/** Notices that wait to be sent, at most: the newest. */
const MAX_NOTICES = 10;
/** Wait before D1 is told again. */
const AGAIN_AFTER_MS = 30_000;

const PENDING = 'report';
const BUSY = 'busy';

/** What D1 is still to be told. */
interface Pending {
  /** The webhook's health as it changed last. */
  health?: SeenHealth;
  /** The webhook is to be disabled. Earlier versions have stored it without its time, or without its notice, which they had at once. */
  disable?: Omit<Disabling, 'decidedAt'> & {
    decidedAt?: number;
    /** What the organization is told once D1 knows it. */
    untold?: UntoldNotice;
    /** The same as earlier versions have stored it. */
    notice?: QueuedEvent;
  };
  /** What the organization is still to be told of. */
  untold?: UntoldNotice[];
  /** The same as earlier versions have stored it. */
  notices?: QueuedEvent[];
  dueAt: number;
}

/** Something to be told, with the id of its event: told twice it is the same one. */
interface UntoldNotice {
  id: string;
  notice: Notice;
}

/**
 * What an outbox tells others: D1 that its webhook's health changed, that it is to be disabled, that deliveries wait; and its
 * organization what happened to its webhook, as events and by e-mail. Each is kept in the object until it is told, so that it survives an outage.
 */
export class Reports {
  readonly #kv: SyncKvStorage;
  readonly #env: Env;
  readonly #webhookId: string;
  readonly #mails: AlertMails;
  readonly #countWaiting: () => number;
  #known: Pending | null | undefined;
  /** What is on its way to D1. */
  #telling: Pending | null = null;
  /** The note that is on its way to D1. */
  #marking: object | null = null;

  /** @param countWaiting how many deliveries wait, up to MAX_COUNTED_WAITING */
  constructor(kv: SyncKvStorage, env: Env, webhookId: string, countWaiting: () => number) {
    this.#kv = kv;
    this.#env = env;
    this.#webhookId = webhookId;
    this.#countWaiting = countWaiting;
    this.#mails = new AlertMails(kv, env, () => webhookTold(env, webhookId, countWaiting));
  }

  /** When the next report, or mail, is due; null where everybody knows everything. */
  dueAt(): number | null {
    const [report, mail] = [this.#pending()?.dueAt ?? null, this.#mails.dueAt()];
    return report === null || mail === null ? (report ?? mail) : Math.min(report, mail);
  }

  /** Sends the mails that are due; beside deliveries, which need not wait for it. It does not throw: what fails is sent later. */
  async mail(now: number): Promise<void> {
    await this.#mails.send(now);
  }

  /** Whether D1 is to disable the webhook now. */
  isDisablingDue(now: number): boolean {
    const pending = this.#pending();
    return pending?.disable !== undefined && pending.dueAt <= now;
  }

  /** The webhook's health has changed. */
  health(health: SeenHealth, now: number): void {
    this.#put({ ...this.#pending(), health, dueAt: now });
  }

  /** The webhook is to be disabled, as it was when the attempt began that this follows from; its organization is told when it is. */
  disable({ webhook }: OutboxConfig, reason: DisabledReason, notice: Notice, now: number): void {
    if (this.isToBeDisabled(webhook)) return;
    const { url, freshSince = 0 } = webhook;
    const untold = { id: mintId('event', now), notice };
    this.#put({ ...this.#pending(), disable: { url, reason, decidedAt: now, freshSince, untold }, dueAt: now });
  }

  /** Whether the webhook is to be disabled as it is here, though D1 may not know it yet. */
  isToBeDisabled({ url, freshSince = 0 }: WebhookConfig): boolean {
    const disable = this.#pending()?.disable;
    return disable?.url === url && (disable.freshSince ?? freshSince) === freshSince;
  }

  /** Tells the organization of something, through its other webhooks and by e-mail. */
  notify(notice: Notice, now: number): void {
    const untold = [...(this.#pending()?.untold ?? []), { id: mintId('event', now), notice }].slice(-MAX_NOTICES);
    this.#put({ ...this.#pending(), untold, dueAt: now });
    this.#mails.add([notice], now);
  }

  /** The webhook's owner has set its health anew: what was to be said of the old one, or done about it, is void. */
  forgetHealth(): void {
    const pending = this.#pending();
    if (pending?.health || pending?.disable) this.#put({ ...pending, health: undefined, disable: undefined });
  }

  /**
   * Tells D1 what is due. It does not throw: what fails is told later.
   * @returns of which fresh start the webhook is that it has disabled; null: it has disabled none
   */
  async flush(now: number): Promise<number | null> {
    const pending = this.#pending();
    if (!pending || pending.dueAt > now || pending === this.#telling) return null;
    this.#telling = pending;
    try {
      const isDisabled = await within(D1_TIMEOUT_MS, this.#tell(pending, now));
      // What was added meanwhile is still to be told. The mail is noted in the same turn: it is sent for this disabling once.
      if (this.#pending() === pending) {
        this.#clear();
        if (isDisabled && pending.disable?.untold) this.#mails.add([pending.disable.untold.notice], now);
      }
      return isDisabled ? (pending.disable?.freshSince ?? 0) : null;
    } catch (error) {
      logError('outbox.not_reported', withoutParameters(error), { webhook: this.#webhookId });
      this.#put({ ...this.#pending(), dueAt: now + AGAIN_AFTER_MS });
      return null;
    } finally {
      if (this.#telling === pending) this.#telling = null;
    }
  }

  /** Notes in D1, once, that deliveries wait: the cron then looks after the alarm. Where it fails the alarm is still set. */
  async busy(now: number): Promise<void> {
    if (this.#marking || this.#kv.get(BUSY)) return;
    const marking = {};
    this.#marking = marking;
    try {
      await within(D1_TIMEOUT_MS, markBusy(this.#env.DB, this.#webhookId, now));
      // Only what D1 knows is kept: an object that vanishes in between tells it again, and the cron may have taken it back.
      if (this.#marking === marking) this.#kv.put(BUSY, true);
    } catch (error) {
      logError('outbox.not_marked_busy', withoutParameters(error), { webhook: this.#webhookId });
    } finally {
      if (this.#marking === marking) this.#marking = null;
    }
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#known = undefined;
    this.#marking = null;
    this.#mails.reset();
  }

  /** Nothing waits any more: the next time something does, D1 is told again. */
  idle(): void {
    this.#marking = null;
    this.#kv.delete(BUSY);
  }

  /** @returns whether the webhook is disabled now */
  async #tell({ health, disable, untold = [], notices = [] }: Pending, now: number): Promise<boolean> {
    const events = [...notices];
    const news = [...untold];
    let isDisabled = false;
    // First: what earlier versions have stored is void where the owner has set the health anew, which a later health of ours would look like.
    if (disable) {
      const { untold: notice, notice: former, decidedAt = now, ...decision } = disable;
      isDisabled = await disableWebhook(this.#env.DB, this.#webhookId, { ...decision, decidedAt });
      // One disabling is told once: where another decision, or the owner, was first, there is nothing to tell.
      if (isDisabled && former) events.push(former);
      if (isDisabled && notice) news.push(notice);
    }
    if (health) await saveHealth(this.#env.DB, this.#webhookId, health);
    if (news.length > 0) events.push(...(await this.#eventsOf(news)));
    // Sent again where the answer is lost: an outbox knows what it has had already.
    if (events.length > 0) {
      const message = encodeEventMessage({ acceptedAt: now, events });
      await eventQueueFor(this.#env, this.#webhookId).send(message, { contentType: 'bytes' });
    }
    return isDisabled;
  }

  async #eventsOf(news: readonly UntoldNotice[]): Promise<QueuedEvent[]> {
    const told = await webhookTold(this.#env, this.#webhookId, this.#countWaiting);
    const encoder = new TextEncoder();
    return news.map(({ id, notice }) => ({ id, payload: encoder.encode(JSON.stringify(noticeEvent(notice, told))) }));
  }

  #pending(): Pending | null {
    // Asked for with every batch: read once, since only this object writes it.
    if (this.#known === undefined) this.#known = this.#kv.get<Pending>(PENDING) ?? null;
    return this.#known;
  }

  #put(pending: Pending): void {
    this.#known = pending;
    this.#kv.put(PENDING, pending);
  }

  #clear(): void {
    this.#known = null;
    this.#kv.delete(PENDING);
  }
}
