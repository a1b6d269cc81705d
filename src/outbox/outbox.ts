import { DurableObject } from 'cloudflare:workers';
import { longestAttemptMs } from '../attempt/attempt.ts';
import { Sender } from '../attempt/sender.ts';
import { withoutParameters } from '../db/client.ts';
import type { OutboxConfig } from '../db/configuration.ts';
import type { AuditEntry } from '../domain/access/audit-log.ts';
import type { Cancellation, CancellationSelection, Recovery, RecoverySelection } from '../domain/delivery/bulk.ts';
import type {
  DeliveryDetail,
  DeliveryFilter,
  DeliveryPage,
  DeliveryPosition,
  DeliverySummary,
  NewDelivery,
} from '../domain/delivery/delivery.ts';
import type { LastFailure } from '../domain/delivery/failure.ts';
import {
  type FilteredBundle,
  isAbout,
  latestFirst,
  MAX_SKIPPED,
  type SkippedEvent,
  withoutSubjects,
} from '../domain/delivery/skipped-event.ts';
import type { Period } from '../domain/delivery/statistics.ts';
import { latestOutage, permission } from '../domain/endpoint/circuit.ts';
import { EndpointPace } from '../domain/endpoint/endpoint-pace.ts';
import type { ErasureRequest } from '../domain/erasure.ts';
import { MAX_COUNTED_WAITING } from '../domain/event/operational-event.ts';
import { deliveryId } from '../domain/ids.ts';
import { keptMs } from '../domain/quota.ts';
import { type Figures, MAX_POKED_WAITING, type WaitingOutbox } from '../domain/service/figures.ts';
import { Needle } from '../domain/text/needle.ts';
import { firstOpenDay, type OutboxUse } from '../domain/usage.ts';
import type { Health } from '../domain/webhook/webhook.ts';
import { inJurisdiction } from '../jurisdiction.ts';
import { logError } from '../log.ts';
import { settingsOf } from '../settings.ts';
import { OutboxAlarm } from './alarm.ts';
import { Admission } from './books/admission.ts';
import { type ErasureResult, Ledger } from './books/ledger.ts';
import { Store } from './books/store.ts';
import { Vitals } from './books/vitals.ts';
import { Bulk } from './bulk/bulk.ts';
import { ByHand, type CancelResult, type RetryResult, type TestResult } from './by-hand.ts';
import { Dispatcher, whyNotDelivered } from './dispatcher.ts';
import { EndpointHealth } from './endpoint-health.ts';
import { Fresh } from './fresh.ts';
import { Intake } from './intake.ts';
import { OutboxLog } from './log/log.ts';
import { PastEvents, type PastPreview, type PreviewRequest } from './log/past-events.ts';
import { PastTests } from './log/past-tests.ts';
import { MAX_BYTES, Retention } from './log/retention.ts';
import type { Effort } from './log/search.ts';
import { OutboxStatistics, type Statistics } from './log/statistics.ts';
import { OutboxUsage } from './log/usage.ts';
import { Places } from './places.ts';
import { Renderer } from './renderer.ts';
import { AuditEntries } from './reports/audit-entries.ts';
import { Ended } from './reports/ended.ts';
import { Reports } from './reports/reports.ts';
import { UntoldUse } from './reports/untold-use.ts';
import { TestLimit } from './test-limit.ts';
import { UsedValues } from './used-values.ts';
import { STALE_FROM_MS, WebhookMemory } from './webhook-memory.ts';

/** An alarm waits for what runs no longer than this. Durable Objects: an alarm may run 15 min. */
const ALARM_WAIT_MS = 60_000;
/** Steps in which tests of earlier versions are marked, in one alarm. */
const MARK_STEPS = 50;
/** An alarm is spared for what falls due so soon while one runs: the object is awake. */
const AWAKE_MS = 60_000;
/** How an outbox's endpoint stands. Times are milliseconds since the epoch. */
export interface OutboxStatus {
  health: Health;
  since: number;
  nextProbeAt: number | null;
  /** When a delivery last arrived, about; null: none has that the log still knows of. Versions before do not say. */
  lastDeliveredAt?: number | null;
  /** The attempt that failed last, while attempts fail; null: none has, or the log does not have it any more. Versions before do not say. */
  lastFailure?: LastFailure | null;
  /** The outage that goes on, or the last one that is over; null: none is known of. Versions before do not say. */
  outage?: ReturnType<typeof latestOutage>;
}

/**
 * What is answered to who asks for a recovery or a cancellation: how many deliveries it is of, or why nothing begins.
 * - `too_many_to_count`: they cannot be counted in the time that a call has.
 * - `too_many_under_way`: so many are under way that no further one is taken.
 */
export type BulkAnswer = number | 'too_many_to_count' | 'too_many_under_way';

/** What is answered to the cron. (That of the version before takes it for a yes: it looks after an idle outbox once more.) */
export interface PokedOutbox extends Figures {
  /** Null: nothing waits. */
  waiting: WaitingOutbox | null;
}

/** How a webhook is doing, for a list of webhooks. */
export interface OutboxActivity {
  status: OutboxStatus;
  /** Of the last 24 hours; null where there is more to count than one call has time for: ask again. */
  statistics: Statistics | null;
  newest: DeliverySummary | null;
}

/**
 * One webhook's deliveries, from the first attempt on: decided, made and kept here. It is a shell: states are domain/delivery/lifecycle.ts, what
 * begins when is Dispatcher, what is in memory is Fresh, rows are Store.
 *
 * What it keeps to: what is not in the rows is in a message of the queue, which is acknowledged only when deliver() has answered. While
 * anything that is in the rows waits or runs an alarm is set, or runs. The object can vanish between any two awaits; what ran then is
 * noted with what waits.
 */
export class Outbox extends DurableObject<Env> {
  readonly #store: Store;
  readonly #vitals: Vitals;
  readonly #ledger: Ledger;
  readonly #fresh: Fresh;
  readonly #usedValues: UsedValues;
  readonly #intake: Intake;
  readonly #dispatcher: Dispatcher;
  readonly #byHand: ByHand;
  readonly #log: OutboxLog;
  readonly #pastEvents: PastEvents;
  readonly #statistics: OutboxStatistics;
  readonly #usage: OutboxUsage;
  readonly #untoldUse: UntoldUse;
  readonly #reports: Reports;
  readonly #health: EndpointHealth;
  readonly #bulk: Bulk;
  readonly #entries: AuditEntries;
  readonly #retention: Retention;
  readonly #pastTests: PastTests;
  readonly #webhook: WebhookMemory;
  readonly #webhookId: string;
  readonly #alarm: OutboxAlarm;
  readonly #ended: Ended;
  /** How long an attempt can take until it is recorded. */
  readonly #attemptMs: number;
  #alarmRuns = false;
  /** Calls of deliver() under way. */
  #calls = 0;
  /** Nothing is kept here any more, and nothing is to be: the webhook has been deleted. */
  #erased = false;
  /** What the object before this one has left on its way is in the rows. */
  #hasTakenOver = false;

  constructor(ctx: DurableObjectState, bindings: Env) {
    const env = inJurisdiction(bindings);
    super(ctx, env);
    const { storage } = ctx;
    const settings = settingsOf(env);
    // An outbox is addressed by its webhook's id; should an alarm come without it, a configuration has been seen.
    this.#webhookId = ctx.id.name ?? WebhookMemory.lastKnown(storage.kv)?.webhook.id ?? '';
    this.#ended = new Ended(this.#webhookId);
    this.#attemptMs = longestAttemptMs(settings.deliveryTimeoutMs);
    this.#alarm = new OutboxAlarm(storage);
    this.#webhook = new WebhookMemory(storage.kv, env.DB, this.#webhookId);
    this.#store = new Store(storage);
    const countWaiting = () => {
      const inMemory = this.#fresh.stored().length;
      return Math.min(this.#store.countDueUpTo(MAX_COUNTED_WAITING) + inMemory, MAX_COUNTED_WAITING);
    };
    this.#reports = new Reports(storage.kv, env, this.#webhookId, countWaiting);
    this.#vitals = new Vitals(storage.kv);
    this.#ledger = new Ledger(this.#store, { scheduleMs: settings.retryScheduleMs, random: Math.random });
    const known = this.#webhook.latest();
    if (known) this.#ledger.adopt(known.webhook);
    this.#fresh = new Fresh(this.#store, this.#ledger);
    this.#usedValues = new UsedValues(storage.kv, this.#store, this.#webhookId);
    const retentionMs = () => keptMs(settings, this.#webhook.latest()?.plan);
    const retention = { retentionMs, maxBytes: MAX_BYTES };
    this.#retention = new Retention(storage, this.#store, this.#usedValues, retention);
    this.#pastTests = new PastTests(storage.kv, this.#store);
    this.#entries = new AuditEntries(storage.kv, env.DB, this.#webhookId);
    const { circuitThreshold: threshold, circuitProbeMs: probeMs, disableAfterMs } = settings;
    const keepAwake = (work: Promise<unknown>) => ctx.waitUntil(work);
    const sender = new Sender(settings, env.LISTENER);
    const pace = new EndpointPace(this.#vitals.circuit.health !== 'healthy');
    const books = { store: this.#store, ledger: this.#ledger, fresh: this.#fresh, vitals: this.#vitals };
    this.#health = new EndpointHealth({ ...books, pace, reports: this.#reports }, { threshold, probeMs, disableAfterMs });
    const renderer = new Renderer(books);
    const parts = { ...books, pace, renderer, health: this.#health, ended: this.#ended };
    const places = new Places(settings.maxConcurrency, { sender, couriers: env.COURIER, attemptMs: this.#attemptMs });
    this.#intake = new Intake({
      ...parts,
      admission: new Admission(this.#store),
      usedValues: this.#usedValues,
      sift: (news, now) => this.#bulk.erasures.sift(news, now),
    });
    this.#bulk = new Bulk(
      storage.kv,
      {
        ...{ store: this.#store, ledger: this.#ledger, usedValues: this.#usedValues, d1: env.DB, webhookId: this.#webhookId },
        configuration: () => this.#freshConfiguration(),
        take: (config, delivery, now) => this.#intake.takeToRows(config, delivery, now),
      },
      (id) => this.#fresh.get(id) !== undefined || this.#dispatcher.runner.runningNow(id) !== null,
    );
    this.#dispatcher = new Dispatcher(
      { ...parts, places },
      {
        now: () => Date.now(),
        recentConfiguration: () => {
          const recent = this.#webhook.recent(Date.now());
          return recent && this.#usable(recent);
        },
        readConfiguration: () => this.#configuration(),
        freshConfiguration: () => this.#freshConfiguration(),
        erase: async () => {
          await this.#erase();
        },
        endSome: (about, now) => this.#bulk.endSome(about, now),
        arm: () => {
          keepAwake(this.#armInTime());
          this.#tellEnded();
        },
        keepAwake,
        faulted: (error) => {
          logError('outbox.faulted', withoutParameters(error), { webhook: this.#webhookId });
          // The fault may be the configuration's (a secret that does not open).
          this.#webhook.refresh(Date.now());
        },
      },
    );
    const tests = new TestLimit(storage.kv);
    this.#byHand = new ByHand(
      {
        ...{ ...books, runner: this.#dispatcher.runner, renderer, sender, tests },
        eraseSome: (about, now) => this.#bulk.eraseSome(about, now),
        sift: (news, now) => this.#bulk.erasures.sift(news, now),
      },
      () => this.#freshConfiguration(),
    );
    this.#log = new OutboxLog(this.#store, this.#fresh, (id) => this.#dispatcher.runner.runningNow(id));
    this.#pastEvents = new PastEvents(this.#store, this.#fresh, this.#log);
    this.#statistics = new OutboxStatistics(this.#store, () => this.#fresh.stored().length);
    this.#usage = new OutboxUsage(this.#store, this.#fresh);
    const { retentionMs: mostKeptMs } = settings;
    this.#untoldUse = new UntoldUse(storage.kv, env.DB, this.#usage, { retentionMs: mostKeptMs, webhookId: this.#webhookId });
    // Alarms have been reported not to fire for days: whatever loads the object sets a missing one.
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      this.#takeOver(Date.now());
      await this.#arm();
    });
  }

  /**
   * Takes what a batch has for the webhook: attempts it, and answers when all of it is in the log or in the rows. What is known already is
   * not attempted again: a call whose answer was lost is made once more. Throws where it cannot be kept; the queue brings it again then.
   * @param given the configuration as the consumer has read it
   * @param readAt when it was read; milliseconds since the epoch
   * @returns what has ended here since it was last told
   */
  async deliver(given: OutboxConfig, deliveries: readonly NewDelivery[], readAt: number): Promise<Figures> {
    this.#calls++;
    try {
      await this.#deliver(given, deliveries, readAt);
      return this.#ended.take(this.#health.circuit);
    } finally {
      this.#calls--;
    }
  }

  async #deliver(given: OutboxConfig, deliveries: readonly NewDelivery[], readAt: number): Promise<void> {
    this.#dispatcher.renew();
    const now = Date.now();
    if (now - readAt > STALE_FROM_MS && this.#store.isEmpty && (await this.#webhook.isGone())) return;
    if (!this.#hasTakenOver) throw new Error('the outbox cannot write what the object before it has left');
    this.#erased = false;
    const config = await this.#withChoices(given);
    this.#webhook.offer(config, readAt);
    this.#adopt(this.#webhook.recent(now) ?? config);
    await this.#intake.makeSure(now);
    this.#usedValues.adopt(config.webhook.choices, readAt);
    const brought = this.#intake.take(this.#usable(this.#webhook.recent(Date.now()) ?? config), deliveries, Date.now());
    this.#dispatcher.pump();
    await this.#intake.patience(brought);
    // The webhook has been deleted meanwhile: nothing of it is to be left.
    if (this.#erased) return;
    this.#dispatcher.keep(brought);
    this.#vitals.save();
    this.#retention.plan(Date.now());
    this.#tellBusy();
    await this.#arm();
  }

  /**
   * Takes what an isolate tells of events that the webhook's filter has kept back. It is best effort: who calls drops what cannot be kept, and an
   * erased outbox stays empty.
   */
  async tellSkipped(bundle: FilteredBundle): Promise<void> {
    if (this.#store.isEmpty && !(await this.#webhook.read(Date.now()))) return;
    if (this.#erased) return;
    this.#store.addFiltered(withoutSubjects(bundle, this.#bulk.erasures.subjectsForgottenUntil));
    // The sweep forgets it in time, whatever else comes.
    this.#retention.plan(Date.now());
    await this.#arm();
  }

  /** The latest events that the webhook's filter or `once` has kept back, the latest first. @param q of them those that are about this */
  skipped(q?: string): SkippedEvent[] {
    if (this.#store.isEmpty) return [];
    const all = [...this.#store.filtered.latest(), ...this.#store.repeated.latest()].sort(latestFirst).slice(0, MAX_SKIPPED);
    const needle = q === undefined ? null : new Needle(q);
    return needle ? all.filter((each) => isAbout(each, needle)) : all;
  }

  /** A page of the log, newest first. It reads a bounded number of rows, so that it can be short and still have a next one. */
  list(filter: DeliveryFilter, limit: number, after: DeliveryPosition | null, effort?: Effort): DeliveryPage {
    // A whole id is looked up, however far back it is.
    const known = filter.q === undefined ? null : (this.#log.find(filter.q) ?? this.#log.find(deliveryId(filter.q, this.#webhookId)));
    const page = known ? this.#log.pageOfOne(known, filter) : this.#log.page(filter, limit, after, effort);
    return { ...page, keptSince: this.#retention.keptSince() };
  }

  /** What stands above and below a delivery in a filtered list (outbox/log/log.ts). */
  neighbours(id: string, filter: DeliveryFilter): { newer: string | null; older: string | null } {
    return this.#log.neighbours(id, filter);
  }

  /** One delivery without its payload and attempts. */
  summary(id: string): DeliverySummary | null {
    return this.#log.summary(id);
  }

  /** One delivery with its payload and attempts. */
  find(id: string): DeliveryDetail | null {
    return this.#log.detail(id);
  }

  /** One attempt of a delivery now, whatever the circuit says; it goes on after the answer. Throws where it cannot be signed. */
  async retryNow(id: string): Promise<RetryResult> {
    this.#dispatcher.renew();
    const { result, running } = await this.#byHand.retry(id);
    if (running !== undefined) this.ctx.waitUntil(running);
    await this.#arm();
    return result;
  }

  /**
   * Makes a delivery of a sample event, attempts it once and answers when the attempt has ended; it is in the log from then on. Null: the
   * webhook is deleted, or nothing could be sent. (Workers of the version before, and after it, tell the results apart by what is in them.)
   */
  async sendTest(delivery: NewDelivery): Promise<TestResult | null> {
    this.#dispatcher.renew();
    this.#erased = false;
    const { isLogged, waitMs } = await this.#byHand.test(delivery, Date.now());
    if (this.#erased) return null;
    this.#retention.plan(Date.now());
    await this.#arm();
    if (waitMs > 0) return { waitMs };
    return isLogged ? this.#log.detail(delivery.id) : null;
  }

  /** As Workers of the version before ask: what failed or was discarded of a span of time starts over. */
  async recover(since: number, until: number): Promise<number | null> {
    const answer = await this.recoverSelected({ since, until });
    return typeof answer === 'number' ? answer : null;
  }

  /**
   * What has ended of a selection starts over, at a rising pace; durable when it returns.
   * @param entry of the audit log, which is added with it
   * @returns how many deliveries that is, or why nothing begins
   */
  async recoverSelected(selection: RecoverySelection, entry?: AuditEntry): Promise<BulkAnswer> {
    this.#fresh.keepEnded();
    const count = await this.#bulk.countRecovery(selection, Date.now());
    if (count === null) return 'too_many_to_count';
    if (count === 0 || !(await this.#freshConfiguration())) return 0;
    if (!this.#bulk.takesRecovery) return 'too_many_under_way';
    const now = Date.now();
    this.#withEntry(entry && withCount(entry, count), now, () => this.#bulk.recover(selection, count, now));
    this.#health.drainGently(this.#webhookId);
    this.#vitals.save();
    this.ctx.waitUntil(this.#reports.busy(now));
    await this.#entries.flush(now);
    await this.#arm();
    return count;
  }

  /** How many deliveries a recovery would start over; null where there are more than one call has time for. */
  async countRecovery(selection: RecoverySelection): Promise<number | null> {
    this.#fresh.keepEnded();
    return await this.#bulk.countRecovery(selection, Date.now());
  }

  /**
   * What waits of a selection is not attempted any more; durable when it returns. An attempt that runs is left to end.
   * @param entry of the audit log, which is added with it
   * @returns how many deliveries that is, or why nothing begins
   */
  async cancel(selection: CancellationSelection, entry: AuditEntry): Promise<BulkAnswer> {
    this.#fresh.keepAll(Date.now());
    const count = await this.#bulk.countCancellation(selection);
    if (count === null) return 'too_many_to_count';
    if (count === 0) return 0;
    if (!this.#bulk.takesCancellation) return 'too_many_under_way';
    const now = Date.now();
    this.#withEntry(withCount(entry, count), now, () => this.#bulk.cancel(selection, now));
    await this.#entries.flush(now);
    await this.#arm();
    return count;
  }

  /** How many deliveries a cancellation would end; null where there are more than one call has time for. */
  async countCancellation(selection: CancellationSelection): Promise<number | null> {
    this.#fresh.keepAll(Date.now());
    return await this.#bulk.countCancellation(selection);
  }

  /** One delivery that waits is not attempted any more. */
  async cancelOne(id: string, entry: AuditEntry): Promise<CancelResult> {
    const now = Date.now();
    // Before, and for good: what waits in memory gets its rows, and they must not be undone with what follows.
    this.#fresh.keepAll(now);
    const result = this.#withEntry(
      entry,
      now,
      () => this.#byHand.cancel(id, now),
      ({ kind }) => kind === 'canceled',
    );
    await this.#entries.flush(now);
    await this.#arm();
    return result;
  }

  /** The latest cancellations and how far they have come, newest first. */
  cancellations(): Cancellation[] {
    return this.#bulk.cancellations;
  }

  /** Erases a person from everything that is kept here; durable when it returns, and once however often it is asked for. */
  async erasePerson(request: ErasureRequest): Promise<void> {
    if (!(await this.#freshConfiguration())) return;
    this.#erased = false;
    this.#fresh.spill(Date.now());
    const inMemory = new Set([...this.#fresh.ids, ...this.#dispatcher.runner.ids]);
    this.#bulk.erasures.request(request, [...inMemory], Date.now());
    this.ctx.waitUntil(this.#reports.busy(Date.now()));
    this.#retention.plan(Date.now());
    await this.#arm();
  }

  /** What a filter and a form would have made of the latest events in the log. Nothing is sent, and nothing kept. */
  async preview(request: PreviewRequest): Promise<PastPreview> {
    return await this.#pastEvents.preview(request);
  }

  /** Counts of a period; null where there is more to count than one call has time for: ask again. */
  async statistics(period: Period): Promise<Statistics | null> {
    return await this.#statistics.of(period, Date.now());
  }

  /**
   * What was used, by day, as far back as days can still change; null where there is more to count than one call has time for: ask again.
   * @param from the first day that is asked for
   */
  async usage(from?: number): Promise<OutboxUse | null> {
    const now = Date.now();
    return await this.#usage.since(firstOpenDay(now, settingsOf(this.env).retentionMs), now, from);
  }

  /** How the webhook is doing, in one call. */
  async activity(): Promise<OutboxActivity> {
    const [newest = null] = this.#log.page({}, 1, null).deliveries;
    return { status: this.status(), statistics: await this.statistics('24h'), newest };
  }

  /** The latest recoveries and how far they have come, newest first. */
  recoveries(): Recovery[] {
    return this.#bulk.recoveries;
  }

  /** Erases what a delivery carried, once it has ended. @param entry of the audit log, which is added where there was something to erase */
  async erasePayload(id: string, entry?: AuditEntry): Promise<ErasureResult> {
    if (this.#fresh.get(id)) this.#fresh.keepEnded();
    if (this.#fresh.get(id) || this.#dispatcher.runner.runningNow(id)) return 'unfinished';
    const now = Date.now();
    const isErased = this.#store.payloadErasedAt(id) !== null;
    const result = this.#withEntry(
      entry,
      now,
      () => this.#ledger.erasePayload(id, now),
      (each) => each === 'erased' && !isErased,
    );
    await this.#entries.flush(now);
    await this.#arm();
    return result;
  }

  /** The webhook's secrets were sealed anew: what is kept of its configuration for an outage of D1 must not need the old key. */
  resealed(config: OutboxConfig): void {
    if (WebhookMemory.lastKnown(this.ctx.storage.kv)) this.#webhook.replace(config, Date.now());
    else this.#webhook.refresh(Date.now());
  }

  /** Forgets everything: the webhook has been deleted. Throws where it has to be done again: D1 could not be told what was used. */
  async erase(): Promise<void> {
    if (!(await this.#erase())) throw new Error('D1 could not be told what was used');
  }

  /** Sets the alarm anew, where it should have fired. Returns what waits, and what has ended since that was last told. */
  async poke(): Promise<PokedOutbox> {
    const now = Date.now();
    const dueAt = this.#workDueAt(now);
    if (dueAt === null) {
      this.#reports.idle();
      return { waiting: null, ...this.#ended.take(this.#health.circuit) };
    }
    // An alarm that the platform holds but does not fire is set again: one row, and it starts anew.
    if (dueAt <= now) this.#alarm.forget();
    await this.#arm();
    return { waiting: this.#waiting(dueAt), ...this.#ended.take(this.#health.circuit) };
  }

  /** What waits here, and why, as far as a few rows tell. */
  #waiting(workDueAt: number): WaitingOutbox {
    const { circuit } = this.#health;
    const { health, failingSince, lastFailed } = circuit;
    const failure = failingSince !== null && lastFailed ? this.#log.lastFailureOf(lastFailed) : null;
    return {
      webhookId: this.#webhookId,
      waiting: this.#store.countDueUpTo(MAX_POKED_WAITING),
      dueAt: this.#dispatcher.dueAt() ?? workDueAt,
      health,
      failingSince,
      cause: failure?.cause ?? null,
      status: failure?.status ?? null,
    };
  }

  /** The webhook's owner changed it: what waits may be attempted at once, so the configuration is read now. */
  async reconfigured(): Promise<void> {
    this.#webhook.refresh(Date.now());
    if (this.#dispatcher.dueAt() === null) return;
    this.#alarm.forget();
    await this.#alarm.setBy(Date.now());
  }

  /** How the endpoint stands: its health, since when, when the next probe of an open circuit goes out, and when it last took a delivery. */
  status(): OutboxStatus {
    const { circuit } = this.#health;
    const { health, since, probeAt, lastFailed } = circuit;
    const lastFailure = lastFailed ? this.#log.lastFailureOf(lastFailed) : null;
    const lastDeliveredAt = this.#health.lastAcknowledgedAt();
    return { health, since, nextProbeAt: probeAt, lastDeliveredAt, lastFailure, outage: latestOutage(circuit) };
  }

  override async alarm(): Promise<void> {
    this.#alarm.forget();
    this.#alarmRuns = true;
    this.#dispatcher.renew();
    await this.#keepHouse();
    let mails = Promise.resolve();
    try {
      this.#takeOver(Date.now());
      await this.#markPastTests();
      await this.#report();
      // Beside the attempts: a mail takes longer than most of them.
      mails = this.#reports.mail(Date.now()).catch((error) => this.#dispatcher.fault(error));
      await this.#goOnWithBulk();
      this.#dispatcher.pump();
      // What falls due while these run is attempted then.
      await this.#arm();
      await this.#dispatcher.idle(ALARM_WAIT_MS);
      // What the attempts showed of the endpoint.
      await this.#report();
    } catch (error) {
      // Not thrown on: a throwing alarm is tried six times more and then never again (Durable Objects).
      this.#dispatcher.fault(error);
    } finally {
      // Should the object vanish before, the platform runs the alarm again: what is still to be mailed is not forgotten.
      await mails;
      this.#alarmRuns = false;
    }
    this.#tellEnded();
    // Once more: an attempt that was being made looked for its row, and made the schema anew.
    if (this.#erased) {
      await this.#erase();
      return;
    }
    await this.#arm();
    this.#dispatcher.rest();
    this.#tellBusy();
  }

  /** Before all work, and apart from it: in a full outbox nothing else succeeds. */
  async #keepHouse(): Promise<void> {
    try {
      if ((this.#retention.dueAt() ?? Number.POSITIVE_INFINITY) <= Date.now()) await this.#learnPlan();
      await this.#retention.sweep(Date.now());
    } catch (error) {
      logError('outbox.not_swept', error, { webhook: this.#webhookId });
    }
  }

  /**
   * Where plans keep less than the deployment does: an idle outbox has not read its configuration for long, and what a higher plan keeps must not go
   * by the former one. Where it cannot be read, or is not there any more, the last known plan stands.
   */
  async #learnPlan(): Promise<void> {
    if (!Object.values(settingsOf(this.env).quotas).some(({ keptDays }) => keptDays !== null)) return;
    await this.#configuration().catch(() => null);
  }

  async #report(): Promise<void> {
    await this.#entries.flush(Date.now());
    const disabledSince = await this.#reports.flush(Date.now());
    if (disabledSince === null) return;
    // The webhook is disabled now: what is known of it says otherwise.
    this.#webhook.refresh(Date.now());
    // Its owner may have enabled it since: then nothing is decided yet.
    if (disabledSince !== this.#vitals.freshSince) return;
    this.#vitals.disabled();
    this.#vitals.save();
  }

  async #markPastTests(): Promise<void> {
    for (let steps = 0; steps < MARK_STEPS && this.#pastTests.areUnmarked; steps++) {
      this.#pastTests.step();
      await scheduler.wait(0);
    }
  }

  /** What is asked of many deliveries. What the object before has left on its way would be passed by while it is not in the rows. */
  async #goOnWithBulk(): Promise<void> {
    if (!this.#hasTakenOver) return;
    await this.#bulk.goOn(() => permission(this.#health.circuit, Date.now()).kind === 'hold');
    await this.#bulk.erasures.settle(Date.now());
  }

  /** What the object before this one has left: what it had begun counts as interrupted, what it was about to begin waits in rows. */
  #takeOver(now: number): void {
    if (this.#hasTakenOver) return;
    try {
      if (!this.#store.isEmpty) this.#takeLeft(now);
      this.#hasTakenOver = true;
    } catch (error) {
      // Storage that is full: the alarm makes room first, and tries again, no sooner than after any fault of ours.
      this.#dispatcher.fault(error);
    }
  }

  #takeLeft(now: number): void {
    this.#store.atomically(() => {
      this.#ledger.addLeft(this.#store.archive.takeOpen(), now);
      for (const attempt of this.#vitals.running) this.#ledger.interruptNoted(attempt, now);
    });
    for (const { id } of this.#vitals.running) this.#vitals.ended(id);
    this.#vitals.save();
  }

  /** Where deliveries wait in rows, D1 notes it, for the cron. */
  #tellBusy(): void {
    if (this.#dispatcher.dueAt() !== null) this.ctx.waitUntil(this.#reports.busy(Date.now()));
  }

  /** The Meter is told of what has ended, unless a call takes it along with its answer, or there is soon more to tell. */
  #tellEnded(): void {
    if (this.#calls > 0 || this.#alarmRuns) return;
    if (!this.#dispatcher.runner.isAtRest && !this.#ended.isOverdue(Date.now())) return;
    this.ctx.waitUntil(this.#ended.tell(this.env, this.#health.circuit));
  }

  /** When work is due: an attempt or probe, what runs should this object vanish, a report, a recovery's next step. */
  #workDueAt(now: number): number | null {
    const permitted = permission(this.#health.circuit, now);
    const latest = this.#webhook.latest();
    // What is not to be attempted any more is discarded when it falls due, whatever the circuit says.
    const isHeld = permitted.kind === 'hold' && !(latest && whyNotDelivered(this.#usable(latest)));
    const { notBefore } = this.#vitals;
    const held = (at: number | null) => at && Math.max(at, notBefore, isHeld ? permitted.until : 0);
    // What is in memory alone needs none: the queue's message covers it, and each setting is a row.
    const isUnderWay = this.#dispatcher.runner.runsStored || this.#fresh.hasStored;
    return earliest([
      held(this.#dispatcher.dueAt()),
      isUnderWay ? now + (this.#dispatcher.isSpent ? 0 : this.#attemptMs) : null,
      this.#reports.dueAt(),
      this.#entries.dueAt(),
      this.#bulk.dueAt(now, notBefore, permitted.kind === 'hold' ? permitted.until : 0),
      this.#pastTests.areUnmarked || !this.#hasTakenOver ? Math.max(now, notBefore) : null,
    ]);
  }

  /** Sees to it that an alarm is set for when something is due, the sweep included, or earlier. */
  async #arm(): Promise<void> {
    const now = Date.now();
    const dueAt = earliest([this.#workDueAt(now), this.#retention.dueAt()]);
    if (dueAt === null) return;
    // An alarm that waits for what runs would tell it only afterwards. (The health can wait for that.)
    if (this.#alarmRuns && this.#reports.isDisablingDue(now)) this.ctx.waitUntil(this.#report());
    // While one runs it is set when that ends: should the object vanish before, the platform runs it again.
    if (!this.#alarmRuns) await this.#alarm.setBy(dueAt);
    else if (dueAt > now && dueAt <= now + AWAKE_MS) this.#dispatcher.pumpAt(dueAt);
  }

  /** The same where nobody waits for it: should it fail, an alarm that is set already, or the next call, sets it right. */
  async #armInTime(): Promise<void> {
    try {
      await this.#arm();
    } catch (error) {
      logError('outbox.not_armed', error, { webhook: this.#webhookId });
    }
  }

  /**
   * A configuration that says what its owner has chosen of what is sent. One of a consumer of the version before does not: what is sent by it would
   * be all of the event, without the owner's headers.
   */
  async #withChoices(given: OutboxConfig): Promise<OutboxConfig> {
    if (given.webhook.choices !== undefined) return given;
    try {
      return (await this.#configuration()) ?? given;
    } catch {
      // Nothing else is known of it.
      return given;
    }
  }

  /** The configuration, with the webhook disabled where it is to be and D1 could not be told yet. */
  #usable(config: OutboxConfig): OutboxConfig {
    if (!this.#reports.isToBeDisabled(config.webhook)) return config;
    return { ...config, webhook: { ...config.webhook, enabled: false } };
  }

  /** The configuration as it is now, for what a person asks for, or what may disable the webhook. */
  async #freshConfiguration(): Promise<OutboxConfig | null> {
    this.#webhook.refresh(Date.now());
    return await this.#configuration();
  }

  async #configuration(): Promise<OutboxConfig | null> {
    const config = await this.#webhook.read(Date.now());
    if (config) this.#adopt(config);
    return config;
  }

  /** What is known of the webhook is new: what depends on it is made right. */
  #adopt(config: OutboxConfig): void {
    this.#health.adopt(config);
    this.#ledger.adopt(config.webhook);
  }

  /** Does something and adds its entry of the audit log, both or neither. @param happened whether there is anything to tell of */
  #withEntry<T>(entry: AuditEntry | undefined, now: number, change: () => T, happened: (result: T) => boolean = () => true): T {
    // An outbox in which nothing was ever recorded has nothing to change, and stays empty.
    if (this.#store.isEmpty) return change();
    try {
      return this.#store.atomically(() => {
        const result = change();
        if (happened(result)) this.#entries.add(entry, now);
        return result;
      });
    } catch (error) {
      this.#bulk.reset();
      this.#entries.reset();
      throw error;
    }
  }

  /** Returns whether nothing is left to tell. */
  async #erase(): Promise<boolean> {
    // What they tell of has happened, whatever becomes of the webhook. Where D1 cannot be told, this is done again.
    await this.#entries.tellAll();
    const untold = await this.#untoldUse.tellAll(this.#webhook.latest()?.webhook.organizationId);
    // What was added meanwhile: nothing, nearly always.
    await this.#entries.tellAll();
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#erased = true;
    this.#hasTakenOver = true;
    this.#alarm.forget();
    this.#webhook.reset(Date.now());
    this.#vitals.reset();
    this.#reports.reset();
    this.#bulk.reset();
    this.#entries.reset();
    this.#retention.reset();
    this.#store.reset();
    this.#usage.reset();
    this.#usedValues.reset();
    this.#fresh.reset();
    this.#dispatcher.reset();
    if (untold.length > 0) this.#untoldUse.keep(untold);
    return untold.length === 0;
  }
}

/** An entry of the audit log that says of how many deliveries it is. */
function withCount(entry: AuditEntry, count: number): AuditEntry {
  return { ...entry, changes: { ...entry.changes, count: { from: null, to: count } } };
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((at) => at !== null);
  return known.length > 0 ? Math.min(...known) : null;
}
