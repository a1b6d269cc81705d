import { DurableObject } from 'cloudflare:workers';
import { withoutParameters } from '../db/client.ts';
import type { OutboxConfig } from '../db/configuration.ts';
import { permission } from '../domain/circuit.ts';
import type { DeliveryDetail, DeliveryFilter, DeliveryPage, DeliveryPosition, DeliverySummary, NewDelivery } from '../domain/delivery.ts';
import { deliveryId } from '../domain/ids.ts';
import type { Recovery } from '../domain/recovery.ts';
import type { Period } from '../domain/statistics.ts';
import type { Health } from '../domain/webhook.ts';
import { logError } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { toSummary } from './delivery-row.ts';
import { EndpointHealth } from './endpoint-health.ts';
import { Lane, whyNotDelivered } from './lane.ts';
import { type ErasureResult, Ledger } from './ledger.ts';
import { OutboxAlarm } from './outbox-alarm.ts';
import type { OutboxEntry } from './outbox-entry.ts';
import { OutboxLog } from './outbox-log.ts';
import { OutboxStatistics, type Statistics } from './outbox-statistics.ts';
import { OutboxStore } from './outbox-store.ts';
import { Recoveries } from './recoveries.ts';
import { Reports } from './reports.ts';
import { MAX_BYTES, Retention } from './retention.ts';
import { Sender } from './sender.ts';
import { WebhookMemory } from './webhook-memory.ts';

/** The time that sending, reading the body and recording may take beyond an attempt's own timeout. */
const LEASE_MARGIN_MS = 10_000;
/** After a fault of ours (D1 unreachable, a secret that does not open) the alarm tries again no sooner than this. */
const AFTER_FAULT_MS = 30_000;

/** A recovery takes no further step in an alarm after this: an alarm may run 15 min (Durable Objects). */
const WORK_MS = 300_000;

/**
 * What became of a person's retry.
 * - `begun`: the attempt runs.
 * - `running`: another attempt of the delivery runs.
 * - `refused`: the webhook cannot be used.
 * - `erased`: its payload was erased.
 * - `unknown`: there is no such delivery.
 */
export type RetryResult =
  | { kind: 'begun'; delivery: DeliverySummary }
  | { kind: 'running' }
  | { kind: 'refused'; reason: 'webhook_disabled' | 'plan_not_eligible' }
  | { kind: 'erased' }
  | { kind: 'unknown' };

/** How an outbox's endpoint stands. Times are milliseconds since the epoch. */
export interface OutboxStatus {
  health: Health;
  since: number;
  nextProbeAt: number | null;
}

/** How a webhook is doing, for a list of webhooks. */
export interface OutboxActivity {
  status: OutboxStatus;
  /** Of the last 24 hours; null where there is more to count than one call may: ask again. */
  statistics: Statistics | null;
  newest: DeliverySummary | null;
}

/**
 * One webhook's deliveries: the log of what was, and what waits, which its alarm attempts. It is a shell: states are
 * domain/lifecycle.ts, rows are OutboxStore, the order and number of attempts is Lane.
 *
 * What it keeps to: while anything waits an alarm is set, no later than when the first of it is due. The object can vanish
 * between any two awaits; an attempt that it had begun is a lease by then, which the alarm finds.
 */
export class Outbox extends DurableObject<Env> {
  readonly #store: OutboxStore;
  readonly #log: OutboxLog;
  readonly #ledger: Ledger;
  readonly #lane: Lane;
  readonly #reports: Reports;
  readonly #health: EndpointHealth;
  readonly #recoveries: Recoveries;
  readonly #retention: Retention;
  readonly #webhook: WebhookMemory;
  readonly #webhookId: string;
  readonly #alarm: OutboxAlarm;
  /** Nothing is kept here any more, and nothing is to be: the webhook has been deleted. */
  #erased = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = settingsOf(env);
    const sender = new Sender(settings);
    const policy = { scheduleMs: settings.retryScheduleMs, random: Math.random };
    // An outbox is addressed by its webhook's id; should an alarm come without it, a configuration has been seen.
    this.#webhookId = ctx.id.name ?? WebhookMemory.lastKnown(ctx.storage.kv)?.webhook.id ?? '';
    this.#webhook = new WebhookMemory(ctx.storage.kv, env.DB, this.#webhookId);
    this.#reports = new Reports(ctx.storage.kv, env, this.#webhookId);
    this.#store = new OutboxStore(ctx.storage);
    this.#alarm = new OutboxAlarm(ctx.storage);
    this.#log = new OutboxLog(this.#store);
    const { circuitThreshold: threshold, circuitProbeMs: probeMs, disableAfterMs } = settings;
    this.#health = new EndpointHealth(ctx.storage.kv, this.#store, this.#reports, { threshold, probeMs, disableAfterMs });
    this.#ledger = new Ledger(this.#store, policy, settings.deliveryTimeoutMs + LEASE_MARGIN_MS);
    this.#retention = new Retention(ctx.storage, this.#store, { retentionMs: settings.retentionMs, maxBytes: MAX_BYTES });
    this.#recoveries = new Recoveries(ctx.storage.kv, this.#store, this.#ledger);
    this.#lane = new Lane(this.#store, this.#ledger, {
      now: () => Date.now(),
      configuration: () => this.#usableConfiguration(),
      attempt: ({ webhook }, delivery, payload) => {
        const { attemptCount: number, trigger } = delivery.state;
        return sender.send(webhook, { delivery, payload, number, trigger });
      },
      arm: () => this.#arm(),
      erase: () => this.#erase(),
      circuit: () => this.#health.circuit,
      ended: (config, delivery, result) => this.#health.attempted(config, delivery.id, result),
    });
    // Alarms have been reported not to fire for days: whatever loads the object sets a missing one.
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      await this.#arm();
    });
  }

  /**
   * Records what a batch did with some of the webhook's deliveries; durable when it returns. Recording twice is a no-op.
   * @param readAt when D1 was asked for the configuration; 0 where that is long ago
   * @returns the ids of the deliveries that were new
   */
  async record(config: OutboxConfig, entries: OutboxEntry[], readAt = 0): Promise<string[]> {
    const now = Date.now();
    const fresh: string[] = [];
    const news: OutboxEntry[] = [];
    this.#store.atomically(() => {
      for (const [index, recorded] of this.#ledger.recordAll(entries, now).entries()) {
        const entry = entries[index] as OutboxEntry;
        if (recorded === 'new') fresh.push(entry.delivery.id);
        if (recorded !== 'known') news.push(entry);
      }
    });
    this.#health.adopt(config);
    for (const entry of news) if (entry.kind === 'attempted') this.#health.attempted(config, entry.delivery.id, entry.result);
    this.#erased = false;
    this.#retention.plan(now);
    const workDueAt = this.#workDueAt();
    if (workDueAt !== null) {
      this.#webhook.offer(config, readAt);
      this.#tellBusy();
      // A running drain takes up what is due; what falls due later needs the alarm.
      this.#lane.poke();
    }
    await this.#armFor(earliest([workDueAt, this.#retention.dueAt()]));
    return fresh;
  }

  /** A page of the log, newest first. It reads a bounded number of rows, so that it can be short and still have a next one. */
  list(filter: DeliveryFilter, limit: number, after: DeliveryPosition | null): DeliveryPage {
    // A whole id is looked up, however far back it is.
    const known = filter.q === undefined ? null : (this.#store.find(filter.q) ?? this.#store.find(deliveryId(filter.q, this.#webhookId)));
    const page = known ? this.#log.pageOfOne(known, filter) : this.#log.page(filter, limit, after);
    return { ...page, keptSince: this.#retention.keptSince() };
  }

  /** One delivery without its payload and attempts. */
  summary(id: string): DeliverySummary | null {
    const delivery = this.#store.find(id);
    return delivery && toSummary(delivery);
  }

  /** One delivery with its payload and attempts. */
  find(id: string): DeliveryDetail | null {
    return this.#log.detail(id);
  }

  /** One attempt of a delivery now, whatever the circuit says; it goes on after the answer. */
  async retryNow(id: string): Promise<RetryResult> {
    const delivery = this.#store.find(id);
    if (!delivery) return { kind: 'unknown' };
    const config = await this.#freshConfiguration();
    const refused = config ? whyNotDelivered(config) : null;
    if (!config) return { kind: 'unknown' };
    if (refused) return { kind: 'refused', reason: refused };
    // Read again: the configuration was awaited.
    if (this.#store.payloadErasedAt(id) !== null) return { kind: 'erased' };
    const current = this.#store.find(id);
    const begun = current && this.#ledger.beginManual(current, Date.now());
    if (!begun) return { kind: 'running' };
    const { ended } = await this.#lane.start(begun, config);
    this.ctx.waitUntil(ended);
    return { kind: 'begun', delivery: toSummary(begun) };
  }

  /** Makes a delivery of a sample event, attempts it once and answers when the attempt has ended. Null: the webhook is deleted. */
  async sendTest(delivery: NewDelivery): Promise<DeliveryDetail | null> {
    const config = await this.#freshConfiguration();
    const begun = config && this.#ledger.beginTest(delivery, Date.now());
    if (!begun) return null;
    const { ended } = await this.#lane.start(begun, config);
    await ended;
    return this.#log.detail(delivery.id);
  }

  /**
   * What failed or was discarded of events accepted from `since` to before `until` starts over, at a rising pace; durable when
   * it returns. Returns how many deliveries that is.
   */
  async recover(since: number, until: number): Promise<number> {
    const count = this.#store.countRecoverable(since, until);
    if (count === 0) return 0;
    const config = await this.#freshConfiguration();
    if (!config) return 0;
    this.#recoveries.request(since, until, Date.now());
    this.#health.drainGently(this.#webhookId);
    this.#tellBusy();
    await this.#arm();
    return count;
  }

  /** Counts of a period; null where there is more to count than one call may: ask again. */
  statistics(period: Period): Statistics | null {
    return new OutboxStatistics(this.#store).of(period, Date.now());
  }

  /** How the webhook is doing, in one call. */
  activity(): OutboxActivity {
    const [newest = null] = this.#log.page({}, 1, null).deliveries;
    return { status: this.status(), statistics: this.statistics('24h'), newest };
  }

  /** The latest recoveries and how far they have come, newest first. */
  recoveries(): Recovery[] {
    return this.#recoveries.list();
  }

  /** Erases what a delivery carried, once it has ended. */
  erasePayload(id: string): ErasureResult {
    return this.#ledger.erasePayload(id, Date.now());
  }

  /** The webhook's secrets were sealed anew: what is kept of its configuration for an outage of D1 must not need the old key. */
  resealed(config: OutboxConfig): void {
    if (WebhookMemory.lastKnown(this.ctx.storage.kv)) this.#webhook.replace(config, Date.now());
    else this.#webhook.refresh(Date.now());
  }

  /** Forgets everything: the webhook has been deleted. */
  async erase(): Promise<void> {
    await this.#erase();
  }

  /** Sets the alarm anew, where it should have fired. Returns whether anything waits. */
  async poke(): Promise<boolean> {
    const dueAt = this.#workDueAt();
    if (dueAt === null) {
      this.#reports.idle();
      return false;
    }
    // An alarm that the platform holds but does not fire is set again: one row, and it starts anew.
    if (dueAt <= Date.now()) this.#alarm.forget();
    await this.#arm();
    return true;
  }

  /** The webhook's owner changed it: what waits may be attempted at once, so the configuration is read now. */
  async reconfigured(): Promise<void> {
    this.#webhook.refresh(Date.now());
    if (this.#store.waitingDueAt() === null) return;
    this.#alarm.forget();
    await this.#alarm.setBy(Date.now());
  }

  /** How the endpoint stands: its health, since when, and when the next probe of an open circuit goes out. */
  status(): OutboxStatus {
    const { health, since, probeAt } = this.#health.circuit;
    return { health, since, nextProbeAt: probeAt };
  }

  override async alarm(): Promise<void> {
    this.#alarm.forget();
    let notBefore = 0;
    try {
      await this.#reports.flush(Date.now());
      await this.#work();
      // What the attempts showed of the endpoint.
      await this.#reports.flush(Date.now());
      await this.#retention.sweep(Date.now(), Date.now() + WORK_MS);
    } catch (error) {
      // Not thrown on: a throwing alarm is tried six times more and then never again (Durable Objects).
      logError('outbox.alarm_failed', withoutParameters(error), { webhook: this.#webhookId });
      notBefore = Date.now() + AFTER_FAULT_MS;
      // The fault may be the configuration's (a secret that does not open).
      this.#webhook.refresh(Date.now());
    }
    // Once more: an attempt that was being made looked for its row, and made the schema anew.
    if (this.#erased) return await this.#erase();
    // Set anew even where the lease of an attempt that has ended set it earlier: an alarm for nothing is billed as well.
    this.#alarm.forget();
    await this.#arm(notBefore);
    this.#tellBusy();
  }

  /** Where deliveries wait, D1 notes it, for the cron. A lease alone is no matter for it: it ends within seconds. */
  #tellBusy(): void {
    if (this.#store.waitingDueAt() !== null) this.ctx.waitUntil(this.#reports.busy(Date.now()));
  }

  /** Attempts what is due; where a recovery is under way, with its deliveries step by step. */
  async #work(): Promise<void> {
    const until = Date.now() + WORK_MS;
    await this.#lane.drain();
    while (this.#recoveries.unfinished() && Date.now() < until) {
      this.#recoveries.step(Date.now());
      await this.#lane.drain();
    }
  }

  /** When work is due: an attempt or probe, the end of a lease, a report, a recovery's next step. */
  #workDueAt(): number | null {
    const waitingDueAt = this.#store.waitingDueAt();
    const permitted = permission(this.#health.circuit, Date.now(), 1);
    const attemptAt = waitingDueAt !== null && permitted.kind === 'hold' ? Math.max(waitingDueAt, permitted.until) : waitingDueAt;
    const recoveryAt = this.#recoveries.unfinished() ? Date.now() : null;
    return earliest([attemptAt, this.#store.leaseEndsAt(), this.#reports.dueAt(), recoveryAt]);
  }

  /** Sees to it that an alarm is set for when something is due, the sweep included, or earlier. */
  async #arm(notBefore = 0): Promise<void> {
    await this.#armFor(earliest([this.#workDueAt(), this.#retention.dueAt()]), notBefore);
  }

  async #armFor(dueAt: number | null, notBefore = 0): Promise<void> {
    if (dueAt !== null) await this.#alarm.setBy(Math.max(dueAt, notBefore));
  }

  /** The configuration, with the webhook disabled where it is to be and D1 could not be told yet. */
  async #usableConfiguration(): Promise<OutboxConfig | null> {
    const config = await this.#configuration();
    if (!config || !this.#reports.isToBeDisabled(config.webhook.url)) return config;
    return { ...config, webhook: { ...config.webhook, enabled: false } };
  }

  /** The configuration as it is now, for what a person asks for. */
  #freshConfiguration(): Promise<OutboxConfig | null> {
    this.#webhook.refresh(Date.now());
    return this.#configuration();
  }

  async #configuration(): Promise<OutboxConfig | null> {
    const config = await this.#webhook.read(Date.now());
    if (config) this.#health.adopt(config);
    return config;
  }

  async #erase(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#erased = true;
    this.#alarm.forget();
    this.#webhook.reset(Date.now());
    this.#health.reset();
    this.#reports.reset();
    this.#recoveries.reset();
    this.#retention.reset();
    this.#store.reset();
  }
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((at) => at !== null);
  return known.length > 0 ? Math.min(...known) : null;
}
