import type { Sent } from './sending.ts';

/** What usually helps, by what the endpoint answered. */
const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'Your endpoint does not understand what is sent. Compare “What was sent” with what it expects: another format may help.',
  401: 'Your endpoint wants to know who is calling. Enter its token in Settings, under Authentication.',
  403: 'Your endpoint does not let us in. Look at its token, and at a firewall in front of it.',
  404: 'There is nothing at this URL. Copy it again from your tool, and check that the workflow behind it is switched on.',
  405: 'This URL takes no POST. Copy the webhook’s URL from your tool, not that of a page.',
  410: 'Your endpoint says that this URL is gone for good. Copy the new one from your tool.',
  415: 'Your endpoint takes no JSON at this URL.',
  422: 'Your endpoint understood the event, and rejects what is in it. Its answer below says why.',
  429: 'Your endpoint gets too much at once. Set a limit in Settings, under “Retries and pace”.',
};

/** What usually helps after a test that failed; null: it arrived, or nobody can say. */
export function adviceOf({ attempt }: Sent): string | null {
  if (attempt === null || attempt.outcome === 'succeeded') return null;
  const { responseStatus } = attempt;
  if (responseStatus === null)
    return 'Check the URL for typing errors, and that the endpoint is running and can be reached from the internet.';
  if (responseStatus >= 300 && responseStatus < 400) return 'The endpoint sends us to another URL, which we do not follow. Enter that one.';
  if (responseStatus >= 500) return 'The fault is at the endpoint’s side. Whoever looks after it finds more in its log.';
  return BY_STATUS[responseStatus] ?? null;
}
