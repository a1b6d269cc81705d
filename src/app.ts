import { Hono } from 'hono';
import { apiKeyRoutes } from './api/access/api-keys.ts';
import { DASHBOARD_PATH, dashboardLinkRoutes } from './api/access/dashboard-links.ts';
import { guardOffLoopback } from './api/access/off-loopback.ts';
import { presentedKeyRoutes } from './api/access/presented-key.ts';
import { RateLimited, setRateLimitHeaders } from './api/access/rate-limit.ts';
import { alertRoutes } from './api/account/alerts.ts';
import { auditLogRoutes } from './api/account/audit-log.ts';
import { erasureRoutes } from './api/account/erasures.ts';
import { sessionRoutes } from './api/account/sessions.ts';
import { usageRoutes } from './api/account/usage.ts';
import { bulkActionRoutes } from './api/deliveries/bulk-actions.ts';
import { deliveryRoutes } from './api/deliveries/deliveries.ts';
import { deliveryActionRoutes } from './api/deliveries/delivery-actions.ts';
import { deliveryExportRoutes } from './api/deliveries/delivery-export.ts';
import { organizationDeliveryRoutes } from './api/deliveries/organization-deliveries.ts';
import { payloadErasureRoutes } from './api/deliveries/payload-erasures.ts';
import { statisticsRoutes } from './api/deliveries/statistics.ts';
import { errorResponse, notFound, toApiError } from './api/errors.ts';
import { eventTypeRoutes } from './api/events/event-types.ts';
import { eventRoutes } from './api/events/events.ts';
import { wantedEventRoutes } from './api/events/wanted-events.ts';
import { answerOtherMethod, methodsByPath } from './api/methods.ts';
import { exportRoutes } from './api/platform/export.ts';
import { importRoutes } from './api/platform/import.ts';
import { metricsRoutes } from './api/platform/metrics.ts';
import { platformOrganizationRoutes } from './api/platform/organization-list.ts';
import { organizationRoutes } from './api/platform/organizations.ts';
import { parkedMessageRoutes } from './api/platform/parked-messages.ts';
import { serviceRoutes } from './api/platform/service.ts';
import { type ApiEnv, type Route, register } from './api/route.ts';
import { listenerRoutes, registerSocket } from './api/webhooks/listeners.ts';
import { sealedSecretRoutes } from './api/webhooks/sealed-secrets.ts';
import { skippedEventRoutes } from './api/webhooks/skipped-events.ts';
import { webhookListRoutes } from './api/webhooks/webhook-list.ts';
import { webhookPreviewRoutes } from './api/webhooks/webhook-preview.ts';
import { webhookSecretRoutes } from './api/webhooks/webhook-secrets.ts';
import { webhookTestRoutes } from './api/webhooks/webhook-tests.ts';
import { webhookRoutes } from './api/webhooks/webhooks.ts';
import { dashboard } from './dashboard/dashboard.ts';
import { SEARCH_PATH } from './docs/contents.ts';
import { showDocs } from './docs/pages.ts';
import { searchDocs } from './docs/search-page.ts';
import { mintId } from './domain/ids.ts';
import { gatheredOf } from './meter/gathered.ts';
import { operator } from './operator/operator.ts';
import { OPERATOR_PATH } from './operator/paths.ts';

const apiRoutes: readonly Route[] = [
  ...eventRoutes,
  ...wantedEventRoutes,
  ...organizationRoutes,
  ...apiKeyRoutes,
  ...presentedKeyRoutes,
  ...webhookListRoutes,
  ...webhookRoutes,
  ...listenerRoutes,
  ...webhookPreviewRoutes,
  ...webhookSecretRoutes,
  // Before those of one delivery, whose id `export` would be.
  ...deliveryExportRoutes,
  ...deliveryRoutes,
  ...organizationDeliveryRoutes,
  ...deliveryActionRoutes,
  ...bulkActionRoutes,
  ...webhookTestRoutes,
  ...skippedEventRoutes,
  ...payloadErasureRoutes,
  ...erasureRoutes,
  ...statisticsRoutes,
  ...usageRoutes,
  ...alertRoutes,
  ...dashboardLinkRoutes,
  ...sessionRoutes,
  ...auditLogRoutes,
  ...eventTypeRoutes,
  ...platformOrganizationRoutes,
  ...metricsRoutes,
  ...parkedMessageRoutes,
  ...sealedSecretRoutes,
  ...exportRoutes,
  ...importRoutes,
];

/** Every route there is, in the order of the reference. */
export const routes: readonly Route[] = [...apiRoutes, ...serviceRoutes(apiRoutes)];

export const app = new Hono<ApiEnv>();

app.use(async (c, next) => {
  c.set('requestId', mintId('request', Date.now()));
  await next();
  const { headers } = c.res;
  headers.set('X-Request-Id', c.get('requestId'));
  headers.set('X-Content-Type-Options', 'nosniff');
  if (!headers.has('Referrer-Policy')) headers.set('Referrer-Policy', 'no-referrer');
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
  const strictTransport = c.get('strictTransport');
  if (strictTransport) headers.set('Strict-Transport-Security', strictTransport);
  const rateLimit = c.get('rateLimit');
  if (rateLimit) setRateLimitHeaders(headers, rateLimit);
  gatheredOf(c.env).tellSoon(c.env, (work) => c.executionCtx.waitUntil(work), Date.now());
});
app.use(guardOffLoopback);
app.onError((error, c) => {
  // Of a key that has a count: the platform's has none.
  if (error instanceof RateLimited && c.get('rateLimit')) c.set('rateLimit', error.state);
  return errorResponse(toApiError(error, c.get('requestId'), { method: c.req.method, path: c.req.path }));
});
app.notFound((c) => {
  const allowed = methodsAt(c.req.path);
  return allowed.length > 0 ? answerOtherMethod(c.req.method, allowed) : errorResponse(notFound('route'));
});
register(app, routes);
registerSocket(app);
app.route(DASHBOARD_PATH, dashboard);
app.route(OPERATOR_PATH, operator);
// Where people type an address by hand, or half of one.
for (const path of ['/', '/settings', '/settings/', '/settings/integrations', '/settings/integrations/']) {
  app.get(path, (c) => c.redirect(DASHBOARD_PATH));
}
for (const path of ['/docs', '/health', '/openapi.json']) app.get(`${path}/`, (c) => c.redirect(path));
app.get(SEARCH_PATH, searchDocs);
for (const path of ['/docs', '/docs/:page', '/docs/:chapter/:page']) app.get(path, showDocs);
const methodsAt = methodsByPath(app.routes);
