import { Hono } from 'hono';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { trimTrailingSlash } from 'hono/trailing-slash';
import { DASHBOARD_PATH } from '../api/access/dashboard-links.ts';
import { ApiError, notFound, toApiError } from '../api/errors.ts';
import { answerOtherMethod, methodsByPath } from '../api/methods.ts';
import { settingsOf } from '../settings.ts';
import { downloadAuditLog, showAuditLog } from './account/audit-log-page.tsx';
import { showSessions, submitEndOtherSessions, submitEndSession } from './account/sessions-page.tsx';
import { sendTrial, showAlerts, submitAlerts } from './alerts/alerts-page.tsx';
import { showConfirm, showEnd, submitConfirm, submitEnd } from './alerts/link-pages.tsx';
import { retryFailed } from './attention/retry-failed.ts';
import { cancelAll, cancelOne, retryAll, showCancelAll, showRetryAll } from './bulk/bulk-pages.tsx';
import { showDeliveries } from './deliveries/deliveries-page.tsx';
import { showDelivery } from './deliveries/delivery-page.tsx';
import { downloadDeliveries } from './deliveries/export.tsx';
import { showSkipped } from './deliveries/skipped-page.tsx';
import { showErasures, submitErasure } from './erasures/erasures-page.tsx';
import { errorPage } from './frame/error-page.tsx';
import { setPolicy } from './frame/policy.ts';
import { theme } from './frame/theme.ts';
import type { DashboardEnv } from './frame/visit.ts';
import { showSearch } from './search/search-page.tsx';
import { requireScope, requireSession, toFreshSignIn } from './session/session.ts';
import { showLink, showSignIn, submitLink, submitSignIn, submitSignOut } from './session/sign-in-page.tsx';
import { showDelete, submitDelete } from './settings/delete-page.tsx';
import { revealHeaders, revealSecret } from './settings/reveal.ts';
import { showRotate, submitRotate } from './settings/rotate-page.tsx';
import { showSettings, submitEdit, toSettings } from './settings/settings-page.tsx';
import { endOverlap, showEndOverlap, showPause } from './settings/stop-pages.tsx';
import { showSetupDone } from './setup/done-step.tsx';
import { showSetup } from './setup/secret-step.tsx';
import { showSetupTest, submitSetupTest } from './setup/test-step.tsx';
import { showTest, submitTest } from './tests/test-page.tsx';
import { downloadUsage, showUsage } from './usage/usage-page.tsx';
import { showOverview } from './webhook/overview-page.tsx';
import { showVerify } from './webhook/verify-page.tsx';
import { pause, resume, retryNow, sendTest, toFailed } from './webhook/webhook-actions.ts';
import { showNew, submitNew } from './webhook/webhook-editor.tsx';
import { showList } from './webhook-list/list-page.tsx';
import { speakLanguage } from './words/chosen-language.tsx';
import { t } from './words/words.tsx';

/** The pages of Settings > Integrations > Webhooks. They work without scripts: forms are posted, and lead on to a page. */
export const dashboard = new Hono<DashboardEnv>();

// The first: what refuses a request says so in its reader's language.
dashboard.use(speakLanguage);
dashboard.use(setPolicy);
dashboard.use(trimTrailingSlash());
dashboard.use(async (c, next) => {
  const allowed = methodsAt(c.req.path.slice(DASHBOARD_PATH.length) || '/');
  const isOther = allowed.length > 0 && (c.req.method === 'OPTIONS' || !allowed.includes(c.req.method));
  if (isOther) return answerOtherMethod(c.req.method, allowed);
  await next();
});
// Before the check of where a form comes from: the mail programs that end mails with one click (RFC 8058) do not say, and have its link.
dashboard.post('/alerts/end/:token', submitEnd);
// A form of another site is refused, whatever cookies the browser sends with it.
dashboard.use(csrf({ origin: (origin, c) => [new URL(c.req.url).origin, settingsOf(c.env).publicUrl?.origin].includes(origin) }));
dashboard.onError(async (error, c) => {
  const refusedOrigin = error instanceof HTTPException && error.status === 403;
  const shown = refusedOrigin ? new ApiError('insufficient_scope', t('errors.otherOrigin')) : error;
  if (error instanceof ApiError && error.code === 'fresh_sign_in_required') return toFreshSignIn(c);
  // A link's token opens something: it is not for logs.
  const path = c.req.path.replace(/\/(link|confirm|end)\/.*/, '/$1/…');
  return await errorPage(c, toApiError(shown, c.get('requestId'), { method: c.req.method, path }));
});

dashboard.get('/theme.css', theme);
dashboard.get('/sign-in', showSignIn);
dashboard.post('/sign-in', submitSignIn);
dashboard.get('/link/:token', showLink);
dashboard.post('/link/:token', submitLink);
dashboard.post('/sign-out', submitSignOut);
dashboard.get('/alerts/confirm/:token', showConfirm);
dashboard.post('/alerts/confirm/:token', submitConfirm);
dashboard.get('/alerts/end/:token', showEnd);

dashboard.use(requireSession);
dashboard.get('/', showList);
dashboard.get('/search', showSearch);
dashboard.get('/new', requireScope('write'), showNew);
dashboard.post('/new', requireScope('write'), submitNew);
dashboard.get('/erasures', requireScope('admin'), showErasures);
dashboard.post('/erasures', requireScope('admin'), submitErasure);
dashboard.get('/audit-log', requireScope('admin'), showAuditLog);
dashboard.get('/audit-log/export', requireScope('admin'), downloadAuditLog);
dashboard.get('/usage', showUsage);
dashboard.get('/usage/export', downloadUsage);
dashboard.get('/sessions', requireScope('admin'), showSessions);
dashboard.post('/sessions/end-others', submitEndOtherSessions);
dashboard.post('/sessions/:sessionId/end', submitEndSession);
dashboard.get('/alerts', requireScope('admin'), showAlerts);
dashboard.post('/alerts', requireScope('admin'), submitAlerts);
dashboard.post('/alerts/trial', requireScope('admin'), sendTrial);
dashboard.get('/:webhookId', showOverview);
dashboard.get('/:webhookId/setup', requireScope('write'), showSetup);
dashboard.get('/:webhookId/setup/test', requireScope('write'), showSetupTest);
dashboard.post('/:webhookId/setup/test', requireScope('write'), submitSetupTest);
dashboard.get('/:webhookId/setup/done', requireScope('write'), showSetupDone);
dashboard.get('/:webhookId/edit', toSettings);
dashboard.post('/:webhookId/edit', requireScope('write'), submitEdit);
dashboard.get('/:webhookId/verify', showVerify);
dashboard.get('/:webhookId/settings', showSettings);
dashboard.get('/:webhookId/recover', toFailed);
dashboard.get('/:webhookId/pause', requireScope('write'), showPause);
dashboard.get('/:webhookId/secret/rotate', requireScope('admin'), showRotate);
dashboard.get('/:webhookId/secret/end-overlap', requireScope('admin'), showEndOverlap);
dashboard.get('/:webhookId/delete', requireScope('write'), showDelete);
dashboard.post('/:webhookId/delete', submitDelete);
dashboard.get('/:webhookId/deliveries', showDeliveries);
dashboard.get('/:webhookId/deliveries/retry-all', requireScope('write'), showRetryAll);
dashboard.get('/:webhookId/deliveries/cancel-all', requireScope('write'), showCancelAll);
dashboard.get('/:webhookId/deliveries/export', downloadDeliveries);
dashboard.get('/:webhookId/skipped', showSkipped);
dashboard.get('/:webhookId/deliveries/:deliveryId', showDelivery);

dashboard.post('/:webhookId/test', sendTest);
dashboard.get('/:webhookId/test-event', requireScope('write'), showTest);
dashboard.post('/:webhookId/test-event', requireScope('write'), submitTest);
dashboard.post('/:webhookId/deliveries/retry-all', retryAll);
dashboard.post('/:webhookId/deliveries/cancel-all', cancelAll);
dashboard.post('/:webhookId/deliveries/:deliveryId/retry', retryNow);
dashboard.post('/:webhookId/deliveries/:deliveryId/cancel', cancelOne);
dashboard.post('/:webhookId/retry-failed', retryFailed);
dashboard.post('/:webhookId/pause', pause);
dashboard.post('/:webhookId/resume', resume);
dashboard.post('/:webhookId/secret/reveal', revealSecret);
dashboard.post('/:webhookId/headers/reveal', revealHeaders);
dashboard.post('/:webhookId/secret/rotate', submitRotate);
dashboard.post('/:webhookId/secret/end-overlap', endOverlap);
dashboard.all('*', () => {
  throw notFound('page');
});

/** Of the pages, by what follows DASHBOARD_PATH. */
const methodsAt = methodsByPath(dashboard.routes);
