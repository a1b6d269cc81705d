import { onceFor } from './once-for.ts';
import { settingsOf } from './settings.ts';

/** Every namespace of objects (wrangler.toml). */
const NAMESPACES = ['OUTBOX', 'COURIER', 'LISTENER', 'RATE_LIMITER', 'METER'] as const;

/**
 * The bindings of a deployment whose data stays in a jurisdiction (`JURISDICTION`): its objects are made there, and run there. Every way in (the
 * Worker's handlers, its objects, its entrypoints) takes its bindings from here, so that nothing further in can forget it. The same name means
 * another object in each jurisdiction: one that is changed later would lose all outboxes from sight (commands/deploy.ts refuses that).
 */
export const inJurisdiction: (env: Env) => Env = onceFor((env) => {
  const { jurisdiction } = settingsOf(env);
  if (jurisdiction === null) return env;
  const restricted = (name: (typeof NAMESPACES)[number]) => (env[name] as DurableObjectNamespace).jurisdiction(jurisdiction);
  return { ...env, ...Object.fromEntries(NAMESPACES.map((name) => [name, restricted(name)])) };
});
