import type { Cause, LastFailure } from '../../domain/failure.ts';

/** What a banner says is wrong, by its cause. */
export const CAUSE_TITLES: Record<Cause, string> = {
  rejects: 'Your endpoint rejects deliveries',
  has_errors: 'Your endpoint has errors',
  does_not_answer: 'Your endpoint does not answer',
  unreachable: 'Your endpoint cannot be reached',
  blocked: 'A firewall blocks deliveries',
};

/** The same in a badge. */
export const CAUSE_BADGES: Record<Cause, string> = {
  rejects: 'Rejects',
  has_errors: 'Has errors',
  does_not_answer: 'Does not answer',
  unreachable: 'Unreachable',
  blocked: 'Blocked',
};

/** The same after the name of a webhook: “CRM rejects deliveries (422)”. */
const CAUSE_SENTENCES: Record<Cause, string> = {
  rejects: 'rejects deliveries',
  has_errors: 'has errors',
  does_not_answer: 'does not answer',
  unreachable: 'cannot be reached',
  blocked: 'is behind a firewall that blocks deliveries',
};

export function causeSentence({ cause, status }: Pick<LastFailure, 'cause' | 'status'>): string {
  return status === null ? CAUSE_SENTENCES[cause] : `${CAUSE_SENTENCES[cause]} (${status})`;
}

const REDIRECT =
  'Your endpoint redirects to another address, and we do not follow redirects. Enter the address that it leads to as the URL of this webhook.';
const BEHIND =
  'A server in front of your endpoint answers, but the endpoint behind it does not. Check that it runs, and whether it was just updated.';

/** What usually helps, by what the endpoint answered. */
const HELP_BY_STATUS: Readonly<Record<number, string>> = {
  301: REDIRECT,
  302: REDIRECT,
  303: REDIRECT,
  307: REDIRECT,
  308: REDIRECT,
  400: 'Your endpoint does not understand what it gets. Compare its answer with what was sent, and check the format that you have chosen.',
  401: 'Your endpoint asks for a key or a password. Check the authentication that you have set for this webhook, or the secret that your endpoint verifies with.',
  403: 'Your endpoint does not let us in. Check what our key may do there, and whether it only accepts certain addresses.',
  404: 'There is nothing at this URL. Copy it again from the tool that receives, and check that its workflow is switched on.',
  405: 'This address does not accept POST requests. It may be a page for people: look for the webhook URL of the tool.',
  409: 'Your endpoint says that it has this record already. If that is fine, let it answer 200.',
  410: 'This address is gone for good. Create a new one in the tool that receives, and enter it here.',
  413: 'What we send is too large for your endpoint. Raise its limit, or send fewer fields.',
  415: 'Your endpoint expects another kind of content. We send JSON (application/json).',
  422: 'Your endpoint understands the delivery and refuses what is in it. Its answer says why. Add what is missing there, or filter such visitors out.',
  429: 'Your endpoint gets more than it allows. Set a limit for deliveries per second in this webhook’s settings.',
  502: BEHIND,
  503: BEHIND,
  504: BEHIND,
};

const HELP_BY_CAUSE: Record<Cause, (failure: Pick<LastFailure, 'error' | 'status'>) => string> = {
  rejects: () => 'Its answer says why. Compare it with what was sent: both are on the page of the attempt.',
  has_errors: () => 'Something breaks in your endpoint. Look into its log at the time of the attempt, fix it, and send a test.',
  does_not_answer: () =>
    'Let your endpoint answer first, and do its work afterwards. If it usually is fast, check that it is not overloaded.',
  unreachable: ({ error, status }) => unreachableHelp(error ?? '', status),
  blocked: () =>
    'Let deliveries through in the firewall in front of your endpoint: by the path of the URL, or by a header with a secret value that you add to this webhook.',
};

function unreachableHelp(error: string, status: number | null): string {
  if (status === 525 || status === 526) return 'Renew the TLS certificate of your endpoint, and check that it is for this host name.';
  if (/refused|broken off|521|route/.test(error))
    return 'Check that your server runs, and that its firewall accepts connections from the internet.';
  if (/certificate|TLS/.test(error)) return 'Check the host name in the URL, and that its TLS certificate is valid and made for that name.';
  return 'Check the host name in the URL, its DNS records, and that your server runs.';
}

/** What usually helps, in one or two sentences. */
export function helpWith(failure: Pick<LastFailure, 'cause' | 'status' | 'error'>): string {
  const { cause, status } = failure;
  const byStatus = cause === 'rejects' || cause === 'has_errors' ? HELP_BY_STATUS[status ?? 0] : undefined;
  return byStatus ?? HELP_BY_CAUSE[cause](failure);
}
