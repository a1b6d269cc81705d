import { DASHBOARD_PATH } from '../api/access/dashboard-links.ts';
import { DOCS_PATH } from './contents.ts';

/** The page of the documentation that is about a page of the dashboard, by how its address ends; the first that fits. */
const ABOUT: readonly [RegExp, string][] = [
  [/^\/alerts/, '/webhooks/alerts'],
  [/^\/erasures/, '/webhooks/personal-data'],
  [/^\/(audit-log|sessions)/, '/audit-log'],
  [/^\/usage/, '/webhooks/limits#what-you-have-used'],
  [/^\/search/, '/webhooks/missing-leads'],
  [/\/verify$/, '/webhooks/verifying'],
  [/\/setup\/test$/, '/webhooks#see-that-it-works'],
  [/\/test(-event)?$/, '/webhooks/testing'],
  [/\/skipped$/, '/filters-and-formats'],
  [/\/(recover|cancel)(-all)?$/, '/webhooks/retries#send-it-again'],
  [/\/deliveries(\/|$)/, '/webhooks/missing-leads'],
  [/\/settings$/, '/webhooks#what-else-you-can-set'],
  [/\/secret\/\w+$/, '/webhooks/rotating-secrets'],
  [/^\/\w/, '/webhooks'],
];

/** Where the documentation says more about a page of the dashboard. @param path the page's address */
export function documentationOf(path: string): string {
  const [, place = ''] = ABOUT.find(([ending]) => ending.test(path.slice(DASHBOARD_PATH.length))) ?? [];
  return DOCS_PATH + place;
}
