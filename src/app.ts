import { Hono } from 'hono';
import { auditLogRoutes } from './api/account/audit-log.ts';
import { sessionRoutes } from './api/account/sessions.ts';
import { alertRoutes } from './api/alerts.ts';
import { apiKeyRoutes } from './api/api-keys.ts';
import { bulkActionRoutes } from './api/bulk-actions.ts';
import { DASHBOARD_PATH, dashboardLinkRoutes } from './api/dashboard-links.ts';
import { deliveryRoutes } from './api/deliveries.ts';
import { deliveryActionRoutes } from './api/delivery-actions.ts';
import { deliveryExportRoutes } from './api/delivery-export.ts';
import { erasureRoutes } from './api/erasures.ts';
import { errorResponse, notFound, toApiError } from './api/errors.ts';
import { eventTypeRoutes } from './api/event-types.ts';
import { eventRoutes } from './api/events.ts';
import { exportRoutes } from './api/export.ts';
import { importRoutes } from './api/import.ts';
import { listenerRoutes, registerSocket } from './api/listeners.ts';
import { answerOtherMethod, methodsByPath } from './api/methods.ts';
import { guardOffLoopback } from './api/off-loopback.ts';
import { organizationDeliveryRoutes } from './api/organization-deliveries.ts';
import { organizationRoutes } from './api/organizations.ts';
import { parkedMessageRoutes } from './api/parked-messages.ts';
import { payloadErasureRoutes } from './api/payload-erasures.ts';
import { metricsRoutes } from './api/platform/metrics.ts';
import { platformOrganizationRoutes } from './api/platform/organizations.ts';
import { presentedKeyRoutes } from './api/presented-key.ts';
import { RateLimited, setRateLimitHeaders } from './api/rate-limit.ts';
import { type ApiEnv, type Route, register } from './api/route.ts';
import { sealedSecretRoutes } from './api/sealed-secrets.ts';
import { serviceRoutes } from './api/service.ts';
import { skippedEventRoutes } from './api/skipped-events.ts';
import { statisticsRoutes } from './api/statistics.ts';
import { wantedEventRoutes } from './api/wanted-events.ts';
import { webhookListRoutes } from './api/webhook-list.ts';
import { webhookPreviewRoutes } from './api/webhook-preview.ts';
import { webhookSecretRoutes } from './api/webhook-secrets.ts';
import { webhookTestRoutes } from './api/webhook-tests.ts';
import { webhookRoutes } from './api/webhooks.ts';
import { dashboard } from './dashboard/dashboard.ts';
import { showDocs } from './docs/pages.ts';
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
for (const path of ['/docs', '/docs/:page', '/docs/:chapter/:page']) app.get(path, showDocs);
const methodsAt = methodsByPath(app.routes);
