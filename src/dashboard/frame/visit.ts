import type { Context } from 'hono';
import { perform, type TypedRoute } from '../../api/route.ts';
import type { SessionView } from '../../db/dashboard-sessions.ts';
import type { OrganizationRow } from '../../db/organizations.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { grants, type KeyScope } from '../../domain/access/api-key.ts';
import { networkOf } from '../../domain/access/client-address.ts';
import { idOfSession } from '../../domain/access/dashboard-session.ts';
import { type Settings, settingsOf } from '../../settings.ts';

/** What Hono keeps of a request for a page. `visit` is there behind requireSession. */
export interface DashboardEnv {
  Bindings: Env;
  Variables: { requestId: string; visit: Visit };
}

export type PageContext = Context<DashboardEnv>;

/** A signed-in person's request. */
export interface Visit {
  /** Of the session; names it where its token must not be. */
  tokenHash: string;
  /** When the last message with a secret was left that the session has shown (flash.ts); null: it has shown none. */
  secretShownAt: number | null;
  organization: OrganizationRow;
  /** Newest first. */
  webhooks: readonly WebhookRow[];
  settings: Settings;
  nowMs: number;
  /** Whether the session's scopes include this one: for what a page offers. What it does is authorized by the route. */
  can(scope: KeyScope): boolean;
  /** Calls a route of the API as the organization: authorized, validated and refused as a request to it would be. */
  call<P extends { organizationId: string }, Q, B, S>(
    route: TypedRoute<P, Q, B, S>,
    inputs?: { params?: Omit<P, 'organizationId'>; query?: Q; body?: B },
  ): Promise<S>;
  /** As `call`, for a route that belongs to no organization. */
  callGeneral<S>(route: TypedRoute<unknown, unknown, unknown, S>): Promise<S>;
}

/** The visit of a session that was found to be alive. */
export function visitOf(c: PageContext, view: SessionView, nowMs: number): Visit {
  const { session, organization, webhooks } = view;
  const { organizationId, scopes, tokenHash, secretShownAt } = session;
  const { keyId, subject, createdAt: startedAt } = session;
  const id = idOfSession(tokenHash);
  const caller = { kind: 'organization', keyId, organizationId, scopes, session: { id, subject, startedAt } } as const;
  const waitUntil = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise);
  const network = networkOf(c.req.raw.headers);
  const surroundings = { caller, env: c.env, url: new URL(c.req.url), nowMs, network, waitUntil };
  return {
    tokenHash,
    secretShownAt,
    organization,
    webhooks,
    settings: settingsOf(c.env),
    nowMs,
    can: (scope) => grants(scopes, scope),
    call: <P, Q, B, S>(route: TypedRoute<P, Q, B, S>, inputs: { params?: Omit<P, 'organizationId'>; query?: Q; body?: B } = {}) => {
      // The organization is the session's, whatever a page says.
      const params = { ...inputs.params, organizationId } as P;
      return perform(route, { ...inputs, params }, surroundings);
    },
    callGeneral: (route) => perform(route, { params: {} }, surroundings),
  };
}
