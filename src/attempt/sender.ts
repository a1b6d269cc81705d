import { openSecret } from '../db/secret-box.ts';
import type { AttemptTrigger } from '../domain/delivery/delivery.ts';
import { checkEndpointUrl, type EndpointUrlCheck } from '../domain/endpoint/endpoint-url.ts';
import { isListenUrl } from '../domain/endpoint/listen-url.ts';
import { inSigningOrder, secretsOf } from '../domain/webhook/secret-rotation.ts';
import { importSigningKeys, type SigningKeys } from '../domain/webhook/signature.ts';
import type { WebhookConfig } from '../domain/webhook/webhook.ts';
import { forwardingFetch } from '../listener/forwarding.ts';
import { logInfo } from '../log.ts';
import { keepNewest } from '../newest.ts';
import type { Settings } from '../settings.ts';
import { type AttemptDeps, type AttemptRequest, type AttemptResult, makeAttempt, refusedAttempt } from './attempt.ts';
import { type OwnHeaders, readOwnHeaders } from './own-headers.ts';

/** Most secrets whose imported keys a sender keeps: those of one webhook, as they were sealed of late. */
const MAX_KEYS = 20;
/** The same of own headers, which can have 20 kB. */
const MAX_OWN_HEADERS = 2;

/** What is to be sent, and as which attempt. */
export interface Sending {
  delivery: { id: string; eventId: string; event: string };
  payload: Uint8Array;
  number: number;
  trigger: AttemptTrigger;
}

/** Makes attempts: opens the webhook's secrets and own headers, checks its URL once more, posts, logs. */
export class Sender {
  readonly #settings: Settings;
  readonly #listeners: Env['LISTENER'] | undefined;
  /** Imported keys by sealed secret: opening and importing cost more than signing. */
  readonly #keys = new Map<string, Promise<SigningKeys>>();
  /** The latest URL, and whether it is one that deliveries go to: a sender has one webhook, and settings stay. */
  #checked: { url: string; result: EndpointUrlCheck } | null = null;
  /** Own headers, as they were sealed. */
  readonly #own = new Map<string, Promise<OwnHeaders>>();

  /** @param listeners where webhooks of `listen` send; absent: they do not */
  constructor(settings: Settings, listeners?: Env['LISTENER']) {
    this.#settings = settings;
    this.#listeners = listeners;
  }

  /** One attempt. It throws only where the fault is ours (a secret, or headers, that do not open). */
  async send(webhook: WebhookConfig, sending: Sending): Promise<AttemptResult> {
    const { delivery, payload, number, trigger } = sending;
    const keys = await this.#keysOf(webhook, Date.now());
    const own = await this.#ownHeadersOf(webhook);
    const { id: deliveryId, eventId, event } = delivery;
    const request = { url: webhook.url, ...keys, deliveryId, eventId, event, payload, number, trigger, own };
    const { deliveryTimeoutMs: timeoutMs } = this.#settings;
    const checked = this.#check(webhook.url);
    const deps = { fetch: this.#fetchOf(webhook), now: () => Date.now(), timeoutMs };
    const result = checked.ok ? await makeAttempt(request, deps) : refusedAttempt(request, checked.reason, Date.now());
    if (this.#settings.logAttempts === 'all' || result.record.outcome !== 'succeeded') logAttempt(webhook, sending, result);
    return result;
  }

  /** Opens what an attempt needs. It throws where that fails, which is a fault of ours. */
  async prepare(webhook: WebhookConfig): Promise<void> {
    await this.#keysOf(webhook, Date.now());
    await this.#ownHeadersOf(webhook);
  }

  /** The one place where a request leaves: over the internet, or to the `listen` command that the webhook is of. */
  #fetchOf({ id, url }: WebhookConfig): AttemptDeps['fetch'] {
    if (this.#listeners && isListenUrl(url)) return forwardingFetch(this.#listeners, id);
    return (to, init) => fetch(to, init);
  }

  /** Checked again where it is used: rules may have become stricter since it was saved. */
  #check(url: string): EndpointUrlCheck | { ok: true } {
    // It is no address that anything is sent to.
    if (this.#listeners && isListenUrl(url)) return { ok: true };
    if (this.#checked?.url === url) return this.#checked.result;
    const { publicUrl, allowInsecureEndpoints: allowInsecure } = this.#settings;
    const result = checkEndpointUrl(url, { ownHosts: publicUrl ? [publicUrl.host] : [], allowInsecure });
    this.#checked = { url, result };
    return result;
  }

  async #keysOf(webhook: WebhookConfig, now: number): Promise<Pick<AttemptRequest, 'keys' | 'oldestKey'>> {
    const [oldest, ...rest] = secretsOf(webhook, now);
    if (!oldest) return { keys: [], oldestKey: undefined };
    const order = inSigningOrder([oldest, ...rest]);
    const keys = await Promise.all(order.map(({ sealed }) => this.#keyOf(webhook.id, sealed)));
    return { keys, oldestKey: keys[order.indexOf(oldest)] };
  }

  #keyOf(webhookId: string, sealed: string): Promise<SigningKeys> {
    return this.#opened(this.#keys, MAX_KEYS, webhookId, sealed, importSigningKeys);
  }

  async #ownHeadersOf({ id, choices }: WebhookConfig): Promise<OwnHeaders | undefined> {
    if (!choices?.headers) return undefined;
    return await this.#opened(this.#own, MAX_OWN_HEADERS, id, choices.headers, readOwnHeaders);
  }

  /** What was made of something sealed when it was last opened; opens it where that is not kept. */
  #opened<T>(
    known: Map<string, Promise<T>>,
    most: number,
    webhookId: string,
    sealed: string,
    read: (text: string) => T | Promise<T>,
  ): Promise<T> {
    const kept = known.get(sealed);
    if (kept !== undefined) return kept;
    const opened = openSecret(this.#settings.masterKeys, webhookId, sealed).then(read);
    known.set(sealed, opened);
    // A fault is not kept: the next attempt tries again.
    opened.catch(() => known.delete(sealed));
    keepNewest(known, most);
    return opened;
  }
}

function logAttempt(webhook: WebhookConfig, { delivery, number, trigger }: Sending, { record }: AttemptResult): void {
  logInfo('delivery.attempted', {
    organization: webhook.organizationId,
    webhook: webhook.id,
    host: URL.parse(webhook.url)?.host,
    delivery: delivery.id,
    eventId: delivery.eventId,
    eventType: delivery.event,
    attempt: number,
    trigger,
    outcome: record.outcome,
    status: record.responseStatus,
    durationMs: record.durationMs,
    error: record.error,
  });
}
