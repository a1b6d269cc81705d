import { standardKeyBytes } from './signature.ts';

/*
 * Which secrets are refused when they are saved: those that nobody can mean, because a copy went wrong or they are something else. One
 * of these would be taken, deliveries would be signed with it, and no receiver would verify any. A reason never quotes the secret.
 */

/** With fewer characters a secret is taken, and a warning is given. */
export const WEAK_BELOW_CHARACTERS = 24;

/** White space, and what is not to be seen: no-break spaces, zero-width characters, byte order marks, fillers. */
const UNSEEN = String.raw`[\s\p{Cc}\p{Cf}\u115F\u1160\u2800\u3164\uFFA0]`;
const UNSEEN_AT_ENDS = new RegExp(`^${UNSEEN}+|${UNSEEN}+$`, 'gu');
/** Of these some are part of emoji and of scripts, between other characters; the others come from copying alone. */
const UNSEEN_WITHIN = /[\p{Cc}\u2028\u2029\u00AD\u200B\u2060\uFEFF]/u;
const QUOTES: ReadonlySet<string> = new Set(['""', "''", '``', '“”', '„“', '””', '‘’', '‚‘', '’’', '«»', '»«', '‹›']);

/** Why a secret is refused, in the order in which it is looked at. */
const REFUSALS: readonly [reason: string, is: (secret: string) => boolean][] = [
  [
    'The secret begins or ends with white space or a character that is not to be seen. Leave it out.',
    (secret) => trimmedSecret(secret) !== secret,
  ],
  [
    'The secret has a line break, another control character or a zero-width character in it. Leave it out.',
    (secret) => UNSEEN_WITHIN.test(secret),
  ],
  ['The secret stands in quotes. Leave them out.', (secret) => secret.length > 1 && QUOTES.has(`${secret.at(0)}${secret.at(-1)}`)],
  [
    'The secret begins with `v1,` or `v1a,`, which is how signatures begin. Leave that out: a secret of Standard Webhooks begins with `whsec_`.',
    (secret) => /^v1a?,/i.test(secret),
  ],
  [
    'This is a key of asymmetric signatures (`whsk_`, `whpk_`), which are not used here. A secret of Standard Webhooks begins with `whsec_`.',
    (secret) => /^wh[sp]k_/i.test(secret),
  ],
  ['This is an API key of this service, not a secret of a webhook.', (secret) => /^bsk_(live|ingest)_[0-9a-f]{32}$/i.test(secret)],
  ['`whsec_` is written in lower case, with an underscore.', (secret) => /^whsec[\s_:=.-]/i.test(secret) && !secret.startsWith('whsec_')],
  ['There is something before `whsec_`. Leave it out: the secret begins with it.', (secret) => /.whsec_/i.test(secret)],
  ['Nothing follows `whsec_`.', (secret) => secret === 'whsec_'],
  [
    'What follows `whsec_` is base64url. Write it as base64: `+` for `-`, and `/` for `_`.',
    (secret) => isBadStandard(secret) && !isBadStandard(secret.replaceAll('-', '+').replace(/(?<=^whsec_.*)_/g, '/')),
  ],
  ['What follows `whsec_` is not base64.', isBadStandard],
];

/** Whether a secret says by its prefix that it is one of Standard Webhooks, and is none. */
function isBadStandard(secret: string): boolean {
  return secret.startsWith('whsec_') && standardKeyBytes(secret) === null;
}

/** Why nobody can mean this secret; null: it may be meant. */
export function whyRefused(secret: string): string | null {
  return REFUSALS.find(([, is]) => is(secret))?.[0] ?? null;
}

/** The secret without what is not to be seen at its ends: what a person pastes into a form comes with it. */
export function trimmedSecret(secret: string): string {
  return secret.replace(UNSEEN_AT_ENDS, '');
}

/** What is said of a secret that is taken and can be guessed; none: nothing. */
export function warningsOf(secret: string | null | undefined): string[] {
  if (!secret || [...secret].length >= WEAK_BELOW_CHARACTERS) return [];
  return [`The secret has fewer than ${WEAK_BELOW_CHARACTERS} characters and could be guessed. Take a longer one, or let one be made.`];
}
