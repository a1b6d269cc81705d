/**
 * In which form the receiver gets an event.
 * - `event`: as it was accepted, or the chosen fields of it.
 * - `flat`: one level, keys joined by `_`.
 * - `slack`, `teams`, `discord`: what the incoming webhooks of these products take.
 * - `template`: what the webhook's own template makes of it.
 */
export const FORMATS = ['event', 'flat', 'slack', 'teams', 'discord', 'template'] as const;

export type Format = (typeof FORMATS)[number];

/** Most that an event may become by being rendered, in bytes. */
export const MAX_RENDERED_BYTES = 250_000;

/** Longest template, in characters. */
export const MAX_TEMPLATE_LENGTH = 20_000;

/** Most fields that can be chosen of an event. */
export const MAX_FIELDS = 100;

/** The longest time in which a value goes out once. */
export const MAX_ONCE_DAYS = 365;

/** Of events with the same value at a path, only the first within some days goes out. */
export interface Once {
  /** A path of keys from the root of the event, such as `visitor.email`. */
  per: string;
  days: number;
  /**
   * When the owner chose this `per`, milliseconds since the epoch: chosen again after another one, or none, it starts afresh, and an outbox may
   * have seen nothing of what was between. Set with every change of `per`, and kept by one of `days`. Absent: it is not known.
   */
  since?: number;
}

/** What of an event is sent, and in which form: all that rendering needs of a webhook. */
export interface Rendering {
  /** Paths; null: all of it. */
  fields: string[] | null;
  format: Format;
  /** Liquid, where the format is `template`. */
  template: string | null;
  /** What the webhook is called in a chat: its name, or else its description, or the host of its URL. */
  name: string;
}

/** What a webhook's owner has chosen beyond what every webhook has. A webhook without any of it has null in its place. */
export interface Choices extends Rendering {
  once: Once | null;
  /** Headers of the owner's own, sealed (db/secret-box.ts): JSON of their names and values. */
  headers: string | null;
  /** Waits between attempts, in milliseconds; null: the deployment's. */
  retryScheduleMs: number[] | null;
}
