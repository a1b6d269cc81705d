import { Hono } from 'hono';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { trimTrailingSlash } from 'hono/trailing-slash';
import { ApiError, notFound, toApiError } from '../api/errors.ts';
import { answerOtherMethod, methodsByPath } from '../api/methods.ts';
import { contentSecurityPolicy } from '../dashboard/frame/policy.ts';
import { inLanguage } from '../dashboard/words/language.ts';
import { settingsOf } from '../settings.ts';
import { errorPage } from './error-page.tsx';
import { showOrganization, submitPlan, submitSignInToDashboard } from './organization-page.tsx';
import { showOrganizations } from './organizations-page.tsx';
import { showOverview } from './overview-page.tsx';
import { showParked, showParkedMessage, submitDelete, submitRedrive } from './parked-pages.tsx';
import { OPERATOR_PATH } from './paths.ts';
import { showRunbook } from './runbook-page.ts';
import { type OperatorEnv, requireOperator } from './session.ts';
import { showSettings } from './settings-page.tsx';
import { showSignIn, submitSignIn, submitSignOut } from './sign-in-page.tsx';

/** The pages for whoever runs the service. They open with the platform key alone, and need no scripts; the first page, the runbook and the settings need no database. */
export const operator = new Hono<OperatorEnv>();

operator.use(async (c, next) => {
  await inLanguage('en', next);
  c.res.headers.set(
    'Content-Security-Policy',
    contentSecurityPolicy({ ...settingsOf(c.env).dashboard, logoUrl: null, frameAncestors: [] }),
  );
  // Not `no-referrer`: with that, browsers send `Origin: null` with a form, and its origin could not be checked.
  c.res.headers.set('Referrer-Policy', 'same-origin');
});
operator.use(trimTrailingSlash());
operator.use(async (c, next) => {
  const allowed = methodsAt(c.req.path.slice(OPERATOR_PATH.length) || '/');
  const isOther = allowed.length > 0 && (c.req.method === 'OPTIONS' || !allowed.includes(c.req.method));
  if (isOther) return answerOtherMethod(c.req.method, allowed);
  await next();
});
// A form of another site is refused, whatever cookies the browser sends with it.
operator.use(csrf({ origin: (origin, c) => [new URL(c.req.url).origin, settingsOf(c.env).publicUrl?.origin].includes(origin) }));
operator.onError(async (error, c) => {
  const isOtherOrigin = error instanceof HTTPException && error.status === 403;
  const shown = isOtherOrigin ? new ApiError('insufficient_scope', 'This form was sent from another site. Nothing was done.') : error;
  return await errorPage(c, toApiError(shown, c.get('requestId'), { method: c.req.method, path: c.req.path }));
});

operator.get('/sign-in', showSignIn);
operator.post('/sign-in', submitSignIn);
operator.post('/sign-out', submitSignOut);

operator.use(requireOperator);
operator.get('/', showOverview);
operator.get('/organizations', showOrganizations);
operator.get('/organizations/:organizationId', showOrganization);
operator.post('/organizations/:organizationId/plan', submitPlan);
operator.post('/organizations/:organizationId/dashboard', submitSignInToDashboard);
operator.get('/parked-messages', showParked);
operator.get('/parked-messages/:messageId', showParkedMessage);
operator.post('/parked-messages/:messageId/redrive', submitRedrive);
operator.post('/parked-messages/:messageId/delete', submitDelete);
operator.get('/settings', showSettings);
operator.get('/runbook', showRunbook);
operator.all('*', () => {
  throw notFound('page');
});

/** Of the pages, by what follows OPERATOR_PATH. */
const methodsAt = methodsByPath(operator.routes);
