/*
 * What goes over the WebSocket of `listen`: text messages of JSON. The service sends deliveries, the command answers each with what the local
 * endpoint answered, in any order. This file is part of the Worker and of the package: it needs nothing of either.
 */

/** The command says that it is still there; the platform answers without waking the listener. */
export const PING = 'ping';
export const PONG = 'pong';
/** How often it does. */
export const PING_EVERY_MS = 10_000;

/** How much of a local answer's body is sent back: what an attempt's record keeps, and a byte that says there was more. */
export const MAX_ANSWER_BODY_BYTES = 16_001;
/** Most headers of a local answer that are sent back, and the most characters of one. As many as an attempt's record keeps. */
export const MAX_ANSWER_HEADERS = 50;
export const MAX_ANSWER_HEADER_LENGTH = 1_001;
/** The longest message that the command may send, in characters. */
export const MAX_ANSWER_LENGTH = 120_000;

/** Why the service closes a socket. The command goes on only after the codes of the WebSocket protocol itself (1006, 1012 and so on). */
export const CLOSE_CODES = {
  /** The webhook is gone: somebody deleted it, or the command was away for too long. */
  gone: 4404,
  /** The key that it was opened with does not open anything any more. */
  keyEnded: 4401,
  /** The same command, or another one, has connected in its place. */
  replaced: 4409,
} as const;

/** A delivery on its way to the command. */
export interface ForwardedDelivery {
  type: 'delivery';
  /** What its answer names. */
  id: string;
  headers: Record<string, string>;
  /** The body's bytes, as base64. */
  body: string;
}

/** What the local endpoint answered. */
export interface LocalAnswer {
  type: 'answer';
  id: string;
  status: number;
  headers: [name: string, value: string][];
  /** The first bytes of the body, as base64. */
  body: string;
}

/** There is no answer: the local endpoint could not be reached. */
export interface LocalFailure {
  type: 'failure';
  id: string;
  /** Why, in words for the developer. */
  message: string;
}

/** What the command says; null where it is nothing of this. */
export function readAnswer(message: string): LocalAnswer | LocalFailure | null {
  const value = parse(message);
  if (typeof value !== 'object' || value === null) return null;
  const { type, id, status, headers, body, message: why } = value as Record<string, unknown>;
  if (typeof id !== 'string') return null;
  if (type === 'failure') return typeof why === 'string' ? { type, id, message: why } : null;
  if (type !== 'answer' || typeof body !== 'string' || !isFinalStatus(status) || !areHeaders(headers)) return null;
  return { type, id, status, headers, body };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isFinalStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599;
}

function areHeaders(headers: unknown): headers is [string, string][] {
  return Array.isArray(headers) && headers.length <= MAX_ANSWER_HEADERS && headers.every(isPair);
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === 'string');
}
