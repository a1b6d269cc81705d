/** Where the pages for operators stand. */
export const OPERATOR_PATH = '/operator';

/** The runbook, made a page of by commands/docs: it is in the assets, and the Worker shows it to operators alone. */
export const RUNBOOK_ASSET = `${OPERATOR_PATH}/runbook`;

export const paths = {
  overview: OPERATOR_PATH,
  signIn: `${OPERATOR_PATH}/sign-in`,
  signOut: `${OPERATOR_PATH}/sign-out`,
  organizations: `${OPERATOR_PATH}/organizations`,
  organization: (id: string, part = '') => `${OPERATOR_PATH}/organizations/${encodeURIComponent(id)}${part && `/${part}`}`,
  parked: `${OPERATOR_PATH}/parked-messages`,
  parkedMessage: (id: string, part = '') => `${OPERATOR_PATH}/parked-messages/${encodeURIComponent(id)}${part && `/${part}`}`,
  settings: `${OPERATOR_PATH}/settings`,
  runbook: (heading?: string | null) => `${OPERATOR_PATH}/runbook${heading ? `#${heading}` : ''}`,
} as const;

/** Where to go on after signing in: a page for operators, and nowhere else, whatever the query said. */
export function safeNext(next: string | undefined): string {
  if (next === undefined || !next.startsWith('/') || next.includes('\\')) return paths.overview;
  const url = new URL(next, 'https://operator.invalid');
  const stays = url.origin === 'https://operator.invalid' && url.pathname.startsWith(`${OPERATOR_PATH}/`);
  return stays ? url.pathname + url.search : paths.overview;
}
