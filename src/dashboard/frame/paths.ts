import { DASHBOARD_PATH } from '../../api/access/dashboard-links.ts';

/** Where each page stands. */
export const paths = {
  list: DASHBOARD_PATH,
  create: `${DASHBOARD_PATH}/new`,
  search: `${DASHBOARD_PATH}/search`,
  signIn: `${DASHBOARD_PATH}/sign-in`,
  signOut: `${DASHBOARD_PATH}/sign-out`,
  erasures: `${DASHBOARD_PATH}/erasures`,
  alerts: `${DASHBOARD_PATH}/alerts`,
  alertsTrial: `${DASHBOARD_PATH}/alerts/trial`,
  alertsConfirm: (token: string) => `${DASHBOARD_PATH}/alerts/confirm/${encodeURIComponent(token)}`,
  alertsEnd: (token: string) => `${DASHBOARD_PATH}/alerts/end/${encodeURIComponent(token)}`,
  theme: `${DASHBOARD_PATH}/theme.css`,
  auditLog: `${DASHBOARD_PATH}/audit-log`,
  auditLogExport: `${DASHBOARD_PATH}/audit-log/export`,
  usage: `${DASHBOARD_PATH}/usage`,
  usageExport: `${DASHBOARD_PATH}/usage/export`,
  sessions: `${DASHBOARD_PATH}/sessions`,
  endOtherSessions: `${DASHBOARD_PATH}/sessions/end-others`,
  endSession: (id: string) => `${DASHBOARD_PATH}/sessions/${encodeURIComponent(id)}/end`,
  link: (token: string) => `${DASHBOARD_PATH}/link/${encodeURIComponent(token)}`,
  webhook: (id: string, part = '') => `${DASHBOARD_PATH}/${encodeURIComponent(id)}${part && `/${part}`}`,
  delivery: (webhookId: string, id: string, part = '') =>
    `${DASHBOARD_PATH}/${encodeURIComponent(webhookId)}/deliveries/${encodeURIComponent(id)}${part && `/${part}`}`,
} as const;

/** Why somebody who is signed in has to sign in again: a secret is only for who has done so lately. */
export const FRESH = 'fresh';

/** The sign-in page, with the page to go on to. @param why FRESH, where a session goes on, but began too long ago */
export function signInPath(next: string, why?: typeof FRESH): string {
  return `${paths.signIn}?${new URLSearchParams({ next, ...(why && { why }) })}`;
}

/** Whether a form that is posted to an address holds what a person has typed: other forms are buttons. */
export function hasFields(path: string): boolean {
  return /\/(new|edit|alerts|test-event|erasures|secret\/rotate)$/.test(path);
}

/** The page that has a button, by the address that it posts to. */
export function pageOfButton(path: string): string {
  return path
    .replace(/\/sessions\/.*$/, '/sessions')
    .replace(/(?<!\/setup)\/(test|retry|trial|cancel|retry-all|cancel-all|retry-failed)$/, '')
    .replace(/\/(pause|resume|(secret|headers)\/[^/]+)$/, '/settings');
}

/** Where to go on after signing in: a page of the dashboard, and nowhere else, whatever the query said. */
export function safeNext(next: string | undefined): string {
  if (next === undefined || !next.startsWith(`${DASHBOARD_PATH}/`) || next.includes('\\')) return paths.list;
  const url = new URL(next, 'https://dashboard.invalid');
  const stays = url.origin === 'https://dashboard.invalid' && url.pathname.startsWith(`${DASHBOARD_PATH}/`);
  return stays ? url.pathname + url.search : paths.list;
}
