import type { WebhookConfig } from './webhook.ts';

/** The most former secrets of a webhook that sign beside the present one. */
export const MAX_FORMER_SECRETS = 3;

/** One of the secrets that a webhook signs with, as the database and outboxes keep it. */
export interface KeptSecret {
  /** As db/secret-box.ts seals it; anew each time, so that no two states of a webhook have the same one. */
  sealed: string;
  /** Until when a former one signs, milliseconds since the epoch; null: it is the present one. */
  endsAt: number | null;
  /** Whether the last rotation replaced it, and promised its end. */
  isPrevious: boolean;
}

/** How a webhook's secrets are kept: where only the present one signs, as `secret` alone. */
export type SecretColumns = Pick<WebhookConfig, 'secret' | 'previousSecret' | 'previousSecretExpiresAt' | 'secretRing'>;

/**
 * The secrets that sign now, the oldest first; none: deliveries are not signed.
 *
 * A version that knows no ring changes the other columns alone, and so ends what the ring promises: a ring that does not fit them is not
 * believed. Before there were rings there was one former secret at most.
 */
export function secretsOf({ secret, previousSecret, previousSecretExpiresAt, secretRing }: SecretColumns, now: number): KeptSecret[] {
  if (secret === null) return [];
  const fits = (sealed: string | null, isPresent: boolean) =>
    secretRing?.some((kept) => kept.sealed === sealed && (kept.endsAt === null) === isPresent) ?? false;
  if (secretRing && fits(secret, true) && fits(previousSecret, false)) return secretRing.filter((kept) => signs(kept, now));
  const previous = previousSecret !== null && previousSecretExpiresAt !== null;
  return [
    ...(previous ? [{ sealed: previousSecret, endsAt: previousSecretExpiresAt, isPrevious: true }] : []),
    { sealed: secret, endsAt: null, isPrevious: false },
  ].filter((kept) => signs(kept, now));
}

function signs({ endsAt }: KeptSecret, now: number): boolean {
  return endsAt === null || endsAt > now;
}

/**
 * What is kept of some secrets. The columns of before the ring have the former one whose overlap ends first: a version that knows no ring
 * signs with it, and the cron finds by it what has ended.
 */
export function columnsOf(secrets: readonly KeptSecret[]): SecretColumns {
  const [first = null] = formerOf(secrets).toSorted((a, b) => (a.endsAt ?? 0) - (b.endsAt ?? 0));
  return {
    secret: presentOf(secrets)?.sealed ?? null,
    previousSecret: first?.sealed ?? null,
    previousSecretExpiresAt: first?.endsAt ?? null,
    secretRing: first && [...secrets],
  };
}

export function presentOf(secrets: readonly KeptSecret[]): KeptSecret | undefined {
  return secrets.find(({ endsAt }) => endsAt === null);
}

export function formerOf(secrets: readonly KeptSecret[]): KeptSecret[] {
  return secrets.filter(({ endsAt }) => endsAt !== null);
}

/** A rotation to make. */
export interface Rotation {
  /** The new secret, sealed. */
  sealed: string;
  /** Until when the present one goes on signing; null: it ends now. */
  overlapEndsAt: number | null;
  /** The former secret that is to be the present one again, if it is one of those. */
  former: KeptSecret | undefined;
}

/**
 * The secrets after a rotation: the present one signs until its overlap ends, the former ones until theirs do. A former one that comes
 * back keeps its place by age: who has known it all along can go on knowing it alone. Null: more former ones would sign than may.
 */
export function rotated(secrets: readonly KeptSecret[], { sealed, overlapEndsAt, former }: Rotation): KeptSecret[] | null {
  const fresh: KeptSecret = { sealed, endsAt: null, isPrevious: false };
  const after = secrets.flatMap((kept): KeptSecret[] => {
    if (kept === former) return [fresh];
    if (kept.endsAt !== null) return [{ ...kept, isPrevious: false }];
    return overlapEndsAt === null ? [] : [{ sealed: kept.sealed, endsAt: overlapEndsAt, isPrevious: true }];
  });
  if (!former) after.push(fresh);
  return formerOf(after).length > MAX_FORMER_SECRETS ? null : after;
}

/** In the order of `webhook-signature`: the present one, then the former ones, the youngest first. */
export function inSigningOrder(secrets: readonly KeptSecret[]): KeptSecret[] {
  return [...secrets.filter(({ endsAt }) => endsAt === null), ...formerOf(secrets).toReversed()];
}
