import { DASHBOARD_PATH } from '../api/dashboard-links.ts';

/** Where each page stands. */
export const paths = {
  list: DASHBOARD_PATH,
  create: `${DASHBOARD_PATH}/new`,
  signIn: `${DASHBOARD_PATH}/sign-in`,
  signOut: `${DASHBOARD_PATH}/sign-out`,
  theme: `${DASHBOARD_PATH}/theme.css`,
  link: (token: string) => `${DASHBOARD_PATH}/link/${encodeURIComponent(token)}`,
  webhook: (id: string, part = '') => `${DASHBOARD_PATH}/${encodeURIComponent(id)}${part && `/${part}`}`,
  delivery: (webhookId: string, id: string, part = '') =>
    `${DASHBOARD_PATH}/${encodeURIComponent(webhookId)}/deliveries/${encodeURIComponent(id)}${part && `/${part}`}`,
} as const;

/** The sign-in page, with the page to go on to. */
export function signInPath(wanted: URL | null): string {
  if (!wanted || wanted.pathname === paths.list) return paths.signIn;
  return `${paths.signIn}?${new URLSearchParams({ next: wanted.pathname + wanted.search })}`;
}

/** Where to go on after signing in: a page of the dashboard, and nowhere else, whatever the query said. */
export function safeNext(next: string | undefined): string {
  if (next === undefined || !next.startsWith(`${DASHBOARD_PATH}/`) || next.includes('\\')) return paths.list;
  const url = new URL(next, 'https://dashboard.invalid');
  const stays = url.origin === 'https://dashboard.invalid' && url.pathname.startsWith(`${DASHBOARD_PATH}/`);
  return stays ? url.pathname + url.search : paths.list;
}
