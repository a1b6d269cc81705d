import { expect, test } from 'vitest';
import { buildGuides } from '../../src/commands/docs/guides.ts';
import { documentationOf } from '../../src/docs/about-page.ts';

const PAGES = '/settings/integrations/webhooks';
const built = buildGuides();

test.each([
  ['', '/docs'],
  ['/new', '/docs/webhooks'],
  ['/whk_1', '/docs/webhooks'],
  ['/whk_1/edit', '/docs/webhooks'],
  ['/whk_1/verify', '/docs/webhooks/verifying'],
  ['/whk_1/deliveries', '/docs/webhooks/missing-leads'],
  ['/whk_1/deliveries/dlv_1', '/docs/webhooks/missing-leads'],
  ['/whk_1/skipped', '/docs/filters-and-formats'],
  ['/whk_1/settings', '/docs/webhooks#what-else-you-can-set'],
  ['/whk_1/secret/rotate', '/docs/webhooks/rotating-secrets'],
  ['/whk_1/setup', '/docs/webhooks'],
  ['/whk_1/setup/test', '/docs/webhooks#see-that-it-works'],
  ['/search', '/docs/webhooks/missing-leads'],
  ['/whk_1/recover', '/docs/webhooks/retries#send-it-again'],
  ['/alerts', '/docs/webhooks/alerts'],
  ['/erasures', '/docs/webhooks/personal-data'],
  ['/audit-log', '/docs/audit-log'],
  ['/sessions', '/docs/audit-log'],
  ['/usage', '/docs/webhooks/limits#what-you-have-used'],
])('the dashboard’s page %s leads to %s, which is there', (page, documentation) => {
  expect(documentationOf(PAGES + page)).toBe(documentation);
  const [path = '', part] = documentation.split('#');
  const html = built.get(`${path.slice(1)}.html`);
  expect(html).toBeDefined();
  if (part) expect(html).toContain(`id="${part}"`);
});
