import { onceFor } from './once-for.ts';
import { settingsOf } from './settings.ts';

/**
 * The bindings of a deployment whose data stays in a jurisdiction (`JURISDICTION`): its objects are made there, and run there. Every way into
 * the Worker takes its bindings from here, so that nothing further in can forget it. The same name means another object in each jurisdiction:
 * one that is changed later would lose all outboxes from sight (commands/deploy.ts refuses that).
 */
export const inJurisdiction: (env: Env) => Env = onceFor((env) => {
  const { jurisdiction } = settingsOf(env);
  if (jurisdiction === null) return env;
  return {
    ...env,
    OUTBOX: env.OUTBOX.jurisdiction(jurisdiction),
    COURIER: env.COURIER.jurisdiction(jurisdiction),
    RATE_LIMITER: env.RATE_LIMITER.jurisdiction(jurisdiction),
  };
});
