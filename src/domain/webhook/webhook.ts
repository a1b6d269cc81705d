import type { Choices } from '../rules/choices.ts';
import type { Condition } from '../rules/condition.ts';
import type { KeptSecret } from './secret-rotation.ts';

/** The most webhooks an organization can have. */
export const MAX_WEBHOOKS = 20;

/** The most attempts at a time that an owner, or a deployment, can set for one webhook. */
export const MAX_CONCURRENT = 100;

/**
 * What a webhook's recent attempts say about its endpoint.
 * - `healthy`: nothing is known against it.
 * - `failing`: attempts fail one after the other.
 * - `open`: the circuit is open: deliveries are held, and a probe goes out at growing intervals.
 */
export const HEALTHS = ['healthy', 'failing', 'open'] as const;

export type Health = (typeof HEALTHS)[number];

/**
 * Why the service itself disabled a webhook.
 * - `endpoint_gone`: its endpoint answered 410.
 * - `endpoint_failing`: nothing but failures for DISABLE_AFTER.
 */
export const DISABLED_REASONS = ['endpoint_gone', 'endpoint_failing'] as const;

export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** A webhook as deliveries need it. Secrets are sealed (db/secret-box.ts): this travels to outboxes and rests there. */
export interface WebhookConfig {
  id: string;
  organizationId: string;
  url: string;
  events: string[];
  enabled: boolean;
  secret: string | null;
  /** The former secret whose overlap ends first, and when that is. */
  previousSecret: string | null;
  previousSecretExpiresAt: number | null;
  /** All secrets, the oldest first, while former ones sign, too (domain/webhook/secret-rotation.ts). An older version's copy lacks the field, as below. */
  secretRing: KeptSecret[] | null;
  health: Health;
  /** When the health last changed, or its owner set it anew; milliseconds since the epoch. */
  healthSince: number;
  /**
   * When the owner last enabled the webhook, or pointed it elsewhere: its endpoint had a fresh start then. 0: never. An outbox keeps a copy of
   * the configuration, and one that an older version has kept lacks the field: read it with `?? 0`.
   */
  freshSince?: number;
  /** The most attempts a second that the owner wants; null: no limit. */
  maxPerSecond: number | null;
  /**
   * The most attempts at a time that the owner wants; null, or more than that: the deployment's MAX_CONCURRENCY. Tests and retries by hand do not wait for it.
   * An outbox keeps a copy of the configuration, and one of an older version lacks the field: read it with `?? null`.
   */
  maxConcurrent: number | null;
  /** When it was made; milliseconds since the epoch. An older version's copy lacks the field, as above. */
  createdAt?: number;
  /** What the owner has chosen of what is sent; null: nothing. An older version's copy lacks the field, as above. */
  choices?: Choices | null;
}

/** A webhook as consumers know it: whether an event goes to it is decided there, and its outbox is not told of the filter. */
export interface FilteredWebhook extends WebhookConfig {
  /** Absent: it wants every event that it subscribes to. */
  filter?: Condition;
}

/** The longest name of a webhook, in characters. */
export const MAX_NAME_LENGTH = 100;

/** What a webhook is called: the name that its owner gave it, or else the host of its URL. */
export function nameOf({ name, url }: { name: string | null; url: string }): string {
  return name ?? hostOf(url);
}

/** What it is called in a message that people read. A description says more than a host does. */
export function spokenNameOf({ name, description, url }: { name: string | null; description: string | null; url: string }): string {
  return name ?? (description || hostOf(url));
}

/** The host of a webhook's URL, with its port where it has one of its own: all that others may know of the URL. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? '';
}

/** Whether a subscription list (names, `*`, prefixes such as `visitor.*`) covers an event type. */
export function subscribes(events: readonly string[], eventType: string): boolean {
  return events.some((pattern) => {
    if (pattern === '*' || pattern === eventType) return true;
    return pattern.endsWith('.*') && eventType.startsWith(pattern.slice(0, -1));
  });
}
