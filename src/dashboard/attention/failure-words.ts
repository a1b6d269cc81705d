import type { Child } from 'hono/jsx';
import type { Cause, LastFailure } from '../../domain/delivery/failure.ts';
import type { DisabledReason } from '../../domain/webhook/webhook.ts';
import { rich, t } from '../words/words.tsx';

/** What a banner says is wrong, by its cause. */
export function causeTitle(cause: Cause | 'unknown'): string {
  return t(`cause.title.${cause}`);
}

/** The same in a badge. */
export function causeBadge(cause: Cause): string {
  return t(`cause.badge.${cause}`);
}

/** The same of a webhook: “CRM rejects deliveries (422)”. @param name text, or an element */
export function causeSentence(name: Child, failure: Pick<LastFailure, 'cause' | 'status'> | null): Child[] {
  return [rich(`cause.of.${failure?.cause ?? 'unknown'}`, { name }), failure?.status ? ` (${failure.status})` : ''];
}

/** Why the service disabled a webhook, as its row has it. */
export function knownReason(reason: string | null): DisabledReason {
  return reason === 'endpoint_gone' ? reason : 'endpoint_failing';
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What a server in front of the endpoint answers. */
const IN_FRONT: ReadonlySet<number> = new Set([502, 503, 504]);
/** Answers that tell by themselves what usually helps. */
const TELLING = [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429] as const;

function helpByStatus(status: number): string | null {
  if (REDIRECTS.has(status)) return t('help.redirect');
  if (IN_FRONT.has(status)) return t('help.behind');
  const telling = TELLING.find((each) => each === status);
  return telling === undefined ? null : t(`help.${telling}`);
}

function unreachableHelp(error: string, status: number | null): string {
  if (status === 525 || status === 526) return t('help.renewCertificate');
  if (/refused|broken off|521|route/.test(error)) return t('help.refused');
  return /certificate|TLS/.test(error) ? t('help.certificate') : t('help.host');
}

/** What usually helps, in one or two sentences. */
export function helpWith({ cause, status, error }: Pick<LastFailure, 'cause' | 'status' | 'error'>): string {
  switch (cause) {
    case 'rejects':
      return helpByStatus(status ?? 0) ?? t('help.rejects');
    case 'has_errors':
      return helpByStatus(status ?? 0) ?? t('help.hasErrors');
    case 'does_not_answer':
      return t('help.doesNotAnswer');
    case 'unreachable':
      return unreachableHelp(error ?? '', status);
    case 'blocked':
      return t('help.blocked');
  }
}
