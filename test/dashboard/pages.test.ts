import { expect, it } from 'vitest';
import { dashboard } from '../../src/dashboard/dashboard.ts';
import { DASHBOARD_PAGES, NO_PAGES } from '../support/dashboard-pages.ts';

it('every page that the router has is in the list that the tests of all pages go through', () => {
  const routed = dashboard.routes.filter(({ method }) => method === 'GET').map(({ path }) => path);
  const listed = DASHBOARD_PAGES.map((page) => page.replace(/\?.*$/, ''));
  expect(new Set([...listed, ...Object.keys(NO_PAGES)])).toEqual(new Set(routed));
});
