/**
 * Every page of the dashboard: its route as src/dashboard/dashboard.ts names it, with the queries that show it in another way. Tests of
 * all pages go through this list, and test/dashboard/pages.test.ts asks the router whether one is missing.
 */
export const DASHBOARD_PAGES = [
  '/sign-in',
  '/sign-in?why=fresh&next=/settings/integrations/webhooks/sessions',
  '/link/:token',
  '/alerts/confirm/:token',
  '/alerts/end/:token',
  '/',
  '/search',
  '/search?q=ada',
  '/search?q=nobody',
  '/new',
  '/alerts',
  '/erasures',
  '/audit-log',
  '/audit-log?action=alerts.updated',
  '/sessions',
  '/usage',
  '/:webhookId',
  '/:webhookId/setup',
  '/:webhookId/setup/test',
  '/:webhookId/setup/done',
  '/:webhookId/verify',
  '/:webhookId/verify?for=developers',
  '/:webhookId/settings',
  '/:webhookId/pause',
  '/:webhookId/secret/rotate',
  '/:webhookId/secret/end-overlap',
  '/:webhookId/delete',
  '/:webhookId/deliveries',
  '/:webhookId/deliveries?q=nothing',
  '/:webhookId/deliveries?status=failed&response=422&range=24h',
  '/:webhookId/deliveries?event=visitor.identified&minAttempts=1&from=2026-01-01T10:00&zone=America/Argentina/ComodRivadavia',
  '/:webhookId/deliveries/retry-all?status=delivered',
  '/:webhookId/deliveries/cancel-all?status=retrying&event=visitor.identified',
  '/:webhookId/deliveries/:deliveryId',
  '/:webhookId/skipped',
  '/:webhookId/test-event',
] as const;

/** What else is read from the dashboard, and why nobody looks at it. */
export const NO_PAGES = {
  '/theme.css': 'colours',
  '/audit-log/export': 'a file',
  '/usage/export': 'a file',
  '/:webhookId/deliveries/export': 'a file',
  '/:webhookId/edit': 'leads on to the settings',
  '/:webhookId/recover': 'leads on to the failed deliveries',
} as const;

/** Where no page stands: the page that says so is a page, too. */
export const NOWHERE = '/nothing/here';

/** What the placeholders in the routes stand for. */
export interface PageValues {
  webhookId: string;
  deliveryId: string;
  /** Of a one-time link. */
  linkToken: string;
  /** Of the links in mails. */
  alertToken: string;
}

/** A page's address, without what stands before all of them. */
export function addressOf(page: string, { webhookId, deliveryId, linkToken, alertToken }: PageValues): string {
  return page
    .replace(/^\/$/, '')
    .replace(':webhookId', webhookId)
    .replace(':deliveryId', deliveryId)
    .replace(':token', page.startsWith('/link/') ? linkToken : alertToken);
}
