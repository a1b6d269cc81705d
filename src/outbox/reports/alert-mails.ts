import { paths } from '../../dashboard/frame/paths.ts';
import { readAlertsOfWebhook, type WebhookAlerts } from '../../db/alerts.ts';
import { withoutParameters } from '../../db/client.ts';
import { alertMail } from '../../domain/alert-mail.ts';
import type { Notice, Told } from '../../domain/event/operational-event.ts';
import { logError } from '../../log.ts';
import { mailerOf } from '../../mailer.ts';
import { settingsOf } from '../../settings.ts';
import { within } from '../../within.ts';

/** How long D1 may take. */
const D1_TIMEOUT_MS = 2_000;
/** One webhook causes at most one mail in so long; what comes meanwhile is in the next. */
export const MAIL_EVERY_MS = 3_600_000;
/** Notices that wait for a mail, at most: the newest. */
const MAX_WAITING = 20;
/** Wait before a mail is tried again: the first, and the longest. Each is twice the one before. */
const AGAIN_AFTER_MS = [60_000, 3_600_000] as const;
/** After so many tries, about a day, a mail is given up: whoever looks by then looks at the dashboard. Sooner where there is a next one. */
const MAX_TRIES = 30;

const KEY = 'alerts';

/** What is still to be mailed. */
interface State {
  /** What no mail tells of yet, oldest first. */
  waiting: Notice[];
  /** The mail that is being sent. */
  current: { notices: Notice[] /** Who has had it. */; sentTo: string[]; tries: number } | null;
  /** When the last mail was begun. */
  lastAt: number | null;
  /** When there is something to do next; null: nothing waits. */
  dueAt: number | null;
}

const NOTHING: State = { waiting: [], current: null, lastAt: null, dueAt: null };

/**
 * The mails that tell an organization's people of one webhook. What is to be mailed, and who has had it, is kept in the object: one bad address
 * does not stop the others, nor hold up the next mail, and none gets a mail again because another one failed. To whom it goes, and of what, is
 * read when it is sent. A mail is sent at least once: an object that vanishes between a mail and its note sends it again.
 */
export class AlertMails {
  readonly #kv: SyncKvStorage;
  readonly #env: Env;
  readonly #told: () => Promise<Told>;
  #known: State | undefined;
  #isSending = false;

  /** @param told what is known of the webhook */
  constructor(kv: SyncKvStorage, env: Env, told: () => Promise<Told>) {
    this.#kv = kv;
    this.#env = env;
    this.#told = told;
  }

  /** When a mail is due; null where none waits. While one is being sent that is its end's to say. */
  dueAt(): number | null {
    // A deployment without e-mail reads nothing for it.
    return this.#isSending || mailerOf(this.#env) === null ? null : this.#state().dueAt;
  }

  /** Something to be mailed. Without e-mail nothing is kept. */
  add(notices: readonly Notice[], now: number): void {
    if (mailerOf(this.#env) === null) return;
    const state = this.#state();
    const waiting = [...state.waiting, ...notices].slice(-MAX_WAITING);
    const nextAt = Math.max(now, nextAfter(state));
    // A try of the current mail can be due before.
    const dueAt = state.current && state.dueAt !== null ? Math.min(state.dueAt, nextAt) : nextAt;
    this.#put({ ...state, waiting, dueAt });
  }

  /** Sends what is due. It does not throw: what fails is sent later. */
  async send(now: number): Promise<void> {
    const { dueAt } = this.#state();
    if (this.#isSending || dueAt === null || dueAt > now) return;
    this.#isSending = true;
    try {
      await this.#send(now);
    } catch (error) {
      logError('alerts.not_sent', withoutParameters(error));
      this.#again(now);
    } finally {
      this.#isSending = false;
    }
  }

  /** The storage has been emptied. What is being sent is sent; what that leaves is erased by the alarm that has begun it. */
  reset(): void {
    this.#known = undefined;
  }

  async #send(now: number): Promise<void> {
    const mailer = mailerOf(this.#env);
    // The deployment sends no mails any more.
    if (!mailer) {
      this.#put({ ...this.#state(), waiting: [], current: null, dueAt: null });
      return;
    }
    this.#giveWay(now);
    const told = await within(D1_TIMEOUT_MS, this.#told());
    const alerts = await within(D1_TIMEOUT_MS, readAlertsOfWebhook(this.#env.DB, told.id));
    const notices = alerts && this.#begin(alerts, now);
    if (!notices) {
      this.#drop();
      return;
    }
    const parties = { product: settingsOf(this.#env).dashboard.name, organization: alerts.organization };
    let hasFailed = false;
    for (const { address, token } of alerts.addresses) {
      if (this.#state().current?.sentTo.includes(address)) continue;
      const endUrl = `${mailer.origin}${paths.alertsEnd(token)}`;
      const result = await mailer.send({ ...alertMail(parties, notices, told, endUrl, now), to: address, endUrl });
      if (result === 'failed') hasFailed = true;
      else this.#sent(address);
    }
    if (hasFailed) this.#again(now);
    else this.#end();
  }

  /**
   * Where the next mail may go out, the current one is given up for those whom it could not be sent to: they do not hold up the others. What
   * nobody has been told of is in the next one.
   */
  #giveWay(now: number): void {
    const state = this.#state();
    const { current } = state;
    if (!current || state.waiting.length === 0 || now < nextAfter(state)) return;
    const isTold = current.sentTo.length > 0;
    if (isTold) logError('alerts.given_up', `a mail could not be sent to everybody before the next one, in ${current.tries} tries`);
    const waiting = isTold ? state.waiting : [...current.notices, ...state.waiting].slice(-MAX_WAITING);
    this.#put({ ...state, waiting, current: null });
  }

  /** Makes what waits the current mail, where there is none; returns what it tells of, null: nobody is to be told of anything. */
  #begin({ addresses, events }: WebhookAlerts, now: number): Notice[] | null {
    const state = this.#state();
    const notices = (state.current?.notices ?? state.waiting).filter(({ event }) => events.includes(event));
    if (notices.length === 0 || addresses.length === 0) return null;
    if (!state.current) this.#put({ ...state, waiting: [], current: { notices, sentTo: [], tries: 0 }, lastAt: now });
    return notices;
  }

  /** Nobody is to be told of what there is. */
  #drop(): void {
    const state = this.#state();
    this.#put({ ...state, waiting: state.current ? state.waiting : [] });
    this.#end();
  }

  #sent(address: string): void {
    const state = this.#state();
    if (!state.current) return;
    this.#put({ ...state, current: { ...state.current, sentTo: [...state.current.sentTo, address] } });
  }

  /** The mail is through: what has come meanwhile is in the next one. */
  #end(): void {
    const state = this.#state();
    this.#put({ ...state, current: null, dueAt: state.waiting.length > 0 ? nextAfter(state) : null });
  }

  #again(now: number): void {
    const state = this.#state();
    const tries = (state.current?.tries ?? 0) + 1;
    if (state.current && tries >= MAX_TRIES) {
      logError('alerts.given_up', `a mail could not be sent to everybody in ${tries} tries`);
      this.#end();
      return;
    }
    const [firstMs, longestMs] = AGAIN_AFTER_MS;
    const againAt = now + Math.min(firstMs * 2 ** (tries - 1), longestMs);
    // The next mail does not wait for long tries of this one.
    const dueAt = state.waiting.length > 0 ? Math.min(againAt, Math.max(nextAfter(state), now + firstMs)) : againAt;
    this.#put({ ...state, current: state.current && { ...state.current, tries }, dueAt });
  }

  #state(): State {
    // Asked for with every batch: read once, since only this object writes it.
    this.#known ??= this.#kv.get<State>(KEY) ?? NOTHING;
    return this.#known;
  }

  #put(state: State): void {
    this.#known = state;
    this.#kv.put(KEY, state);
  }
}

/** When the next mail may be begun: 0 where there was none. */
function nextAfter({ lastAt }: State): number {
  return lastAt === null ? 0 : lastAt + MAIL_EVERY_MS;
}
